//! `tracestate`, by W3C Trace Context Level 2, §3.3.

use std::borrow::Cow;
use std::fmt;

use crate::error::parts;
use crate::text::{ascii, offset_in, split_at_bytes, split_once, trim_ows};

/// The longest key and the longest value, §3.3.1.3.
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 256;

/// Members longer than this are the first to go when a list must be cut, §3.3.1.5.
const LONG_MEMBER: usize = 128;

parts! {
    /// The parts of a `tracestate` list.
    TraceStatePart {
        /// A member's key.
        Key => "key",
        /// A member's value.
        Value => "value",
        /// A member as a whole.
        Member => "list-member",
        /// The number of members.
        Count => "number of list-members",
    }
}

/// Why a `tracestate` list must not be carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceStateError {
    part: TraceStatePart,
    field: usize,
    at: usize,
    expected: &'static str,
}

impl TraceStateError {
    /// The part that is wrong.
    #[must_use]
    pub const fn part(&self) -> TraceStatePart {
        self.part
    }

    /// Which of the header's lines it is in, from 0.
    #[must_use]
    pub const fn field(&self) -> usize {
        self.field
    }

    /// The byte at which it is wrong, counted from 0 in that line as received.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for TraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceStateError {
            part,
            field,
            at,
            expected,
        } = self;
        write!(
            f,
            "tracestate: {part} at byte {at} of line {field}: expected {expected}"
        )
    }
}

impl std::error::Error for TraceStateError {}

/// A legal `tracestate` list, in canonical text: `key=value,key=value`, without
/// white space round members, without empty members, each key once.
///
/// A line that is canonical already, as nearly all are, is borrowed.
///
/// ```
/// use rum_trace_propagation::TraceState;
///
/// // A gateway split the list, and another padded it.
/// let list = TraceState::parse_fields([&b"congo=t61rcWkgMzE"[..], b" rojo=00f067 , , "])?;
/// assert_eq!(list.as_str(), "congo=t61rcWkgMzE,rojo=00f067");
/// assert_eq!(list.get("rojo"), Some("00f067"));
/// # Ok::<(), rum_trace_propagation::tracestate::TraceStateError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceState<'a> {
    /// ASCII, as every legal list is. It becomes a `str` where one is asked
    /// for, since checking it once more is a third of what parsing takes.
    text: Cow<'a, [u8]>,
}

impl<'a> TraceState<'a> {
    /// The most members that a list can have, §3.3.1.1.
    pub const MAX_MEMBERS: usize = 32;

    /// Parses a header that came as one line.
    ///
    /// # Errors
    ///
    /// The list breaks a rule of Level 2, §3.3: none of it may be carried on.
    pub fn parse(field: &'a [u8]) -> Result<Self, TraceStateError> {
        TraceState::parse_fields([field])
    }

    /// Parses all lines of the header, in order, as one list (RFC 9110, §5.2).
    /// Of members with the same key the first is kept.
    ///
    /// # Errors
    ///
    /// The list breaks a rule of Level 2, §3.3: none of it may be carried on.
    pub fn parse_fields<I>(fields: I) -> Result<Self, TraceStateError>
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        let mut list = Builder::default();
        for (index, field) in fields.into_iter().enumerate() {
            list.add_field(index, field)?;
        }
        Ok(TraceState { text: list.text })
    }

    /// The header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        ascii(&self.text)
    }

    /// The header value as bytes, for a header map that wants no text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members().count()
    }

    /// The members in order, as key and value.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        let members = self.as_str().split(',');
        members.filter_map(|member| member.split_once('='))
    }

    /// The value of the member with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }

    /// The same list, on its own.
    #[must_use]
    pub fn into_owned(self) -> TraceState<'static> {
        TraceState {
            text: Cow::Owned(self.text.into_owned()),
        }
    }
}

impl fmt::Display for TraceState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The list so far: borrowed while it is one line that needs no change.
#[derive(Default)]
struct Builder<'a> {
    text: Cow<'a, [u8]>,
    members: usize,
}

impl<'a> Builder<'a> {
    fn add_field(&mut self, index: usize, field: &'a [u8]) -> Result<(), TraceStateError> {
        // Nearly every list is one member and nothing else: then nobody needs
        // to look for commas and white space.
        if self.members == 0 && check_member(field).is_ok() {
            self.members = 1;
            self.text = Cow::Borrowed(field);
            return Ok(());
        }
        for (at, piece) in split_at_bytes(field, b',') {
            let member = trim_ows(piece);
            if !member.is_empty() {
                let at = at.saturating_add(offset_in(piece, member));
                self.add_member(index, field, at, member)?;
            }
        }
        Ok(())
    }

    /// Adds a member, which begins at `at` in `field`.
    fn add_member(
        &mut self,
        index: usize,
        field: &'a [u8],
        at: usize,
        member: &'a [u8],
    ) -> Result<(), TraceStateError> {
        let error = |(part, offset, expected)| TraceStateError {
            part,
            field: index,
            at: at.saturating_add(offset),
            expected,
        };
        check_member(member).map_err(error)?;
        self.members = self.members.saturating_add(1);
        if self.members > TraceState::MAX_MEMBERS {
            return Err(error((TraceStatePart::Count, 0, "at most 32 list-members")));
        }
        if self.text.is_empty() {
            self.text = Cow::Borrowed(member);
        } else if !self.has_key_of(member) {
            self.append(field, at, member);
        }
        Ok(())
    }

