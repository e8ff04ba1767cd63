//! Networks, by which peers and proxies are known.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use crate::BuildError;

/// A list of networks, by which one's own peers are told from others.
///
/// ```
/// use rum_trace_core::Networks;
///
/// let own = Networks::parse(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])?;
/// assert!(own.contains("10.1.2.3".parse()?));
/// assert!(!own.contains("192.0.2.8".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Each an address, or a network in CIDR notation.
    ///
    /// # Errors
    ///
    /// [`BuildError::InvalidNetwork`] for what is neither, or has bits behind its prefix.
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, BuildError> {
        let networks = texts.into_iter().map(|text| network(text.as_ref()));
        networks.collect::<Result<_, _>>().map(Networks)
    }

    /// An IPv4 address is the same one in IPv6's notation, as a socket for both
    /// gives it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// There is none, so that no address is in one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn network(text: &str) -> Result<IpNet, BuildError> {
    let parsed = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    };
    // `10.0.0.7/8` means 10.0.0.7 to one reader, and 16 million addresses to us.
    let exact = parsed.filter(|network| network.trunc() == *network);
    exact
        .map(canonical)
        .ok_or_else(|| BuildError::InvalidNetwork {
            network: text.to_owned(),
        })
}

/// A network of IPv4 addresses in IPv6's notation, as addresses are compared.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let v4 = v6.network().to_ipv4_mapped();
    let prefix = v6.prefix_len().checked_sub(96);
    match v4.zip(prefix).map(|(v4, prefix)| Ipv4Net::new(v4, prefix)) {
        Some(Ok(v4)) => IpNet::V4(v4),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_other() {
        let table: [(&str, &[&str], &[&str]); 8] = [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                &["11.0.0.0", "9.255.255.255", "::10.0.0.1"],
            ),
            ("10.0.0.7", &["10.0.0.7"], &["10.0.0.8"]),
            ("10.0.0.7/32", &["10.0.0.7"], &["10.0.0.6"]),
            ("0.0.0.0/0", &["203.0.113.9"], &["2001:db8::1"]),
            ("::/0", &["2001:db8::1"], &["203.0.113.9"]),
            ("fd00::/8", &["fd12::1"], &["fe80::1", "10.0.0.1"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.1"]),
        ];
        for (network, inside, outside) in table {
            let networks = Networks::parse([network]).expect(network);
            let contains = |text: &&str| networks.contains(text.parse().expect("an address"));
            for address in inside {
                assert!(contains(address), "{network} {address}");
            }
            for address in outside {
                assert!(!contains(address), "{network} {address}");
            }
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.7/8",
            "10.0.0/8",
            "fd00::1/8",
            "::/129",
            "10.0.0.0/",
            "/8",
            "shop.example",
            "10.0.0.1:80",
            "[::1]",
            " 10.0.0.1",
            "10.0.0.0 / 8",
        ] {
            let error = Networks::parse(["127.0.0.1", text]).expect_err(text);
            assert_eq!(
                error,
                BuildError::InvalidNetwork {
                    network: text.to_owned()
                }
            );
        }
    }
}
