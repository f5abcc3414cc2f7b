//! A scanner for lines without anything nested, which most are: it looks at eight bytes at a time. What the
//! line means is `short`'s to know.
//!
//! Only what is beyond doubt is decided here: lines without white space between tokens, whose keys
//! and ids have no escapes, whose numbers are integers. Of everything else, broken lines included,
//! nothing is said, and the general reader reads it.
#![allow(
    unsafe_code,
    reason = "to check the encoding of ASCII text once more would take a quarter of the pass"
)]
#![allow(
    clippy::inline_always,
    reason = "849 instructions for a delta; 960 when the compiler decides"
)]

/// A string, an integer or a literal, as a line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'l> {
    /// What stands between the quotes.
    Text(&'l str),
    /// A string with escapes.
    Escaped,
    Other,
}

/// Where the reading stands in a line. Every step is `None` when the line is not what it has to be.
#[derive(Debug)]
pub(super) struct Scan<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Scan<'l> {
    pub fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }

    /// Steps over exactly this.
    #[inline(always)]
    pub fn pass<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        let next: &[u8; N] = self.line.get(self.at..)?.first_chunk()?;
        (next == expected).then(|| self.at += N)
    }

    /// Steps over this, if it comes next.
    #[inline(always)]
    pub fn skip(&mut self, expected: &[u8]) -> bool {
        let next = self.line[self.at..].starts_with(expected);
        if next {
            self.at += expected.len();
        }
        next
    }

    /// Steps over this, if it comes next.
    #[inline(always)]
    pub fn skip_opening(&mut self, opening: &Opening) -> bool {
        let rest = &self.line[self.at..];
        let next = rest
            .first_chunk()
            .is_some_and(|chunk| u128::from_le_bytes(*chunk) & opening.mask == opening.word);
        if next {
            self.at += opening.len;
        }
        next
    }

    /// What was read since `start`, if it is short.
    pub fn opening_since(&self, start: usize) -> Option<Opening> {
        let read = &self.line[start..self.at];
        let mut word = [0; LONGEST_OPENING];
        word.get_mut(..read.len())?.copy_from_slice(read);
        Some(Opening {
            word: u128::from_le_bytes(word),
            mask: u128::MAX >> (8 * (LONGEST_OPENING - read.len())),
            len: read.len(),
        })
    }

    /// A string without escapes.
    #[inline(always)]
    pub fn plain_text(&mut self) -> Option<&'l str> {
        self.pass(b"\"")?;
        match self.text()? {
            Value::Text(text) => Some(text),
            Value::Escaped | Value::Other => None,
        }
    }

    /// After a member: whether there is another one.
    #[inline(always)]
    pub fn goes_on(&mut self) -> Option<bool> {
        let byte = *self.line.get(self.at)?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    #[inline(always)]
    pub fn value(&mut self) -> Option<Value<'l>> {
        match self.line.get(self.at)? {
            b'"' => {
                self.at += 1;
                return self.text();
            }
            b'-' | b'0'..=b'9' => self.integer()?,
            b't' => self.pass(b"true")?,
            b'f' => self.pass(b"false")?,
            b'n' => self.pass(b"null")?,
            _ => return None,
        }
        Some(Value::Other)
    }

    /// From behind a string's opening quote to behind its closing one.
    #[inline(always)]
    pub fn text(&mut self) -> Option<Value<'l>> {
        let start = self.at;
        let (mut ascii, mut escaped) = (true, false);
        loop {
            self.at = self.next_stop()?;
            match self.line[self.at] {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += self.escape()?;
                }
                0x80.. => {
                    ascii = false;
                    self.at += 1;
                }
                _control => return None,
            }
        }
        let text = &self.line[start..self.at];
        let text = if ascii {
            // SAFETY: no byte before `at` stopped `next_stop` but backslashes and what these escape,
            // so all are below 0x80.
            unsafe { std::str::from_utf8_unchecked(text) }
        } else {
            std::str::from_utf8(text).ok()?
        };
        self.at += 1;
        Some(if escaped {
            Value::Escaped
        } else {
            Value::Text(text)
        })
    }

    /// The length of the escape that begins here. A half of a surrogate pair is for the general reader.
    fn escape(&self) -> Option<usize> {
        match self.line.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
            b'u' => {
                let digits = self.line.get(self.at + 2..self.at + 6)?;
                let is_half = matches!(
                    digits,
                    [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]
                );
                (digits.iter().all(u8::is_ascii_hexdigit) && !is_half).then_some(6)
            }
            _ => None,
        }
    }

    /// The next byte that is not plain ASCII text.
    #[inline(always)]
    fn next_stop(&self) -> Option<usize> {
        let mut at = self.at;
        while let Some(word) = self.line.get(at..)?.first_chunk() {
            if let Some(offset) = stop_in::<true>(word) {
                return Some(at + offset);
            }
            at += WORD;
        }
        let rest = self.line.get(at..)?;
        let stop = |byte: &u8| matches!(byte, ..0x20 | b'"' | b'\\' | 0x80..);
        rest.iter().position(stop).map(|offset| at + offset)
    }

    #[inline(always)]
    fn integer(&mut self) -> Option<()> {
        if self.line[self.at] == b'-' {
            self.at += 1;
        }
        let digits = &self.line[self.at..];
        let count = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let zero_first = digits.first() == Some(&b'0') && count > 1;
        if count == 0 || zero_first || count > MOST_DIGITS {
            return None;
        }
        self.at += count;
        // A fraction or an exponent is no end of a member, so `goes_on` refuses it.
        Some(())
    }
}

