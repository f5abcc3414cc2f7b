//! The framing target: a stream of bytes that arrives in pieces, against the same bytes split at newlines.
//!
//! The first line of an input says how the stream behind it arrives, in words: `*40` repeats the stream, so that a
//! short input outgrows the buffer; `/2` takes no more than two lines after each read; a number is the length of a
//! piece, and the pieces' lengths come round again. Any other word is a piece of the word's own length.

use codex_core::wire::framing::LineBuffer;

/// So much of a repeated stream is fed at most.
const MOST_BYTES: usize = 1 << 18;
/// Behind so many pieces the rest of a stream arrives as fast as it is taken.
const MOST_PIECES: usize = 2000;
/// Streams up to this length are fed with every split in turn.
const SHORT: usize = 48;

/// How a stream arrives.
#[derive(Debug)]
struct Plan {
    pieces: Vec<usize>,
    /// `None` takes all that there are.
    lines_per_read: Option<usize>,
    repeats: usize,
}

impl Plan {
    fn read(words: &[u8]) -> Self {
        let mut plan = Self {
            pieces: Vec::new(),
            lines_per_read: None,
            repeats: 1,
        };
        for word in words.split(|byte| *byte == b' ') {
            let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
            match word {
                [b'*', digits @ ..] => plan.repeats = number(digits).unwrap_or(1),
                [b'/', digits @ ..] => plan.lines_per_read = number(digits),
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
    let mut buffer = LineBuffer::default();
    feed(
        &mut buffer,
        &stream.repeat(plan.repeats.min(most).max(1)),
        &plan,
    )?;
    if stream.len() <= SHORT {
        for first in 1..stream.len() {
            let pieces = vec![first, stream.len()];
            feed(
                &mut buffer,
                stream,
                &Plan {
                    pieces,
                    ..Plan::read(b"")
                },
            )?;
        }
    }
    Ok(())
}

/// Feeds a stream into an empty buffer, and leaves it empty.
fn feed(buffer: &mut LineBuffer, stream: &[u8], plan: &Plan) -> Result<(), String> {
    let mut expected: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    let rest = expected.last().copied().unwrap_or_default();
    if rest.is_empty() {
        expected.pop();
    }
    let mut expected = expected.into_iter().enumerate();
    let mut take = |buffer: &mut LineBuffer, most: usize| {
        for _ in 0..most {
            let Some(line) = buffer.next_line() else {
                break;
            };
            match expected.next() {
                Some((_, right)) if right == line => {}
                Some((index, right)) => return Err(differ(&format!("line {index}"), line, right)),
                None => return Err(differ("after the last line", line, b"")),
            }
        }
        Ok(())
    };
    let mut left = stream;
    let mut pieces = plan.pieces.iter().copied().cycle().take(MOST_PIECES);
    while !left.is_empty() {
        let piece = pieces.next().unwrap_or(usize::MAX).max(1);
        let count = fill(buffer, &left[..piece.min(left.len())])?;
        left = &left[count..];
        take(buffer, plan.lines_per_read.unwrap_or(usize::MAX))?;
    }
    take(buffer, usize::MAX)?;
    if buffer.rest() != rest {
        return Err(differ("the rest", buffer.rest(), rest));
    }
    if !rest.is_empty() {
        fill(buffer, b"\n")?;
        take(buffer, usize::MAX)?;
    }
    match expected.next() {
        Some((index, right)) => Err(differ(&format!("no line {index}"), b"", right)),
        None => Ok(()),
    }
}

/// What a `read` does: as much as there is space for.
fn fill(buffer: &mut LineBuffer, bytes: &[u8]) -> Result<usize, String> {
    let space = buffer.space();
    if space.is_empty() {
        return Err(String::from("there is no space to read into"));
    }
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
