//! What a process writes to its stderr, as lines for whoever wants them one by one. Holds the line that is not whole yet,
//! and no more of it than is told.

use memchr::memchr;

use crate::io::line_log::{LONGEST, Origin, Tap};

/// Splits a stream. Dropped, it tells the rest, and that no more will come.
#[derive(Debug)]
pub struct StderrLines {
    tap: Tap,
    /// The beginning of the last line.
    partial: Vec<u8>,
    /// Bytes that it has so far.
    length: usize,
}

impl StderrLines {
    pub fn new(tap: Tap) -> Self {
        Self {
            tap,
            partial: Vec::new(),
            length: 0,
        }
    }

    pub fn push(&mut self, mut new: &[u8]) {
        while let Some(end) = memchr(b'\n', new) {
            self.add(&new[..end]);
            self.tell();
            new = &new[end + 1..];
        }
        self.add(new);
    }

    fn add(&mut self, part: &[u8]) {
        // One byte more than is told, to know whether it is cut within a character.
        let room = LONGEST + 1 - self.partial.len();
        self.partial.extend(&part[..part.len().min(room)]);
        self.length += part.len();
    }

    fn tell(&mut self) {
        let is_whole = self.length == self.partial.len();
        if is_whole && self.partial.last() == Some(&b'\r') {
            self.partial.pop();
            self.length -= 1;
        }
        self.tap
            .beginning(Origin::Stderr, &self.partial, self.length);
        self.partial.clear();
        self.length = 0;
    }
}

impl Drop for StderrLines {
    fn drop(&mut self) {
        if self.length > 0 {
            self.tell();
        }
        self.tap.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::io::line_log::{Entry, LineLog};

    fn lines(pieces: &[&[u8]]) -> Vec<(String, usize)> {
        let log = Arc::new(LineLog::new(1_000_000));
        assert!(log.turn_on());
        let mut lines = StderrLines::new(Tap::new(Arc::clone(&log), 7));
        for piece in pieces {
            lines.push(piece);
        }
        drop(lines);
        let mut told = Vec::new();
        while let Some(entries) = log.next() {
            told.extend(entries.into_iter().map(|entry| match entry {
                Entry::Line(line) => (
                    String::from_utf8_lossy(&line.text).into_owned(),
                    line.length,
                ),
                Entry::Lost(_) => panic!("there was room"),
            }));
        }
        told
    }

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        let text = b"ab\r\n\ncd\nlast";
        let whole: Vec<_> = [("ab", 2), ("", 0), ("cd", 2), ("last", 4)]
            .map(|(text, length)| (text.to_owned(), length))
            .into();
        for cut in 0..=text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), whole);
        }
    }

    #[test]
    fn of_a_long_line_the_beginning_is_told_and_the_length() {
        let long = vec![b'x'; 3 * LONGEST];
        let told = lines(&[&long, &long, b"\nnext\n"]);
        assert_eq!(told[0].0.len(), LONGEST);
        assert_eq!(told[0].1, 6 * LONGEST);
        assert_eq!(told[1], ("next".to_owned(), 4));
    }

    #[test]
    fn a_stream_that_says_nothing_has_no_line() {
        assert!(lines(&[b""]).is_empty());
    }
}