    fn has_key_of(&self, member: &[u8]) -> bool {
        let key = |member| split_once(member, b'=').map(|(key, _)| key);
        split_at_bytes(&self.text, b',').any(|(_, known)| key(known) == key(member))
    }

    fn append(&mut self, field: &'a [u8], at: usize, member: &'a [u8]) {
        let continued = match &self.text {
            Cow::Borrowed(text) => adjoining(field, text, at, member),
            Cow::Owned(_) => None,
        };
        match continued {
            Some(longer) => self.text = Cow::Borrowed(longer),
            None => {
                let text = self.text.to_mut();
                text.push(b',');
                text.extend_from_slice(member);
            }
        }
    }
}

/// The text and the member as one piece of the field, if a single comma is all
/// that stands between them.
fn adjoining<'a>(field: &'a [u8], text: &[u8], at: usize, member: &[u8]) -> Option<&'a [u8]> {
    let begin = offset_in(field, text);
    let comma = begin.checked_add(text.len())?;
    // Text of an earlier line is no part of this field.
    if field.get(begin..comma)?.as_ptr() != text.as_ptr() || comma.checked_add(1)? != at {
        return None;
    }
    field.get(begin..at.checked_add(member.len())?)
}

type MemberError = (TraceStatePart, usize, &'static str);

/// Whether a member is legal, or what is wrong with it and where.
fn check_member(member: &[u8]) -> Result<(), MemberError> {
    let Some((key, value)) = split_once(member, b'=') else {
        return Err((TraceStatePart::Member, 0, "key=value"));
    };
    if let Some(at) = illegal_in_key(key) {
        let expected = "1 to 256 of a-z 0-9 _ - * / @, beginning with a letter or a digit";
        return Err((TraceStatePart::Key, at, expected));
    }
    if let Some(at) = illegal_in_value(value) {
        let at = key.len().saturating_add(1).saturating_add(at);
        let expected = "1 to 256 printable ASCII characters without , and =";
        return Err((TraceStatePart::Value, at, expected));
    }
    Ok(())
}

/// §3.3.1.3.1: `( lcalpha / DIGIT ) 0*255 ( keychar )`.
fn illegal_in_key(key: &[u8]) -> Option<usize> {
    let Some((first, rest)) = key.split_first() else {
        return Some(0);
    };
    if !matches!(first, b'a'..=b'z' | b'0'..=b'9') {
        return Some(0);
    }
    let legal =
        |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    match rest.iter().position(|byte| !legal(byte)) {
        Some(at) => Some(at.saturating_add(1)),
        None => (key.len() > MAX_KEY).then_some(MAX_KEY),
    }
}

/// §3.3.1.3.2: `0*255(chr) nblk-chr`, so at least one character, and the last
/// one is not a space.
fn illegal_in_value(value: &[u8]) -> Option<usize> {
    let Some((last, _)) = value.split_last() else {
        return Some(0);
    };
    // Where one is wrong is looked for only when one is.
    if !all_legal(value) {
        return value.iter().position(|byte| !is_legal(*byte));
    }
    if value.len() > MAX_VALUE {
        return Some(MAX_VALUE);
    }
    (*last == b' ').then(|| value.len().saturating_sub(1))
}

const fn is_legal(byte: u8) -> bool {
    (byte >= b' ') & (byte <= b'~') & (byte != b',') & (byte != b'=')
}

/// Without an early end, so that the compiler tests sixteen bytes at once; the
/// last sixteen may be tested twice.
fn all_legal(value: &[u8]) -> bool {
    let block = |bytes: &[u8; 16]| bytes.iter().fold(true, |all, byte| all & is_legal(*byte));
    let Some(last) = value.last_chunk() else {
        return value.iter().all(|byte| is_legal(*byte));
    };
    let mut blocks = value.chunks_exact(16).filter_map(<[u8]>::first_chunk);
    blocks.all(block) && block(last)
}

/// Whether a member may stand in a list.
#[must_use]
pub fn is_legal_member(key: &str, value: &str) -> bool {
    illegal_in_key(key.as_bytes()).is_none() && illegal_in_value(value.as_bytes()).is_none()
}

/// Prints a list of at most 32 members and `max_len` bytes.
///
/// The members must be legal. Of more than 32 the rightmost go. If the text is
/// too long, members of more than 128 characters go first and then, as before,
/// the rightmost (§3.3.1.5); no member is ever cut in two.
///
/// ```
/// use rum_trace_propagation::tracestate::compose;
///
/// assert_eq!(compose([("a", "1"), ("b", "2"), ("c", "3")], 8), "a=1,b=2");
/// ```
pub fn compose<'m>(
    members: impl IntoIterator<Item = (&'m str, &'m str)>,
    max_len: usize,
) -> String {
    let mut members: Vec<(&str, &str)> =
        members.into_iter().take(TraceState::MAX_MEMBERS).collect();
    while text_len(&members) > max_len {
        let long = members
            .iter()
            .rposition(|member| member_len(member) > LONG_MEMBER);
        match long {
            Some(at) => drop(members.remove(at)),
            None => drop(members.pop()),
        }
    }
    let mut text = String::with_capacity(text_len(&members));
    for (key, value) in members {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend([key, "=", value]);
    }
    text
}

fn member_len((key, value): &(&str, &str)) -> usize {
    key.len().saturating_add(1).saturating_add(value.len())
}

/// The members and the commas between them.
fn text_len(members: &[(&str, &str)]) -> usize {
    let members_len = members
        .iter()
        .map(member_len)
        .fold(0, usize::saturating_add);
    members_len.saturating_add(members.len().saturating_sub(1))
}
