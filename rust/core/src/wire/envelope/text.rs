//! The text of a JSON string: its escapes become what they stand for. The grammar is in `json`.

use std::borrow::Cow;

/// The text of a JSON string, borrowed unless it has escapes. `None` for any other value, and for what is no text:
/// half of a surrogate pair, bytes that are not UTF-8.
pub(super) fn text_of(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_some() {
        let (text, is_whole) = unescape(inner);
        return is_whole.then_some(Cow::Owned(text));
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// The same for people to read: what is no text becomes U+FFFD.
pub(super) fn readable_text_of(value: &[u8]) -> Option<String> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Some(unescape(inner).0)
}

/// What stands between a string's quotes, without its escapes; and whether all of it is text.
pub(super) fn unescape(inner: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(inner.len());
    let mut is_whole = true;
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        is_whole &= push_bytes(&mut text, &rest[..at]);
        let (character, length) = unescape_one(&rest[at..]);
        is_whole &= character.is_some();
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &rest[(at + length).min(rest.len())..];
    }
    is_whole &= push_bytes(&mut text, rest);
    (text, is_whole)
}

fn push_bytes(text: &mut String, bytes: &[u8]) -> bool {
    let added = String::from_utf8_lossy(bytes);
    text.push_str(&added);
    matches!(added, Cow::Borrowed(_))
}

/// The character of the escape that begins here, and the escape's length. `None` for half of a surrogate pair.
fn unescape_one(escape: &[u8]) -> (Option<char>, usize) {
    let character = match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let first = unit(escape);
            let second = escape.get(6..).and_then(unit);
            return match (first, second) {
                (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(code), 12)
                }
                (first, _) => (first.and_then(char::from_u32), 6),
            };
        }
        Some(other) => char::from(*other),
        None => return (None, 1),
    };
    (Some(character), 2)
}

/// The number in an escape such as `\u00e9`.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    digits
        .iter()
        .try_fold(0, |number, digit| Some(number << 4 | value(digit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_text_without_its_escapes() {
        let text = |value: &'static str| text_of(value.as_bytes());
        assert!(matches!(text(r#""grün""#), Some(Cow::Borrowed("grün"))));
        let escaped = r#""\"\\\/\b\f\n\r\tü\u00fC\ud83d\uDE00\\u0041""#;
        let expected = "\"\\/\u{8}\u{c}\n\r\tüü\u{1f600}\\u0041";
        assert_eq!(text(escaped).as_deref(), Some(expected));
        for value in [
            "7",
            "null",
            "[\"a\"]",
            "\"",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
        ] {
            assert_eq!(text(value), None, "{value}");
        }
        assert_eq!(text_of(b"\"\xff\""), None);
        assert_eq!(text_of(b"\"\\n\xff\""), None);
        assert_eq!(
            readable_text_of(b"\"\\n\xff\"").as_deref(),
            Some("\n\u{fffd}")
        );
    }
}
