//! Queries that are wrong, and what is said of them.

use super::client::send;
use super::running;

#[tokio::test(flavor = "multi_thread")]
async fn bad_queries_are_told_what_is_wrong() {
    let running = running(&[]).await;
    let id = "0af7651916cd43dd8448eb211c80319c";
    let long = format!("traces?app={}", "x".repeat(1_025));
    let table: &[(&str, u16, &str, &str)] = &[
        ("traces?color=red", 400, "unknown_parameter", "color"),
        (
            "traces?App=x",
            400,
            "unknown_parameter",
            "known are app, app_type",
        ),
        ("traces?app=1&app=2", 400, "repeated_parameter", "app"),
        (&long, 400, "invalid_parameter", "1024 bytes"),
        (
            "traces?trace_id=abc",
            400,
            "invalid_parameter",
            "4 to 32 hex",
        ),
        ("traces?trace_id=abcx", 400, "invalid_parameter", "hex"),
        ("traces?peer=a&peer=b", 400, "repeated_parameter", "peer"),
        ("traces?status=50", 400, "invalid_parameter", "5xx"),
        ("traces?status=6xx", 400, "invalid_parameter", "5xx"),
        ("traces?status=%2B50", 400, "invalid_parameter", "5xx"),
        ("traces?status=failed", 400, "invalid_parameter", "error"),
        ("traces?min_ms=-1", 400, "invalid_parameter", "milliseconds"),
        (
            "traces?max_ms=1e3",
            400,
            "invalid_parameter",
            "milliseconds",
        ),
        (
            "traces?min_ms=5&max_ms=4",
            400,
            "invalid_parameter",
            "max_ms",
        ),
        (
            "traces?missing=yes",
            400,
            "invalid_parameter",
            "true or false",
        ),
        ("traces?q=a%0Ab", 400, "invalid_parameter", "one line"),
        ("traces?limit=0", 400, "invalid_parameter", "1 to 500"),
        ("traces?limit=501", 400, "invalid_parameter", "1 to 500"),
        ("traces?limit=+5", 400, "invalid_parameter", "1 to 500"),
        ("traces?before=x", 400, "invalid_parameter", "next"),
        ("status?x=1", 400, "unknown_parameter", "none is known here"),
        ("traces/abc", 400, "invalid_parameter", "32 hex"),
        (
            "traces/00000000000000000000000000000000",
            400,
            "invalid_parameter",
            "zero",
        ),
        (
            "traces/0AF7651916CD43DD8448EB211C80319C",
            400,
            "invalid_parameter",
            "lower case",
        ),
        (&format!("traces/{id}"), 404, "not_found", "no such trace"),
        (&format!("traces/{id}?x=1"), 400, "unknown_parameter", "x"),
        (
            &format!("traces/{id}/spans/1"),
            400,
            "invalid_parameter",
            "16 hex",
        ),
        (
            &format!("traces/{id}/spans/b7ad6b7169203331"),
            404,
            "not_found",
            "no such trace",
        ),
        ("sessions?limit=x", 400, "invalid_parameter", "1 to 500"),
        ("sessions/none", 404, "not_found", "no such session"),
        ("sessions/%ff", 400, "invalid_parameter", "UTF-8"),
        ("sessions/none?q=1", 400, "unknown_parameter", "app"),
        ("topology?trace_id=abcd", 400, "invalid_parameter", "32 hex"),
        (
            &format!("topology?trace_id={id}"),
            404,
            "not_found",
            "no such trace",
        ),
        ("events?since=x", 400, "invalid_parameter", "sequence"),
        ("events?since=%2B5", 400, "invalid_parameter", "sequence"),
        ("traces?session=%ff", 400, "invalid_parameter", "UTF-8"),
        ("traces?q=%EF%BF%BD%C3", 400, "invalid_parameter", "UTF-8"),
        ("events?until=1", 400, "unknown_parameter", "since"),
    ];
    // What a sender wrote in place of what it could not read is text, too.
    let answer = send(
        &running,
        "GET",
        "/api/v1/traces?session=%ef%BF%bd",
        &[("host", "localhost")],
    );
    assert_eq!(answer.await.status, 200);
    for (path, status, code, words) in table {
        let path = format!("/api/v1/{path}");
        let answer = send(&running, "GET", &path, &[("host", "localhost")]).await;
        assert_eq!(answer.status, *status, "{path}: {answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], *code, "{path}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{path}: {message}");
    }
}
