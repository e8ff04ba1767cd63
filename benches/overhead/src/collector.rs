//! A collector that takes everything and keeps nothing but the number of spans.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// A running collector; it ends with the process.
#[derive(Clone, Debug)]
pub struct Collector {
    endpoint: String,
    spans: Arc<AtomicU64>,
}

impl Collector {
    /// Starts one on a port of its own.
    ///
    /// # Errors
    ///
    /// If there is none to be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}/v1/traces", listener.local_addr()?);
        let spans = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&spans);
        thread::Builder::new()
            .name("collector".to_owned())
            .spawn(move || accept(&listener, &counted))?;
        Ok(Collector { endpoint, spans })
    }

    /// The URL that traces are sent to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many spans have come.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }
}

fn accept(listener: &TcpListener, spans: &Arc<AtomicU64>) {
    for stream in listener.incoming().flatten() {
        let spans = Arc::clone(spans);
        thread::spawn(move || {
            // A client that goes away is the usual end.
            let _ = serve(stream, &spans);
        });
    }
}

fn serve(stream: TcpStream, spans: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut body = Vec::new();
    while let Some(length) = head(&mut reader)? {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        writer.write_all(TAKEN)?;
        spans.fetch_add(count(&body), Ordering::Relaxed);
    }
    Ok(())
}

/// The length of the body that follows; `None` at the end of the connection.
fn head(reader: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            return Ok(Some(length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
}

/// The spans of an `ExportTraceServiceRequest`: its field 1 holds resources, whose
/// field 2 holds scopes, whose field 2 holds spans.
fn count(request: &[u8]) -> u64 {
    let resources = Messages {
        field: 1,
        rest: request,
    };
    let scopes = resources.flat_map(|rest| Messages { field: 2, rest });
    scopes
        .map(|rest| Messages { field: 2, rest }.count() as u64)
        .sum()
}

/// The messages in one field of a protobuf message; others are passed over.
struct Messages<'a> {
    field: u64,
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let key = self.varint()?;
            let length = match key & 7 {
                0 => {
                    self.varint()?;
                    continue;
                }
                1 => 8,
                2 => usize::try_from(self.varint()?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (value, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            if key == self.field << 3 | 2 {
                return Some(value);
            }
        }
    }
}

impl Messages<'_> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn spans_are_counted_where_they_are() {
        // Resource spans { resource: {}, scope spans { spans: [{}, { name }] } }
        let span = [0x12, 0x00, 0x12, 0x03, 0x2a, 0x01, b'x'];
        let mut scope = vec![0x0a, 0x00, 0x12, span.len() as u8];
        scope.extend(span);
        let mut request = vec![0x0a, scope.len() as u8];
        request.extend(scope);
        assert_eq!(count(&request), 2);
        request.extend(request.clone());
        assert_eq!(count(&request), 4);
        assert_eq!(count(&[]), 0);
    }
}
