//! Bytes to lines. Owns the read buffer; never interprets what is in a line. Called by the reader
//! thread only.

use std::fmt;
use std::io;

use memchr::{memchr, memrchr};

/// What is asked of the kernel at once. A pipe holds 64 KiB by default, so a burst is one `read`.
const READ_SIZE: usize = 64 * 1024;
/// A buffer that a huge line has grown beyond this is given back once it is empty.
const KEEP_SIZE: usize = 4 * READ_SIZE;

/// Bytes that one line may have, where nobody says anything else. The longest that was seen has 64 MB (a thread with
/// all its turns); a line that never ends would take all memory.
pub const MAX_LINE: usize = 512 * 1024 * 1024;

/// A growing buffer that hands out complete lines, split at any point.
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// First byte of the line that is not handed out yet.
    start: usize,
    /// End of what was read.
    end: usize,
    /// No newline stands between `start` and this index: a long line is scanned once, not once per read.
    scanned: usize,
    max_line: usize,
}

/// A line is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong {
    pub max_line: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max_line = self.max_line;
        write!(f, "a message is longer than {max_line} bytes")
    }
}

impl std::error::Error for LineTooLong {}

impl From<LineTooLong> for io::Error {
    fn from(error: LineTooLong) -> Self {
        Self::new(io::ErrorKind::FileTooLarge, error)
    }
}

impl Default for LineBuffer {
    fn default() -> Self {
        Self::new(MAX_LINE)
    }
}

impl LineBuffer {
    pub fn new(max_line: usize) -> Self {
        Self {
            bytes: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            scanned: 0,
            max_line,
        }
    }

    /// Room for the next read: at least `READ_SIZE` bytes.
    ///
    /// # Errors
    /// The line that is being read is longer than allowed.
    pub fn space(&mut self) -> Result<&mut [u8], LineTooLong> {
        if self.scanned - self.start > self.max_line {
            let max_line = self.max_line;
            return Err(LineTooLong { max_line });
        }
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.scanned = 0;
            if self.bytes.len() > KEEP_SIZE {
                self.bytes = vec![0; READ_SIZE];
            }
        } else if self.start > 0 && self.bytes.len() - self.end < READ_SIZE {
            // Only the head of one line is left over, so the move is short; a line longer than the
            // buffer has `start == 0` and is never moved again.
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < READ_SIZE {
            let most = self.max_line.saturating_add(READ_SIZE);
            let grown = (self.bytes.len() * 2).min(most).max(self.end + READ_SIZE);
            self.bytes.resize(grown, 0);
        }
        Ok(&mut self.bytes[self.end..])
    }

    /// Says how many bytes of [`Self::space`] were filled.
    pub fn filled(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// Adds bytes that were read elsewhere.
    ///
    /// # Errors
    /// The line that is being read is longer than allowed.
    pub fn add(&mut self, mut bytes: &[u8]) -> Result<(), LineTooLong> {
        while !bytes.is_empty() {
            let space = self.space()?;
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.filled(count);
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// The complete lines that were read and not handed out yet, without their newlines.
    pub fn take_lines(&mut self) -> Messages<'_> {
        let new = &self.bytes[self.scanned..self.end];
        let complete = match memrchr(b'\n', new) {
            Some(offset) => self.start..self.scanned + offset + 1,
            None => self.start..self.start,
        };
        self.start = complete.end;
        self.scanned = self.end;
        Messages {
            rest: &self.bytes[complete],
        }
    }

    /// What stands after the last newline: at the end of the stream, a line that was cut off.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

/// Whole messages that came at once.
#[derive(Debug, Clone)]
pub struct Messages<'b> {
    /// Lines with their newlines.
    rest: &'b [u8],
}

impl Messages<'_> {
    /// Bytes that are left, newlines included.
    pub fn bytes(&self) -> usize {
        self.rest.len()
    }
}

impl<'b> Iterator for Messages<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let newline = memchr(b'\n', self.rest)?;
        let line = &self.rest[..newline];
        self.rest = &self.rest[newline + 1..];
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(buffer: &mut LineBuffer, mut bytes: &[u8], out: &mut Vec<Vec<u8>>) {
        while !bytes.is_empty() {
            let space = buffer.space().unwrap();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            buffer.filled(count);
            bytes = &bytes[count..];
            out.extend(buffer.take_lines().map(<[u8]>::to_vec));
        }
    }

    #[test]
    fn every_split_point_gives_the_same_lines() {
        let text = b"{\"a\":1}\n\n{\"b\":\"\xc3\xa9\"}\r\n{\"cut";
        for split in 0..=text.len() {
            for second in split..=text.len() {
                let mut buffer = LineBuffer::default();
                let mut lines = Vec::new();
                feed(&mut buffer, &text[..split], &mut lines);
                feed(&mut buffer, &text[split..second], &mut lines);
                feed(&mut buffer, &text[second..], &mut lines);
                assert_eq!(lines, [&b"{\"a\":1}"[..], b"", b"{\"b\":\"\xc3\xa9\"}\r"]);
                assert_eq!(buffer.rest(), b"{\"cut");
            }
        }
    }

    #[test]
    fn a_line_longer_than_any_buffer_arrives_whole_and_its_memory_goes() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        let long = vec![b'x'; 5 * 1024 * 1024 + 7];
        feed(&mut buffer, b"short\n", &mut lines);
        feed(&mut buffer, &long, &mut lines);
        feed(&mut buffer, b"\nafter\n", &mut lines);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1], long);
        assert_eq!(lines[2], b"after");
        buffer.space().unwrap();
        assert_eq!(buffer.bytes.len(), READ_SIZE);
    }

    #[test]
    fn lines_that_straddle_the_end_of_the_buffer_are_kept_together() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        let line = [vec![b'y'; 1009], vec![b'\n']].concat();
        for _ in 0..1000 {
            feed(&mut buffer, &line, &mut lines);
        }
        assert_eq!(lines.len(), 1000);
        assert!(lines.iter().all(|one| one.len() == 1009));
        assert!(buffer.bytes.len() <= 3 * READ_SIZE);
    }

    #[test]
    fn a_line_that_never_ends_is_refused_before_it_takes_all_memory() {
        let mut buffer = LineBuffer::new(1 << 20);
        let mut lines = Vec::new();
        feed(&mut buffer, b"short\n", &mut lines);
        let piece = vec![b'x'; READ_SIZE];
        let refused = (0..100).find_map(|_| {
            let refused = buffer.add(&piece).err();
            buffer.take_lines();
            refused
        });
        assert_eq!(refused, Some(LineTooLong { max_line: 1 << 20 }));
        assert!(
            buffer.bytes.len() <= (1 << 20) + 3 * READ_SIZE,
            "{}",
            buffer.bytes.len()
        );
    }

    #[test]
    fn lines_that_are_as_long_as_allowed_arrive() {
        let mut buffer = LineBuffer::new(3 * READ_SIZE);
        let mut lines = Vec::new();
        let line = [vec![b'x'; 3 * READ_SIZE], vec![b'\n']].concat();
        for _ in 0..3 {
            feed(&mut buffer, &line, &mut lines);
        }
        assert_eq!(lines.len(), 3);
    }
}
