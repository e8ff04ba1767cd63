//! gRPC's framing: a byte that says whether it is compressed, four of length, the message.

use bytes::{Buf as _, Bytes, BytesMut};

/// A segment has some kilobytes.
const MAX_MESSAGE: usize = 4 << 20;

/// Cuts a stream into its messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    pub(super) fn push(&mut self, data: &Bytes) -> Result<(), &'static str> {
        if self.buffer.len() + data.len() > 2 * MAX_MESSAGE {
            return Err("too much at once");
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    /// The next whole message, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, &'static str> {
        let Some(&[compressed, a, b, c, d]) = self.buffer.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match (compressed, length) {
            (0, 0..=MAX_MESSAGE) => {}
            (0, _) => return Err("the message is too long"),
            _ => return Err("the message is compressed"),
        }
        if self.buffer.len() < 5 + length {
            return Ok(None);
        }
        self.buffer.advance(5);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_they_come_in() {
        let stream = [
            0, 0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'c',
        ];
        for size in 1..=stream.len() {
            let mut frames = Frames::default();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                frames.push(&Bytes::copy_from_slice(piece)).expect("room");
                while let Some(message) = frames.next().expect("a frame") {
                    messages.push(message);
                }
            }
            assert_eq!(messages, ["ab", "", "c"], "{size} at a time");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for head in [[1, 0, 0, 0, 1], [0, 0xff, 0, 0, 0]] {
            let mut frames = Frames::default();
            frames.push(&Bytes::copy_from_slice(&head)).expect("room");
            frames.next().expect_err("no message");
        }
    }
}
