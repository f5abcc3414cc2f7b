//! The envelope target: lines, separated by newlines, that one reader reads in turn, so that what it remembers of
//! one meets the next.

use codex_core::wire::envelope::{Answer, Message, Reader, id_in_answer, member, plain};
use codex_core::wire::protocol::IdPath;

use serde::de::IgnoredAny;

use crate::oracle;
use crate::reading::Reading;

/// Where ids stand in answers.
const PLACES: [IdPath; 4] = [
    IdPath::Nested("thread", "id"),
    IdPath::Nested("turn", "id"),
    IdPath::Param("loginId"),
    IdPath::Either("turnId", "turn", "id"),
];

/// Says where the core and the oracle read a line otherwise.
pub fn check(input: &[u8]) -> Result<(), String> {
    let mut warm = Reader::default();
    input
        .split(|byte| *byte == b'\n')
        .try_for_each(|line| check_line(&mut warm, line))
}

fn check_line(warm: &mut Reader, line: &[u8]) -> Result<(), String> {
    let expected = oracle::read(line);
    let read = Reader::default().read(line);
    agree("a new reader", &Reading::of(line, &read), &expected)?;
    // No line with white space in front takes the short way.
    let spaced = [b" ", line].concat();
    let general = Reading::of(&spaced, &Reader::default().read(&spaced));
    agree("the general reader", &general.moved_left(), &expected)?;
    let next = Reading::of(line, &warm.read(line));
    agree("a reader of the lines before", &next, &expected)?;
    match read {
        Ok(Message::Notification(event)) => check_parts(event.params),
        Ok(Message::Response {
            answer: Answer::Result(result),
            ..
        }) => check_parts(result),
        _ => Ok(()),
    }
}

/// What the core looks for in params and answers later on.
fn check_parts(object: &[u8]) -> Result<(), String> {
    for name in ["requestId", "id", "threadId"] {
        let what = format!("the member {name}");
        agree(&what, &member(object, name), &oracle::member(object, name))?;
    }
    for place in PLACES {
        let what = format!("the id at {place:?}");
        agree(
            &what,
            &id_in_answer(object, place),
            &oracle::id_at(object, place),
        )?;
    }
    // What serde_json reads within its limit of 128 levels, and is no plainer than that.
    let copy = plain(object).ok_or("JSON has no plain copy")?;
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&copy) {
        return Err(format!("the plain copy: {error}"));
    }
    agree("a copy of the plain copy", &plain(&copy), &Some(copy))
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, core: &T, oracle: &T) -> Result<(), String> {
    if core == oracle {
        return Ok(());
    }
    Err(format!("{what}\n  core:   {core:?}\n  oracle: {oracle:?}"))
}
