//! What a line says according to `serde_json` and the protocol's tables: slow, plain, and written apart from the core.

use codex_core::wire::protocol::{IdPath, NOTIFICATIONS, SUBJECTS};

use crate::json::{Member, integer, is_json, members, readable_text, text};
use crate::reading::{Reading, span};

/// What `line` says.
pub fn read(line: &[u8]) -> Reading {
    let is_utf8 = std::str::from_utf8(line).is_ok();
    // Only the encoding of a line may be wrong: its members are still its members.
    let plain = without_bad_bytes(line);
    let (found, is_object) = members(&plain);
    let answers = answers(&found, is_object);
    if !is_utf8 || !is_json(line) {
        return Reading::Malformed { answers };
    }
    if !is_object {
        return Reading::NoMessage { answers: None };
    }
    let found = Object(members(line).0);
    let message = if found.get("method").is_some() {
        call(line, &found)
    } else {
        response(line, &found)
    };
    message.unwrap_or(Reading::NoMessage { answers })
}

/// The last member of this name in an object.
pub fn member<'t>(object: &'t [u8], name: &str) -> Option<&'t [u8]> {
    let (found, is_whole) = members(object);
    Object(found).get(name).filter(|_| is_whole)
}

/// The id at `place` in an object.
pub fn id_at(object: &[u8], place: IdPath) -> Option<String> {
    match place {
        IdPath::None => None,
        IdPath::Param(name) => text(member(object, name)?),
        IdPath::Nested(outer, inner) => text(member(member(object, outer)?, inner)?),
        IdPath::Either(name, outer, inner) => id_at(object, IdPath::Param(name))
            .or_else(|| id_at(object, IdPath::Nested(outer, inner))),
    }
}

/// The line with a question mark for each byte that is not UTF-8, which is wrong in the same places.
fn without_bad_bytes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        plain.extend_from_slice(chunk.valid().as_bytes());
        plain.extend(chunk.invalid().iter().map(|_| b'?'));
    }
    plain
}

/// The request that a line answers that may be broken. It has to be certain: the whole line was read or its answer
/// has begun, the id was read to its end, and a method was nowhere.
fn answers(found: &[Member<'_>], is_whole: bool) -> Option<i64> {
    let has = |name: &str| found.iter().any(|member| member.key == name.as_bytes());
    if has("method") || !is_whole && !has("result") && !has("error") {
        return None;
    }
    let last = found.iter().rfind(|member| member.key == b"id")?;
    last.value.filter(|_| last.is_ended).and_then(integer)
}

struct Object<'t>(Vec<Member<'t>>);

impl<'t> Object<'t> {
    fn get(&self, name: &str) -> Option<&'t [u8]> {
        let mut members = self.0.iter().rev();
        members.find(|member| member.key == name.as_bytes())?.value
    }
}

fn call(line: &[u8], found: &Object<'_>) -> Option<Reading> {
    let method = text(found.get("method")?)?;
    let params = found.get("params");
    let place = params.and_then(|params| span(line, params));
    if let Some(id) = found.get("id") {
        return Some(Reading::Request {
            id: span(line, id),
            method,
            params: place,
        });
    }
    let params = params.unwrap_or(b"{}");
    let spec = NOTIFICATIONS.iter().position(|spec| spec.method == method);
    let (thread, turn, subjects) = match spec.map(|index| &NOTIFICATIONS[index]) {
        Some(spec) => (spec.thread, spec.turn, spec.subject),
        None => (
            IdPath::Either("threadId", "thread", "id"),
            IdPath::Either("turnId", "turn", "id"),
            &SUBJECTS[..],
        ),
    };
    let named = |name: &&str| Some(((*name).to_owned(), text(member(params, name)?)?));
    Some(Reading::Notification {
        spec,
        method,
        params: place,
        thread: id_at(params, thread),
        turn: id_at(params, turn),
        subject: subjects.iter().find_map(named),
    })
}

fn response(line: &[u8], found: &Object<'_>) -> Option<Reading> {
    let id = integer(found.get("id")?);
    if let Some(error) = found.get("error").filter(|error| *error != b"null") {
        let (members, is_object) = members(error);
        let members = Object(members);
        let data = members.get("data").filter(|data| *data != b"null");
        return is_object.then(|| Reading::Error {
            id,
            code: members.get("code").and_then(integer).unwrap_or(0),
            message: members
                .get("message")
                .and_then(readable_text)
                .unwrap_or_default(),
            data: data.and_then(|data| span(line, data)),
        });
    }
    Some(Reading::Result {
        id,
        result: span(line, found.get("result")?),
    })
}
