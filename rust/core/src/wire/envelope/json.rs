//! JSON's grammar, and nothing else: a cursor that steps over the values of one line. Nothing is built and
//! nothing is copied; what a value means is its caller's to know.
//!
//! Values are skipped in a loop, so how deep a line may nest is bounded by its length alone: a limit on depth
//! would drop the message that ends a turn. For the same reason a number may be of any size, and an escape may be
//! half of a surrogate pair, as the grammar has it. Whether the bytes are UTF-8 is not looked at here.

use std::borrow::Cow;
use std::fmt;

use super::flat::{WORD, stop_in};
use super::text::unescape;

/// Where a line is no JSON, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    why: &'static str,
    at: usize,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at index {}", self.why, self.at)
    }
}

/// Where the reading stands in a line.
#[derive(Debug)]
pub(super) struct Cursor<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Cursor<'l> {
    pub fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn since(&self, start: usize) -> &'l [u8] {
        &self.line[start..self.at]
    }

    /// The next byte that is no white space; `None` at the end.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.line.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Steps into an object: its first key, or `None` when it has none.
    #[inline]
    pub fn first_key(&mut self) -> Result<Option<Key<'l>>, Broken> {
        self.expect(b'{', "expected `{`")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        self.key().map(Some)
    }

    /// After a member's value: the next member's key, or `None` at the end of the object.
    #[inline]
    pub fn next_key(&mut self) -> Result<Option<Key<'l>>, Broken> {
        let byte = self.peek();
        self.member_ends()?;
        self.at += 1;
        if byte == Some(b'}') {
            return Ok(None);
        }
        self.key().map(Some)
    }

    /// That a member's value ends here. A number at the very end of a line that was cut off does not.
    #[inline]
    pub fn member_ends(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b',' | b'}') => Ok(()),
            _ => Err(self.broken("expected `,` or `}`")),
        }
    }

    /// That nothing but white space follows.
    pub fn finish(&mut self) -> Result<(), Broken> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("expected the end of the line")),
        }
    }

    /// Steps over a value, and returns its bytes.
    pub fn value(&mut self) -> Result<&'l [u8], Broken> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'{' | b'[') => self.container()?,
            _ => self.scalar()?,
        }
        Ok(self.since(start))
    }

    fn container(&mut self) -> Result<(), Broken> {
        let mut open = Nesting::default();
        loop {
            // Here a value begins.
            match self.peek() {
                Some(b'{') => {
                    if self.first_key()?.is_some() {
                        open.enter(true);
                        continue;
                    }
                }
                Some(b'[') => {
                    if self.first_element()? {
                        open.enter(false);
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // Here one has ended, and with it perhaps those around it.
            while let Some(is_object) = open.innermost() {
                let goes_on = if is_object {
                    self.next_key()?.is_some()
                } else {
                    self.next_element()?
                };
                if goes_on {
                    break;
                }
                open.leave();
            }
            if open.innermost().is_none() {
                return Ok(());
            }
        }
    }

    /// Steps into an array; false if it has no element.
    #[inline]
    pub fn first_element(&mut self) -> Result<bool, Broken> {
        self.expect(b'[', "expected `[`")?;
        let is_empty = self.peek() == Some(b']');
        self.at += usize::from(is_empty);
        Ok(!is_empty)
    }

    /// After an element: whether another one follows.
    #[inline]
    pub fn next_element(&mut self) -> Result<bool, Broken> {
        let goes_on = match self.peek() {
            Some(b',') => true,
            Some(b']') => false,
            _ => return Err(self.broken("expected `,` or `]`")),
        };
        self.at += 1;
        Ok(goes_on)
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(|_| ())
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.broken("expected a value")),
        }
    }

    fn literal(&mut self, expected: &'static [u8]) -> Result<(), Broken> {
        if !self.line[self.at..].starts_with(expected) {
            return Err(self.broken("expected a value"));
        }
        self.at += expected.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Broken> {
        self.skip_one(b"-");
        // A zero that comes first is the whole integer; if digits follow, no member or element ends there.
        if !self.skip_one(b"0") {
            self.digits()?;
        }
        if self.skip_one(b".") {
            self.digits()?;
        }
        if self.skip_one(b"eE") {
            self.skip_one(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while self.line.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.broken("expected a digit"));
        }
        Ok(())
    }

    fn skip_one(&mut self, of: &[u8]) -> bool {
        let found = self.line.get(self.at).is_some_and(|byte| of.contains(byte));
        self.at += usize::from(found);
        found
    }

    /// A member's key, and its colon.
    #[inline]
    fn key(&mut self) -> Result<Key<'l>, Broken> {
        self.expect(b'"', "expected a key")?;
        let start = self.at;
        let has_escapes = self.string()?;
        let inner = &self.line[start..self.at - 1];
        self.expect(b':', "expected `:`")?;
        Ok(Key { inner, has_escapes })
    }

    #[inline]
    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Broken> {
        if self.peek() != Some(byte) {
            return Err(self.broken(why));
        }
        self.at += 1;
        Ok(())
    }

    /// From behind a string's opening quote to behind its closing one; whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Broken> {
        let mut has_escapes = false;
        loop {
            self.at = self.next_stop();
            match self.line.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.broken("control character in a string")),
                None => return Err(self.broken("the line ends in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        let length = match self.line.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = self.line.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.broken("invalid escape"));
                }
                6
            }
            _ => return Err(self.broken("invalid escape")),
        };
        self.at += length;
        Ok(())
    }

    /// The next quote, backslash or control character, or the end.
    #[inline]
    fn next_stop(&self) -> usize {
        let mut at = self.at;
        while let Some(word) = self.line.get(at..).and_then(<[u8]>::first_chunk) {
            if let Some(offset) = stop_in::<false>(word) {
                return at + offset;
            }
            at += WORD;
        }
        let rest = &self.line[at..];
        let stop = |byte: &u8| matches!(byte, ..0x20 | b'"' | b'\\');
        at + rest.iter().position(stop).unwrap_or(rest.len())
    }

    fn broken(&self, why: &'static str) -> Broken {
        Broken { why, at: self.at }
    }
}

