//! OTLP over HTTP.

use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use rum_trace_loopback::reserved;
use rum_trace_otlp::{Compression, DropReason, FlushError, ShutdownError};

use super::support::http::{HttpCollector, Reply};
use super::support::{LONG, SHORT, builder, spans};

#[test]
fn a_span_arrives_with_its_parent_attributes_and_resource() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .service_version("1.2.3")
        .service_namespace("market")
        .service_instance_id("shop-1")
        .host_name("node-7")
        .environment("staging")
        .attribute("team", "blue")
        .endpoint(collector.url())
        .build()
        .unwrap();

    let parent = SpanContext::new(
        TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        SpanId::from_hex("00f067aa0ba902b7").unwrap(),
        TraceFlags::SAMPLED,
        true,
        "rum=v2&browser&pid&sid"
            .parse::<TraceState>()
            .unwrap_or_default(),
    );
    let tracer = pipeline.tracer_provider().tracer("test");
    let context = opentelemetry::Context::new().with_remote_span_context(parent);
    let span = tracer
        .span_builder("GET /cart")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("session.id", "s-1")])
        .start_with_context(&tracer, &context);
    drop(span);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.ended(), stats.exported(), stats.lost()), (1, 1, 0));

    let received = collector.inbox.only();
    assert_eq!(received.path, "/v1/traces");
    assert_eq!(
        received.header("content-type"),
        Some("application/x-protobuf")
    );
    assert!(
        received
            .header("user-agent")
            .unwrap()
            .starts_with("rum-trace-otlp/")
    );
    let span = received.spans()[0];
    assert_eq!(span.name, "GET /cart");
    assert_eq!(span.kind, 2);
    assert_eq!(
        span.trace_id,
        0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes()
    );
    assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(span.attributes[0].key, "session.id");
    for (key, value) in [
        ("service.name", "shop"),
        ("service.version", "1.2.3"),
        ("service.namespace", "market"),
        ("service.instance.id", "shop-1"),
        ("host.name", "node-7"),
        ("deployment.environment.name", "staging"),
        ("team", "blue"),
        ("telemetry.sdk.language", "rust"),
    ] {
        assert_eq!(received.resource(key).as_deref(), Some(value), "{key}");
    }
}

#[test]
fn a_traces_endpoint_is_used_whole() {
    let collector = HttpCollector::start();
    let path = "/adapt_abc@123_def@456/api/otlp/traces?x=1";
    let pipeline = builder()
        .endpoint("http://127.0.0.1:1")
        .traces_endpoint(format!("{}{path}", collector.url()))
        .build()
        .unwrap();
    spans(&pipeline, 1);
    pipeline.shutdown(LONG).unwrap();
    assert_eq!(collector.inbox.only().path, path);
}

#[test]
fn headers_and_token_go_with_every_request() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .header("x-tenant", "first")
        .header("X-Tenant", "second")
        .token("t0ken")
        .build()
        .unwrap();
    for _ in 0..2 {
        spans(&pipeline, 1);
        pipeline.flush().unwrap();
    }
    pipeline.shutdown(LONG).unwrap();
    let all = collector.inbox.all();
    assert_eq!(all.len(), 2);
    for received in all {
        assert_eq!(received.headers.get_all("x-tenant").iter().count(), 1);
        assert_eq!(received.header("x-tenant"), Some("second"));
        assert_eq!(received.header("authentication"), Some("t0ken"));
    }
}

#[test]
fn each_compression_that_is_compiled_in_arrives() {
    let cases = [
        (Compression::None, None, true),
        (Compression::Gzip, Some("gzip"), cfg!(feature = "gzip")),
        (Compression::Zstd, Some("zstd"), cfg!(feature = "zstd")),
    ];
    for (compression, encoding, compiled_in) in cases {
        let collector = HttpCollector::start();
        let pipeline = builder()
            .endpoint(collector.url())
            .compression(compression)
            .build();
        if !compiled_in {
            let error = pipeline.unwrap_err().to_string();
            assert!(error.contains(encoding.unwrap()), "{error}");
            continue;
        }
        let pipeline = pipeline.unwrap();
        spans(&pipeline, 100);
        pipeline.shutdown(LONG).unwrap();
        let received = collector.inbox.only();
        assert_eq!(received.header("content-encoding"), encoding);
        assert_eq!(received.spans().len(), 100);
    }
}

#[test]
fn batches_keep_to_their_size_and_lose_nothing() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .max_export_batch_size(100)
        .build()
        .unwrap();
    spans(&pipeline, 950);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!(stats.exported(), 950);
    let all = collector.inbox.all();
    assert!(all.iter().all(|received| received.spans().len() <= 100));
    assert_eq!(
        all.iter()
            .map(|received| received.spans().len())
            .sum::<usize>(),
        950
    );
}

