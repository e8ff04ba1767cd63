//! Who sends: the resource.

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use super::env::{self, Environment};
use super::list;
use crate::error::PipelineError;

// The names of OpenTelemetry's resource conventions.
pub(crate) const SERVICE_NAME: &str = "service.name";
pub(crate) const SERVICE_VERSION: &str = "service.version";
pub(crate) const SERVICE_NAMESPACE: &str = "service.namespace";
pub(crate) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(crate) const HOST_NAME: &str = "host.name";
pub(crate) const ENVIRONMENT: &str = "deployment.environment.name";

/// The defaults, over them `OTEL_RESOURCE_ATTRIBUTES`, over them
/// `OTEL_SERVICE_NAME`, over them what the builder was given, in its order.
pub(crate) fn resolve(
    code: Vec<(Key, Value)>,
    environment: &Environment,
) -> Result<Resource, PipelineError> {
    let mut resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(defaults());
    if let Some(found) = environment.text(env::RESOURCE_ATTRIBUTES)? {
        let pairs = list::pairs(&found, list::Entries::Public)?;
        resource = resource.with_attributes(
            pairs
                .into_iter()
                .map(|(key, value)| KeyValue::new(key, value)),
        );
    }
    if let Some(found) = environment.text(env::SERVICE_NAME)? {
        resource = resource.with_service_name(found.value);
    }
    Ok(resource
        .with_attributes(
            code.into_iter()
                .map(|(key, value)| KeyValue::new(key, value)),
        )
        .build())
}

fn defaults() -> [KeyValue; 8] {
    [
        KeyValue::new(SERVICE_NAME, unknown_service()),
        KeyValue::new(SERVICE_INSTANCE_ID, uuid::Uuid::new_v4().to_string()),
        KeyValue::new(HOST_NAME, host_name()),
        KeyValue::new("host.arch", host_arch(std::env::consts::ARCH)),
        KeyValue::new("os.type", os_type(std::env::consts::OS)),
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("telemetry.distro.name", "rum-trace"),
        KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
    ]
}

/// What the SDK specification wants where nobody named the service.
fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    match executable.as_deref().and_then(|path| path.file_name()) {
        Some(name) => format!("unknown_service:{}", name.to_string_lossy()),
        None => "unknown_service".to_owned(),
    }
}

fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Rust's names as the conventions spell them; others as they are.
fn host_arch(arch: &'static str) -> &'static str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

fn os_type(os: &'static str) -> &'static str {
    match os {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(resource: &Resource, key: &'static str) -> Option<String> {
        resource.get(&Key::new(key)).map(|value| value.to_string())
    }

    #[test]
    fn the_defaults_name_service_instance_host_process_and_sdk() {
        let resource = resolve(Vec::new(), &Environment::empty()).unwrap();
        assert!(
            get(&resource, SERVICE_NAME)
                .unwrap()
                .starts_with("unknown_service:")
        );
        assert!(uuid::Uuid::parse_str(&get(&resource, SERVICE_INSTANCE_ID).unwrap()).is_ok());
        assert_eq!(get(&resource, HOST_NAME), Some(host_name()));
        assert_eq!(
            resource.get(&Key::new("process.pid")),
            Some(Value::I64(i64::from(std::process::id())))
        );
        for key in [
            "host.arch",
            "os.type",
            "telemetry.sdk.name",
            "telemetry.sdk.language",
            "telemetry.sdk.version",
            "telemetry.distro.name",
            "telemetry.distro.version",
        ] {
            assert!(
                get(&resource, key).is_some_and(|value| !value.is_empty()),
                "{key}"
            );
        }
    }

    #[test]
    fn each_instance_has_an_id_of_its_own() {
        let [a, b] = [(), ()].map(|()| {
            let resource = resolve(Vec::new(), &Environment::empty()).unwrap();
            get(&resource, SERVICE_INSTANCE_ID)
        });
        assert_ne!(a, b);
    }

    #[test]
    fn code_goes_before_service_name_and_that_before_the_attributes() {
        let table = [
            (
                env::RESOURCE_ATTRIBUTES,
                "service.name=from-attributes,team=a%20b,host.name=h,process.pid=x",
            ),
            (env::SERVICE_NAME, "from-variable"),
        ];
        let environment = Environment::of(&table);
        let resource = resolve(Vec::new(), &environment).unwrap();
        assert_eq!(
            get(&resource, SERVICE_NAME).as_deref(),
            Some("from-variable")
        );
        assert_eq!(get(&resource, "team").as_deref(), Some("a b"));
        assert_eq!(get(&resource, HOST_NAME).as_deref(), Some("h"));

        let code = vec![
            (Key::new(SERVICE_NAME), Value::from("from-code")),
            (Key::new("team"), Value::from("b")),
        ];
        let resource = resolve(code, &environment).unwrap();
        assert_eq!(get(&resource, SERVICE_NAME).as_deref(), Some("from-code"));
        assert_eq!(get(&resource, "team").as_deref(), Some("b"));

        let resource = resolve(Vec::new(), &Environment::of(&table[..1])).unwrap();
        assert_eq!(
            get(&resource, SERVICE_NAME).as_deref(),
            Some("from-attributes")
        );
    }

    #[test]
    fn a_bad_list_is_an_error() {
        let environment = Environment::of(&[(env::RESOURCE_ATTRIBUTES, "team=100%")]);
        let error = resolve(Vec::new(), &environment).unwrap_err().to_string();
        assert!(
            error.contains("OTEL_RESOURCE_ATTRIBUTES") && error.contains("%25"),
            "{error}"
        );
    }
}
