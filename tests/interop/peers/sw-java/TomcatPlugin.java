package interop;

import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Method;
import org.apache.skywalking.apm.agent.core.context.CarrierItem;
import org.apache.skywalking.apm.agent.core.context.ContextCarrier;
import org.apache.skywalking.apm.agent.core.context.ContextManager;
import org.apache.skywalking.apm.agent.core.context.trace.AbstractSpan;
import org.apache.skywalking.apm.agent.core.context.trace.SpanLayer;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.EnhancedInstance;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.InstanceMethodsAroundInterceptor;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.MethodInterceptResult;
import org.apache.skywalking.apm.network.trace.component.ComponentsDefine;

/** An entry span around each request that Tomcat serves. */
public final class TomcatPlugin extends Around {
    public TomcatPlugin() {
        super(
                "org.apache.catalina.core.StandardHostValve",
                "invoke",
                "interop.TomcatPlugin$Interceptor");
    }

    /** Loaded where Tomcat is. */
    public static final class Interceptor implements InstanceMethodsAroundInterceptor {
        @Override
        public void beforeMethod(
                EnhancedInstance valve,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                MethodInterceptResult result) {
            HttpServletRequest request = (HttpServletRequest) arguments[0];
            ContextCarrier carrier = new ContextCarrier();
            CarrierItem header = carrier.items();
            while (header.hasNext()) {
                header = header.next();
                header.setHeadValue(request.getHeader(header.getHeadKey()));
            }
            String operation = request.getMethod() + ":" + request.getRequestURI();
            AbstractSpan span = ContextManager.createEntrySpan(operation, carrier);
            span.setComponent(ComponentsDefine.TOMCAT);
            SpanLayer.asHttp(span);
        }

        @Override
        public Object afterMethod(
                EnhancedInstance valve,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                Object result) {
            ContextManager.stopSpan();
            return result;
        }

        @Override
        public void handleMethodException(
                EnhancedInstance valve,
                Method method,
                Object[] arguments,
                Class<?>[] types,
                Throwable error) {
            ContextManager.activeSpan().log(error);
        }
    }
}
