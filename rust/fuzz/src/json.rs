//! What `serde_json` makes of JSON: which text is JSON, and an object's members with their raw values. It shares no
//! code with the core, and checks the grammar without a limit on depth.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Whether this is JSON, whatever it says.
pub fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

/// A member as far as it could be read.
#[derive(Debug)]
pub struct Member<'t> {
    pub key: Vec<u8>,
    /// Bytes of the value; `None` where the text is broken in it.
    pub value: Option<&'t [u8]>,
    /// A comma or the object's end was seen behind the value.
    pub is_ended: bool,
}

/// The members of an object in their order, up to where the text is broken; and whether it is not.
pub fn members(text: &[u8]) -> (Vec<Member<'_>>, bool) {
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(text);
    json.disable_recursion_limit();
    let read = json.deserialize_map(Object { found: &mut found });
    let is_whole = read.and_then(|()| json.end()).is_ok();
    (found, is_whole)
}

struct Object<'f, 't> {
    found: &'f mut Vec<Member<'t>>,
}

impl<'t> Visitor<'t> for Object<'_, 't> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        let found = self.found;
        loop {
            // Raw, because only so does it refuse control characters and allow half of a surrogate pair.
            let key = map.next_key::<&RawValue>();
            // By what it says, since a visitor sees no more of an error.
            let no_end = |error: &A::Error| {
                let why = error.to_string();
                why.starts_with("expected `,` or `}`")
                    || why.starts_with("EOF while parsing an object")
            };
            if let Some(last) = found.last_mut() {
                last.is_ended = !key.as_ref().is_err_and(no_end);
            }
            let Some(key) = key? else {
                return Ok(());
            };
            let key = string(key.get().as_bytes()).unwrap_or_default();
            map.next_value_seed(Value { key, found })?;
        }
    }
}

/// Is asked for a value only when the colon was read.
struct Value<'f, 't> {
    key: Vec<u8>,
    found: &'f mut Vec<Member<'t>>,
}

impl<'t> DeserializeSeed<'t> for Value<'_, 't> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'t>>(self, json: D) -> Result<(), D::Error> {
        self.found.push(Member {
            key: self.key,
            value: None,
            is_ended: false,
        });
        let value: &RawValue = serde::Deserialize::deserialize(json)?;
        if let Some(member) = self.found.last_mut() {
            member.value = Some(value.get().as_bytes());
        }
        Ok(())
    }
}

/// A string as bytes: `serde_json` writes half of a surrogate pair as three bytes that are no UTF-8.
struct Bytes;

impl<'t> DeserializeSeed<'t> for Bytes {
    type Value = Vec<u8>;

    fn deserialize<D: serde::Deserializer<'t>>(self, json: D) -> Result<Vec<u8>, D::Error> {
        json.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

fn string(raw: &[u8]) -> Option<Vec<u8>> {
    let mut json = serde_json::Deserializer::from_slice(raw);
    // An array of numbers would be bytes as well.
    raw.starts_with(b"\"")
        .then(|| Bytes.deserialize(&mut json).ok())?
}

/// A string that is all text.
pub fn text(raw: &[u8]) -> Option<String> {
    String::from_utf8(string(raw)?).ok()
}

/// A string in which every half of a surrogate pair became U+FFFD.
pub fn readable_text(raw: &[u8]) -> Option<String> {
    let mut bytes = string(raw)?;
    while let Some(at) = bytes
        .windows(3)
        .position(|window| matches!(window, [0xed, 0xa0..=0xbf, _]))
    {
        bytes.splice(at..at + 3, "\u{fffd}".bytes());
    }
    String::from_utf8(bytes).ok()
}

/// An integer, written as one, that fits 64 bits.
pub fn integer(raw: &[u8]) -> Option<i64> {
    let number: i128 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    i64::try_from(number).ok()
}
