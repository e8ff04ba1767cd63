//! What many spans have in common: who sent them, and what recorded them.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as Proto;

use super::value::{Attributes, Cut, MAX_KEY, block, count, text};

/// The name that the conventions give a service that tells none.
const UNKNOWN: &str = "unknown_service";

/// The entity that sent a span. All text in it is the sender's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    /// Its `service.name`.
    pub(crate) service: Arc<str>,
    pub(crate) attributes: Attributes,
    /// Attributes that the sender dropped, and what was cut here.
    pub(crate) dropped: u32,
}

/// The library that recorded a span. All text in it is the sender's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scope {
    pub(crate) name: Box<str>,
    /// `None` where none was told.
    pub(crate) version: Option<Box<str>>,
    pub(crate) attributes: Attributes,
    /// Attributes that the sender dropped, and what was cut here.
    pub(crate) dropped: u32,
}

impl Resource {
    pub(crate) fn from_proto(resource: Proto) -> Self {
        let mut cut = Cut::default();
        let attributes = Attributes::from_proto(resource.attributes, &mut cut);
        let name = attributes.text("service.name").unwrap_or(UNKNOWN);
        // It stands in every list: a page of text would be no name.
        let name = text(name.to_owned(), MAX_KEY, &mut cut);
        Self {
            service: name.into(),
            attributes,
            dropped: dropped(resource.dropped_attributes_count, cut),
        }
    }

    /// The memory it takes, in bytes, by an estimate.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + block(self.service.len()) + self.attributes.weight()
    }
}

impl Scope {
    pub(crate) fn from_proto(scope: InstrumentationScope) -> Self {
        let mut cut = Cut::default();
        let version = text(scope.version, MAX_KEY, &mut cut);
        Self {
            name: text(scope.name, MAX_KEY, &mut cut),
            version: (!version.is_empty()).then_some(version),
            attributes: Attributes::from_proto(scope.attributes, &mut cut),
            dropped: dropped(scope.dropped_attributes_count, cut),
        }
    }

    /// The memory it takes, in bytes, by an estimate.
    pub(crate) fn weight(&self) -> usize {
        let version = self.version.as_ref().map_or(0, |version| version.len());
        size_of::<Self>() + block(self.name.len()) + block(version) + self.attributes.weight()
    }
}

fn dropped(by_sender: u32, cut: Cut) -> u32 {
    let mut dropped = by_sender;
    count(&mut dropped, cut.attributes as usize);
    dropped
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

    use super::*;

    fn with_name(value: Value) -> Resource {
        Resource::from_proto(Proto {
            attributes: vec![KeyValue {
                key: "service.name".into(),
                value: Some(AnyValue { value: Some(value) }),
                ..KeyValue::default()
            }],
            ..Proto::default()
        })
    }

    #[test]
    fn a_service_is_named_by_its_resource() {
        assert_eq!(
            &*with_name(Value::StringValue("shop".into())).service,
            "shop"
        );
        assert_eq!(&*with_name(Value::IntValue(1)).service, UNKNOWN);
        assert_eq!(&*Resource::from_proto(Proto::default()).service, UNKNOWN);
        let long = with_name(Value::StringValue("x".repeat(5_000)));
        assert_eq!(long.service.len(), MAX_KEY);
        assert_eq!(
            long.attributes.text("service.name").map(str::len),
            Some(5_000)
        );
    }

    #[test]
    fn what_a_scope_tells_is_kept() {
        let scope = Scope::from_proto(InstrumentationScope {
            name: "rum-trace".into(),
            dropped_attributes_count: 3,
            ..InstrumentationScope::default()
        });
        assert_eq!(
            (&*scope.name, scope.version.as_deref(), scope.dropped),
            ("rum-trace", None, 3)
        );
        let scope = Scope::from_proto(InstrumentationScope {
            version: "0.1.0".into(),
            ..InstrumentationScope::default()
        });
        assert_eq!(scope.version.as_deref(), Some("0.1.0"));
        assert!(scope.weight() > size_of::<Scope>());
    }
}
