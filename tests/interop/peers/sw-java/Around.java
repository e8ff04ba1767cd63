package interop;

import org.apache.skywalking.apm.agent.core.plugin.interceptor.ConstructorInterceptPoint;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.InstanceMethodsInterceptPoint;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.ClassInstanceMethodsEnhancePluginDefine;
import org.apache.skywalking.apm.agent.core.plugin.match.ClassMatch;
import org.apache.skywalking.apm.agent.core.plugin.match.NameMatch;
import org.apache.skywalking.apm.dependencies.net.bytebuddy.description.method.MethodDescription;
import org.apache.skywalking.apm.dependencies.net.bytebuddy.matcher.ElementMatcher;
import org.apache.skywalking.apm.dependencies.net.bytebuddy.matcher.ElementMatchers;

/** A plugin of the agent that puts one interceptor around one method of one class. */
abstract class Around extends ClassInstanceMethodsEnhancePluginDefine {
    private final String className;
    private final String method;
    private final String interceptor;

    Around(String className, String method, String interceptor) {
        this.className = className;
        this.method = method;
        this.interceptor = interceptor;
    }

    @Override
    protected ClassMatch enhanceClass() {
        return NameMatch.byName(className);
    }

    @Override
    public ConstructorInterceptPoint[] getConstructorsInterceptPoints() {
        return new ConstructorInterceptPoint[0];
    }

    @Override
    public InstanceMethodsInterceptPoint[] getInstanceMethodsInterceptPoints() {
        InstanceMethodsInterceptPoint point =
                new InstanceMethodsInterceptPoint() {
                    @Override
                    public ElementMatcher<MethodDescription> getMethodsMatcher() {
                        return ElementMatchers.named(method);
                    }

                    @Override
                    public String getMethodsInterceptor() {
                        return interceptor;
                    }

                    @Override
                    public boolean isOverrideArgs() {
                        return false;
                    }
                };
        return new InstanceMethodsInterceptPoint[] {point};
    }
}
