//! Content codings: gzip and zstd, to a length.

use std::io::{self, BufReader, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::{Refusal, RequestLimits};
use crate::collector::stats::Reason;

/// Windows of up to 8 MiB, which every level of zstd but the ultra ones keeps to.
const MAX_WINDOW_LOG: u32 = 23;

/// What an Accept-Encoding header of an answer says.
pub(super) const SUPPORTED: &str = "gzip, zstd, identity";

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// By the name in a Content-Encoding header. One that is applied upon
    /// another is not told apart from one that is not known.
    pub(super) fn named(name: &[u8]) -> Result<Self, Refusal> {
        let is = |known: &str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
        if is("") || is("identity") {
            Ok(Self::Identity)
        } else if is("gzip") || is("x-gzip") {
            Ok(Self::Gzip)
        } else if is("zstd") {
            Ok(Self::Zstd)
        } else {
            let message = format!("a request is compressed in one of these ways: {SUPPORTED}");
            Err(Refusal::new(Reason::UnsupportedEncoding, message))
        }
    }

    /// The body as it was before it was compressed, if it is not longer than the
    /// limit.
    pub(crate) fn decompress(self, body: Bytes, limits: RequestLimits) -> Result<Bytes, Refusal> {
        match self {
            Self::Identity => Ok(body),
            // Several members, one after another, are one body (RFC 1952, 2.2).
            Self::Gzip => read(MultiGzDecoder::new(&*body), limits),
            Self::Zstd => read(
                zstd(&body).map_err(|error| Refusal::malformed(&error))?,
                limits,
            ),
        }
    }
}

fn zstd(body: &[u8]) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(BufReader::new(body))?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}

fn read(decoder: impl Read, limits: RequestLimits) -> Result<Bytes, Refusal> {
    let most = u64::try_from(limits.body).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    // One more than is allowed, to know whether there is more.
    (decoder.take(most.saturating_add(1)).read_to_end(&mut body)).map_err(|error| {
        Refusal::new(Reason::Malformed, format!("decompressing failed: {error}"))
    })?;
    if body.len() > limits.body {
        return Err(Refusal::too_large(limits));
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LIMITS: RequestLimits = RequestLimits {
        body: 1_000,
        decoded: 1_000,
        in_flight: 1_000,
        body_time: std::time::Duration::ZERO,
    };

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(body: &[u8]) -> Vec<u8> {
        zstd::encode_all(body, 3).unwrap()
    }

    fn decompressed(coding: Coding, body: &[u8]) -> Result<Bytes, Reason> {
        let body = Bytes::copy_from_slice(body);
        coding
            .decompress(body, LIMITS)
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn codings_are_known_by_name() {
        for (name, coding) in [
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            (" GZIP ", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("Zstd", Coding::Zstd),
        ] {
            assert_eq!(Coding::named(name.as_bytes()), Ok(coding));
        }
        for name in ["deflate", "br", "gzip, gzip", "gzip;q=1", "\u{ff}"] {
            let refusal = Coding::named(name.as_bytes()).unwrap_err();
            assert_eq!(refusal.reason, Reason::UnsupportedEncoding);
        }
    }

    #[test]
    fn what_was_compressed_comes_back_member_by_member() {
        let body = vec![7; 900];
        for (coding, compress) in [
            (Coding::Gzip, gzip as fn(&[u8]) -> Vec<u8>),
            (Coding::Zstd, zstd),
        ] {
            assert_eq!(decompressed(coding, &compress(&body)).unwrap(), body);
            let members = [compress(b"one, "), compress(b""), compress(b"two")].concat();
            assert_eq!(decompressed(coding, &members).unwrap(), &b"one, two"[..]);
            assert_eq!(
                decompressed(coding, &compress(&[0; 1_000])).unwrap().len(),
                1_000
            );
            assert_eq!(
                decompressed(coding, &compress(&[0; 1_001])),
                Err(Reason::BodyTooLarge)
            );
        }
    }

    #[test]
    fn what_is_broken_off_or_no_such_stream_is_malformed() {
        for (coding, whole) in [
            (Coding::Gzip, gzip(b"a body")),
            (Coding::Zstd, zstd(b"a body")),
        ] {
            for end in 1..whole.len() {
                let found = decompressed(coding, &whole[..end]);
                assert_eq!(found, Err(Reason::Malformed), "{coding:?} {end}");
            }
            let garbage = [&whole[..], b"garbage"].concat();
            assert_eq!(
                decompressed(coding, &garbage),
                Err(Reason::Malformed),
                "{coding:?}"
            );
            assert_eq!(
                decompressed(coding, b"no such stream"),
                Err(Reason::Malformed)
            );
        }
    }

    #[test]
    fn a_window_of_zstd_that_is_too_large_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(MAX_WINDOW_LOG + 1).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(b"a body").unwrap();
        let body = encoder.finish().unwrap();
        assert_eq!(decompressed(Coding::Zstd, &body), Err(Reason::Malformed));
    }
}
