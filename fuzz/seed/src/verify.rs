//! Answers of our layer, and other headers of a response: a line each.

/// What a layer answers, and what one would that means harm.
const ANSWERS: [&str; 4] = [
    r#"{"v":1,"service":"shop","http":"1.1","class":"continued","carrier":"w3c","findings":[],"parent_trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","parent_span_id":"00f067aa0ba902b7","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b8","sampled":true,"recorded":true,"rum":{"session.id":"rum"},"lines":[["traceparent","00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],["tracestate","rum=v2&browser",2000,"0011223344556677"]],"omitted":0}"#,
    r#"{"v":1,"class":"absent","skipped":true,"lines":[],"omitted":3}"#,
    r#"{"v":1,"class":"\u009b31m","lines":[["tracestate","\u001b]0;x",18446744073709551615,"0"],["tracestate","a",1000000,"0"]]}"#,
    r#"{"v":2}"#,
];

const REST: &str = "trace;desc=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-00\n\
    istio-envoy\n1.1 d1.cloudfront.net (CloudFront)\nhttps://sso.example/?secret#top";

/// The first byte chooses the request, as the target reads it.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let of = |(answer, form): (&str, u8)| {
        let text = format!("{answer}\n{REST}");
        [&[form], text.as_bytes()].concat()
    };
    let forms = [0, 5, 9, 19, 0x80, 0xc8];
    let all = ANSWERS
        .into_iter()
        .flat_map(|answer| forms.map(|form| (answer, form)));
    all.map(of).collect()
}
