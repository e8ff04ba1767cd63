//! `Forwarded`: elements cut at `;`, pairs at `=`.

use super::latin1;
use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Who made the request: the address, unless it is hidden.
    pub(crate) client: Option<Option<String>>,
    pub(crate) host: Option<String>,
    pub(crate) proto: Option<String>,
}

pub(crate) fn element(bytes: &[u8]) -> Option<Element> {
    let mut seen: Vec<String> = Vec::new();
    let mut element = Element::default();
    for pair in pairs(&latin1(bytes)) {
        let pair = pair.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        let value = value_of(value)?;
        if !is_token(name) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "for" => element.client = Some(node(&value)?),
            "host" => element.host = Some(Some(value).filter(|host| is_host(host))?),
            "proto" => element.proto = Some(Some(value).filter(|proto| is_scheme(proto))?),
            "by" => {}
            _ => continue,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(element)
}

/// The text between `;` that are not quoted.
fn pairs(text: &str) -> Vec<String> {
    let mut pairs = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == ';' && !quoted {
            pairs.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        pairs.last_mut().unwrap().push(c);
    }
    pairs
}

fn value_of(text: &str) -> Option<String> {
    if is_token(text) {
        return Some(text.to_owned());
    }
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = Vec::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '"' => return None,
            '\\' => rest.next()?,
            c => c,
        };
        if c != '\t' && c.is_ascii_control() {
            return None;
        }
        value.push(u8::try_from(u32::from(c)).unwrap());
    }
    String::from_utf8(value).ok()
}

/// The address, or `None` if the node is hidden.
fn node(text: &str) -> Option<Option<String>> {
    let (name, port) = host_and_port(text);
    if let Some(port) = port {
        if !is_obfuscated(&port) {
            let is_number =
                (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
            port.parse::<u16>().ok().filter(|_| is_number)?;
        }
    }
    if name.eq_ignore_ascii_case("unknown") || is_obfuscated(&name) {
        return Some(None);
    }
    address(&name).map(Some)
}

fn address(name: &str) -> Option<String> {
    let v6 = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match v6 {
        Some(v6) => Some(v6.parse::<Ipv6Addr>().ok()?.to_string()),
        None => Some(name.parse::<Ipv4Addr>().ok()?.to_string()),
    }
}

/// At the colon that is not in brackets.
fn host_and_port(text: &str) -> (String, Option<String>) {
    let brackets = match text.starts_with('[') {
        true => text.find(']').unwrap_or(text.len()),
        false => 0,
    };
    match text[brackets..].find(':') {
        Some(colon) => (
            text[..brackets + colon].to_owned(),
            Some(text[brackets + colon + 1..].to_owned()),
        ),
        None => (text.to_owned(), None),
    }
}

fn is_obfuscated(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('_') else {
        return false;
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !rest.is_empty() && rest.chars().all(is_allowed)
}

fn is_host(text: &str) -> bool {
    let (host, port) = host_and_port(text);
    let is_port = port.is_none_or(|it| it.len() <= 5 && it.chars().all(|c| c.is_ascii_digit()));
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=".contains(c);
    let is_name = !host.is_empty() && host.chars().all(is_allowed);
    is_port && (is_name || host.starts_with('[') && address(&host).is_some())
}

fn is_scheme(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_allowed)
}

fn is_token(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(is_allowed)
}
