//! The short way. Most of what a runtime writes are deltas, and these look alike: a method, then params without
//! anything nested. Such a line is understood here in one pass, at a fifth of what the general reader takes
//! (`benches/envelope.rs`).

use std::borrow::Cow;
use std::sync::LazyLock;

use super::flat::{Opening, Scan, Value};
use super::ids::{direct, spec_of};
use super::{Ids, Member, Notification, Reader};
use crate::wire::protocol::{NOTIFICATIONS, NotificationSpec};

/// How the line of each known notification begins, as the runtime writes it.
static OPENINGS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let opening = |spec: &NotificationSpec| format!(r#"{{"method":"{}","params":"#, spec.method);
    NOTIFICATIONS
        .iter()
        .map(|spec| opening(spec).into_bytes())
        .collect()
});

/// The strings that a method's flat params began with, in their order. In the next line they are the same, as a
/// rule: then a name is compared instead of read and looked up. A delta's 1,320 instructions became 850.
#[derive(Debug, Default)]
pub(super) struct Layout {
    of: Option<u16>,
    members: Vec<(Opening, Role)>,
}

/// So many strings are remembered, whatever a line has.
const MOST_MEMBERS: usize = 8;

/// What a member of params says of where a notification belongs.
#[derive(Debug, Clone, Copy)]
struct Role {
    is_thread: bool,
    is_turn: bool,
    subject: Option<&'static str>,
}

impl Role {
    #[inline]
    fn of(spec: &NotificationSpec, key: &str) -> Self {
        Self {
            is_thread: direct(spec.thread) == Some(key),
            is_turn: direct(spec.turn) == Some(key),
            subject: spec.subject.iter().copied().find(|name| *name == key),
        }
    }
}

impl Reader {
    /// A notification in the form that most have; `None` for every other line.
    pub(super) fn read_flat<'l>(&mut self, line: &'l [u8]) -> Option<Notification<'l>> {
        let mut scan = Scan::new(line);
        let alike = |index: &u16| scan.skip(&OPENINGS[usize::from(*index)]);
        let (method, index) = if let Some(index) = self.last.filter(alike) {
            (NOTIFICATIONS[usize::from(index)].method, Some(index))
        } else {
            scan.pass(br#"{"method":"#)?;
            let method = scan.plain_text()?;
            scan.pass(br#","params":"#)?;
            (method, self.recognise(method))
        };
        let spec = spec_of(index);
        let mut ids = Ids::default();
        let start = scan.position();
        let mut as_before = 0;
        if index.is_some() && self.layout.of == index {
            for (opening, role) in &self.layout.members {
                if !scan.skip_opening(opening) {
                    break;
                }
                ids.note_flat(*role, scan.text()?)?;
                as_before += 1;
            }
        }
        let learns = as_before == 0;
        if learns {
            self.layout.of = index;
            self.layout.members.clear();
        }
        let mut opens = scan.position();
        let mut more = if learns {
            scan.pass(b"{")?;
            true
        } else {
            scan.goes_on()?
        };
        let mut strings_only = learns;
        while more {
            let key = scan.plain_text()?;
            scan.pass(b":")?;
            let role = Role::of(spec, key);
            // Which of two ids counts is for the general reader. So none is twice in the layout either.
            if ids.has(role) {
                return None;
            }
            let value = if strings_only && scan.skip(b"\"") {
                let opening = scan.opening_since(opens);
                strings_only = opening.is_some();
                self.layout
                    .members
                    .extend(opening.map(|opening| (opening, role)));
                strings_only &= self.layout.members.len() < MOST_MEMBERS;
                scan.text()?
            } else {
                strings_only = false;
                scan.value()?
            };
            ids.note_flat(role, value)?;
            opens = scan.position();
            more = scan.goes_on()?;
        }
        let params = &line[start..scan.position()];
        while scan.goes_on()? {
            let key = scan.plain_text()?;
            if !matches!(Member::of(key.as_bytes()), Member::Other) {
                return None;
            }
            scan.pass(b":")?;
            scan.value()?;
        }
        scan.is_at_end().then_some(Notification {
            spec: index,
            method: Cow::Borrowed(method),
            params,
            ids,
        })
    }
}

impl<'l> Ids<'l> {
    /// Whether an id that this member would be is known already.
    #[inline]
    fn has(&self, role: Role) -> bool {
        role.is_thread && self.thread.is_some()
            || role.is_turn && self.turn.is_some()
            || role.subject.is_some() && self.subject.is_some()
    }