const LONGEST_OPENING: usize = size_of::<u128>();

/// A few bytes that are compared at once: a member's name and what stands around it.
#[derive(Debug)]
pub(super) struct Opening {
    word: u128,
    mask: u128,
    len: usize,
}

/// Of an integer that fits 64 bits in any case.
const MOST_DIGITS: usize = 18;
pub(super) const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::from_le_bytes([1; WORD]);

/// The first byte of a word that is a quote, a backslash, a control character or, where that stops, not ASCII.
#[inline(always)]
pub(super) fn stop_in<const NON_ASCII_STOPS: bool>(word: &[u8; WORD]) -> Option<usize> {
    let word = u64::from_le_bytes(*word);
    // Marks bytes by their high bits. Behind the first mark others may be wrong.
    let below = |limit: u64, word: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
    let non_ascii = if NON_ASCII_STOPS { word } else { 0 };
    let stops = (below(0x20, word) | equal(b'"') | equal(b'\\') | non_ascii) & (ONES * 0x80);
    (stops != 0).then(|| (stops.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_stops_a_text_or_does_not() {
        for byte in 0..=u8::MAX {
            for place in 0..36 {
                let mut line = [b'x'; 40];
                line[place] = byte;
                line[39] = b'"';
                let stop = !(0x20..0x80).contains(&byte) || byte == b'"' || byte == b'\\';
                let expected = if stop { place } else { 39 };
                assert_eq!(
                    Scan::new(&line).next_stop(),
                    Some(expected),
                    "{byte} {place}"
                );
            }
        }
    }

    #[test]
    fn values_are_read_to_their_end_or_refused() {
        let read = |text: &'static str| {
            let mut scan = Scan::new(text.as_bytes());
            let value = scan.value()?;
            Some((value, &text[scan.position()..]))
        };
        for (text, value, rest) in [
            (r#""abc","#, Value::Text("abc"), ","),
            (r#""","#, Value::Text(""), ","),
            (
                "\"g\u{fc}te\u{1f600}\"}",
                Value::Text("g\u{fc}te\u{1f600}"),
                "}",
            ),
            (r#""a\"b\\","#, Value::Escaped, ","),
            (r#""\u001b[1m\uD7ff","#, Value::Escaped, ","),
            ("0,", Value::Other, ","),
            ("-12}", Value::Other, "}"),
            ("1.5,", Value::Other, ".5,"),
            ("true,", Value::Other, ","),
            ("false,", Value::Other, ","),
            ("null}", Value::Other, "}"),
        ] {
            assert_eq!(read(text), Some((value, rest)), "{text}");
        }
        for text in [
            "",
            "\"abc",
            "\"a\nb\"",
            r#""\ud83d\ude00""#,
            r#""\uDC00""#,
            r#""\u00g1""#,
            r#""\u004"#,
            "1234567890123456789",
            r#""\x""#,
            r#""\"#,
            "01",
            "-",
            "tru",
            "{}",
            "[]",
            " 1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Scan::new(b"\"\xff\"").value(), None);
    }
}
