//! What each condition of a rule fits, on both frameworks, and whoever asks the sampler.

use std::collections::HashMap;

use rum_trace_otlp::sampling::{Reason, Rules, SessionSampler};
use rum_trace_sampling_tests::consistency::id;
use rum_trace_sampling_tests::{
    Connection, Exported, Framework, Processors, Receiver, Server, Service, Tap,
};

/// Each takes what no other does; the route comes last, since most have one.
const RULES: &str = r#"
    [[rules]]
    name = "session"
    session = "5f2a"
    decision = "in"

    [[rules]]
    name = "user"
    user = ["uid_1", "uid_3*"]
    decision = "in"

    [[rules]]
    name = "app"
    app = "shop@1"
    decision = "in"

    [[rules]]
    name = "app_type"
    app_type = "android"
    version = "5.0.*"
    decision = "in"

    [[rules]]
    name = "version"
    version = "5.1.*"
    decision = "in"

    [[rules]]
    name = "several"
    app = "shop@2"
    method = ["POST", "PATCH"]
    route = "/items/{id}"
    decision = "in"

    [[rules]]
    name = "method"
    method = "PUT"
    decision = "in"

    [[rules]]
    name = "other method"
    method = "_OTHER"
    decision = "in"

    [[rules]]
    name = "path"
    path = "/told/4*"
    decision = "in"

    [[rules]]
    name = "call"
    path = "/shop.Items/Get"
    decision = "in"

    [[rules]]
    route = "/items/{id}"
    decision = "in"
"#;

/// No rule fits it, and no client samples it.
const ELSEWHERE: &str = "/elsewhere";

/// The rule, what fits it, and what nearly does.
fn table() -> Vec<(&'static str, Tap, Tap)> {
    let at = Tap::get;
    let rum = |app: &str, session: &str, user: &str| at(ELSEWHERE).rum(app, session, user);
    let native = |member: &str| {
        let member = format!("alibabacloud_rum={member}");
        at(ELSEWHERE).header("tracestate", member)
    };
    let call = |path: &str| {
        let call = at(path).method("POST");
        call.header("content-type", "application/grpc")
    };
    let of_app = |app: &str, path: &str| at(path).rum(app, "s", "u");
    vec![
        ("session", rum("a", "5f2a", "u"), rum("a", "5f2b", "u")),
        (
            "session",
            at(ELSEWHERE).rum_in_baggage("a", "5f2a", "u"),
            at(ELSEWHERE).rum_in_baggage("a", "5F2A", "u"),
        ),
        ("user", rum("a", "s", "uid_1"), rum("a", "s", "uid_11")),
        ("user", rum("a", "s", "uid_30"), rum("a", "s", "uid_20")),
        ("app", rum("shop@1", "s", "u"), rum("shop@11", "s", "u")),
        (
            "app_type",
            native("Android/2.3.2/5.0.1_APK"),
            native("iOS/2.3.2/5.0.1_APK"),
        ),
        (
            "version",
            native("iOS/2.3.2/5.1.17_APK"),
            native("iOS/2.3.2/5.11.7_APK"),
        ),
        (
            "method",
            at(ELSEWHERE).method("PUT"),
            at(ELSEWHERE).method("POST"),
        ),
        (
            "other method",
            at(ELSEWHERE).method("BREW"),
            at(ELSEWHERE).method("PATCH"),
        ),
        ("path", at("/told/42?a=b"), at("/told/24?a=/told/42")),
        ("call", call("/shop.Items/Get"), call("/shop.Items/Put")),
        ("rule 11", at("/items/42"), at("/told/22")),
        (
            "several",
            of_app("shop@2", "/items/1").method("POST"),
            of_app("shop@2", ELSEWHERE).method("POST"),
        ),
        // But for its method it fits all, and then the next rule by its route.
        (
            "rule 11",
            of_app("shop@2", "/items/1").method("DELETE"),
            of_app("shop@2", "/items").method("DELETE"),
        ),
    ]
}

#[test]
fn rules_match() {
    for framework in Framework::ALL {
        for processors in Processors::ALL {
            println!("{}", check(framework, processors));
        }
    }
}

fn check(framework: Framework, processors: Processors) -> String {
    let collector = Receiver::keeping();
    let rules = Rules::from_toml(RULES).expect("they are right");
    let sampler = SessionSampler::builder().rules(rules).build();
    let sampler = sampler.expect("settings that are right");
    let handle = sampler.handle();
    let service = Service::new("shop", Some(sampler), processors, &collector);
    let server = Server::start(framework, service.site());
    let mut client = Connection::to(server.address());
    let table = table();
    for (number, (_, fits, nearly)) in (0..).step_by(2).zip(&table) {
        for (number, tap) in [(number, fits), (number + 1, nearly)] {
            client.call(&tap.clone().trace(id(number), false));
        }
    }
    service.settle();
    drop(server);
    let _ = service.end();
    let spans = collector.take().into_iter();
    let mut spans: HashMap<u128, Exported> = spans.map(|it| (it.trace_id(), it)).collect();
    let at = format!("{framework}, {processors:?}");
    for (number, (rule, fits, nearly)) in (0..).step_by(2).zip(&table) {
        let span = spans.remove(&id(number));
        let span = span.unwrap_or_else(|| panic!("{at}: {rule} does not fit {fits:?}"));
        assert_eq!(
            (span.reason(), span.rule()),
            ("rule", *rule),
            "{at}: {fits:?}"
        );
        let none = spans.remove(&id(number + 1));
        assert!(none.is_none(), "{at}: {rule} fits {nearly:?}: {none:?}");
    }
    assert!(spans.is_empty(), "{at}: {spans:?}");
    let (stats, rows) = (handle.stats(), table.len() as u64);
    assert_eq!(stats.sampled(Reason::Rule), rows, "{at}: {stats:?}");
    assert_eq!(stats.dropped(Reason::Parent), rows, "{at}: {stats:?}");
    assert_eq!(stats.decisions(), 2 * rows, "{at}: {stats:?}");
    format!("{at}: {rows} that fit and {rows} that nearly do")
}
