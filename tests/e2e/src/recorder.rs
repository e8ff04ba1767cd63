//! An HTTP server that keeps the header lines of each request as they came.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::http1;
use crate::mutate::Line;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The request target.
    pub path: String,
    /// The header lines in order, names as they were written.
    pub headers: Vec<Line>,
    /// The body, as text.
    pub body: String,
}

impl Recorded {
    /// The values of all lines with this name, whatever its case.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.headers.iter();
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}

/// The server. It answers everything with 200 and `null`, and stops when it is
/// dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<Recorded>>,
    stopped: AtomicBool,
}

impl Recorder {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &theirs));
        Recorder { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, which it then forgets.
    #[must_use]
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.shared.requests())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; if this fails, the thread has gone.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn requests(&self) -> std::sync::MutexGuard<'_, Vec<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        // Ends with the connection; what went wrong shows as a missing request.
        thread::spawn(move || stream.and_then(|stream| serve(stream, &shared)));
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::new(stream);
    while let Some(message) = http1::read(&mut requests)? {
        let path = message.start.split(' ').nth(1).unwrap_or_default();
        shared.requests().push(Recorded {
            path: path.to_owned(),
            headers: message.headers,
            body: String::from_utf8_lossy(&message.body).into_owned(),
        });
        answers.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
        )?;
    }
    Ok(())
}
