//! Bytes to lines. Owns the read buffer; never interprets what is in a line. Called by the reader
//! thread only.

use memchr::memchr;

/// What is asked of the kernel at once. A pipe holds 64 KiB by default, so a burst is one `read`.
const READ_SIZE: usize = 64 * 1024;
/// A buffer that a huge line has grown beyond this is given back once it is empty.
const KEEP_SIZE: usize = 4 * READ_SIZE;

/// A growing buffer that hands out complete lines, of any length and split at any point.
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// First byte of the line that is not handed out yet.
    start: usize,
    /// End of what was read.
    end: usize,
    /// No newline stands before this index: a long line is scanned once, not once per read.
    scanned: usize,
}

impl Default for LineBuffer {
    fn default() -> Self {
        Self {
            bytes: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            scanned: 0,
        }
    }
}

impl LineBuffer {
    /// Room for the next read: at least `READ_SIZE` bytes.
    pub fn space(&mut self) -> &mut [u8] {
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
            let grown = (self.bytes.len() * 2).max(self.end + READ_SIZE);
            self.bytes.resize(grown, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// Says how many bytes of [`Self::space`] were filled.
    pub fn filled(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// The next complete line without its newline, or `None` until more is read.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        let Some(offset) = memchr(b'\n', &self.bytes[self.scanned..self.end]) else {
            self.scanned = self.end;
            return None;
        };
        let newline = self.scanned + offset;
        let line = self.start..newline;
        self.start = newline + 1;
        self.scanned = self.start;
        Some(&self.bytes[line])
    }

    /// What stands after the last newline: at the end of the stream, a line that was cut off.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(buffer: &mut LineBuffer, mut bytes: &[u8], out: &mut Vec<Vec<u8>>) {
        while !bytes.is_empty() {
            let space = buffer.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            buffer.filled(count);
            bytes = &bytes[count..];
            while let Some(line) = buffer.next_line() {
                out.push(line.to_vec());
            }
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
        buffer.space();
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
}
