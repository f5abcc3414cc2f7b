//! Messages to lines of JSON-RPC. Params and results come in as JSON and are not looked at.

use std::fmt::Write as _;

/// A request (with an id) or a notification, with its newline.
pub fn request_line(id: Option<i64>, method: &str, params: Option<&[u8]>) -> Vec<u8> {
    let mut line = Vec::with_capacity(method.len() + params.map_or(0, <[u8]>::len) + 64);
    line.push(b'{');
    if let Some(id) = id {
        line.extend_from_slice(format!(r#""id":{id},"#).as_bytes());
    }
    line.extend_from_slice(br#""method":"#);
    line.extend_from_slice(json_string(method).as_bytes());
    if let Some(params) = params {
        line.extend_from_slice(br#","params":"#);
        line.extend_from_slice(params);
    }
    line.extend_from_slice(b"}\n");
    line
}

/// `text` as a JSON string.
pub fn json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line() {
        assert_eq!(
            request_line(Some(7), "a\"b", Some(b"{\"x\":1}")),
            b"{\"id\":7,\"method\":\"a\\\"b\",\"params\":{\"x\":1}}\n"
        );
        assert_eq!(
            request_line(None, "initialized", None),
            b"{\"method\":\"initialized\"}\n"
        );
        assert_eq!(json_string("a\nb\\"), "\"a\\u000ab\\\\\"");
    }
}
