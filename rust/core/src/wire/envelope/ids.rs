//! Where a message belongs: the ids of thread, turn and stream, wherever the schema says that they stand.

use std::borrow::Cow;

use super::json::{Broken, Cursor};
use super::text::text_of;
use crate::wire::protocol::{IdPath, NOTIFICATIONS, NotificationSpec, SUBJECTS};

/// How a notification's ids are found when the schema does not know its method: the names that every
/// known one uses, so that a newer runtime's turn events still reach their turn.
static UNKNOWN_SPEC: NotificationSpec = NotificationSpec {
    method: "",
    thread: IdPath::Either("threadId", "thread", "id"),
    turn: IdPath::Either("turnId", "turn", "id"),
    subject: &SUBJECTS,
    ends: false,
    begins: false,
    result: false,
    text: false,
    droppable: false,
};

/// Where a notification belongs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ids<'l> {
    pub thread: Option<Cow<'l, str>>,
    pub turn: Option<Cow<'l, str>>,
    /// The property that names its stream, and the name.
    pub subject: Option<(&'static str, Cow<'l, str>)>,
}

pub(super) fn spec_of(index: Option<u16>) -> &'static NotificationSpec {
    index.map_or(&UNKNOWN_SPEC, |index| &NOTIFICATIONS[usize::from(index)])
}

/// What members of `params` said so far. Of two with one name the later one counts, even where it says nothing.
#[derive(Default)]
struct Found<'l> {
    /// Of thread and turn.
    direct: [Option<Cow<'l, str>>; 2],
    nested: [Option<Cow<'l, str>>; 2],
    /// In the order in which the method's names stand in the schema.
    subjects: [Option<Cow<'l, str>>; SUBJECTS.len()],
}

impl<'l> Found<'l> {
    fn into_ids(self, spec: &NotificationSpec) -> Ids<'l> {
        // An id of its own goes before that of an object.
        let [thread, turn] = self.direct;
        let [nested_thread, nested_turn] = self.nested;
        let mut subjects = spec.subject.iter().copied().zip(self.subjects);
        Ids {
            thread: thread.or(nested_thread),
            turn: turn.or(nested_turn),
            subject: subjects.find_map(|(name, id)| Some((name, id?))),
        }
    }
}

/// Skips `params` and picks up the ids that `spec` says it carries. An id of another type than a
/// string is left out: the event then reaches who listens to everything.
pub(super) fn params_with_ids<'l>(
    json: &mut Cursor<'l>,
    spec: &NotificationSpec,
) -> Result<(&'l [u8], Ids<'l>), Broken> {
    if json.peek() != Some(b'{') {
        return Ok((json.value()?, Ids::default()));
    }
    let start = json.position();
    let paths = [spec.thread, spec.turn];
    let mut found = Found::default();
    let mut key = json.first_key()?;
    while let Some(name) = key {
        let name = &*name.bytes();
        let inner = paths.map(|path| inner_name(path, name));
        let value = if inner.iter().any(Option::is_some) {
            nested_ids(json, inner, &mut found.nested)?
        } else {
            json.value()?
        };
        for (id, path) in found.direct.iter_mut().zip(paths) {
            if direct(path).is_some_and(|direct| direct.as_bytes() == name) {
                *id = text_of(value);
            }
        }
        if let Some(index) = subject_index(spec, name) {
            found.subjects[index] = text_of(value);
        }
        key = json.next_key()?;
    }
    Ok((json.since(start), found.into_ids(spec)))
}

/// Skips a member that holds ids under the names in `inner`.
fn nested_ids<'l>(
    json: &mut Cursor<'l>,
    inner: [Option<&'static str>; 2],
    ids: &mut [Option<Cow<'l, str>>; 2],
) -> Result<&'l [u8], Broken> {
    for (id, _) in ids
        .iter_mut()
        .zip(inner)
        .filter(|(_, inner)| inner.is_some())
    {
        *id = None;
    }
    if json.peek() != Some(b'{') {
        return json.value();
    }
    let start = json.position();
    let mut key = json.first_key()?;
    while let Some(name) = key {
        let value = json.value()?;
        for (id, inner) in ids.iter_mut().zip(inner) {
            if inner.is_some_and(|inner| inner.as_bytes() == &*name.bytes()) {
                *id = text_of(value);
            }
        }
        key = json.next_key()?;
    }
    Ok(json.since(start))
}

/// Under which name the member of this name has the id, if it is the object that has it.
fn inner_name(path: IdPath, name: &[u8]) -> Option<&'static str> {
    match path {
        IdPath::Nested(outer, inner) | IdPath::Either(_, outer, inner) => {
            (outer.as_bytes() == name).then_some(inner)
        }
        IdPath::None | IdPath::Param(_) => None,
    }
}

/// The member of `params` that is the id itself.
pub(super) fn direct(path: IdPath) -> Option<&'static str> {
    match path {
        IdPath::Param(name) | IdPath::Either(name, ..) => Some(name),
        IdPath::None | IdPath::Nested(..) => None,
    }
}

/// Which of the method's stream names this is.
fn subject_index(spec: &NotificationSpec, name: &[u8]) -> Option<usize> {
    let mut names = spec.subject.iter();
    names.position(|subject| subject.as_bytes() == name)
}

/// The id in an answer such as `{"turn": {"id": …}}`; `place` is where it has it.
pub fn id_in_answer(answer: &[u8], place: IdPath) -> Option<String> {
    let spec = NotificationSpec {
        thread: place,
        turn: IdPath::None,
        subject: &[],
        ..UNKNOWN_SPEC
    };
    let (_, ids) = params_with_ids(&mut Cursor::new(answer), &spec).ok()?;
    ids.thread.map(Cow::into_owned)
}
