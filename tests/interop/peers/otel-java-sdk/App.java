import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.Executors;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * The application of the OpenTelemetry Java peer without an agent: the JDK's own HTTP server and
 * client, and {@link Tracing} around both.
 */
public final class App {
    private static final List<String> REPORTED =
            List.of("traceparent", "tracestate", "baggage", "sw8", "sw8-correlation", "sw8-x");

    private static final Tracing TRACING =
            Tracing.start(System.getenv("SERVICE_NAME"), System.getenv("OTLP_HTTP"));

    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/call", TRACING.server(App::call));
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
    }

    private static void call(HttpExchange exchange) throws IOException {
        StringJoiner answer = new StringJoiner(",", "{", "}");
        answer.add("\"service\":" + quoted(System.getenv("SERVICE_NAME")));
        answer.add("\"received\":" + received(exchange));
        String query = exchange.getRequestURI().getRawQuery();
        if (query != null && query.startsWith("next=")) {
            answer.add(next(URLDecoder.decode(query.substring("next=".length()), UTF_8)));
        }
        byte[] body = answer.toString().getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static String received(HttpExchange exchange) {
        StringJoiner received = new StringJoiner(",", "{", "}");
        for (String name : REPORTED) {
            List<String> lines = exchange.getRequestHeaders().get(name);
            if (lines != null) {
                received.add(quoted(name) + ":" + quoted(String.join(",", lines)));
            }
        }
        return received.toString();
    }

    private static String next(String url) {
        try {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(20));
            return "\"next\":" + TRACING.send(CLIENT, request).body();
        } catch (IOException | InterruptedException error) {
            return "\"error\":" + quoted(error.toString());
        }
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
