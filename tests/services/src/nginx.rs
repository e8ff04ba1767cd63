//! nginx: one process in the foreground, with a folder and a port of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rum_trace_loopback::reserved;

/// A guard against hanging, no more.
const START: Duration = Duration::from_secs(30);

const JS_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_js_module.so";

/// The settings that docs/INTEROP.md shows, and that the matrix there is of.
const SHOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/nginx");

/// A running nginx; it ends when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
    is_tls: bool,
}

/// How it is set.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// In `http`, before the server.
    pub http: String,
    /// In the location that leads on.
    pub location: String,
    /// Its certificate and key, as PEM.
    pub tls: Option<(String, String)>,
    /// It needs njs.
    pub js: bool,
}

impl Settings {
    /// As installed.
    #[must_use]
    pub fn passing() -> Self {
        Settings::default()
    }

    /// One of the files in tests/interop/nginx.
    #[must_use]
    pub fn shown(name: &str) -> Self {
        let http = format!("    js_path \"{SHOWN}\";\n    include \"{SHOWN}/{name}.conf\";\n");
        let js = name == "fold";
        Settings {
            http: if js {
                http
            } else {
                http.lines().skip(1).collect()
            },
            js,
            ..Settings::default()
        }
    }

    /// With these directives in the location.
    #[must_use]
    pub fn location(directives: &str) -> Self {
        Settings {
            location: directives.to_owned(),
            ..Settings::default()
        }
    }
}

impl Nginx {
    /// Starts it before this address, and waits until it accepts.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(settings: &Settings, to: SocketAddr) -> Self {
        let address = reserved();
        let name = format!("rum-trace-nginx-{}-{}", std::process::id(), address.port());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        if let Some((certificate, key)) = &settings.tls {
            fs::write(folder.join("certificate.pem"), certificate).expect("a file");
            fs::write(folder.join("key.pem"), key).expect("a file");
        }
        let text = text(settings, address, to);
        fs::write(folder.join("nginx.conf"), text).expect("its settings");
        let mut nginx = Nginx {
            process: spawn(&folder),
            folder,
            address,
            is_tls: settings.tls.is_some(),
        };
        nginx.wait();
        nginx
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path there.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    fn wait(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.try_wait().expect("a process").is_some();
            if ended || start.elapsed() > START {
                let mut said = String::new();
                let _ = self.process.kill();
                if let Some(mut stderr) = self.process.stderr.take() {
                    stderr.read_to_string(&mut said).expect("text");
                }
                panic!("nginx does not accept: {said}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It has no workers, and nothing is left to be served.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new("nginx");
    // Before it has read its settings, it would write into the machine's log.
    command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]);
    let command = command.arg(folder).stderr(Stdio::piped());
    command
        .spawn()
        .expect("nginx, which the test's `run` installs")
}

fn text(settings: &Settings, address: SocketAddr, to: SocketAddr) -> String {
    let mut text = String::new();
    if settings.js {
        writeln!(text, "load_module {JS_MODULE};").expect("text");
    }
    text.push_str(PROCESS);
    let tls = match settings.tls {
        Some(_) => {
            " ssl;\n        ssl_certificate certificate.pem;\n        ssl_certificate_key key.pem"
        }
        None => "",
    };
    let Settings { http, location, .. } = settings;
    write!(
        text,
        "http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{http}
    server {{
        listen {address}{tls};
        location / {{
            {location}
            proxy_pass http://{to};
        }}
    }}
}}
"
    )
    .expect("text");
    text
}

/// One process: killed, it leaves no worker behind.
const PROCESS: &str = "\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
";
