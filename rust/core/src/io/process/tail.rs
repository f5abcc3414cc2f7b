//! The end of what the child wrote to its stderr, for error messages: the last bytes, of which lines are made when
//! somebody asks. Interprets nothing and logs nothing.

use std::collections::VecDeque;

use crate::sync::lock::Mutex;

/// The last bytes of a stream.
#[derive(Debug)]
pub struct Tail(Mutex<Ring>);

impl Tail {
    /// Keeps `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self(Mutex::new(Ring {
            bytes: VecDeque::new(),
            capacity,
            mid_line: false,
        }))
    }

    pub fn push(&self, new: &[u8]) {
        self.0.lock().push(new);
    }

    /// The last bytes as text, from the start of a line on unless one line fills it all; what is
    /// not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().text()
    }
}

#[derive(Debug)]
struct Ring {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The byte before the first one was dropped and was not the end of a line.
    mid_line: bool,
}

impl Ring {
    fn push(&mut self, new: &[u8]) {
        self.bytes.extend(new);
        let excess = self.bytes.len().saturating_sub(self.capacity);
        if let Some(last) = self.bytes.drain(..excess).next_back() {
            self.mid_line = last != b'\n';
        }
    }

    fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let start = if self.mid_line { after_cut(&bytes) } else { 0 };
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }
}

/// Where to begin after a cut: at the next line, or, when there is none, at the next character.
fn after_cut(bytes: &[u8]) -> usize {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end + 1 < bytes.len() => end + 1,
        _ => bytes
            .iter()
            .position(|&byte| byte & 0xC0 != 0x80)
            .unwrap_or(bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(capacity: usize, pieces: &[&[u8]]) -> String {
        let tail = Tail::new(capacity);
        for piece in pieces {
            tail.push(piece);
        }
        tail.text()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(tail(8, &[b"ab\n", b"cd\nef"]), "ab\ncd\nef");
    }

    #[test]
    fn a_cut_line_is_left_out() {
        assert_eq!(tail(7, &[b"abc\nde\n", b"fg\n"]), "de\nfg\n");
    }

    #[test]
    fn a_cut_at_the_end_of_a_line_loses_no_other() {
        assert_eq!(tail(6, &[b"abc\nde\nfg\n"]), "de\nfg\n");
    }

    #[test]
    fn a_line_longer_than_the_ring_begins_at_a_character() {
        assert_eq!(
            tail(5, &["ab\u{e4}\u{f6}\u{fc}".as_bytes()]),
            "\u{f6}\u{fc}"
        );
        assert_eq!(tail(4, &[b"abcdefg\n"]), "efg\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(tail(8, &[b"a\xff\n"]), "a\u{fffd}\n");
    }

    #[test]
    fn a_ring_of_nothing_keeps_nothing() {
        assert_eq!(tail(0, &[b"abc\n"]), "");
    }
}
