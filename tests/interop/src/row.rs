//! One peer: its process, and ours beside it, cell by cell.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{StatusCode, Url};
use rum_trace_testing::PhoneRequest;
use tokio::runtime::Handle;

use crate::answer::Answer;
use crate::case::{Case, Column, Framework, Side, cases};
use crate::collector::Collector;
use crate::judge::Expected;
use crate::peer::Peer;
use crate::process::Process;
use crate::service::Onward;
use crate::{BoxError, Choice};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the cells of a run share.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) collector: &'a Collector,
    /// Where SkyWalking's agents report, `host:port`.
    pub(crate) segments: String,
    /// In the place of the systems that cannot be had, `host:port`.
    pub(crate) behind: String,
    pub(crate) installed: &'a Path,
    /// Of the logs.
    pub(crate) folder: &'a Path,
    pub(crate) runtime: Handle,
    pub(crate) client: reqwest::Client,
    pub(crate) show: bool,
}

/// A request that was made, until its trace is judged.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) column: Column,
    pub(crate) case: &'static str,
    /// Which of the Collector's spans came meanwhile.
    pub(crate) spans: Range<usize>,
    /// What the trace must be, or why there is none to judge.
    pub(crate) outcome: Result<Expected, String>,
}

/// Runs the chosen cells of a row.
pub(crate) fn run(world: &World<'_>, peer: &Peer, choice: &Choice) -> Vec<Made> {
    let columns = Column::ALL.into_iter();
    let columns: Vec<_> = columns.filter(|&column| choice.has(peer, column)).collect();
    let failed = |reason: String| -> Vec<Made> {
        let made = |&column: &Column| Made::failed(column, "all", reason.clone());
        columns.iter().map(made).collect()
    };
    let (process, url) = match world.start_peer(peer) {
        Ok(started) => started,
        Err(error) => return failed(error.to_string()),
    };
    let cells = columns
        .iter()
        .flat_map(|&column| world.cell(peer, &url, column));
    let mut made: Vec<_> = cells.collect();
    if let Err(error) = process.stop() {
        made.extend(failed(error.to_string()));
    }
    made
}

impl Made {
    fn failed(column: Column, case: &'static str, reason: String) -> Self {
        Made {
            column,
            case,
            spans: 0..0,
            outcome: Err(reason),
        }
    }
}

