//! Names that are too long for one header, and those that just fit.

use rum_trace_core::Injection;

use super::names::injection;
use crate::sent::{context, meant};
use crate::{Meant, Sent, Text};

/// Names, by their places, and which of them must be cut.
struct Long {
    what: &'static str,
    names: [String; 4],
    /// What must be read of each.
    read: [Text; 4],
}

fn short() -> [String; 4] {
    ["checkout", "checkout-1", "/pay", "stock.internal:8080"].map(str::to_owned)
}

/// The others stay as they are.
fn one(what: &'static str, place: usize, name: String, read: Text) -> Long {
    let (mut names, mut all) = (short(), short().map(Text::Whole));
    names[place] = name;
    all[place] = read;
    Long {
        what,
        names,
        read: all,
    }
}

fn table() -> Vec<Long> {
    let beginning = |text: &str| Text::BeginningOf(text.to_owned());
    let ascii = "x".repeat(10_000);
    let orders = "\u{8ba2}\u{5355}".repeat(2_000);
    let carts = "\u{1f6d2}".repeat(2_000);
    let query = format!("/search?q={}", "y".repeat(3_000));
    let path_too = format!("/{}?q=1", "z".repeat(3_000));
    let all = [&ascii, &orders, &carts, &ascii].map(String::to_owned);
    vec![
        one("endpoint", 2, ascii.clone(), beginning(&ascii)),
        one(
            "endpoint of three bytes a character",
            2,
            orders.clone(),
            beginning(&orders),
        ),
        one(
            "endpoint of four bytes a character",
            2,
            carts.clone(),
            beginning(&carts),
        ),
        one("query", 2, query, Text::whole("/search")),
        one(
            "path before a query",
            2,
            path_too.clone(),
            beginning(path_too.trim_end_matches("?q=1")),
        ),
        Long {
            what: "peer, which is cut after the endpoint",
            names: [
                "checkout".into(),
                "checkout-1".into(),
                "/pay".into(),
                ascii.clone(),
            ],
            read: [
                Text::whole("checkout"),
                Text::whole("checkout-1"),
                Text::whole("/"),
                beginning(&ascii),
            ],
        },
        Long {
            what: "each of them",
            read: [
                beginning(&all[0]),
                beginning(&all[1]),
                beginning(&all[2]),
                beginning(&all[3]),
            ],
            names: all,
        },
    ]
}

pub(super) fn cases() -> Vec<Sent> {
    let mut cases: Vec<Sent> = table().into_iter().map(case).collect();
    cases.extend(around_the_limit());
    cases
}

fn case(long: Long) -> Sent {
    let names = long.names.each_ref().map(String::as_str);
    let case = format!("too long: {}", long.what);
    send(case, injection(names), long.read)
}

/// The other seven parts take 153 bytes, and four more stand for each three of
/// the endpoint: with 1,419 the header has 2,045.
const FITS: usize = 1_419;

fn around_the_limit() -> Vec<Sent> {
    let case = |bytes: usize| {
        let endpoint = "/".repeat(bytes);
        let mut names = short();
        let mut read = short().map(Text::Whole);
        read[2] = if bytes <= FITS {
            Text::Whole(endpoint.clone())
        } else {
            Text::BeginningOf(endpoint.clone())
        };
        names[2] = endpoint;
        let names = names.each_ref().map(String::as_str);
        send(
            format!("an endpoint of {bytes} bytes"),
            injection(names),
            read,
        )
    };
    (FITS - 10..=FITS + 10).map(case).collect()
}

fn send(case: String, injection: Injection<'_>, read: [Text; 4]) -> Sent {
    let cx = context(u128::MAX, 1, true);
    let [service, instance, endpoint, peer] = read;
    let meant = Meant {
        service,
        instance,
        endpoint,
        peer,
        ..meant(&cx)
    };
    Sent::new(case, &cx, injection, meant)
}
