//! The bytes of a file: see the [module](super) for the table.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// Length of the header.
pub(super) const HEADER_LEN: usize = 48;
const MAGIC: [u8; 8] = *b"RUMSPOOL";
const VERSION: u16 = 1;
/// The header up to its own checksum.
const CHECKED: usize = HEADER_LEN - 4;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    None,
    Gzip,
    Zstd,
}

impl Encoding {
    fn tag(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Zstd => 2,
        }
    }

    fn of_tag(tag: u8) -> Option<Self> {
        match tag {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// An OTLP `ExportTraceServiceRequest` in protobuf.
    OtlpTraces,
}

impl Format {
    fn tag(self) -> u8 {
        match self {
            Self::OtlpTraces => 1,
        }
    }

    fn of_tag(tag: u8) -> Option<Self> {
        (tag == 1).then_some(Self::OtlpTraces)
    }
}

/// A batch, encoded and ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// When the batch was made; kept in milliseconds.
    pub(crate) created: SystemTime,
    /// How many spans it has.
    pub(crate) spans: u64,
    /// How the body is compressed.
    pub(crate) encoding: Encoding,
    /// What the body is.
    pub(crate) format: Format,
    /// The request as it goes over the wire.
    pub(crate) body: Bytes,
}

/// Why a file is no batch to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it does not begin like a file of the spool")]
    Foreign,
    #[error("a newer version wrote it")]
    Newer,
    #[error("its length is wrong")]
    Torn,
    #[error("a checksum is wrong")]
    Changed,
    #[error("it is not the file that was there at the start")]
    Replaced,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    encoding: Encoding,
    format: Format,
    created: SystemTime,
    pub(super) spans: u64,
    body_len: u64,
    body_crc: u32,
}

impl Header {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            encoding: record.encoding,
            format: record.format,
            created: record.created,
            spans: record.spans,
            body_len: record.body.len() as u64,
            body_crc: crc32fast::hash(&record.body),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_be_bytes());
        bytes[10..12].copy_from_slice(&(HEADER_LEN as u16).to_be_bytes());
        bytes[12] = self.encoding.tag();
        bytes[13] = self.format.tag();
        bytes[16..24].copy_from_slice(&unix_millis(self.created).to_be_bytes());
        bytes[24..32].copy_from_slice(&self.spans.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.body_len.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.body_crc.to_be_bytes());
        let crc = crc32fast::hash(&bytes[..CHECKED]);
        bytes[CHECKED..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads the header at the beginning of `file`.
    pub(super) fn parse(file: &[u8]) -> Result<Self, Flaw> {
        let bytes: &[u8; HEADER_LEN] = file.first_chunk().ok_or(Flaw::Torn)?;
        if field::<8>(bytes, 0) != MAGIC {
            return Err(Flaw::Foreign);
        }
        // Before the checksum: where that stands is the version's business.
        let (version, len) = (field(bytes, 8), field(bytes, 10));
        if u16::from_be_bytes(version) != VERSION
            || usize::from(u16::from_be_bytes(len)) != HEADER_LEN
        {
            return Err(Flaw::Newer);
        }
        if u32::from_be_bytes(field(bytes, CHECKED)) != crc32fast::hash(&bytes[..CHECKED]) {
            return Err(Flaw::Changed);
        }
        Self::fields(bytes).ok_or(Flaw::Newer)
    }

    /// `None` for a value that this version does not know.
    fn fields(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let number = |at| u64::from_be_bytes(field(bytes, at));
        let header = Self {
            encoding: Encoding::of_tag(bytes[12])?,
            format: Format::of_tag(bytes[13])?,
            created: UNIX_EPOCH.checked_add(Duration::from_millis(number(16)))?,
            spans: number(24),
            body_len: number(32),
            body_crc: u32::from_be_bytes(field(bytes, 40)),
        };
        (field(bytes, 14) == [0, 0]).then_some(header)
    }

    /// How long the whole file is. Saturating: a header may say anything.
    pub(super) fn file_len(&self) -> u64 {
        self.body_len.saturating_add(HEADER_LEN as u64)
    }
}

/// Reads a whole file.
pub(super) fn parse(file: Vec<u8>) -> Result<Record, Flaw> {
    let header = Header::parse(&file)?;
    if header.file_len() != file.len() as u64 {
        return Err(Flaw::Torn);
    }
    let body = Bytes::from(file).slice(HEADER_LEN..);
    if header.body_crc != crc32fast::hash(&body) {
        return Err(Flaw::Changed);
    }
    Ok(Record {
        created: header.created,
        spans: header.spans,
        encoding: header.encoding,
        format: header.format,
        body,
    })
}

/// A time before 1970 is 1970.
pub(super) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `N` bytes from `at`, which every caller keeps inside the header.
fn field<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}
