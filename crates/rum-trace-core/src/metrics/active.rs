//! How many requests are active.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, UpDownCounter};

use super::before_collecting;
use crate::method::Method;
use crate::semconv;

/// `http`, `https`.
const SCHEMES: usize = 2;

/// `http.server.active_requests`, an up-down counter.
///
/// The SDK looks the attributes up at each addition, and each request makes two
/// that cancel each other. So they are added up here, and handed over when a
/// reader collects: the SDK then calls back first. As long as it never did (no
/// reader collected yet, the meter is none that calls back, or a view dropped
/// what it would call for) each addition goes straight to the counter.
pub(super) struct ActiveRequests(Arc<Inner>);

struct Inner {
    counter: UpDownCounter<i64>,
    called_back: AtomicBool,
    /// By method, then by scheme.
    pending: [[Pending; SCHEMES]; Method::KINDS],
    /// Two readers that collect at once: neither reads the counter before what
    /// the other one took was added to it.
    handing_over: Mutex<()>,
}

/// What is not in the counter yet.
#[derive(Default)]
struct Pending {
    /// Once there was such a request.
    attributes: OnceLock<[KeyValue; 2]>,
    requests: AtomicI64,
}

impl ActiveRequests {
    pub(super) fn new(meter: &Meter) -> Self {
        let inner = Arc::new(Inner::new(
            meter
                .i64_up_down_counter(semconv::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
        ));
        let called = Arc::clone(&inner);
        before_collecting(meter, move || called.hand_over());
        ActiveRequests(inner)
    }

    /// A request begins (1), or ends (-1).
    pub(super) fn add(&self, requests: i64, method: &Method, scheme: &'static str) {
        let inner = &*self.0;
        let Some(pending) = inner.pending(method, scheme) else {
            inner.counter.add(requests, &attributes(method, scheme));
            return;
        };
        let attributes = pending
            .attributes
            .get_or_init(|| attributes(method, scheme));
        // Relaxed: no data is told by it, and who ends a request knows what its
        // begin knew. Release, with hand_over's acquire: where a begin went to
        // the counter, its end is not there before.
        if inner.called_back.load(Ordering::Relaxed) {
            pending.requests.fetch_add(requests, Ordering::Release);
        } else {
            inner.counter.add(requests, attributes);
        }
    }
}

impl Inner {
    fn new(counter: UpDownCounter<i64>) -> Self {
        Inner {
            counter,
            called_back: AtomicBool::new(false),
            pending: Default::default(),
            handing_over: Mutex::new(()),
        }
    }

    /// `None` for the methods that are known because the builder was told so.
    fn pending(&self, method: &Method, scheme: &str) -> Option<&Pending> {
        let schemes = self.pending.get(method.kind()?)?;
        schemes.get(usize::from(scheme == "https"))
    }

    fn hand_over(&self) {
        let _one = self
            .handing_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.called_back.store(true, Ordering::Relaxed);
        for pending in self.pending.as_flattened() {
            if let Some(attributes) = pending.attributes.get() {
                // Nothing is added too: what came and went is a data point.
                let requests = pending.requests.swap(0, Ordering::Acquire);
                self.counter.add(requests, attributes);
            }
        }
    }
}

fn attributes(method: &Method, scheme: &'static str) -> [KeyValue; 2] {
    [
        KeyValue::new(semconv::HTTP_REQUEST_METHOD, method.to_value()),
        KeyValue::new(semconv::URL_SCHEME, scheme),
    ]
}
