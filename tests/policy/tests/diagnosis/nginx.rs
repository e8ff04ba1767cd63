//! nginx in front of a service: one process in the foreground, with a folder and a port
//! of its own.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A guard against hanging, no more.
const START: Duration = Duration::from_secs(30);

pub(crate) struct Nginx {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Nginx {
    /// Starts it with these directives in the location that leads to the service, and
    /// waits until it accepts.
    pub(crate) fn start(directives: &str, service: SocketAddr) -> Self {
        let address = rum_trace_loopback::reserved();
        let folder = std::env::temp_dir().join(format!(
            "rum-trace-nginx-{}-{}",
            std::process::id(),
            address.port()
        ));
        std::fs::create_dir_all(&folder).expect("a folder");
        let settings = settings(address, directives, service);
        std::fs::write(folder.join("nginx.conf"), settings).expect("its settings");
        let process = Command::new("nginx")
            // Before it has read its settings, it would write into the machine's log.
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(&folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx, which tests/policy/run installs");
        let mut nginx = Nginx {
            process,
            folder,
            address,
        };
        nginx.wait();
        nginx
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn settings(address: SocketAddr, directives: &str, service: SocketAddr) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {address};
        large_client_header_buffers 4 32k;
        location / {{
            {directives}
            proxy_pass http://{service};
        }}
    }}
}}
"
    )
}
