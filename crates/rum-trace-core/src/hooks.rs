//! The user's own functions in the request path.

use std::fmt;

use opentelemetry::KeyValue;

use crate::{RequestInfo, RumContext};

type Filter = dyn Fn(&dyn RequestInfo) -> bool + Send + Sync;
type Name = dyn Fn(&dyn RequestInfo) -> Option<String> + Send + Sync;
type Attributes = dyn Fn(&dyn RequestInfo, &RumContext, &mut Vec<KeyValue>) + Send + Sync;

#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) filter: Option<Box<Filter>>,
    pub(crate) name: Option<Box<Name>>,
    pub(crate) attributes: Option<Box<Attributes>>,
}

impl Hooks {
    pub(crate) fn wants_span(&self, request: &dyn RequestInfo) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(request))
    }

    pub(crate) fn span_name(&self, request: &dyn RequestInfo) -> Option<String> {
        self.name.as_ref().and_then(|name| name(request))
    }

    /// Whether there is a hook for attributes.
    pub(crate) fn has_attributes(&self) -> bool {
        self.attributes.is_some()
    }

    pub(crate) fn add_attributes(
        &self,
        request: &dyn RequestInfo,
        rum: &RumContext,
        attributes: &mut Vec<KeyValue>,
    ) {
        if let Some(add) = &self.attributes {
            add(request, rum, attributes);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("filter", &self.filter.is_some())
            .field("name", &self.name.is_some())
            .field("attributes", &self.attributes.is_some())
            .finish()
    }
}
