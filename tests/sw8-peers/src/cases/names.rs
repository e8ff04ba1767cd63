//! Names of every kind, in each of the four places.

use rum_trace_core::Injection;

use crate::sent::{context, meant};
use crate::{Meant, Sent, Text};

const NAMES: [&str; 32] = [
    "a",
    "ab",
    "abc",
    "checkout",
    "check-out-1",
    "-",
    "--",
    ".",
    "shop.orders.v2",
    "/",
    "/orders/{id}/items.json",
    "//",
    "GET:/orders",
    "stock.internal:8080",
    "[2001:db8::1]:443",
    "https://user@shop.example/a?b=c&d=%2F#e",
    " ",
    " a  b ",
    "tab\there",
    "two\r\nlines",
    "nul\0l",
    "Latin-1: caf\u{e9} \u{ff}",
    "decomposed cafe\u{301}",
    "\u{8ba2}\u{5355}\u{670d}\u{52a1}",
    "\u{1f6d2} \u{1f469}\u{200d}\u{1f680}",
    "\u{202e}right to left",
    "\u{feff}byte order mark",
    "separators \u{2028}\u{2029}",
    "c2VydmljZQ==",
    "=+/_",
    "undefined",
    "0",
];

/// A name that nobody gave, and what stands for it.
const NOBODY: [&str; 4] = ["unknown", "unknown", "/", "0.0.0.0"];

pub(super) fn cases() -> Vec<Sent> {
    let each = |name: &'static str| {
        let alone = (0..4).map(move |place| {
            let mut names = ["checkout", "checkout-1", "/pay", "stock:80"];
            names[place] = name;
            names
        });
        alone.chain([[name; 4]])
    };
    // No name at all comes once in each place, too.
    let tried = NAMES.into_iter().chain([""]).flat_map(each);
    tried.map(case).collect()
}

fn case(names: [&str; 4]) -> Sent {
    let cx = context(0x4bf9_2f35_77b3_4da6, 0xf067, true);
    let mut given = names.into_iter().zip(NOBODY).map(|(name, nobody)| {
        let name = if name.is_empty() { nobody } else { name };
        Text::whole(name)
    });
    let [service, instance, endpoint, peer] = [(); 4].map(|()| given.next().expect("one of four"));
    let meant = Meant {
        service,
        instance,
        endpoint,
        peer,
        ..meant(&cx)
    };
    Sent::new(format!("names {names:?}"), &cx, injection(names), meant)
}

/// An injection with these names: service, instance, endpoint and peer.
pub(super) fn injection(names: [&str; 4]) -> Injection<'_> {
    let [service, instance, endpoint, peer] = names;
    Injection::to_own_service()
        .service(service)
        .instance(instance)
        .endpoint(endpoint)
        .peer(peer)
}
