//! The two tiers of Collectors that docs/OPERATIONS.md describes, with the files that it
//! gives: three services, two gateways, two samplers, and a backend behind each of those.

// Clippy's leave for tests does not reach the helpers beside them.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "shows what was kept")]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use rum_trace::otlp::{Pipeline, Protocol};
use rum_trace::{Instrumenter, RequestInfo};
use rum_trace_operations::PATIENCE;
use rum_trace_operations::backend::Backend;
use rum_trace_operations::collector::{Collector, validate};
use rum_trace_testing::Phone;

const TRACES: u64 = 400;
/// What each trace has: SERVER and CLIENT spans of three services in a row, the last of
/// which has a span of its work instead of a CLIENT span.
const SPANS: usize = 6;
const CHOSEN: &str = "5f2d1c0b9a8e7f6d5c4b3a2918070605";

#[test]
#[ignore = "needs the Collector: run tests/operations/run"]
fn the_collector_takes_every_file() {
    for files in [
        &["sampler.yaml"][..],
        &["gateway.yaml", "backends-static.yaml"],
        &["gateway.yaml", "backends-dns.yaml"],
        &["gateway.yaml", "backends-k8s.yaml"],
    ] {
        let said = validate(files);
        assert!(said.status.success(), "{files:?}: {said:?}");
    }
    // It would say so if something were wrong: here nothing says who the backends are.
    assert!(!validate(&["gateway.yaml"]).status.success());
}

/// Why a trace is kept, or that nothing but its id speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Error,
    Slow,
    Chosen,
    Ordinary,
}

impl Kind {
    fn of(number: u64) -> Self {
        match number % 10 {
            0 => Kind::Error,
            1 => Kind::Slow,
            2 => Kind::Chosen,
            _ => Kind::Ordinary,
        }
    }
}

/// A request as it arrives at a service.
struct Request(Vec<(String, String)>);

impl RequestInfo for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value.as_bytes());
        }
    }
}

/// A service that exports to one of the gateways.
struct Service {
    pipeline: Pipeline,
    instrumenter: Instrumenter,
}

impl Service {
    fn start(name: &'static str, gateway: SocketAddr) -> Self {
        let pipeline = Pipeline::builder()
            .ignore_environment()
            .service_name(name)
            .protocol(Protocol::Grpc)
            .endpoint(format!("http://{gateway}"))
            .build()
            .unwrap();
        let builder = Instrumenter::builder().span_starter(pipeline.span_starter());
        Service {
            pipeline,
            instrumenter: builder.build().unwrap(),
        }
    }

    /// Serves a request by a call to the next service, or by work of its own where there is
    /// none.
    fn serve(&self, request: &Request, kind: Kind, next: &[Service]) -> u16 {
        let mut active = self.instrumenter.start(request);
        let cx = active.context().clone();
        let status = match next {
            [] => self.work(kind, &cx),
            [next, further @ ..] => self.call(kind, &cx, next, further),
        };
        active.on_response(&status);
        active.finish();
        status
    }

    /// Nobody but the last service notices what goes wrong: its caller makes do without it.
    fn work(&self, kind: Kind, cx: &Context) -> u16 {
        let tracer = self.pipeline.tracer_provider().tracer("work");
        let now = SystemTime::now();
        // As long ago as a slow one takes, since no test is to wait for it.
        let took = Duration::from_secs(if kind == Kind::Slow { 3 } else { 0 });
        let builder = tracer.span_builder("work").with_start_time(now - took);
        let mut work = builder.start_with_context(&tracer, cx);
        work.end_with_timestamp(now);
        if kind == Kind::Error { 500 } else { 200 }
    }

    fn call(&self, kind: Kind, cx: &Context, next: &Service, further: &[Service]) -> u16 {
        let request = Request(Vec::new());
        let mut call = self.instrumenter.start_call(&request, cx);
        let mut headers = HashMap::new();
        let injection = self.instrumenter.injection_to_own_service();
        injection.inject(call.context(), &mut headers);
        next.serve(&Request(headers.into_iter().collect()), kind, further);
        call.on_response(&200);
        call.finish();
        200
    }
}