/// Which of the containers that are open are objects: one bit each, so that a line of nothing but brackets
/// takes an eighth of its length.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// Of the innermost; the last bit is the innermost of all.
    bits: u64,
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    fn enter(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.depth += 1;
        self.bits = self.bits << 1 | u64::from(is_object);
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or(0);
        }
    }

    #[inline]
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}

/// The key of a member, as the line has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'l> {
    /// What stands between the quotes.
    inner: &'l [u8],
    has_escapes: bool,
}

impl<'l> Key<'l> {
    #[inline]
    pub fn bytes(self) -> Cow<'l, [u8]> {
        if self.has_escapes {
            return Cow::Owned(unescape(self.inner).0.into_bytes());
        }
        Cow::Borrowed(self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.value().is_ok() && cursor.finish().is_ok()
    }

    #[test]
    fn what_the_grammar_allows_is_stepped_over() {
        for text in [
            "0",
            "-0",
            "10",
            "-1.50",
            "1e5",
            "0.0E-07",
            "12E+3",
            "true",
            "false",
            "null",
            "\"\"",
            r#""\"\\\/\b\f\n\r\t\u00Ff""#,
            r#""\ud800\udfff\udc00""#,
            "\"\u{7f}\u{80}\u{10ffff}\"",
            "[]",
            "{}",
            " [ ] ",
            "\t{\r}\n",
            "[1,[],{},[[2],{\"a\":[]}]]",
            "[ 1 , \"a\" , null ]",
            r#"{"a":1,"b":{"c":[{}]},"a":2}"#,
            "{ \"a\" : { } , \"\" : [ ] }",
        ] {
            assert!(is_json(text), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_forbids_is_found() {
        for text in [
            "",
            " ",
            "-",
            "01",
            "-01",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "1.e5",
            "--1",
            "0x1",
            "1 2",
            "NaN",
            "Infinity",
            "-Infinity",
            "tru",
            "True",
            "nulll",
            "\"",
            "\"a",
            "\"\n\"",
            "\"\0\"",
            r#""\""#,
            r#""\x""#,
            r#""\u00""#,
            r#""\u00g0""#,
            r#""\U0000""#,
            "'a'",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[}",
            "[1}",
            "[[1]",
            "{",
            "}",
            "{]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1]"#,
            r#"{,"a":1}"#,
            r#"{"a":1 "b":2}"#,
            "{a:1}",
            "{1:1}",
            r#"{"a" 1}"#,
            "[]]",
            "{}}",
            "\u{a0}1",
            "\u{feff}1",
            "[1]//",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn containers_close_in_the_order_in_which_they_opened_at_any_depth() {
        for depth in [1, 2, 63, 64, 65, 127, 128, 129, 200] {
            let is_object = |level: usize| level % 3 == 1 || level % 7 == 2;
            let opens = |level| if is_object(level) { r#"{"k":"# } else { "[" };
            let closes = |level| if is_object(level) { '}' } else { ']' };
            let head: String = (0..depth).map(opens).collect();
            let tail: String = (0..depth).rev().map(closes).collect();
            let text = format!("{head}1{tail}");
            assert!(is_json(&text), "{text}");
            assert!(is_json(&format!("[{text},{text}]")));
            for wrong in (0..depth).step_by(1 + depth / 64) {
                let mut tail = tail.clone().into_bytes();
                tail[wrong] = if tail[wrong] == b']' { b'}' } else { b']' };
                let tail = String::from_utf8(tail).unwrap();
                assert!(!is_json(&format!("{head}1{tail}")), "{depth} {wrong}");
            }
        }
    }
}
