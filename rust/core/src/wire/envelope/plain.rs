//! JSON that every reader can hold. The grammar bounds neither depth nor the length of a number, and has halves of
//! surrogate pairs, but whoever builds values of it does: Python's json, for one, gives up at some depth, refuses a
//! number of 4,301 digits, and makes a text of half a pair that cannot be encoded. A turn's status must not be lost
//! because of what else its event says.

use super::json::{Broken, Cursor};
use super::text::{readable_text_of, text_of};
use crate::wire::encode::json_string;

/// Deeper than anything that a protocol has, and a fraction of what readers can hold.
const MOST_LEVELS: usize = 100;
/// Python refuses longer integers from 4,301 digits on, or from 641 on where a program wants that.
const MOST_DIGITS: usize = 640;

/// A copy of `json` that nests no more than 100 levels deep: containers below that, and very long numbers, become
/// strings with their text, and halves of surrogate pairs U+FFFD. `None` if it is no JSON.
pub fn plain(json: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(json);
    let mut copy = Vec::with_capacity(json.len());
    value(&mut cursor, MOST_LEVELS, &mut copy).ok()?;
    cursor.finish().ok()?;
    Some(copy)
}

fn value(json: &mut Cursor<'_>, levels: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    match json.peek() {
        Some(b'{') if levels > 0 => {
            out.push(b'{');
            let mut key = json.first_key()?;
            while let Some(this) = key {
                quote(&this.bytes(), out);
                out.push(b':');
                value(json, levels - 1, out)?;
                key = json.next_key()?;
                out.extend(key.is_some().then_some(b','));
            }
            out.push(b'}');
        }
        Some(b'[') if levels > 0 => {
            out.push(b'[');
            let mut goes_on = json.first_element()?;
            while goes_on {
                value(json, levels - 1, out)?;
                goes_on = json.next_element()?;
                out.extend(goes_on.then_some(b','));
            }
            out.push(b']');
        }
        Some(b'{' | b'[') => quote(json.value()?, out),
        Some(b'"') => {
            let raw = json.value()?;
            match readable_text_of(raw).filter(|_| text_of(raw).is_none()) {
                Some(text) => quote(text.as_bytes(), out),
                None => out.extend_from_slice(raw),
            }
        }
        _ => {
            let raw = json.value()?;
            if raw.len() > MOST_DIGITS {
                quote(raw, out);
            } else {
                out.extend_from_slice(raw);
            }
        }
    }
    Ok(())
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(json_string(&String::from_utf8_lossy(text)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_text(json: &str) -> Option<String> {
        plain(json.as_bytes()).map(|copy| String::from_utf8(copy).unwrap())
    }

    #[test]
    fn what_is_plain_already_is_copied() {
        let json = r#"{"a":[1,-2.5e3,[],{}],"\u0062\"":"\n\ud83d\ude00","":null,"a":[[true]]}"#;
        let copy = r#"{"a":[1,-2.5e3,[],{}],"b\"":"\n\ud83d\ude00","":null,"a":[[true]]}"#;
        assert_eq!(plain_text(json).as_deref(), Some(copy));
        assert_eq!(
            plain_text(" [ 1 , { } ] ").as_deref(),
            Some("[1,{}]"),
            "without what stands between"
        );
    }

    #[test]
    fn what_nests_deep_becomes_its_text() {
        let deep = |levels: usize| "[".repeat(levels) + "\"\\n\"" + &"]".repeat(levels);
        assert_eq!(plain_text(&deep(MOST_LEVELS)), Some(deep(MOST_LEVELS)));
        let copy = plain_text(&deep(MOST_LEVELS + 2)).unwrap();
        let inner = r#""[[\"\\n\"]]""#;
        let expected = "[".repeat(MOST_LEVELS) + inner + &"]".repeat(MOST_LEVELS);
        assert_eq!(copy, expected);
        assert!(plain_text(&deep(1_000_000)).is_some());
    }

    #[test]
    fn long_numbers_and_half_pairs_become_text() {
        let number = "7".repeat(MOST_DIGITS + 1);
        assert_eq!(plain_text(&number), Some(format!("\"{number}\"")));
        assert_eq!(
            plain_text(r#"{"\udfff":"a\ud800\"\u0001"}"#).as_deref(),
            Some("{\"\u{fffd}\":\"a\u{fffd}\\\"\\u0001\"}")
        );
    }

    #[test]
    fn what_is_no_json_has_no_copy() {
        for text in ["", "{", "[1", "[1]]", "{\"a\":01}", "nul"] {
            assert_eq!(plain_text(text), None, "{text}");
        }
    }
}
