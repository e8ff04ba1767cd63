//! The services behind nginx, in the order of the calls.

use reqwest::Url;
use rum_trace_interop_browser::modes::RUM_PAGE;

use crate::BoxError;
use crate::case::Framework;
use crate::nginx::{Nginx, Settings};
use crate::peer::{self, Peer, Protocol};
use crate::process::Process;
use crate::row::World;
use crate::service::Onward;

/// Our axum service, a peer, our actix-web service, and another peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// In the cells' names.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) peers: [&'static str; 2],
}

pub(crate) const ROUTES: [Route; 2] = [
    Route {
        name: "by-skywalking",
        title: "axum, SkyWalking Python, actix-web, OpenTelemetry Python",
        peers: ["sw-python", "otel-python"],
    },
    Route {
        name: "by-opentelemetry",
        title: "axum, OpenTelemetry Go, actix-web, SkyWalking Node.js",
        peers: ["otel-go", "sw-node"],
    },
];

/// A service of the route.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) service: String,
    /// What it reads and writes; ours both.
    pub(crate) agent: Option<Protocol>,
    process: Process,
    url: String,
}

/// All of it, started.
#[derive(Debug)]
pub(crate) struct Running {
    route: &'static Route,
    pub(crate) stops: Vec<Stop>,
    nginx: Nginx,
}

impl Running {
    /// Starts all of them. What is none of their requests, nginx takes from the site.
    pub(crate) fn start(
        world: &World<'_>,
        route: &'static Route,
        site: &str,
    ) -> Result<Self, BoxError> {
        let [first, second] = route.peers.map(find);
        let (first, second) = (first?, second?);
        let stops = vec![
            ours(world, Framework::Axum, &first)?,
            theirs(world, &first)?,
            ours(world, Framework::Actix, &second)?,
            theirs(world, &second)?,
        ];
        let front = stops.first().map_or("", |stop| stop.url.as_str());
        let settings = Settings {
            file: None,
            locations: &[("/call", front), ("/", site)],
        };
        let folder = world.folder.join(format!("nginx-{}", route.name));
        let nginx = Nginx::start(&folder, settings)?;
        Ok(Running {
            route,
            stops,
            nginx,
        })
    }

    pub(crate) fn route(&self) -> &'static Route {
        self.route
    }

    /// What the page calls, and is loaded from.
    pub(crate) fn origin(&self) -> String {
        self.nginx.url()
    }

    pub(crate) fn page(&self) -> String {
        format!("{}{RUM_PAGE}", self.origin())
    }

    /// The URL that leads to all of them: each names the next one's. The page's name
    /// makes it that page's own, in the SDK's reports too.
    pub(crate) fn call(&self, page: &str) -> Result<String, BoxError> {
        let behind = self.stops.iter().skip(1).map(|stop| stop.url.clone());
        let urls: Vec<_> = [self.origin()].into_iter().chain(behind).collect();
        let mut next: Option<Url> = None;
        for url in urls.iter().rev() {
            let mut url = Url::parse(&format!("{url}/call"))?;
            if let Some(next) = next {
                url.query_pairs_mut().append_pair("next", next.as_str());
            }
            next = Some(url);
        }
        let mut first = next.ok_or("there are no services")?;
        first.query_pairs_mut().append_pair("page", page);
        Ok(first.into())
    }

    /// Ends them in the order of the calls.
    pub(crate) fn stop(self) -> Result<(), BoxError> {
        self.nginx.stop()?;
        for stop in self.stops {
            let ended = stop.process.stop();
            ended.map_err(|error| format!("{} {error}", stop.service))?;
        }
        Ok(())
    }
}

fn find(name: &'static str) -> Result<Peer, BoxError> {
    let peer = peer::all()?.into_iter().find(|peer| peer.name == name);
    peer.ok_or_else(|| format!("there is no peer {name}").into())
}

/// It calls the next one in that one's protocol.
fn ours(world: &World<'_>, framework: Framework, next: &Peer) -> Result<Stop, BoxError> {
    let onward = match next.about.speaks {
        Protocol::W3c => Onward::W3c,
        Protocol::Sw8 => Onward::Sw8,
    };
    let (process, url) = world.start_ours(framework, framework.name(), onward)?;
    Ok(Stop {
        service: framework.name().to_owned(),
        agent: None,
        process,
        url,
    })
}

fn theirs(world: &World<'_>, peer: &Peer) -> Result<Stop, BoxError> {
    let (process, url) = world.start_peer(peer)?;
    Ok(Stop {
        service: peer.name.clone(),
        agent: Some(peer.about.speaks),
        process,
        url,
    })
}
