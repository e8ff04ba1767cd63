//! Base64 as the SDKs write it in `sw8`: the standard alphabet, padded. Its own
//! few lines, so that the headers do not come from the code that reads them.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes the text's UTF-8 bytes, as native SDKs do.
pub(crate) fn utf8(text: &str) -> String {
    encode(text.as_bytes())
}

/// Encodes as a browser's `btoa` does: a byte for each character up to U+00FF.
/// `btoa` refuses others, so no real header holds them; here they become `?`.
pub(crate) fn latin1(text: &str) -> String {
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    encode(&bytes)
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..4 {
            if sextet > chunk.len() {
                text.push('=');
            } else {
                let index = (bits >> (18 - 6 * sextet)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (text, encoded) in vectors {
            assert_eq!(utf8(text), encoded);
        }
    }

    #[test]
    fn a_browser_writes_one_byte_a_character() {
        assert_eq!(latin1("é"), "6Q==");
        assert_eq!(utf8("é"), "w6k=");
        assert_eq!(latin1("店"), latin1("?"));
    }
}
