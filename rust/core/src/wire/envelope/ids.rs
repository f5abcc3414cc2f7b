//! Where a message belongs: the ids of thread, turn and stream, wherever the schema says that they stand.

use std::borrow::Cow;

use super::json::{Broken, Cursor, text_of};
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

impl<'l> Ids<'l> {
    fn note(&mut self, wanted: [bool; 2], value: &'l [u8]) {
        for (slot, wanted) in [&mut self.thread, &mut self.turn].into_iter().zip(wanted) {
            if wanted && let Some(id) = text_of(value) {
                *slot = Some(id);
            }
        }
    }

    /// An object's id, unless the params have one of their own.
    fn note_nested(&mut self, wanted: [bool; 2], value: &'l [u8]) {
        let empty = [self.thread.is_none(), self.turn.is_none()];
        self.note([wanted[0] && empty[0], wanted[1] && empty[1]], value);
    }

    fn note_subject(&mut self, name: Option<&'static str>, value: &'l [u8]) {
        if let (None, Some(name)) = (&self.subject, name) {
            self.subject = text_of(value).map(|id| (name, id));
        }
    }
}

/// Skips `params` and picks up the ids that `spec` says it carries. An id of another type than a
/// string is left out: the event then reaches who listens to everything.
pub(super) fn params_with_ids<'l>(
    json: &mut Cursor<'l>,
    spec: &NotificationSpec,
) -> Result<(&'l [u8], Ids<'l>), Broken> {
    let mut ids = Ids::default();
    if json.peek() != Some(b'{') {
        return Ok((json.value()?, ids));
    }
    let start = json.position();
    let mut hits = json.first_key()?.map(|key| hits_of(spec, &key.bytes()));
    while let Some(hit) = hits {
        if hit.nested.iter().any(Option::is_some) && json.peek() == Some(b'{') {
            let is_wanted = |key: &[u8]| {
                hit.nested
                    .map(|name| name.is_some_and(|name| name.as_bytes() == key))
            };
            let mut names = json.first_key()?.map(|key| is_wanted(&key.bytes()));
            while let Some(wanted) = names {
                let value = json.value()?;
                ids.note_nested(wanted, value);
                names = json.next_key()?.map(|key| is_wanted(&key.bytes()));
            }
        } else {
            let value = json.value()?;
            ids.note(hit.direct, value);
            ids.note_subject(hit.subject, value);
        }
        hits = json.next_key()?.map(|key| hits_of(spec, &key.bytes()));
    }
    Ok((json.since(start), ids))
}

/// Which of thread and turn a member of `params` is, or holds under which name; and whether it names
/// the stream.
struct Hits {
    direct: [bool; 2],
    nested: [Option<&'static str>; 2],
    subject: Option<&'static str>,
}

fn hits_of(spec: &NotificationSpec, key: &[u8]) -> Hits {
    let paths = [spec.thread, spec.turn];
    Hits {
        subject: subject_hit(spec, key),
        direct: paths.map(|path| direct(path).is_some_and(|name| name.as_bytes() == key)),
        nested: paths.map(|path| match path {
            IdPath::Nested(outer, inner) | IdPath::Either(_, outer, inner)
                if outer.as_bytes() == key =>
            {
                Some(inner)
            }
            _ => None,
        }),
    }
}

/// The member of `params` that is the id itself.
pub(super) fn direct(path: IdPath) -> Option<&'static str> {
    match path {
        IdPath::Param(name) | IdPath::Either(name, ..) => Some(name),
        IdPath::None | IdPath::Nested(..) => None,
    }
}

pub(super) fn subject_hit(spec: &NotificationSpec, key: &[u8]) -> Option<&'static str> {
    let mut names = spec.subject.iter().copied();
    names.find(|name| name.as_bytes() == key)
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
