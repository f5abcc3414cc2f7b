//! The framing target: a stream of bytes that arrives in pieces, against the same bytes split at newlines.
//!
//! The first line of an input says how the stream behind it arrives, in words: `*40` repeats the stream, so that a
//! short input outgrows the buffer; `/2` takes the lines after every second read; `<80` allows lines of 80 bytes at
//! most; `+` adds bytes that were read elsewhere; a number is the length of a piece, and the pieces' lengths come round
//! again. Any other word is a piece of the word's own length.

use std::iter::Peekable;

use codex_core::wire::framing::{LineBuffer, LineTooLong, MAX_LINE};

/// So much of a repeated stream is fed at most.
const MOST_BYTES: usize = 1 << 18;
/// Behind so many pieces the rest of a stream arrives as fast as it is taken.
const MOST_PIECES: usize = 2000;
/// Streams up to this length are fed with every split in turn.
const SHORT: usize = 48;

/// How a stream arrives.
#[derive(Debug, Clone)]
struct Plan {
    pieces: Vec<usize>,
    reads_per_take: usize,
    repeats: usize,
    max_line: usize,
    adds: bool,
}

impl Plan {
    fn read(words: &[u8]) -> Self {
        let mut plan = Self {
            pieces: Vec::new(),
            reads_per_take: 1,
            repeats: 1,
            max_line: MAX_LINE,
            adds: false,
        };
        for word in words.split(|byte| *byte == b' ') {
            let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
            match word {
                [b'*', digits @ ..] => plan.repeats = number(digits).unwrap_or(1),
                [b'/', digits @ ..] => plan.reads_per_take = number(digits).unwrap_or(1).max(1),
                [b'<', digits @ ..] => plan.max_line = number(digits).unwrap_or(MAX_LINE),
                b"+" => plan.adds = true,
                [] => {}
                digits => plan.pieces.push(number(digits).unwrap_or(digits.len())),
            }
        }
        plan
    }
}

/// Says where the lines that were handed out are not those of the stream.
pub fn check(input: &[u8]) -> Result<(), String> {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (words, stream) = input.split_at(end.unwrap_or(input.len()));
    let stream = stream.get(1..).unwrap_or(b"");
    let plan = Plan::read(words);
    let most = MOST_BYTES / stream.len().max(1);
    // One buffer for all, since what a stream leaves behind must not meet the next.
    let mut buffer = LineBuffer::new(plan.max_line);
    let repeated = stream.repeat(plan.repeats.min(most).max(1));
    Feed::new(&mut buffer, &repeated, &plan).run(&plan.pieces)?;
    if stream.len() <= SHORT {
        for first in 1..stream.len() {
            Feed::new(&mut buffer, stream, &plan).run(&[first, stream.len()])?;
        }
    }
    Ok(())
}

/// A stream on its way into an empty buffer, which it leaves empty.
struct Feed<'a> {
    buffer: &'a mut LineBuffer,
    plan: &'a Plan,
    stream: &'a [u8],
    /// Where the newlines stand that are still to come.
    ends: Peekable<std::vec::IntoIter<usize>>,
    /// Where the next line that is to be handed out begins.
    start: usize,
    /// How much was read.
    end: usize,
    /// How much was read when lines were taken for the last time.
    taken: usize,
}

impl<'a> Feed<'a> {
    fn new(buffer: &'a mut LineBuffer, stream: &'a [u8], plan: &'a Plan) -> Self {
        let newline = |(at, byte): (usize, &u8)| (*byte == b'\n').then_some(at);
        let ends: Vec<usize> = stream.iter().enumerate().filter_map(newline).collect();
        Self {
            buffer,
            plan,
            stream,
            ends: ends.into_iter().peekable(),
            start: 0,
            end: 0,
            taken: 0,
        }
    }

    fn run(&mut self, pieces: &[usize]) -> Result<(), String> {
        let mut pieces = pieces.iter().copied().cycle().take(MOST_PIECES);
        let mut reads = 0;
        while self.end < self.stream.len() {
            let piece = pieces.next().unwrap_or(usize::MAX).max(1);
            let left = &self.stream[self.end..];
            if !self.fill(&left[..piece.min(left.len())])? {
                return self.refused();
            }
            reads += 1;
            if reads % self.plan.reads_per_take == 0 {
                self.take()?;
            }
        }
        self.take()?;
        let rest = &self.stream[self.start..];
        if self.buffer.rest() != rest {
            return Err(differ("the rest", self.buffer.rest(), rest));
        }
        if !rest.is_empty() {
            if !self.fill(b"\n")? {
                return self.refused();
            }
            let lines: Vec<_> = self.buffer.take_lines().collect();
            if lines != [rest] {
                return Err(differ("the rest as a line", &lines.join(&b'\n'), rest));
            }
        }
        Ok(())
    }

    /// What a `read` does: as much as there is space for. False if the line is too long.
    fn fill(&mut self, bytes: &[u8]) -> Result<bool, String> {
        // What was not looked at yet may end the line.
        let is_too_long = self.taken - self.start > self.plan.max_line;
        let filled = fill(self.buffer, bytes, self.plan.adds);
        match filled {
            Ok(0) => Err(String::from("there is no space to read into")),
            Ok(_) if is_too_long => Err(String::from("a line that is too long is read on")),
            Ok(count) => {
                self.end += count;
                Ok(true)
            }
            Err(LineTooLong { max_line }) if is_too_long && max_line == self.plan.max_line => {
                Ok(false)
            }
            Err(error) => Err(format!("a line is refused that may come: {error}")),
        }
    }

    /// Compares the lines that are handed out with those of what was read.
    fn take(&mut self) -> Result<(), String> {
        let lines = self.buffer.take_lines();
        let bytes = lines.bytes();
        let before = self.start;
        for line in lines {
            let Some(end) = self.ends.next_if(|end| *end < self.end) else {
                return Err(differ("after the last line", line, b""));
            };
            let right = &self.stream[self.start..end];
            if line != right {
                return Err(differ("a line", line, right));
            }
            self.start = end + 1;
        }
        if let Some(end) = self.ends.next_if(|end| *end < self.end) {
            return Err(differ("no line", b"", &self.stream[self.start..end]));
        }
        if bytes != self.start - before {
            return Err(format!("{bytes} bytes of lines are announced"));
        }
        self.taken = self.end;
        Ok(())
    }

    /// A line that is too long was refused: it stays so, what came before it is handed out, and nothing else is.
    fn refused(&mut self) -> Result<(), String> {
        self.take()?;
        let still = self.buffer.space().is_err();
        let rest = &self.stream[self.start..self.end];
        if !still || self.buffer.rest() != rest {
            return Err(differ("what was refused", self.buffer.rest(), rest));
        }
        *self.buffer = LineBuffer::new(self.plan.max_line);
        Ok(())
    }
}

fn fill(buffer: &mut LineBuffer, bytes: &[u8], adds: bool) -> Result<usize, LineTooLong> {
    if adds {
        buffer.add(bytes)?;
        return Ok(bytes.len());
    }
    let space = buffer.space()?;
    let count = bytes.len().min(space.len());
    space[..count].copy_from_slice(&bytes[..count]);
    buffer.filled(count);
    Ok(count)
}

fn differ(what: &str, core: &[u8], right: &[u8]) -> String {
    let show = |bytes: &[u8]| {
        format!(
            "{} bytes, {:?}",
            bytes.len(),
            String::from_utf8_lossy(&bytes[..bytes.len().min(80)])
        )
    };
    format!(
        "{what}\n  core:   {}\n  stream: {}",
        show(core),
        show(right)
    )
}