/// A tap's trace, the same in each run.
fn tap(number: u64) -> (String, Request) {
    let phone = Phone::browser().seed(number);
    let phone = match Kind::of(number) {
        Kind::Chosen => phone.session_id(CHOSEN),
        _ => phone,
    };
    let tap = phone.request("https://shop.example/");
    let headers = tap.headers().iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), value.clone()));
    (tap.trace_id().to_owned(), Request(headers.collect()))
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many spans of each trace arrived.
fn traces(backend: &Backend) -> HashMap<String, usize> {
    let mut traces = HashMap::new();
    for span in backend.spans() {
        *traces.entry(hex(&span.trace_id)).or_default() += 1;
    }
    traces
}

#[test]
#[ignore = "needs the Collector: run tests/operations/run"]
fn whole_traces_come_to_one_sampler_which_keeps_what_it_should() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let backends = [Backend::start(), Backend::start()];
    let samplers = [&backends[0], &backends[1]].map(|backend| {
        let variables = [
            ("BACKEND", backend.address().to_string()),
            ("BACKEND_INSECURE", "true".to_owned()),
            ("CHOSEN_SESSION", CHOSEN.to_owned()),
            // Here they decide when they are stopped, and all spans have arrived.
            ("DECISION_WAIT", format!("{}s", 10 * PATIENCE.as_secs())),
        ];
        Collector::start(folder, &["sampler.yaml"], &variables)
    });
    let gateways = [(); 2].map(|()| {
        let variables = [
            ("SAMPLER_1", samplers[0].grpc().to_string()),
            ("SAMPLER_2", samplers[1].grpc().to_string()),
        ];
        Collector::start(
            folder,
            &["gateway.yaml", "backends-static.yaml"],
            &variables,
        )
    });
    let services = [
        Service::start("shop", gateways[0].grpc()),
        Service::start("stock", gateways[1].grpc()),
        Service::start("supplier", gateways[0].grpc()),
    ];

    let mut kinds = HashMap::new();
    for number in 0..TRACES {
        let (trace_id, request) = tap(number);
        let kind = Kind::of(number);
        services[0].serve(&request, kind, &services[1..]);
        kinds.insert(trace_id, kind);
    }
    assert_eq!(kinds.len() as u64, TRACES, "each trace has its own id");
    for service in services {
        service.pipeline.shutdown(PATIENCE).unwrap();
    }
    // The first tier first: it hands over what it holds.
    gateways.into_iter().for_each(Collector::stop);
    samplers.into_iter().for_each(Collector::stop);

    let arrived = backends.each_ref().map(traces);
    check(&kinds, &arrived);
}

fn check(kinds: &HashMap<String, Kind>, arrived: &[HashMap<String, usize>; 2]) {
    let mut kept: HashMap<Kind, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for (trace_id, spans) in arrived.iter().flatten() {
        // Spans that went elsewhere would be missing here, and a trace that both samplers
        // had would be here twice: it is kept or not by its id.
        assert_eq!(*spans, SPANS, "{trace_id}: {:?}", kinds[trace_id]);
        assert!(seen.insert(trace_id), "{trace_id} came to both samplers");
        *kept.entry(kinds[trace_id]).or_default() += 1;
    }
    let each = TRACES as usize / 10;
    println!("kept {kept:?} of {each} each, of Ordinary {}", 7 * each);
    println!("by sampler: {:?}", arrived.each_ref().map(HashMap::len));
    for kind in [Kind::Error, Kind::Slow, Kind::Chosen] {
        assert_eq!(kept.get(&kind), Some(&each), "{kind:?}");
    }
    // A tenth, by the hash of ids that are the same in each run.
    let ordinary = kept.get(&Kind::Ordinary).copied().unwrap_or(0);
    assert!((10..=50).contains(&ordinary), "{ordinary}");
    assert!(arrived.iter().all(|traces| !traces.is_empty()));
}
