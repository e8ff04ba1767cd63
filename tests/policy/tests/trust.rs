//! Whose trace is continued, and which proxies are believed.

use std::net::Ipv4Addr;

use rum_trace_core::{InstrumenterBuilder, Trust, TrustPolicy, TrustedProxies};
use rum_trace_policy_tests::{
    Answer, CLIENT, Call, Framework, Listen, NEIGHBOUR, OWN_NETWORK, PROXIES, PROXY_NETWORK, Proxy,
    Service, Writes, on_each_framework, tap,
};
use rum_trace_testing::{Phone, PhoneRequest, SpanView};

const APP: &str = "demo123@53df7ad2afe8301";

fn browser() -> PhoneRequest {
    let phone = Phone::browser().app_id(APP).user_id("uid_1");
    phone.seed(1).tap("GET", "/items/42")
}

fn android() -> PhoneRequest {
    Phone::android().seed(2).tap("GET", "/items/42")
}

fn stranger() -> PhoneRequest {
    let phone = Phone::browser().app_id("other@1").user_id("uid_2");
    phone.seed(3).tap("GET", "/items/42")
}

fn service(
    framework: Framework,
    settings: impl FnOnce(InstrumenterBuilder) -> InstrumenterBuilder,
) -> Service {
    Service::start(framework, Listen::Tcp, settings)
}

/// What became of a tap: on the span, and in what would be sent on.
fn check(tap: &PhoneRequest, expected: Trust, span: &SpanView, answer: &Answer, why: &str) {
    assert_eq!(answer.status, 200, "{why}");
    let parent = answer.line("traceparent").or(answer.line("sw8"));
    assert!(parent.is_some(), "{why}: {}", answer.body);
    let links: Vec<String> = span.data().links.iter().map(link).collect();
    let claimed = format!("{}/{}", tap.trace_id(), tap.parent_span_id());
    if expected == Trust::Parent {
        assert_eq!(span.trace_id(), tap.trace_id(), "{why}");
        assert_eq!(
            span.parent_span_id().as_deref(),
            Some(tap.parent_span_id()),
            "{why}"
        );
        assert_eq!(answer.line("user"), tap.user_id(), "{why}");
        assert!(
            answer.line("tracestate").is_some(),
            "{why}: {}",
            answer.body
        );
        assert!(links.is_empty(), "{why}");
        span.assert_no_attribute("rum.trust");
        return;
    }
    assert_ne!(span.trace_id(), tap.trace_id(), "{why}");
    assert_eq!(span.parent_span_id(), None, "{why}");
    assert_eq!(answer.line("tracestate"), None, "{why}");
    assert_eq!(answer.line("sw8"), None, "{why}");
    let parent = format!("00-{}-{}-01", span.trace_id(), span.span_id());
    assert_eq!(answer.line("traceparent"), Some(&*parent), "{why}");
    span.assert_attribute("rum.trust", expected.as_str());
    if expected == Trust::Link {
        assert_eq!(links, [claimed], "{why}");
        assert_eq!(answer.line("user"), tap.user_id(), "{why}");
    } else {
        assert!(links.is_empty(), "{why}");
        assert_eq!(answer.line("user"), None, "{why}");
        span.assert_no_attribute("rum.app.id");
    }
}

fn link(link: &opentelemetry::trace::Link) -> String {
    let ids = &link.span_context;
    format!("{}/{}", ids.trace_id(), ids.span_id())
}

/// Each tap from this address, and what becomes of it.
async fn check_each(service: &Service, from: Ipv4Addr, expected: &[(PhoneRequest, Trust)]) {
    for (phone, expected) in expected {
        let answer = tap(phone).from(from).send(service.address()).await;
        let why = format!("{} {from} {:?}", service.framework(), phone.app_id());
        check(phone, *expected, &service.span().await, &answer, &why);
    }
}

#[test]
fn trust_everyone() {
    use Trust::Parent;
    on_each_framework(async |framework| {
        let service = service(framework, |builder| builder);
        let taps = [
            (browser(), Parent),
            (android(), Parent),
            (stranger(), Parent),
        ];
        check_each(&service, CLIENT, &taps).await;
    });
}

#[test]
fn trust_known_apps() {
    use Trust::{Link, Parent};
    on_each_framework(async |framework| {
        let service = service(framework, |it| it.trust(TrustPolicy::known_apps([APP])));
        let taps = [(browser(), Parent), (android(), Link), (stranger(), Link)];
        check_each(&service, CLIENT, &taps).await;
        let stats = service.instrumenter().stats();
        assert_eq!((stats.requests(), stats.untrusted_linked), (3, 2));
    });
}

#[test]
fn trust_known_apps_and_phones_that_send_no_app_id() {
    use Trust::{Parent, Restart};
    on_each_framework(async |framework| {
        let service = service(framework, |builder| {
            let policy = TrustPolicy::known_apps([APP]).without_app_id(Parent);
            builder.trust(policy.otherwise(Restart))
        });
        let taps = [
            (browser(), Parent),
            (android(), Parent),
            (stranger(), Restart),
        ];
        check_each(&service, CLIENT, &taps).await;
        assert_eq!(service.instrumenter().stats().untrusted_restarted, 1);
    });
}

