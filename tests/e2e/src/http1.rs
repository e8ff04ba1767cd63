//! HTTP/1.1 messages, as far as both ends of the tests write them: with a
//! `Content-Length`, or without a body.

use std::io::BufRead;

use crate::mutate::Line;

/// The first line, the header lines as they came, and the body.
pub(crate) struct Message {
    pub(crate) start: String,
    pub(crate) headers: Vec<Line>,
    pub(crate) body: Vec<u8>,
}

/// Reads one message; `None` if the connection was closed before it began.
pub(crate) fn read(from: &mut impl BufRead) -> std::io::Result<Option<Message>> {
    let Some(start) = line(from)? else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    loop {
        let line = line(from)?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        headers.push(split(&line)?);
    }
    let mut body = vec![0; content_length(&headers)?];
    from.read_exact(&mut body)?;
    Ok(Some(Message {
        start: String::from_utf8_lossy(&start).into_owned(),
        headers,
        body,
    }))
}

/// A line without its end; `None` at the end of the stream.
fn line(from: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let end = line.strip_suffix(b"\r\n");
    let line = end.ok_or_else(|| bad("a line that does not end in CRLF"))?;
    Ok(Some(line.to_vec()))
}

/// `name: value`; the value loses the white space that HTTP puts round it.
fn split(line: &[u8]) -> std::io::Result<Line> {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.ok_or_else(|| bad("a header without a colon"))?);
    let name = String::from_utf8_lossy(name).into_owned();
    Ok((name, value[1..].trim_ascii().to_vec()))
}

fn content_length(headers: &[Line]) -> std::io::Result<usize> {
    let named = |wanted: &str| {
        let mut headers = headers.iter();
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if named("transfer-encoding").is_some() {
        return Err(bad("a chunked body, which these tests do not expect"));
    }
    let Some((_, length)) = named("content-length") else {
        return Ok(0);
    };
    let length = std::str::from_utf8(length).ok();
    let length = length.and_then(|length| length.parse().ok());
    length.ok_or_else(|| bad("a Content-Length that is no number"))
}

fn bad(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}
