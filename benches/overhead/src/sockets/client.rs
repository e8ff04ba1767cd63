//! The client: a few keep-alive connections, a request under way on each.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rum_trace_bench_requests::load::{Load, PATH};

use super::cores;

/// As many requests wait at the server at once.
const CONNECTIONS: usize = 8;

/// Sends requests from the second core until there have been enough.
///
/// # Errors
///
/// If a connection breaks, or an answer is not 200.
pub fn run(server: SocketAddr, load: Load, mut enough: impl FnMut() -> bool) -> io::Result<()> {
    cores::pin(1)?;
    let request = request(load);
    let connect = |_| {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.write_all(&request)?;
        Ok(stream)
    };
    let mut streams = (0..CONNECTIONS)
        .map(connect)
        .collect::<io::Result<Vec<_>>>()?;
    while !enough() {
        for stream in &mut streams {
            read_response(stream)?;
            stream.write_all(&request)?;
        }
    }
    Ok(())
}

fn request(load: Load) -> Vec<u8> {
    let mut text = format!("GET {PATH} HTTP/1.1\r\n");
    for (name, value) in load.headers() {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n").into_bytes()
}

/// Reads one response. There is never a second one behind it: no request is sent
/// before its predecessor's answer.
fn read_response(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        if is_whole(&buffer[..filled])? {
            return Ok(());
        }
    }
}

fn is_whole(response: &[u8]) -> io::Result<bool> {
    let text = std::str::from_utf8(response).map_err(io::Error::other)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.ok_or_else(|| io::Error::other("no content-length"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(head.to_owned()));
    }
    Ok(body.len() >= length)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_response_is_whole_with_its_last_byte() {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert!(is_whole(response).unwrap());
        assert!(!is_whole(&response[..response.len() - 1]).unwrap());
        assert!(!is_whole(&response[..20]).unwrap());
        assert!(is_whole(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
