//! What is printed, and what the exit status is.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use rum_trace::RumKey;
use rum_trace_propagation::SpanId;

use super::judge::{self, Verdict};
use super::round::{Judged, PATIENCE, Round};
use super::world::World;
use crate::terminal::Style;
use crate::terminal::escape::for_terminal;
use crate::tree::{self, Row};

/// The counts of one round, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    rounds: u64,
    taps: u64,
    continued: u64,
    spans: u64,
}

impl Summary {
    pub(crate) fn of(round: &Round) -> Self {
        let continued = |tap: &&Judged| tap.verdict.problem().is_none();
        Self {
            rounds: 1,
            taps: round.taps.len() as u64,
            continued: round.taps.iter().filter(continued).count() as u64,
            spans: round.spans_received,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.taps += other.taps;
        self.continued += other.continued;
        self.spans += other.spans;
    }

    /// 0 only if every tap was continued.
    pub(crate) const fn status(self) -> u8 {
        if self.continued == self.taps { 0 } else { 1 }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self.status())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} taps, {} continued, {} lost; {} spans received",
            self.taps,
            self.continued,
            self.taps.saturating_sub(self.continued),
            self.spans
        )
    }
}

/// What stands where, before the first round.
pub(crate) fn opening(world: &World, style: Style) -> String {
    let mut text = String::new();
    let viewer = world.page().map(|page| {
        let page = style.heading(&format!("http://{page}"));
        ("viewer", format!("{page}: open it in a browser"))
    });
    let rows = [
        ("phones", "ask the gateway, as real RUM SDKs do".into()),
        ("gateway", world.gateway.url()),
        (
            "shop",
            format!("{}, on axum, behind the gateway", world.shop.url()),
        ),
        (
            "stock",
            format!("{}, on actix-web, called by the shop", world.stock.url()),
        ),
        (
            "collector",
            format!("{}/v1/traces", world.collector().endpoint()),
        ),
        (
            "╌",
            "the phone's own span: inferred, since its SDK reports it elsewhere".into(),
        ),
    ];
    for (name, what) in viewer.into_iter().chain(rows) {
        let name = style.label(&format!("{name:9}"));
        // Writing to a String does not fail, here and below.
        let _ = writeln!(text, "{name}  {what}");
    }
    text
}

/// Where others than this machine can reach the page.
pub(crate) fn warning(page: SocketAddr) -> Option<String> {
    (!page.ip().is_loopback()).then(|| {
        format!(
            "rum-trace demo: warning: page listens on {page}: whoever reaches this machine can use \
             it, without a password\n"
        )
    })
}

/// Every tap of a round as a tree, and the summary.
pub(crate) fn round(round: &Round, style: Style) -> String {
    let mut text = String::new();
    for tap in &round.taps {
        text.push('\n');
        draw(&mut text, tap, style);
    }
    let _ = writeln!(text, "\n{}", style.heading(&Summary::of(round).to_string()));
    text
}

/// The counts of all rounds, once a signal ended them.
pub(crate) fn ending(total: Summary, style: Style) -> String {
    let text = format!("{} rounds: {total}", total.rounds);
    format!("\n{}\n", style.heading(&text))
}

/// What went wrong, a tap on a line.
pub(crate) fn problems(round: &Round) -> String {
    let mut text = String::new();
    for tap in &round.taps {
        if let Some(problem) = tap.verdict.problem() {
            let name = for_terminal(tap.sent.tap.name.as_bytes());
            let by = tap.sent.tap.protocol();
            let _ = writeln!(
                text,
                "rum-trace demo: lost: {name} by {by}: {problem}{}",
                waited(tap)
            );
        }
    }
    text
}

fn draw(text: &mut String, tap: &Judged, style: Style) {
    let request = &tap.sent.tap.request;
    let top = SpanId::from_hex(request.parent_span_id().as_bytes());
    let mut rows = vec![phone(tap)];
    rows.extend(tree::rows(&tap.spans, top));
    let mut drawn = String::new();
    tree::write(&mut drawn, &rows, style);

    let (first, below) = drawn.split_once('\n').unwrap_or((&drawn, ""));
    let _ = writeln!(text, "{first}");
    let trace = format!(
        "trace {} by {}",
        request.trace_id(),
        tap.sent.tap.protocol()
    );
    for line in [trace, who(tap)] {
        let _ = writeln!(text, "{}", style.faint(&format!("╎  {line}")));
    }
    let _ = writeln!(text, "{below}{}", closing(tap, style));
    // Where nothing closes it there is an empty line too many.
    text.truncate(text.trim_end().len());
    text.push('\n');
}

/// The phone's own span. Nobody sent it: it is known from the headers.
fn phone(tap: &Judged) -> Row {
    let status = tap.sent.answer.as_ref().ok().map(|(status, _)| *status);
    Row {
        left: format!("╌ {}", for_terminal(tap.sent.tap.name.as_bytes())),
        status: status.map(|status| status.as_u16().into()),
        took: Some(tap.sent.took),
        failed: status.is_none_or(|status| status.is_server_error()),
        note: "inferred".into(),
    }
}

