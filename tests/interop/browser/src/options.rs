//! The SDKs' options in a mode, as their documentation has them.

use serde_json::{Value, json};

use crate::modes::{Mode, Sdk};

impl Mode {
    /// The globals of the page. The SDK reports to our own sink, and soon.
    #[must_use]
    pub fn options(&self, services: &[&str], sink: &str) -> Value {
        match self.sdk {
            Sdk::Rum => json!({ "__rum": self.rum(services, sink) }),
            Sdk::SkyWalking => json!({ "__skywalking": self.skywalking(sink) }),
        }
    }

    fn rum(&self, services: &[&str], sink: &str) -> Value {
        let allowed: Vec<Value> = services
            .iter()
            .map(|origin| json!({ "match": origin, "propagatorTypes": self.propagators }))
            .collect();
        let mut options = json!({
            "endpoint": format!("{sink}/report"),
            "env": "local",
            "reportConfig": { "flushTime": 50 },
            "tracing": {
                "enable": true,
                "sample": if self.sampled { 100 } else { 0 },
                "tracestate": self.tracestate,
                "baggage": self.baggage,
                "allowedUrls": allowed,
            },
        });
        for (key, value) in [("pid", self.app_id), ("version", self.app_version)] {
            if let Some(value) = value {
                options[key] = value.into();
            }
        }
        if let Some(id) = self.user {
            options["user"] = json!({ "id": id });
        }
        options
    }

    fn skywalking(&self, sink: &str) -> Value {
        json!({
            "collector": sink,
            "service": "shop-web",
            "serviceVersion": self.app_version,
            "pagePath": self.page_path,
            "traceTimeInterval": 200,
        })
    }
}
