//! Secrets among a client's default headers.

use reqwest::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    WWW_AUTHENTICATE,
};

const COUNT: usize = 5;

/// What goes to no other origin.
const SECRET: [HeaderName; COUNT] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("cookie2"),
    PROXY_AUTHORIZATION,
    WWW_AUTHENTICATE,
];

/// Which of them the client adds by itself to each request that lacks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DefaultSecrets([bool; COUNT]);

impl DefaultSecrets {
    /// The one place where reqwest tells of its default headers is its debug print.
    /// Without them there, each of the headers may be one.
    pub(super) fn of(client: &reqwest::ClientBuilder) -> Self {
        let print = format!("{client:?}");
        let known = print.contains("default_headers: {");
        DefaultSecrets(SECRET.map(|name| !known || print.contains(&format!("\"{name}\": "))))
    }

    /// Takes them out of a request to another origin. reqwest adds a default only
    /// where there is no header of that name: so those are left there, empty.
    pub(super) fn remove_from(self, headers: &mut HeaderMap) {
        for (name, is_default) in SECRET.into_iter().zip(self.0) {
            if is_default {
                headers.insert(name, HeaderValue::from_static(""));
            } else {
                headers.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(names: &[HeaderName]) -> [bool; COUNT] {
        let value = HeaderValue::from_static("a, \"b\": c");
        let headers = names.iter().map(|name| (name.clone(), value.clone()));
        let client = reqwest::Client::builder().default_headers(headers.collect());
        DefaultSecrets::of(&client).0
    }

    #[test]
    fn the_defaults_are_known() {
        assert_eq!(defaults(&[]), [false; COUNT]);
        let other = HeaderName::from_static("x-authorization");
        assert_eq!(defaults(&[other]), [false; COUNT]);
        for (place, name) in SECRET.into_iter().enumerate() {
            let mut expected = [false; COUNT];
            expected[place] = true;
            assert_eq!(defaults(&[name]), expected);
        }
    }
}
