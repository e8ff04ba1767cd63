import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Collections;
import java.util.List;
import java.util.StringJoiner;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.EntityUtils;

/**
 * The application of the peers with a Java agent: a plain servlet in Tomcat, and Apache's HTTP
 * client. What makes it part of a trace is the agent that it is started with.
 */
public final class App extends HttpServlet {
    private static final List<String> REPORTED =
            List.of("traceparent", "tracestate", "baggage", "sw8", "sw8-correlation", "sw8-x");

    private final CloseableHttpClient client = HttpClients.createDefault();

    public static void main(String[] args) throws IOException, LifecycleException {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("interop").toString());
        Connector connector = new Connector();
        connector.setPort(0);
        connector.setProperty("address", "127.0.0.1");
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "call", new App());
        context.addServletMappingDecoded("/call", "call");
        tomcat.start();
        System.out.println("listening on http://127.0.0.1:" + connector.getLocalPort());
        tomcat.getServer().await();
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        StringJoiner answer = new StringJoiner(",", "{", "}");
        answer.add("\"service\":" + quoted(System.getenv("SERVICE_NAME")));
        answer.add("\"received\":" + received(request));
        String url = request.getParameter("next");
        if (url != null) {
            answer.add(next(url));
        }
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        response.getWriter().write(answer.toString());
    }

    private static String received(HttpServletRequest request) {
        StringJoiner received = new StringJoiner(",", "{", "}");
        for (String name : REPORTED) {
            List<String> lines = Collections.list(request.getHeaders(name));
            if (!lines.isEmpty()) {
                received.add(quoted(name) + ":" + quoted(String.join(",", lines)));
            }
        }
        return received.toString();
    }

    private String next(String url) {
        try {
            return "\"next\":"
                    + client.execute(
                            new HttpGet(url), response -> EntityUtils.toString(response.getEntity()));
        } catch (IOException error) {
            return "\"error\":" + quoted(error.toString());
        }
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
