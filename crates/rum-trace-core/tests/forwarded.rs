//! What is believed of `Forwarded` and `X-Forwarded-*`.

mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use proptest::collection::vec;
use proptest::prelude::*;
use rum_trace_core::TrustedProxies;
use serde_json::Value;
use support::*;

/// Client address and port, scheme, server address and port: as the table has them.
type Seen = [Option<String>; 3];

fn seen(harness: &Harness, request: &Request) -> Seen {
    let found = attributes(&harness.serve(request));
    let with_port = |address: &str, port: &str| {
        let port = found.get(port).map(|port| format!(" {port}"));
        Some(format!(
            "{}{}",
            found.get(address)?,
            port.unwrap_or_default()
        ))
    };
    let peer = request
        .peer
        .map(|peer| peer.ip().to_canonical().to_string());
    assert_eq!(found.get("network.peer.address"), peer.as_ref());
    [
        with_port("client.address", "client.port"),
        found.get("url.scheme").cloned(),
        with_port("server.address", "server.port"),
    ]
}

fn harness(proxies: Option<TrustedProxies>) -> Harness {
    Harness::with(|builder| match proxies {
        Some(proxies) => builder.trusted_proxies(proxies),
        None => builder,
    })
}

#[test]
fn table() {
    let file = "../../tests/data/tables/forwarded-walk.json";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read(file).expect("the table");
    let table: Value = serde_json::from_slice(&text).expect("JSON");
    let rows = table["rows"].as_array().expect("rows");
    assert!(rows.len() > 80);
    let wrong: Vec<_> = rows.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong(row: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let expected = ["client", "scheme", "server"].map(|column| text(&row[column]));
    let seen = seen(&harness(proxies(row)), &request(row));
    (seen != expected).then(|| format!("{}: {seen:?}, expected {expected:?}", row["name"]))
}

fn proxies(row: &Value) -> Option<TrustedProxies> {
    let proxies = match (&row["networks"], &row["hops"]) {
        (Value::Array(networks), _) => {
            TrustedProxies::networks(networks.iter().filter_map(Value::as_str))
        }
        (_, Value::Number(hops)) => {
            let hops = hops.as_u64().expect("a count");
            TrustedProxies::hops(usize::try_from(hops).expect("a count"))
        }
        _ => return None,
    };
    Some(match row["only"].as_str() {
        Some("forwarded") => proxies.only_forwarded(),
        Some(_) => proxies.only_x_forwarded(),
        None => proxies,
    })
}

fn request(row: &Value) -> Request {
    let mut request = Request::get("/").header("Host", "inner");
    request.peer = row["peer"].as_str().map(|it| it.parse().expect("a peer"));
    let lines = row["headers"].as_array().expect("header lines");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    lines.iter().fold(request, |request, line| {
        request.header(&text(&line[0]), text(&line[1]))
    })
}

#[test]
fn the_metrics_scheme_is_the_same() {
    let exporter = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    let harness = Harness::with(|builder| {
        builder
            .meter_provider(&meters)
            .trusted_proxies(TrustedProxies::hops(1))
    });
    let request = Request::get("/")
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-forwarded-proto", "https");
    harness.serve(&request);
    meters.force_flush().expect("it exports");
    let metrics = format!("{:?}", exporter.get_finished_metrics().expect("its lock"));
    assert!(metrics.contains("https"), "{metrics}");
    assert!(!metrics.contains("203.0.113.9"), "{metrics}");
}

#[test]
fn a_list_that_is_too_long_is_counted() {
    for (name, element) in [
        ("forwarded", "for=10.0.0.7"),
        ("x-forwarded-for", "10.0.0.7"),
    ] {
        let rows = [(32, Some("10.0.0.7"), 0), (33, None, 1)];
        for (elements, client, over_limit) in rows {
            let harness = harness(Some(TrustedProxies::networks(["10.0.0.0/8"])));
            let mut request = Request::get("/").header(name, vec![element; elements].join(", "));
            request.peer = Some(([10, 0, 0, 1], 80).into());
            let [found, ..] = seen(&harness, &request);
            assert_eq!(found.as_deref(), client, "{name} {elements}");
            let stats = harness.instrumenter.stats();
            assert_eq!(stats.over_limit, over_limit, "{name} {elements}");
        }
    }
}

#[test]
fn a_scheme_that_is_told_goes_before_the_requests_own() {
    let harness = harness(Some(TrustedProxies::hops(1)));
    let mut request = Request::get("/").header("forwarded", "for=203.0.113.9;proto=https");
    request.scheme = Some("http".to_owned());
    request.authority = Some("inner.example".to_owned());
    let [_, scheme, server] = seen(&harness, &request);
    assert_eq!(scheme.as_deref(), Some("https"));
    assert_eq!(server.as_deref(), Some("inner.example"));
}

/// What one proxy wrote of the one before it, or a client of whomever it likes.
#[derive(Clone, Debug)]
enum Told {
    Address(IpAddr),
    Hidden,
    Nonsense,
}

impl Told {
    fn entry(&self) -> String {
        match self {
            Told::Address(address) => address.to_string(),
            Told::Hidden => "unknown".to_owned(),
            Told::Nonsense => "a=b".to_owned(),
        }
    }

    fn element(&self) -> String {
        match self {
            Told::Address(IpAddr::V6(address)) => format!("proto=http;for=\"[{address}]\""),
            told => format!("For={};proto=http", told.entry()),
        }
    }
}

fn told() -> impl Strategy<Value = Told> {
    let address = |text: &str| Just(Told::Address(text.parse().expect("an address")));
    prop_oneof![
        4 => (0_u8..4).prop_map(|n| Told::Address(Ipv4Addr::new(10, 0, 0, n).into())),
        1 => address("fd00::1"),
        1 => address("::ffff:10.1.1.1"),
        1 => address("203.0.113.9"),
        1 => address("2001:db8::7"),
        1 => Just(Told::Hidden),
        1 => Just(Told::Nonsense),
    ]
}

/// The list as somebody would look at it who has all of it before them.
fn client(list: &[Told], hops: Option<usize>, stops_at_nonsense: bool) -> Option<IpAddr> {
    if list.is_empty() {
        return Some(PEER.into());
    }
    let is_proxy = |told: &Told| match told {
        Told::Address(address) => match address.to_canonical() {
            IpAddr::V4(v4) => v4.octets()[0] == 10,
            IpAddr::V6(v6) => v6.segments()[0] >> 8 == 0xfd,
        },
        _ => false,
    };
    let place = match hops {
        Some(hops) => list.len().checked_sub(hops)?,
        None => list.iter().rposition(|told| !is_proxy(told)).unwrap_or(0),
    };
    let is_nonsense = |told: &Told| matches!(told, Told::Nonsense);
    if list.len() - place > 32 || stops_at_nonsense && list[place..].iter().any(is_nonsense) {
        return None;
    }
    match &list[place] {
        Told::Address(address) => Some(address.to_canonical()),
        _ => None,
    }
}

const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_client_is_found_as_the_whole_list_says(
        lines in vec(prop_oneof![9 => vec(told(), 0..5), 1 => vec(told(), 20..40)], 0..4),
        hops in prop::option::of(1_usize..5),
        is_forwarded in any::<bool>(),
    ) {
        let request = Request::get("/").peer(&format!("{PEER}:1"));
        let request = lines.iter().fold(request, |request, line| {
            if is_forwarded {
                let line: Vec<_> = line.iter().map(Told::element).collect();
                request.header("Forwarded", line.join(", "))
            } else {
                let line: Vec<_> = line.iter().map(Told::entry).collect();
                request.header("X-Forwarded-For", line.join(","))
            }
        });
        let proxies = match hops {
            Some(hops) => TrustedProxies::hops(hops),
            None => TrustedProxies::networks(["10.0.0.0/8", "fd00::/8"]),
        };
        let [found, ..] = seen(&harness(Some(proxies)), &request);
        let expected = client(&lines.concat(), hops, is_forwarded);
        prop_assert_eq!(found, expected.map(|address| address.to_string()));
    }

    /// Nobody is believed, and nothing breaks.
    #[test]
    fn any_bytes_are_read(
        lines in vec(("(?i)forwarded|x-forwarded-(for|proto|host)", vec(any::<u8>(), 0..60)), 0..6),
    ) {
        let request = Request::get("/").peer("10.0.0.1:1");
        let request = lines
            .into_iter()
            .fold(request, |request, (name, value)| request.header(&name, value));
        seen(&harness(Some(TrustedProxies::hops(1))), &request);
        let [client, scheme, server] = seen(&harness(None), &request);
        prop_assert_eq!(client.as_deref(), Some("10.0.0.1"));
        prop_assert_eq!(scheme.as_deref(), Some("http"));
        prop_assert_eq!(server, None);
    }
}