#[test]
fn trust_peers_by_their_network() {
    use Trust::{Link, Parent};
    on_each_framework(async |framework| {
        let service = service(framework, |it| {
            it.trust(TrustPolicy::trusted_peers([OWN_NETWORK]))
        });
        check_each(
            &service,
            NEIGHBOUR,
            &[(stranger(), Parent), (android(), Parent)],
        )
        .await;
        check_each(&service, CLIENT, &[(browser(), Link), (android(), Link)]).await;
        // Nobody said that a proxy is in front.
        for (header, value) in [
            ("X-Forwarded-For", "127.1.0.5"),
            ("Forwarded", "for=127.1.0.5"),
        ] {
            let phone = browser();
            let forged = tap(&phone).header(header, value);
            let answer = forged.send(service.address()).await;
            let span = service.span().await;
            check(&phone, Link, &span, &answer, header);
            span.assert_attribute("client.address", CLIENT.to_string());
        }
    });
}

#[test]
fn trust_apps_or_peers() {
    use Trust::{Link, Parent};
    on_each_framework(async |framework| {
        let service = service(framework, |builder| {
            let peers = TrustPolicy::trusted_peers([OWN_NETWORK]);
            builder.trust(TrustPolicy::known_apps([APP]).or(peers))
        });
        check_each(
            &service,
            NEIGHBOUR,
            &[(stranger(), Parent), (android(), Parent)],
        )
        .await;
        check_each(&service, CLIENT, &[(browser(), Parent), (android(), Link)]).await;
    });
}

#[test]
fn trust_by_a_function() {
    use Trust::{Link, Parent, Restart};
    on_each_framework(async |framework| {
        let service = service(framework, |builder| {
            builder.trust(TrustPolicy::by(|caller| {
                assert_eq!(caller.request().path(), "/items/42");
                match caller.app_type() {
                    Some("browser") if caller.app_id() == Some(APP) => Parent,
                    Some("browser") => Link,
                    _ => Restart,
                }
            }))
        });
        let taps = [
            (browser(), Parent),
            (android(), Restart),
            (stranger(), Link),
        ];
        check_each(&service, CLIENT, &taps).await;
    });
}