#[test]
fn a_collector_that_is_down_makes_shutdown_an_error_with_the_number_of_lost_spans() {
    let pipeline = builder()
        .endpoint(format!("http://{}", reserved()))
        .max_export_batch_size(3)
        .timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    spans(&pipeline, 7);
    let error = pipeline.shutdown(SHORT).unwrap_err();
    assert!(
        matches!(error, ShutdownError::DeadlineExceeded { .. }),
        "{error:?}"
    );
    let stats = error.stats().unwrap();
    assert_eq!(
        (error.lost(), stats.dropped(DropReason::ShutdownDeadline)),
        (7, 7)
    );
    let text = error.to_string();
    assert!(
        text.contains("7 of 7") && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn a_loss_before_the_shutdown_is_not_forgotten() {
    let collector = HttpCollector::answering(|n| {
        if n == 0 {
            Reply::status(400)
        } else {
            Reply::ok()
        }
    });
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 2);
    assert!(pipeline.flush().is_err());
    spans(&pipeline, 3);
    pipeline.flush().unwrap();
    let error = pipeline.shutdown(LONG).unwrap_err();
    let stats = error.stats().unwrap();
    let refused = stats.dropped(DropReason::Refused);
    assert_eq!((stats.exported(), refused, error.lost()), (3, 2, 2));
}

#[test]
fn a_flush_tells_only_of_its_own_losses() {
    let collector = HttpCollector::answering(|n| {
        if n == 0 {
            Reply::status(403)
        } else {
            Reply::ok()
        }
    });
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 4);
    match pipeline.flush() {
        Err(FlushError::NotDelivered {
            spans: 4, cause, ..
        }) => {
            assert!(cause.contains("403") && cause.contains("token"), "{cause}");
        }
        other => panic!("{other:?}"),
    }
    spans(&pipeline, 4);
    pipeline.flush().unwrap();
    assert_eq!(pipeline.shutdown(LONG).unwrap_err().lost(), 4);
}

#[test]
fn what_may_be_tried_again_is_and_keeps_the_pause_it_was_told() {
    let collector = HttpCollector::answering(|n| match n {
        0 => Reply::status(503),
        1 => Reply::status(429).header("retry-after", "1"),
        _ => Reply::ok(),
    });
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 5);
    let start = Instant::now();
    let stats = pipeline.shutdown(LONG).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!((stats.exported(), stats.lost()), (5, 0));
    let all = collector.inbox.all();
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|received| received.request == all[0].request)
    );
}

#[test]
fn a_pause_that_the_collector_asks_for_is_kept_whole() {
    let collector = HttpCollector::answering(|_| Reply::status(503).header("retry-after", "3600"));
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(SHORT).unwrap_err().lost(), 1);
    assert_eq!(collector.inbox.all().len(), 1);
}

/// By the answer's own `Date`: by our clock both of them have long passed.
#[test]
fn a_pause_until_a_date_is_kept_whole() {
    let collector = HttpCollector::answering(|_| {
        Reply::status(503)
            .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .header("retry-after", "Sun, 06 Nov 1994 09:49:37 GMT")
    });
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 1);
    assert_eq!(pipeline.shutdown(SHORT).unwrap_err().lost(), 1);
    assert_eq!(collector.inbox.all().len(), 1);
}

#[test]
fn what_must_not_be_tried_again_is_not() {
    for status in [301, 400, 401, 404, 413, 500, 501] {
        let collector = HttpCollector::answering(move |_| Reply::status(status));
        let pipeline = builder().endpoint(collector.url()).build().unwrap();
        spans(&pipeline, 1);
        let error = pipeline.shutdown(LONG).unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(collector.inbox.all().len(), 1, "{status}");
    }
}

#[test]
fn spans_that_the_collector_rejects_are_not_exported() {
    let collector = HttpCollector::answering(|_| Reply::partial(2, "name too long"));
    let pipeline = builder().endpoint(collector.url()).build().unwrap();
    spans(&pipeline, 5);
    assert!(matches!(
        pipeline.flush(),
        Err(FlushError::NotDelivered { spans: 2, .. })
    ));
    let error = pipeline.shutdown(LONG).unwrap_err();
    let stats = error.stats().unwrap();
    assert_eq!(
        (stats.exported(), stats.rejected(), error.lost()),
        (3, 2, 2)
    );
    assert!(error.to_string().contains("name too long"), "{error}");
}

#[test]
fn an_answer_that_nobody_can_read_is_still_an_acknowledgement() {
    for body in [vec![0xff; 10], vec![b'x'; 1_000_000]] {
        let collector = HttpCollector::answering(move |_| Reply::ok().body(body.clone()));
        let pipeline = builder().endpoint(collector.url()).build().unwrap();
        spans(&pipeline, 1);
        assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 1);
    }
}

