import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;

/** What an agent does elsewhere: a span for each request that comes and each that goes. */
final class Tracing {
    /** All lines of a header: a tracestate may come in several. */
    private static final TextMapGetter<HttpExchange> HEADERS =
            new TextMapGetter<>() {
                @Override
                public Iterable<String> keys(HttpExchange exchange) {
                    return exchange.getRequestHeaders().keySet();
                }

                @Override
                public String get(HttpExchange exchange, String name) {
                    List<String> lines = exchange.getRequestHeaders().get(name);
                    return lines == null ? null : String.join(",", lines);
                }
            };

    private final TextMapPropagator propagator;
    private final Tracer tracer;

    private Tracing(OpenTelemetry openTelemetry) {
        propagator = openTelemetry.getPropagators().getTextMapPropagator();
        tracer = openTelemetry.getTracer("interop");
    }

    /** With the W3C propagators; what is still held goes out when the JVM ends. */
    static Tracing start(String service, String collector) {
        Attributes name = Attributes.of(AttributeKey.stringKey("service.name"), service);
        OtlpHttpSpanExporter exporter =
                OtlpHttpSpanExporter.builder().setEndpoint(collector + "/v1/traces").build();
        BatchSpanProcessor processor =
                BatchSpanProcessor.builder(exporter)
                        .setScheduleDelay(Duration.ofMillis(200))
                        .build();
        SdkTracerProvider provider =
                SdkTracerProvider.builder()
                        .setResource(Resource.getDefault().merge(Resource.create(name)))
                        .addSpanProcessor(processor)
                        .build();
        TextMapPropagator w3c =
                TextMapPropagator.composite(
                        W3CTraceContextPropagator.getInstance(),
                        W3CBaggagePropagator.getInstance());
        OpenTelemetrySdk sdk =
                OpenTelemetrySdk.builder()
                        .setTracerProvider(provider)
                        .setPropagators(ContextPropagators.create(w3c))
                        .build();
        Runtime.getRuntime().addShutdownHook(new Thread(sdk::close));
        return new Tracing(sdk);
    }

    /** A SERVER span, the child of the caller's. */
    HttpHandler server(HttpHandler handler) {
        return exchange -> {
            Context caller = propagator.extract(Context.root(), exchange, HEADERS);
            String path = exchange.getRequestURI().getPath();
            Span span =
                    tracer.spanBuilder(exchange.getRequestMethod() + " " + path)
                            .setParent(caller)
                            .setSpanKind(SpanKind.SERVER)
                            .setAttribute("http.request.method", exchange.getRequestMethod())
                            .setAttribute("url.path", path)
                            .startSpan();
            try (Scope scope = caller.with(span).makeCurrent()) {
                handler.handle(exchange);
                span.setAttribute("http.response.status_code", exchange.getResponseCode());
            } finally {
                span.end();
            }
        };
    }

    /** A CLIENT span, whose context goes with the request. */
    HttpResponse<String> send(HttpClient client, HttpRequest.Builder request)
            throws IOException, InterruptedException {
        Span span = tracer.spanBuilder("GET").setSpanKind(SpanKind.CLIENT).startSpan();
        try (Scope scope = span.makeCurrent()) {
            propagator.inject(Context.current(), request, HttpRequest.Builder::setHeader);
            HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
            span.setAttribute("http.response.status_code", response.statusCode());
            return response;
        } catch (IOException error) {
            span.setStatus(StatusCode.ERROR);
            throw error;
        } finally {
            span.end();
        }
    }
}
