//! One of our services, behind each gateway in turn.

use std::process::Command;

use reqwest::{StatusCode, Url};

use super::expected::Outcome;
use super::mode::Mode;
use super::sent::{self, Sent};
use super::trace::Trace;
use super::{Column, Made, OURS, failed};
use crate::BoxError;
use crate::case::Framework;
use crate::counts::Counts;
use crate::nginx::{Nginx, Settings, Version};
use crate::process::Process;
use crate::row::World;
use crate::service::Onward;

/// All cells of one service of ours.
pub(super) fn run(
    world: &World<'_>,
    framework: Framework,
    cells: &[(Mode, Column)],
    version: Version,
) -> Result<Vec<Made>, BoxError> {
    let (process, url) = world.start_ours(framework, framework.name(), Onward::Same)?;
    let mut service = Service {
        world,
        framework,
        url,
        version,
        counts: Counts::default(),
    };
    let mut made = Vec::new();
    for mode in Mode::ALL {
        let of_mode: Vec<_> = cells.iter().filter(|it| it.0 == mode).copied().collect();
        if !of_mode.is_empty() {
            println!("{} before {} …", mode.name(), framework.name());
            let done = service.behind(mode, &of_mode);
            made.extend(done.unwrap_or_else(|error| failed(&of_mode, &error)));
        }
    }
    process.stop()?;
    Ok(made)
}

/// One of ours, behind each gateway in turn.
#[derive(Debug)]
struct Service<'a> {
    world: &'a World<'a>,
    framework: Framework,
    url: String,
    version: Version,
    /// Of its last answer.
    counts: Counts,
}

/// A gateway that runs.
#[derive(Debug)]
enum Gateway {
    Nginx(Nginx),
    Ours(Process, String),
}

impl Service<'_> {
    fn behind(&mut self, mode: Mode, cells: &[(Mode, Column)]) -> Result<Vec<Made>, BoxError> {
        let gateway = self.start(mode)?;
        let mut made = Vec::new();
        for &(_, column) in cells {
            for sent in sent::all(column.speaks) {
                let outcome = self.send(mode, &gateway.url(), &sent);
                made.push(Made {
                    mode,
                    column,
                    sent: sent.name,
                    outcome: outcome.map_err(|error| error.to_string()),
                });
            }
        }
        gateway.stop()?;
        Ok(made)
    }

    fn start(&self, mode: Mode) -> Result<Gateway, BoxError> {
        let name = format!("{}-{}", mode.name(), self.framework.name());
        if mode == Mode::Ours {
            let mut command = Command::new(std::env::current_exe()?.with_file_name(OURS));
            command
                .env_clear()
                .args([&self.url, "127.0.0.1:0"])
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", self.world.collector.http())
                .env("OTEL_BSP_SCHEDULE_DELAY", "100");
            let (process, url) = Process::start_service(&mut command, &self.world.log(&name))?;
            return Ok(Gateway::Ours(process, url));
        }
        let settings = Settings {
            file: mode.file(),
            locations: &[("/", &self.url)],
        };
        let folder = self.world.folder.join(name);
        Ok(Gateway::Nginx(Nginx::start(&folder, settings)?))
    }

    fn send(&mut self, mode: Mode, gateway: &str, sent: &Sent) -> Result<Trace, BoxError> {
        let url = Url::parse(&format!("{gateway}/call"))?;
        let lines = sent.lines.iter();
        let lines = lines.map(|(name, value)| (*name, value.as_str()));
        let asked = self.world.ask(url, lines);
        let reply = self.world.runtime.block_on(asked)?;
        let Some(outcome) = Outcome::of(mode, sent, self.version) else {
            return match reply.status {
                StatusCode::BAD_REQUEST => Ok(Trace::none(sent)),
                other => Err(format!("the gateway answered {other}, not 400").into()),
            };
        };
        let answer = reply.answer()?;
        if self.world.show {
            let answer = serde_json::to_string(&answer)?;
            println!("{}, {}: {answer}", mode.name(), sent.name);
        }
        let before = std::mem::replace(&mut self.counts, answer.counts.unwrap_or_default());
        let trace = outcome.check(self.services(mode), &answer, before)?;
        self.world.collector.wait_for_trace(&trace.expected)?;
        Ok(trace)
    }

    /// Those that record spans, in the order of the calls.
    fn services(&self, mode: Mode) -> Vec<String> {
        let ours = self.framework.name().to_owned();
        match mode {
            Mode::Ours => vec![OURS.to_owned(), ours],
            _ => vec![ours],
        }
    }
}

impl Gateway {
    fn url(&self) -> String {
        match self {
            Gateway::Nginx(nginx) => nginx.url(),
            Gateway::Ours(_, url) => url.clone(),
        }
    }

    fn stop(self) -> Result<(), BoxError> {
        match self {
            Gateway::Nginx(nginx) => nginx.stop(),
            Gateway::Ours(process, _) => process.stop(),
        }
    }
}