/// App, session and user: as the service knows them, or where there is no span
/// as the phone told them.
fn who(tap: &Judged) -> String {
    let told = judge::told(&tap.sent.tap.request);
    let server = judge::continuing(&tap.sent.tap.request, &tap.spans);
    let get = |key: RumKey| match server {
        Some(span) => span.text(key.attribute()),
        None => told
            .iter()
            .find(|(known, _)| *known == key)
            .and_then(|(_, value)| *value),
    };
    let parts = [
        (
            "app",
            &[RumKey::AppId, RumKey::AppType, RumKey::AppVersion][..],
        ),
        ("session", &[RumKey::SessionId]),
        ("user", &[RumKey::UserId]),
    ];
    let parts = parts.into_iter().filter_map(|(name, keys)| {
        let values: Vec<_> = keys.iter().filter_map(|key| get(*key)).collect();
        let values = for_terminal(values.join(" ").as_bytes());
        (!values.is_empty()).then(|| format!("{name} {values}"))
    });
    let text = parts.collect::<Vec<_>>().join(" · ");
    if text.is_empty() {
        // As with sw8 from an iOS app, which has no place for them.
        return "tells no app, session or user".into();
    }
    text
}

/// The last line of a tree, where there is more to say than its spans do.
fn closing(tap: &Judged, style: Style) -> String {
    match (&tap.verdict, tap.verdict.problem()) {
        (Verdict::Unsampled, _) => {
            "└╌ not sampled: the services went on with the trace, by their answer, and exported \
             nothing"
                .into()
        }
        (_, Some(problem)) => style.error(&format!("✗  lost: {problem}{}", waited(tap))),
        (_, None) => String::new(),
    }
}

fn waited(tap: &Judged) -> String {
    match tap.verdict {
        Verdict::Waiting(_) => format!(" (waited {} s)", PATIENCE.as_secs()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::collector::Span;
    use crate::demo::judge::judge;
    use crate::demo::judge::tests::{chain, item};

    const PLAIN: Style = Style { colours: false };

    #[test]
    fn a_page_that_others_reach_is_warned_of() {
        for (page, is_warned) in [
            ("127.0.0.1:4320", false),
            ("[::1]:4320", false),
            ("0.0.0.0:4320", true),
            ("192.168.0.7:4320", true),
        ] {
            let warning = warning(page.parse().unwrap());
            assert_eq!(warning.is_some(), is_warned, "{warning:?}");
            assert!(warning.is_none_or(|text| text.contains("without a password\n")));
        }
    }

    /// A round of one tap, of which these spans arrived.
    fn round_of(tap: crate::demo::round::Sent, spans: Vec<Arc<Span>>) -> Round {
        Round {
            spans_received: spans.len() as u64,
            taps: vec![Judged {
                verdict: judge(&tap, &spans),
                sent: tap,
                spans,
            }],
        }
    }

    #[test]
    fn a_round_that_is_whole_exits_with_0() {
        let sent = item();
        let spans = chain(&sent)
            .map(crate::collector::SpanBuilder::build)
            .to_vec();
        let whole = round_of(sent, spans);
        assert_eq!(Summary::of(&whole).status(), 0);
        assert_eq!(problems(&whole), "");
        let text = round(&whole, PLAIN);
        assert!(
            !text.contains("lost:") && !text.contains("waited"),
            "{text}"
        );
        assert!(
            text.ends_with("\n1 taps, 1 continued, 0 lost; 5 spans received\n"),
            "{text}"
        );
    }

    #[test]
    fn a_span_that_never_arrived_exits_with_1_and_is_named() {
        let sent = item();
        let trace = sent.tap.request.trace_id().to_owned();
        let lost = round_of(sent, Vec::new());
        assert_eq!(Summary::of(&lost).status(), 1);
        let words = format!("the SERVER span of gateway never arrived: trace {trace}");
        for text in [round(&lost, PLAIN), problems(&lost)] {
            assert!(
                text.contains(&words) && text.contains("(waited 10 s)"),
                "{text}"
            );
        }
        let text = round(&lost, PLAIN);
        assert!(
            text.contains("1 taps, 0 continued, 1 lost; 0 spans received"),
            "{text}"
        );
        assert!(problems(&lost).starts_with("rum-trace demo: lost: browser.request:http"));
    }

    #[test]
    fn a_wrong_parent_exits_with_1_and_is_told() {
        let sent = item();
        let [server, rest @ ..] = chain(&sent);
        let spans = [server.parent("00000000000000aa")].into_iter().chain(rest);
        let spans = spans.map(crate::collector::SpanBuilder::build).collect();
        let lost = round_of(sent, spans);
        assert_eq!(Summary::of(&lost).status(), 1);
        let text = round(&lost, PLAIN);
        // In the tree at the span itself, and in the verdict.
        assert!(
            text.contains("its parent 00000000000000aa never arrived"),
            "{text}"
        );
        assert!(
            text.contains("its parent is 00000000000000aa, not the phone's span"),
            "{text}"
        );
        assert!(
            !problems(&lost).contains("waited"),
            "nothing more was to come"
        );
    }

    #[test]
    fn one_loss_among_many_rounds_is_not_forgotten() {
        let mut total = Summary::default();
        let sent = item();
        let spans = chain(&sent)
            .map(crate::collector::SpanBuilder::build)
            .to_vec();
        total.add(Summary::of(&round_of(sent.clone(), Vec::new())));
        total.add(Summary::of(&round_of(sent, spans)));
        assert_eq!(total.status(), 1);
        assert_eq!(
            ending(total, PLAIN),
            "\n2 rounds: 2 taps, 1 continued, 1 lost; 5 spans received\n"
        );
    }

    #[test]
    fn what_an_answer_says_is_escaped() {
        let mut sent = item();
        sent.answer = Err("\x1b[2Jgone".into());
        sent.took = Duration::from_millis(2);
        let text = round(&round_of(sent, Vec::new()), PLAIN);
        assert!(text.contains(r"failed: \u{1b}[2Jgone"), "{text}");
        assert!(!text.contains('\x1b'));
    }
}