#[test]
fn trust_is_not_asked_of_a_client_that_tells_nothing() {
    on_each_framework(async |framework| {
        let service = service(framework, |builder| {
            builder.trust(TrustPolicy::by(|_| panic!("there is nothing to ask")))
        });
        let answer = Call::get("/items/42").send(service.address()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(service.span().await.parent_span_id(), None);
        let stats = service.instrumenter().stats();
        assert_eq!((stats.absent, stats.untrusted), (1, 0));
    });
}

#[test]
fn trust_no_peer_over_a_unix_socket() {
    on_each_framework(async |framework| {
        let anywhere = TrustPolicy::trusted_peers(["0.0.0.0/0", "::/0"]);
        let proxies = TrustedProxies::networks(["0.0.0.0/0", "::/0"]);
        let service = Service::start(framework, Listen::Unix, |builder| {
            builder.trust(anywhere).trusted_proxies(proxies)
        });
        let phone = browser();
        for call in [
            tap(&phone),
            tap(&phone).header("X-Forwarded-For", "127.1.0.5"),
        ] {
            let answer = call.send(service.address()).await;
            let span = service.span().await;
            check(&phone, Trust::Link, &span, &answer, &framework.to_string());
            span.assert_no_attribute("client.address");
        }
    });
}

#[test]
fn trust_a_proxy_over_a_unix_socket_by_hops() {
    on_each_framework(async |framework| {
        let service = Service::start(framework, Listen::Unix, |builder| {
            builder
                .trust(TrustPolicy::trusted_peers([OWN_NETWORK]))
                .trusted_proxies(TrustedProxies::hops(1))
        });
        let phone = browser();
        for (list, expected) in [
            ("127.1.0.5", Trust::Parent),
            ("127.1.0.5, 127.3.0.9", Trust::Link),
        ] {
            let call = tap(&phone).header("X-Forwarded-For", list);
            let answer = call.send(service.address()).await;
            check(&phone, expected, &service.span().await, &answer, list);
        }
    });
}

/// What a client may write itself, to be taken for somebody else.
fn forgeries(call: &Call) -> Vec<Call> {
    let forged = |lines: &[(&str, &str)]| {
        let add = |call: Call, (name, value): &(&str, &str)| call.header(name, value);
        lines.iter().fold(call.clone(), add)
    };
    vec![
        forged(&[]),
        forged(&[("X-Forwarded-For", "127.1.0.5")]),
        forged(&[("X-Forwarded-For", "127.1.0.5, 127.1.7.2")]),
        forged(&[
            ("x-forwarded-for", "127.1.0.5"),
            ("X-Forwarded-For", "127.1.7.1"),
        ]),
        forged(&[("X-Forwarded-For", "127.1.0.5,")]),
        forged(&[("Forwarded", "for=127.1.0.5;proto=http;host=evil.example")]),
        forged(&[("Forwarded", "for=127.1.0.5, for=127.1.7.2")]),
        forged(&[("Forwarded", "for=\"127.1.0.5")]),
        forged(&[("Forwarded", "for=127.1.0.5;x=\"")]),
        forged(&[
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", "evil.example"),
        ]),
    ]
}

/// Through one or two proxies, known by their networks or their number, which write this
/// way: the client is who connected to the first of them, whatever it wrote itself.
async fn through_proxies(framework: Framework, writes: Writes) {
    for (count, by_hops) in [(1, false), (1, true), (2, false), (2, true)] {
        let service = service(framework, |builder| {
            let proxies = match by_hops {
                true => TrustedProxies::hops(count),
                false => TrustedProxies::networks([PROXY_NETWORK]),
            };
            let proxies = match writes {
                Writes::Forwarded => proxies.only_forwarded(),
                _ => proxies.only_x_forwarded(),
            };
            builder
                .trusted_proxies(proxies)
                .trust(TrustPolicy::trusted_peers([OWN_NETWORK]))
        });
        let mut chain = Vec::new();
        let mut next = service.socket();
        for at in PROXIES.into_iter().take(count).rev() {
            let proxy = Proxy::start(at, writes, next).await;
            next = proxy.address();
            chain.push(proxy);
        }
        for (from, expected) in [(CLIENT, Trust::Link), (NEIGHBOUR, Trust::Parent)] {
            let phone = browser();
            for call in forgeries(&tap(&phone)) {
                let answer = call.clone().from(from).send_to(next).await;
                let why = format!("{framework} {writes:?} {count} {by_hops} {from} {call:?}");
                let span = service.span().await;
                check(&phone, expected, &span, &answer, &why);
                let peer = PROXIES[count - 1].to_string();
                span.assert_attribute("client.address", from.to_string())
                    .assert_attribute("network.peer.address", peer)
                    .assert_attribute("url.scheme", "https")
                    .assert_attribute("server.address", "shop.example");
            }
        }
    }
}

#[test]
fn trust_proxies_that_write_x_forwarded() {
    on_each_framework(async |framework| through_proxies(framework, Writes::XForwarded).await);
}

#[test]
fn trust_proxies_that_write_lines_of_their_own() {
    on_each_framework(async |framework| through_proxies(framework, Writes::XForwardedLines).await);
}

#[test]
fn trust_proxies_that_write_forwarded() {
    on_each_framework(async |framework| through_proxies(framework, Writes::Forwarded).await);
}

/// Where it was not said which header the proxies write, a client that writes the other
/// one can hide. It cannot be taken for somebody else.
#[test]
fn trust_neither_header_where_they_disagree() {
    on_each_framework(async |framework| {
        for writes in [Writes::XForwarded, Writes::Forwarded] {
            let service = service(framework, |builder| {
                builder
                    .trusted_proxies(TrustedProxies::networks([PROXY_NETWORK]))
                    .trust(TrustPolicy::trusted_peers([OWN_NETWORK]))
            });
            let proxy = Proxy::start(PROXIES[0], writes, service.socket()).await;
            let phone = browser();
            for call in forgeries(&tap(&phone)) {
                let answer = call.send_to(proxy.address()).await;
                let span = service.span().await;
                let why = format!("{framework} {writes:?} {call:?}");
                check(&phone, Trust::Link, &span, &answer, &why);
                let client = span.attribute("client.address");
                let told = client.map(|it| it.as_str().into_owned());
                assert!(told.is_none_or(|it| it == CLIENT.to_string()), "{why}");
                for (name, own) in [
                    ("url.scheme", ["http", "https"]),
                    ("server.address", ["inner.example", "shop.example"]),
                ] {
                    let value = span.attribute(name).map(|it| it.as_str().into_owned());
                    assert!(value.is_some_and(|it| own.contains(&&*it)), "{why} {name}");
                }
            }
        }
    });
}

/// Past the proxies, straight to the service: it is a client like any other.
#[test]
fn trust_no_header_of_a_client_that_goes_past_the_proxies() {
    on_each_framework(async |framework| {
        let service = service(framework, |builder| {
            builder
                .trusted_proxies(TrustedProxies::networks([PROXY_NETWORK]))
                .trust(TrustPolicy::trusted_peers([OWN_NETWORK]))
        });
        let phone = browser();
        for call in forgeries(&tap(&phone)) {
            let answer = call.send(service.address()).await;
            let span = service.span().await;
            let why = format!("{framework} {call:?}");
            check(&phone, Trust::Link, &span, &answer, &why);
            span.assert_attribute("client.address", CLIENT.to_string())
                .assert_attribute("url.scheme", "http")
                .assert_attribute("server.address", "inner.example");
        }
    });
}