#[test]
fn a_collector_that_never_answers_is_asked_again_after_the_timeout() {
    let collector = HttpCollector::answering(|_| Reply::ok().after(LONG));
    let pipeline = builder()
        .endpoint(collector.url())
        .timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    spans(&pipeline, 2);
    let error = pipeline.shutdown(Duration::from_secs(1)).unwrap_err();
    assert_eq!(error.lost(), 2);
    assert!(error.to_string().contains("timeout of 150ms"), "{error}");
    assert!(collector.inbox.all().len() > 1);
}

/// The first connection is cut in the middle of the request.
#[test]
fn a_connection_that_is_reset_in_mid_batch_is_tried_again() {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        first.read_exact(&mut [0; 20]).unwrap();
        drop(first); // with bytes unread: a reset
        let (mut second, _) = listener.accept().unwrap();
        second.set_read_timeout(Some(LONG)).unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !whole(&request) {
            let read = second.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        second.write_all(answer).unwrap();
    });
    let pipeline = builder().endpoint(url).build().unwrap();
    spans(&pipeline, 5);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.exported(), stats.lost()), (5, 0));
    served.join().unwrap();
}

/// Whether a request is there with its body.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some(head) = text.find("\r\n\r\n") else {
        return false;
    };
    let length = text[..head].split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    request.len() >= head + 4 + length
}

/// How long a look-up takes is the machine's business: it is tried again, or
/// still under way, and in either case the spans are counted.
#[test]
fn a_name_that_is_not_known_holds_nothing_up() {
    let pipeline = builder()
        .endpoint("http://collector.invalid:4318")
        .build()
        .unwrap();
    spans(&pipeline, 2);
    let error = pipeline.shutdown(SHORT).unwrap_err();
    let stats = error.stats().unwrap();
    assert_eq!(stats.dropped(DropReason::ShutdownDeadline), 2);
}

/// The first token has expired, the second one is good.
#[test]
fn a_token_is_asked_for_at_each_attempt() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let collector = HttpCollector::answering(|n| {
        if n == 0 {
            Reply::status(401)
                .header("content-type", "text/plain")
                .body("token-number-0 has expired")
        } else {
            Reply::ok()
        }
    });
    let calls = AtomicUsize::new(0);
    let pipeline = builder()
        .endpoint(collector.url())
        .header("authorization", "of no account")
        .header_with("authorization", move || {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            Some(format!("Bearer token-number-{call}"))
        })
        .build()
        .unwrap();
    spans(&pipeline, 3);
    assert_eq!(pipeline.shutdown(LONG).unwrap().exported(), 3);
    let all = collector.inbox.all();
    let tokens: Vec<_> = all.iter().map(|one| one.header("authorization")).collect();
    assert_eq!(
        tokens,
        [Some("Bearer token-number-0"), Some("Bearer token-number-1")]
    );
}

/// Its first call panics. The batch is kept, and goes with the second.
#[test]
fn a_token_whose_function_panics_is_asked_for_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let collector = HttpCollector::start();
    let calls = AtomicUsize::new(0);
    let pipeline = builder()
        .endpoint(collector.url())
        .header_with("x-token", move || {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            assert!(call > 0, "on purpose");
            Some("t0ken".to_owned())
        })
        .build()
        .unwrap();
    spans(&pipeline, 3);
    let stats = pipeline.shutdown(LONG).unwrap();
    assert_eq!((stats.exported(), stats.lost()), (3, 0));
    assert_eq!(collector.inbox.only().header("x-token"), Some("t0ken"));
}

#[test]
fn what_a_tokens_function_panics_with_is_not_told() {
    let collector = HttpCollector::start();
    let pipeline = builder()
        .endpoint(collector.url())
        .header_with("x-token", || panic!("s3cr3t"))
        .build()
        .unwrap();
    spans(&pipeline, 2);
    let error = pipeline.shutdown(SHORT).unwrap_err();
    let stats = error.stats().unwrap();
    assert_eq!(stats.dropped(DropReason::ShutdownDeadline), 2);
    let text = error.to_string();
    assert!(
        text.contains("the function that gives the header `x-token` panicked"),
        "{text}"
    );
    assert!(!text.contains("s3cr3t"), "{text}");
    assert!(collector.inbox.all().is_empty());
}

#[test]
fn without_a_token_the_spans_wait_and_no_token_is_printed() {
    let collector = HttpCollector::start();
    for (value, problem) in [(None, "is not there"), (Some("s3cr3t\n"), "printable")] {
        let pipeline = builder()
            .endpoint(collector.url())
            .header_with("x-token", move || value.map(str::to_owned))
            .build()
            .unwrap();
        spans(&pipeline, 1);
        let error = pipeline.shutdown(SHORT).unwrap_err().to_string();
        assert!(
            error.contains(problem) && !error.contains("s3cr3t"),
            "{error}"
        );
    }
    assert!(collector.inbox.all().is_empty());
    let error = builder().header_with("host", || None).build().unwrap_err();
    assert!(error.to_string().contains("header_with"), "{error}");
}
