//! One value of a message that stands under known names, such as the type of its item. What is behind it is not looked
//! at, so it costs next to nothing where the runtime writes it first, however long the rest.

use std::borrow::Cow;

use super::json::Cursor;
use super::text::text_of;

/// The raw JSON under these names, each inside of the one before. Of several members with one name it is the first,
/// unlike elsewhere: to know the last, all would have to be read.
pub fn first_at<'l>(params: &'l [u8], path: &[&str]) -> Option<&'l [u8]> {
    let mut json = Cursor::new(params);
    for name in path {
        let mut key = json.first_key().ok()?;
        while *key.as_ref()?.bytes() != *name.as_bytes() {
            json.value().ok()?;
            key = json.next_key().ok()?;
        }
    }
    json.value().ok()
}

/// The raw JSON of the type of the item that params are about. The runtime writes it first: there it is compared with
/// no more than a few bytes.
pub fn item_type(params: &[u8]) -> Option<&[u8]> {
    let Some(rest) = params.strip_prefix(br#"{"item":{"type":""#) else {
        return first_at(params, &["item", "type"]);
    };
    let end = memchr::memchr(b'"', rest)?;
    Some(&params[params.len() - rest.len() - 1..=params.len() - rest.len() + end])
}

/// The text under these names.
pub fn first_text_at<'l>(params: &'l [u8], path: &[&str]) -> Option<Cow<'l, str>> {
    text_of(first_at(params, path)?)
}

/// The texts in the array under these names.
pub fn texts_at<'l>(params: &'l [u8], path: &[&str]) -> Vec<Cow<'l, str>> {
    let mut texts = Vec::new();
    let mut json = Cursor::new(first_at(params, path).unwrap_or_default());
    let mut goes_on = json.first_element();
    while let Ok(true) = goes_on {
        texts.extend(json.value().ok().and_then(text_of));
        goes_on = json.next_element();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_wherever_it_stands_and_nothing_is_read_behind_it() {
        let place = ["item", "type"];
        let found = |params: &'static str| first_text_at(params.as_bytes(), &place);
        for params in [
            r#"{"item":{"type":"a"}}"#,
            r#"{ "threadId" : "t" , "item" : { "id" : [{}], "type" : "\u0061" , "x": 1 } }"#,
            r#"{"item":{"type":"a" and what is no JSON"#,
            r#"{"item":{"type":"a","type":"b"},"item":{"type":"c"}}"#,
        ] {
            assert_eq!(found(params).as_deref(), Some("a"), "{params}");
        }
        for params in [
            "",
            "7",
            "{}",
            r#"{"item":"a"}"#,
            r#"{"item":{"type":1}}"#,
            r#"{"item":{"types":"a"}}"#,
            r#"{"type":"a","item":{}}"#,
            r#"{"item":{"type":"a"#,
        ] {
            assert_eq!(found(params), None, "{params}");
        }
    }

    #[test]
    fn the_type_of_an_item_is_found_wherever_it_stands() {
        for params in [
            r#"{"item":{"type":"a","id":"b"},"threadId":"t"}"#,
            r#"{"threadId":"t","item":{"type":"a"}}"#,
            r#"{"item":{"id":"b","type":"a"}}"#,
            r#"{"item": {"type":"a"}}"#,
        ] {
            assert_eq!(item_type(params.as_bytes()), Some(&br#""a""#[..]));
        }
        for params in [r#"{"item":{"type":"a"#, r#"{"item":{"type":1}}"#, "{}"] {
            assert_ne!(item_type(params.as_bytes()), Some(&br#""a""#[..]));
        }
    }

    #[test]
    fn the_texts_of_an_array_are_found() {
        let found = |params: &'static str| texts_at(params.as_bytes(), &["ids"]);
        assert_eq!(found(r#"{"ids":["a", 1, "b"]}"#), ["a", "b"]);
        for params in [r#"{"ids":[]}"#, r#"{"ids":"a"}"#, "{}", r#"{"ids":["a""#] {
            assert!(found(params).len() <= 1, "{params}");
        }
    }
}
