//! What is sent through a cell, and what must come of it.

use rum_trace_propagation::sw8::Sw8;
use rum_trace_testing::{Phone, PhoneRequest};

use crate::answer::Answer;
use crate::judge::Expected;
use crate::peer::Protocol;
use crate::service::Onward;

/// Where our service stands, and on what it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) side: Side,
    pub(crate) framework: Framework,
}

/// Where the peer stands, seen from our service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It calls us.
    Before,
    /// We call it.
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

impl Framework {
    /// The subcommand, and the `service.name`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix",
        }
    }
}

impl Column {
    pub(crate) const ALL: [Column; 4] = [
        Column::new(Side::Before, Framework::Axum),
        Column::new(Side::Before, Framework::Actix),
        Column::new(Side::After, Framework::Axum),
        Column::new(Side::After, Framework::Actix),
    ];

    const fn new(side: Side, framework: Framework) -> Self {
        Column { side, framework }
    }

    pub(crate) fn name(self) -> String {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        format!("{side}-{}", self.framework.name())
    }
}

/// One request through a cell.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What the caller sends; nothing, and the trace begins at the first service.
    pub(crate) phone: Option<PhoneRequest>,
    pub(crate) onward: Onward,
}

/// All that a cell must hold for.
pub(crate) fn cases(side: Side, speaks: Protocol) -> Vec<Case> {
    let w3c = || Phone::browser().session_id("5e55107f").user_id("u@1");
    let sw8 = || Phone::browser().sw8();
    let case = |name, phone: Option<Phone>, onward| Case {
        name,
        phone: phone.map(|phone| phone.tap("GET", "/call")),
        onward,
    };
    match (side, speaks) {
        (Side::Before, Protocol::W3c) => vec![
            case("trace of its own", None, Onward::Same),
            case("phone's trace", Some(w3c()), Onward::Same),
            case("unsampled", Some(w3c().sampled(false)), Onward::Same),
        ],
        (Side::Before, Protocol::Sw8) => vec![
            case("trace of its own", None, Onward::Same),
            case("phone's trace", Some(sw8()), Onward::Same),
        ],
        (Side::After, Protocol::W3c) => vec![
            case("phone's trace", Some(w3c()), Onward::Same),
            case("unsampled", Some(w3c().sampled(false)), Onward::Same),
            case("sw8 before, W3C behind", Some(sw8()), Onward::W3c),
        ],
        (Side::After, Protocol::Sw8) => vec![
            case("phone's trace", Some(sw8()), Onward::Same),
            case("W3C before, sw8 behind", Some(w3c()), Onward::Sw8),
        ],
    }
}

impl Case {
    /// What must be true of the trace. `ours` knows the id of one that nobody before us
    /// told us.
    pub(crate) fn expected(&self, services: [&str; 2], ours: &Answer) -> Expected {
        let phone = self.phone.as_ref();
        let sampled = phone.is_none_or(PhoneRequest::sampled);
        let trace_id = phone.map(|phone| phone.trace_id().to_owned());
        let services = services.iter().copied().map(str::to_owned);
        Expected {
            trace_id: trace_id
                .or_else(|| ours.trace_id.clone())
                .unwrap_or_default(),
            parent_id: phone.map(|phone| phone.parent_span_id().to_owned()),
            services: services.filter(|_| sampled).collect(),
        }
    }

    /// What must be true of the answers.
    pub(crate) fn check(
        &self,
        services: [&str; 2],
        first: &Answer,
        ours: &Answer,
    ) -> Result<(), String> {
        if let Some(failed) = first.chain().find_map(|answer| answer.error.as_ref()) {
            return Err(format!("a call failed: {failed}"));
        }
        let order: Vec<_> = first
            .chain()
            .map(|answer| answer.service.as_str())
            .collect();
        same("services", Some(order.as_slice()), Some(&services[..]))?;
        let Some(phone) = &self.phone else {
            return same("sampled", ours.sampled, Some(true));
        };
        same("trace", ours.trace_id.as_deref(), Some(phone.trace_id()))?;
        same("sampled", ours.sampled, Some(phone.sampled()))?;
        same("session", ours.session_id.as_deref(), phone.session_id())?;
        // SkyWalking's backend joins by the literal text.
        let text = phone.sw8_trace_id().unwrap_or(phone.trace_id());
        for sw8 in first
            .chain()
            .filter_map(|answer| answer.received.get("sw8"))
        {
            let sw8 = Sw8::parse(sw8.as_bytes()).map_err(|error| format!("sw8: {error}"))?;
            same("sw8's trace", Some(sw8.trace_id()), Some(text))?;
        }
        let sent = phone.header("tracestate");
        for answer in first
            .chain()
            .filter(|answer| answer.received.contains_key("traceparent"))
        {
            let got = answer.received.get("tracestate").map(String::as_str);
            same(&format!("tracestate at {}", answer.service), got, sent)?;
        }
        Ok(())
    }
}

pub(crate) fn same<T: Copy + PartialEq + std::fmt::Debug>(
    what: &str,
    got: Option<T>,
    wanted: Option<T>,
) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {wanted:?}"))
}
