//! JSON, as far as the answer needs it, within a bound.

/// Writes bytes as a JSON text, a character for each byte (Latin-1): what came in
/// need not be UTF-8. Stops before `room` is used up, quotes included; true if all
/// of it was written.
pub(super) fn text(out: &mut String, bytes: &[u8], room: usize) -> bool {
    let end = out.len().saturating_add(room.saturating_sub(1));
    out.push('"');
    let mut whole = true;
    for &byte in bytes {
        let before = out.len();
        push(out, byte);
        if out.len() > end {
            out.truncate(before);
            whole = false;
            break;
        }
    }
    out.push('"');
    whole
}

fn push(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        // Latin-1 in UTF-8.
        b' '..=b'~' | 0xa0.. => out.push(char::from(byte)),
        _ => {
            let digit = |half: u8| char::from_digit(u32::from(half & 0xf), 16).unwrap_or('0');
            out.push_str("\\u00");
            out.push(digit(byte >> 4));
            out.push(digit(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let mut out = String::new();
        assert!(text(&mut out, &all, usize::MAX));
        let read: String = serde_json::from_str(&out).expect("JSON");
        let bytes: Vec<u8> = read
            .chars()
            .map(|c| u8::try_from(c).expect("Latin-1"))
            .collect();
        assert_eq!(bytes, all);
    }

    #[test]
    fn it_stays_within_its_room_and_is_json_wherever_it_ends() {
        let bytes = b"a\"b\\\x00\xe9\x7fz";
        for room in 2..40 {
            let mut out = String::from("[");
            let whole = text(&mut out, bytes, room);
            assert!(out.len() <= 1 + room, "{room}: {out}");
            out.push(']');
            let read: Vec<String> = serde_json::from_str(&out).expect("JSON");
            let read: Vec<u8> = read[0]
                .chars()
                .map(|c| u8::try_from(c).expect("one"))
                .collect();
            assert!(bytes.starts_with(&read), "{room}");
            assert_eq!(whole, read == bytes, "{room}");
        }
    }
}