impl World<'_> {
    fn cell(&self, peer: &Peer, peer_url: &str, column: Column) -> Vec<Made> {
        let cases = cases(column.side, peer.about.speaks);
        let mut made = Vec::new();
        for onward in [Onward::Same, Onward::W3c, Onward::Sw8] {
            let cases: Vec<_> = cases.iter().filter(|case| case.onward == onward).collect();
            if !cases.is_empty() {
                made.extend(self.with_ours(peer, peer_url, column, &cases));
            }
        }
        made
    }

    /// These cases, with a service of ours that goes on as they want it.
    fn with_ours(&self, peer: &Peer, peer_url: &str, column: Column, cases: &[&Case]) -> Vec<Made> {
        let Some(first) = cases.first() else {
            return Vec::new();
        };
        let (process, url) =
            match self.start_ours(column.framework, column.framework.name(), first.onward) {
                Ok(started) => started,
                Err(error) => return vec![Made::failed(column, first.name, error.to_string())],
            };
        let ours = column.framework.name();
        let (services, urls) = match column.side {
            Side::Before => ([peer.name.as_str(), ours], [peer_url, &url]),
            Side::After => ([ours, peer.name.as_str()], [&url, peer_url]),
        };
        let one = |case: &&Case| self.case(column, case, services, urls);
        let mut made: Vec<_> = cases.iter().map(one).collect();
        if let Err(error) = process.stop() {
            made.push(Made::failed(column, first.name, format!("{ours} {error}")));
        }
        made
    }

    fn case(&self, column: Column, case: &Case, services: [&str; 2], urls: [&str; 2]) -> Made {
        let count = || self.collector.spans().map_or(0, |spans| spans.len());
        let before = count();
        let outcome = self.call(case, column, services, urls);
        Made {
            column,
            case: case.name,
            spans: before..count(),
            outcome: outcome.map_err(|error| error.to_string()),
        }
    }

    fn call(
        &self,
        case: &Case,
        column: Column,
        services: [&str; 2],
        urls: [&str; 2],
    ) -> Result<Expected, BoxError> {
        let answer = self.runtime.block_on(self.send(case, urls))?;
        if self.show {
            println!(
                "{}, {}: {}",
                column.name(),
                case.name,
                serde_json::to_string(&answer)?
            );
        }
        let ours = answer.of(column.framework.name());
        let ours = ours.ok_or_else(|| failure(&answer))?;
        let expected = case.expected(services, ours);
        case.check(services, &answer, ours)?;
        self.collector.wait_for_trace(&expected)?;
        Ok(expected)
    }

    async fn send(&self, case: &Case, [first, second]: [&str; 2]) -> Result<Answer, BoxError> {
        let url = Url::parse_with_params(
            &format!("{first}/call"),
            [("next", format!("{second}/call"))],
        )?;
        let headers = case.phone.iter().flat_map(PhoneRequest::headers);
        let headers = headers.map(|(name, value)| (*name, value.as_str()));
        self.ask(url, headers).await?.answer()
    }

    /// A request of somebody who is no part of the trace.
    pub(crate) async fn ask<'h>(
        &self,
        url: Url,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
    ) -> Result<Reply, BoxError> {
        let mut request = self.client.get(url).timeout(PATIENCE);
        for (name, value) in headers {
            request = request.header(name, value.as_bytes());
        }
        let response = request.send().await?;
        Ok(Reply {
            status: response.status(),
            body: response.bytes().await?,
        })
    }

    /// A peer gets its settings by environment, and nothing of the tester's own but what
    /// programs need to be found.
    pub(crate) fn start_peer(&self, peer: &Peer) -> Result<(Process, String), BoxError> {
        let installed = self.installed.join("peers").join(&peer.name);
        if !installed.join(".installed").exists() {
            return Err(format!("not installed: see {}.log", installed.display()).into());
        }
        let kept = ["PATH", "HOME", "JAVA_HOME", "PYENV_ROOT", "PYENV_VERSION"].into_iter();
        let kept = kept.filter_map(|name| std::env::var_os(name).map(|value| (name, value)));
        let mut command = Command::new(peer.folder.join("start"));
        command
            .env_clear()
            .envs(kept)
            .env("INSTALLED", installed)
            .env("SERVICE_NAME", &peer.name)
            .env("OTLP_HTTP", self.collector.http())
            .env("OTLP_GRPC", self.collector.grpc())
            .env("SKYWALKING", &self.segments)
            .current_dir(&peer.folder);
        Process::start_service(&mut command, &self.log(&peer.name))
    }

    pub(crate) fn start_ours(
        &self,
        framework: Framework,
        name: &str,
        onward: Onward,
    ) -> Result<(Process, String), BoxError> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .env_clear()
            .args([framework.name(), "--name", name])
            .args(["--collector", &self.collector.http()])
            .args(["--onward", onward.as_str()]);
        Process::start_service(&mut command, &self.log(name))
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Bytes,
}

impl Reply {
    pub(crate) fn answer(&self) -> Result<Answer, BoxError> {
        serde_json::from_slice(&self.body).map_err(|_| {
            let text = String::from_utf8_lossy(&self.body);
            let line = text.lines().next().unwrap_or_default();
            format!("{} from the first service: {line}", self.status).into()
        })
    }
}

pub(crate) fn failure(answer: &Answer) -> String {
    let error = answer.chain().find_map(|answer| answer.error.clone());
    error.unwrap_or_else(|| "our service did not answer".to_owned())
}
