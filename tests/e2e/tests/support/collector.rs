//! The rotel collector as a process of the test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// A running collector; it is killed when this is dropped.
pub(crate) struct Rotel {
    child: Child,
    log: PathBuf,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            println!("rotel said:\n{said}");
        }
    }
}

impl Rotel {
    /// Starts one that forwards to `receiver`, and waits until it listens.
    pub(crate) fn start(receiver: SocketAddr) -> Self {
        // Between our look for free ports and its use of them somebody else may
        // have taken one. It then ends at once.
        for attempt in 1..=3 {
            let mut rotel = Self::spawn(receiver, attempt);
            if rotel.wait_until_it_listens() {
                return rotel;
            }
            println!("rotel ended at once, attempt {attempt}");
        }
        panic!("rotel does not start");
    }

    fn spawn(receiver: SocketAddr, attempt: usize) -> Self {
        let bin = std::env::var_os("ROTEL_BIN")
            .expect("ROTEL_BIN is the path of rotel-agent; tests/e2e/run-collector sets it");
        let [grpc_port, http_port] = free_ports();
        let file = |ending: &str| {
            let name = format!(
                "rotel-{}-{grpc_port}-{attempt}.{ending}",
                std::process::id()
            );
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
        };
        let log = file("log");
        let output = File::create(&log).expect("cargo's folder for tests can be written");
        let errors = output.try_clone().expect("a file can be opened twice");
        let child = Command::new(bin)
            .arg("start")
            .arg(format!("--otlp-grpc-endpoint=127.0.0.1:{grpc_port}"))
            .arg(format!("--otlp-http-endpoint=127.0.0.1:{http_port}"))
            .args(["--debug-log=traces", "--exporter=otlp"])
            .arg(format!("--otlp-exporter-endpoint=http://{receiver}"))
            .arg("--otlp-exporter-protocol=http")
            // Not in their usual place, where another rotel may be running.
            .arg("--pid-file")
            .arg(file("pid"))
            .arg("--log-file")
            .arg(file("agent.log"))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("ROTEL_BIN can be run");
        Rotel {
            child,
            log,
            grpc_port,
            http_port,
        }
    }

    /// `false` if it has ended instead.
    fn wait_until_it_listens(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        for port in [self.grpc_port, self.http_port] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                if self.child.try_wait().expect("it is our child").is_some() {
                    return false;
                }
                assert!(Instant::now() < end, "rotel does not listen on {port}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        true
    }
}

fn free_ports() -> [u16; 2] {
    // Both are held until both are known, so that they differ.
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    listeners.map(|listener| {
        let address = listener.and_then(|listener| listener.local_addr());
        address.expect("a free port").port()
    })
}