    /// `None` for an id with escapes.
    #[inline]
    fn note_flat(&mut self, role: Role, value: Value<'l>) -> Option<()> {
        let Role {
            is_thread,
            is_turn,
            subject,
        } = role;
        match value {
            Value::Text(text) => {
                if is_thread {
                    self.thread = Some(Cow::Borrowed(text));
                }
                if is_turn {
                    self.turn = Some(Cow::Borrowed(text));
                }
                if let (Some(name), None) = (subject, &self.subject) {
                    self.subject = Some((name, Cow::Borrowed(text)));
                }
            }
            Value::Escaped if is_thread || is_turn || subject.is_some() => return None,
            Value::Escaped | Value::Other => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    const FLAT: [&str; 4] = [
        r#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u","itemId":"i","delta":"a\n\"gr\u00fc\u00df\" b"},"emittedAtMs":5}"#,
        r#"{"method":"item/reasoning/textDelta","params":{"delta":"x y","contentIndex":-10,"turnId":"u","threadId":"t"}}"#,
        r#"{"method":"command/exec/outputDelta","params":{"processId":"p","stream":"stdout","capReached":false,"at":null}}"#,
        r#"{"method":"future/thing","params":{"loginId":"l","threadId":"t","turn":"no","n":0}}"#,
    ];

    /// Every line with each of its bytes replaced, left out, or doubled.
    fn mutated() -> impl Iterator<Item = Vec<u8>> {
        FLAT.iter().flat_map(|line| {
            let line = line.as_bytes();
            (0..line.len()).flat_map(move |index| {
                let (head, tail) = line.split_at(index);
                let replaced = b"\"\\{}[]:,0-9.eu \n\xff\xc3xd"
                    .iter()
                    .map(move |byte| [head, &[*byte], &tail[1..]].concat());
                replaced
                    .chain([
                        [head, &tail[1..]].concat(),
                        [head, &tail[..1], tail].concat(),
                    ])
                    .chain([head.to_vec()])
            })
        })
    }

    /// Lines with a member that comes twice.
    fn repeated() -> Vec<Vec<u8>> {
        let values = [r#""a""#, r#""b\n""#, "null", "7", r#""""#];
        let mut lines = Vec::new();
        for name in ["threadId", "turnId", "loginId", "watchId", "method", "id"] {
            for one in values {
                for two in values {
                    let twice = format!(r#""{name}":{one},"{name}":{two}"#);
                    let inside = format!(r#"{{"method":"future/thing","params":{{{twice}}}}}"#);
                    let behind = format!(r#"{{"method":"fs/changed","params":{{"n":1}},{twice}}}"#);
                    lines.extend([inside.into_bytes(), behind.into_bytes()]);
                }
            }
        }
        lines
    }

    #[test]
    fn what_the_short_way_reads_is_what_the_general_reader_reads() {
        let mut short = 0;
        let digits = "1".repeat(4301);
        let long = format!(r#"{{"method":"x","params":{{"n":{digits}}},"at":{digits}}}"#);
        for line in mutated().chain(repeated()).chain([long.into_bytes()]) {
            // A reader that has read nothing, and those that expect the opening of one of the lines.
            for before in [""].iter().chain(&FLAT) {
                let mut reader = Reader::default();
                reader.read_flat(before.as_bytes());
                if let Some(notification) = reader.read_flat(&line) {
                    short += 1;
                    let general = Reader::default().read_any(&line);
                    let text = String::from_utf8_lossy(&line);
                    assert_eq!(general, Ok(Message::Notification(notification)), "{text}");
                }
            }
        }
        assert!(short > 1000, "{short}");
    }

    #[test]
    fn no_line_before_makes_the_short_way_read_anything_else() {
        let good = FLAT.map(|line| (line, Reader::default().read_any(line.as_bytes()).unwrap()));
        for before in mutated().chain(repeated()) {
            for (line, expected) in &good {
                let mut reader = Reader::default();
                let _ = reader.read(&before);
                assert_eq!(reader.read(line.as_bytes()).as_ref(), Ok(expected));
            }
        }
    }

    #[test]
    fn a_line_of_very_many_strings_is_not_remembered() {
        let strings = r#","a":"""#.repeat(10_000);
        let line = format!(
            r#"{{"method":"item/agentMessage/delta","params":{{"threadId":"t"{strings}}}}}"#
        );
        let mut reader = Reader::default();
        assert!(reader.read(line.as_bytes()).is_ok());
        assert!(reader.layout.members.len() <= MOST_MEMBERS);
    }

    #[test]
    fn deltas_take_the_short_way_and_nested_params_do_not() {
        let flat = |line: &str| Reader::default().read_flat(line.as_bytes()).is_some();
        assert!(FLAT.iter().all(|line| flat(line)));
        assert!(flat(&FLAT[0].replace(r"\u00fc\u00df", "\u{fc}\u{df}")));
        for line in [
            r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u"}}}"#,
            r#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u\\"}}"#,
            r#"{"method":"item/tool/call","params":{"threadId":"t"},"id":0}"#,
            r#"{"id":1,"result":{}}"#,
        ] {
            assert!(!flat(line), "{line}");
        }
    }
}
