package interop;

import java.lang.reflect.Method;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.skywalking.apm.agent.core.context.CarrierItem;
import org.apache.skywalking.apm.agent.core.context.ContextCarrier;
import org.apache.skywalking.apm.agent.core.context.ContextManager;
import org.apache.skywalking.apm.agent.core.context.trace.AbstractSpan;
import org.apache.skywalking.apm.agent.core.context.trace.SpanLayer;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.EnhancedInstance;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.InstanceMethodsAroundInterceptor;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.MethodInterceptResult;
import org.apache.skywalking.apm.network.trace.component.ComponentsDefine;

/** An exit span around each request of Apache's HTTP client, which carries its context. */
public final class HttpClientPlugin extends Around {
    public HttpClientPlugin() {
        super(
                "org.apache.hc.client5.http.impl.classic.InternalHttpClient",
                "doExecute",
                "interop.HttpClientPlugin$Interceptor");
    }

    /** Loaded where the client is. */
    public static final class Interceptor implements InstanceMethodsAroundInterceptor {
        @Override
        public void beforeMethod(
                EnhancedInstance client,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                MethodInterceptResult result) {
            HttpRequest request = (HttpRequest) arguments[1];
            ContextCarrier carrier = new ContextCarrier();
            String path = request.getPath().split("\\?", 2)[0];
            AbstractSpan span =
                    ContextManager.createExitSpan(path, carrier, request.getAuthority().toString());
            span.setComponent(ComponentsDefine.HTTPCLIENT);
            SpanLayer.asHttp(span);
            CarrierItem header = carrier.items();
            while (header.hasNext()) {
                header = header.next();
                request.setHeader(header.getHeadKey(), header.getHeadValue());
            }
        }

        @Override
        public Object afterMethod(
                EnhancedInstance client,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                Object result) {
            ContextManager.stopSpan();
            return result;
        }

        @Override
        public void handleMethodException(
                EnhancedInstance client,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                Throwable error) {
            ContextManager.activeSpan().log(error);
        }
    }
}
