//! A request for tests: every part can be set.

use std::net::SocketAddr;

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    pub route: Option<String>,
    pub authority: Option<String>,
    pub scheme: Option<String>,
    pub peer: Option<SocketAddr>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub fn get(target: &str) -> Self {
        Request::new("GET", target)
    }

    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            ..Request::default()
        }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn peer(mut self, peer: &str) -> Self {
        self.peer = Some(peer.parse().expect("an address"));
        self
    }

    pub fn route(mut self, route: &str) -> Self {
        self.route = Some(route.to_owned());
        self
    }
}

impl super::RequestInfo for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn for_each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in &self.headers {
            visit(name, value);
        }
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn protocol_version(&self) -> Option<&'static str> {
        Some("1.1")
    }

    fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}
