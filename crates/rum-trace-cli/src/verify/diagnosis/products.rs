//! Who answered, by what responses tell of those they came through. Hints, no more.

use std::collections::BTreeSet;

use http::HeaderMap;

/// Somebody on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Product {
    pub(crate) family: Family,
    /// What gave it away; foreign text, to be escaped.
    pub(crate) evidence: String,
}

/// Products that are set up alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Nginx,
    Envoy,
    HaProxy,
    Kong,
    Apisix,
    Traefik,
    Caddy,
    AwsLoadBalancer,
    AwsApiGateway,
    CloudFront,
    Cloudflare,
    GoogleLoadBalancer,
    AlibabaCdn,
    AzureFrontDoor,
    Varnish,
    /// Something that tells of itself in `Via` or keeps answers.
    Other,
}

impl Family {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Family::Nginx => "nginx",
            Family::Envoy => "Envoy",
            Family::HaProxy => "HAProxy",
            Family::Kong => "Kong",
            Family::Apisix => "APISIX",
            Family::Traefik => "Traefik",
            Family::Caddy => "Caddy",
            Family::AwsLoadBalancer => "an AWS load balancer",
            Family::AwsApiGateway => "AWS API Gateway",
            Family::CloudFront => "CloudFront",
            Family::Cloudflare => "Cloudflare",
            Family::GoogleLoadBalancer => "a Google Cloud load balancer",
            Family::AlibabaCdn => "Alibaba Cloud CDN",
            Family::AzureFrontDoor => "Azure Front Door",
            Family::Varnish => "Varnish",
            Family::Other => "a proxy",
        }
    }

    /// Whether it is one that keeps lists of headers, and caches.
    pub(crate) const fn is_edge(self) -> bool {
        matches!(
            self,
            Family::AwsApiGateway
                | Family::CloudFront
                | Family::Cloudflare
                | Family::AlibabaCdn
                | Family::AzureFrontDoor
                | Family::Varnish
        )
    }
}

/// What stands in `Server` and `Via`, in lower case. The first that fits counts.
const WORDS: [(&str, Family); 20] = [
    ("openresty", Family::Nginx),
    ("tengine", Family::Nginx),
    ("apisix", Family::Apisix),
    ("kong", Family::Kong),
    ("nginx", Family::Nginx),
    ("envoy", Family::Envoy),
    ("haproxy", Family::HaProxy),
    ("traefik", Family::Traefik),
    ("caddy", Family::Caddy),
    ("awselb", Family::AwsLoadBalancer),
    ("cloudfront", Family::CloudFront),
    ("cloudflare", Family::Cloudflare),
    ("google", Family::GoogleLoadBalancer),
    ("gws", Family::GoogleLoadBalancer),
    ("varnish", Family::Varnish),
    ("cdn-cache", Family::AlibabaCdn),
    ("kunlun", Family::AlibabaCdn),
    ("azure", Family::AzureFrontDoor),
    ("ats", Family::Other),
    ("squid", Family::Other),
];

/// Headers that only these write.
const HEADERS: [(&str, Family); 14] = [
    ("x-envoy-upstream-service-time", Family::Envoy),
    ("x-envoy-decorator-operation", Family::Envoy),
    ("x-kong-proxy-latency", Family::Kong),
    ("x-kong-request-id", Family::Kong),
    ("x-apisix-upstream-status", Family::Apisix),
    ("apigw-requestid", Family::AwsApiGateway),
    ("x-amz-apigw-id", Family::AwsApiGateway),
    ("x-amz-cf-id", Family::CloudFront),
    ("cf-ray", Family::Cloudflare),
    ("eagleid", Family::AlibabaCdn),
    ("x-azure-ref", Family::AzureFrontDoor),
    ("x-varnish", Family::Varnish),
    ("age", Family::Other),
    ("x-cache", Family::Other),
];

/// Of text that is shown.
const MAX_EVIDENCE: usize = 120;

/// All that these responses tell of, each once.
pub(crate) fn products<'a>(responses: impl Iterator<Item = &'a HeaderMap>) -> Vec<Product> {
    let mut found = BTreeSet::new();
    for headers in responses {
        for name in ["server", "via"] {
            for value in headers.get_all(name) {
                let text = String::from_utf8_lossy(value.as_bytes());
                let lower = text.to_ascii_lowercase();
                let known = WORDS.iter().find(|(word, _)| has_word(&lower, word));
                // A service of one's own may tell of itself in `Server`.
                let other = (name == "via").then_some(Family::Other);
                if let Some(family) = known.map(|(_, family)| *family).or(other) {
                    found.insert(product(family, name, &text));
                }
            }
        }
        for (name, family) in HEADERS {
            if let Some(value) = headers.get(name) {
                let text = String::from_utf8_lossy(value.as_bytes());
                found.insert(product(
                    family,
                    name,
                    if name == "x-cache" { &text } else { "…" },
                ));
            }
        }
    }
    one_of_each(found)
}

/// Those that stand within words: `kunlun8.cn1234`, `awselb/2.0`.
const PARTS: [&str; 4] = ["awselb", "cdn-cache", "cloudfront", "kunlun"];

/// The others must stand for themselves.
fn has_word(text: &str, word: &str) -> bool {
    if PARTS.contains(&word) {
        return text.contains(word);
    }
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|found| found == word)
}

fn product(family: Family, name: &str, text: &str) -> Product {
    let evidence: String = format!("{name}: {text}")
        .chars()
        .take(MAX_EVIDENCE)
        .collect();
    Product { family, evidence }
}

fn one_of_each(found: BTreeSet<Product>) -> Vec<Product> {
    let mut each: Vec<Product> = found.into_iter().collect();
    each.dedup_by_key(|product| product.family);
    each
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(headers: &[(&'static str, &'static str)]) -> Vec<Family> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        products([&map, &map].into_iter())
            .iter()
            .map(|product| product.family)
            .collect()
    }

    #[test]
    fn who_tells_of_itself_is_known() {
        for (headers, expected) in [
            (&[("server", "nginx/1.22.1")][..], &[Family::Nginx][..]),
            (
                &[
                    ("server", "istio-envoy"),
                    ("x-envoy-upstream-service-time", "3"),
                ],
                &[Family::Envoy],
            ),
            (&[("server", "APISIX/3.9.0")], &[Family::Apisix]),
            (
                &[("via", "1.1 abc.cloudfront.net (CloudFront)")],
                &[Family::CloudFront],
            ),
            (&[("via", "1.1 google")], &[Family::GoogleLoadBalancer]),
            (&[("via", "1.1 proxy7")], &[Family::Other]),
            (
                &[("server", "my-service/2"), ("cf-ray", "1")],
                &[Family::Cloudflare],
            ),
            (&[("server", "statsd")], &[]),
            (&[("via", "1.1 proxy-hongkong")], &[Family::Other]),
            (&[("server", "googly-envoys/2")], &[]),
            (&[("server", "kong/3.4.2")], &[Family::Kong]),
            (
                &[("via", "kunlun8.cn1234[0,0,200-0,H]")],
                &[Family::AlibabaCdn],
            ),
            (&[("server", "awselb/2.0")], &[Family::AwsLoadBalancer]),
            (
                &[("server", "nginx"), ("via", "1.1 varnish"), ("age", "7")],
                &[Family::Nginx, Family::Varnish, Family::Other],
            ),
        ] {
            assert_eq!(families(headers), expected, "{headers:?}");
        }
    }
}
