//! nginx between: one process in the foreground, with a folder and a port of its own.

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::BoxError;
use crate::process::Process;

const START: Duration = Duration::from_secs(30);

/// Where distributions put the module that `js_import` is of.
const JS_MODULES: [&str; 3] = [
    "/usr/lib/nginx/modules/ngx_http_js_module.so",
    "/usr/lib64/nginx/modules/ngx_http_js_module.so",
    "/usr/local/lib/nginx/modules/ngx_http_js_module.so",
];

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Process,
    port: u16,
}

/// What it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    /// A file in `nginx/`, without its ending; none changes nothing.
    pub(crate) file: Option<&'a str>,
    /// Prefixes of paths, and the URLs that they lead to.
    pub(crate) locations: &'a [(&'a str, &'a str)],
}

impl Nginx {
    /// Starts it in this folder, which it makes, and waits until it accepts.
    pub(crate) fn start(folder: &Path, settings: Settings<'_>) -> Result<Self, BoxError> {
        std::fs::create_dir_all(folder)?;
        let port = rum_trace_loopback::reserved().port();
        std::fs::write(folder.join("nginx.conf"), settings.text(port)?)?;
        let mut command = Command::new("nginx");
        // Before it has read its settings, it would write into the machine's log.
        command
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder);
        let log = folder.join("nginx.log");
        let mut nginx = Nginx {
            process: Process::start(&mut command, &log)?,
            port,
        };
        nginx.wait(&log)?;
        Ok(nginx)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(self) -> Result<(), BoxError> {
        self.process.stop()
    }

    fn wait(&mut self, log: &Path) -> Result<(), BoxError> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if self.process.has_ended() || start.elapsed() > START {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let last = log.lines().last().unwrap_or("it said nothing");
                return Err(format!("nginx does not accept: {last}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Settings<'_> {
    fn text(&self, port: u16) -> Result<String, BoxError> {
        let files = files();
        let include = self.file.map(|file| files.join(format!("{file}.conf")));
        let script = match &include {
            Some(file) => std::fs::read_to_string(file)?.contains("js_import"),
            None => false,
        };
        let mut text = String::new();
        if script {
            writeln!(text, "load_module {};", js_module()?)?;
        }
        text.push_str(PROCESS);
        text.push_str("http {\n");
        text.push_str(TEMPORARY);
        if script {
            writeln!(text, "    js_path \"{}\";", files.display())?;
        }
        if let Some(file) = include {
            writeln!(text, "    include \"{}\";", file.display())?;
        }
        writeln!(text, "    server {{\n        listen 127.0.0.1:{port};")?;
        for (prefix, url) in self.locations {
            writeln!(text, "        location {prefix} {{ proxy_pass {url}; }}")?;
        }
        text.push_str("    }\n}\n");
        Ok(text)
    }
}

/// One process: killed, it leaves no worker behind.
const PROCESS: &str = "\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
";

/// In its own folder, not in the machine's.
const TEMPORARY: &str = "
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
";

/// The settings under test, which docs/INTEROP.md shows.
pub(crate) fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("nginx")
}

fn js_module() -> Result<&'static str, BoxError> {
    let found = JS_MODULES.into_iter().find(|file| Path::new(file).exists());
    found.ok_or_else(|| "nginx has no module for njs here (libnginx-mod-http-js)".into())
}

/// The version of the nginx that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u32; 3]);

impl Version {
    /// From this one on `$http_tracestate` is all lines, not the first.
    const JOINS: Version = Version([1, 23, 0]);

    pub(crate) fn of_this_machine() -> Result<Self, BoxError> {
        let output = Command::new("nginx").arg("-v").output();
        let output = output.map_err(|error| format!("nginx cannot be run: {error}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        Version::parse(&text).ok_or_else(|| format!("not nginx's version: {text}").into())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("nginx/")?;
        let numbers = rest
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()?;
        let mut numbers = numbers.splitn(3, '.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Version([next()?, next()?, next()?]))
    }

    pub(crate) fn joins_lines(self) -> bool {
        self >= Version::JOINS
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let table = [
            ("nginx version: nginx/1.22.1\n", Some([1, 22, 1])),
            ("nginx version: nginx/1.26.3 (Ubuntu)", Some([1, 26, 3])),
            ("nginx version: openresty", None),
            ("nginx/1.2", None),
        ];
        for (text, version) in table {
            assert_eq!(Version::parse(text), version.map(Version), "{text}");
        }
        assert!(!Version([1, 22, 1]).joins_lines());
        assert!(Version([1, 23, 0]).joins_lines());
    }

    /// What an operator copies is what was run.
    #[test]
    fn the_guide_shows_the_files() {
        let guide = include_str!("../../../docs/INTEROP.md");
        for entry in std::fs::read_dir(files()).expect("the folder") {
            let file = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&file).expect("text");
            assert!(guide.contains(&text), "{}", file.display());
        }
    }
}
