//! One line to one message: what kind it is, whose it is, and where its payload stands. Reads the
//! whole line (so a broken one is found here) and copies nothing: in the short way of `flat`, or else in
//! one general pass. Called by the reader thread.

use std::borrow::Cow;
use std::sync::LazyLock;

use jiter::{Jiter, JiterError};

use crate::flat::{Opening, Scan, Value};
use crate::protocol::{IdPath, NOTIFICATIONS, NotificationSpec, SUBJECTS};

/// How a notification's ids are found when the schema does not know its method: the names that every
/// known one uses, so that a newer runtime's turn events still reach their turn.
static UNKNOWN_SPEC: NotificationSpec = NotificationSpec {
    method: "",
    thread: IdPath::Either("threadId", "thread", "id"),
    turn: IdPath::Either("turnId", "turn", "id"),
    subject: &SUBJECTS,
    ends: false,
    droppable: false,
};

/// How the line of each known notification begins, as the runtime writes it.
static OPENINGS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let opening = |spec: &NotificationSpec| format!(r#"{{"method":"{}","params":"#, spec.method);
    NOTIFICATIONS
        .iter()
        .map(|spec| opening(spec).into_bytes())
        .collect()
});

/// What a line says. Ids are classified by the presence of `method`, never by their value: the
/// runtime's own ids start at 0 and may equal ours.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'l> {
    Notification(Notification<'l>),
    /// A request of the runtime; `id` is its raw JSON, to be echoed.
    ServerRequest {
        id: &'l [u8],
        method: Cow<'l, str>,
        params: &'l [u8],
    },
    /// `id` is `None` for an id that cannot be ours.
    Response {
        id: Option<i64>,
        answer: Answer<'l>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Notification<'l> {
    /// Index into [`NOTIFICATIONS`].
    pub spec: Option<u16>,
    pub method: Cow<'l, str>,
    /// Raw JSON; `{}` when the line has none.
    pub params: &'l [u8],
    pub ids: Ids<'l>,
}

/// Where a notification belongs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ids<'l> {
    pub thread: Option<Cow<'l, str>>,
    pub turn: Option<Cow<'l, str>>,
    /// The property that names its stream, and the name.
    pub subject: Option<(&'static str, Cow<'l, str>)>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'l> {
    /// Raw JSON of `result`.
    Result(&'l [u8]),
    Error {
        code: i64,
        message: String,
        data: Option<&'l [u8]>,
    },
}

/// Why a line is skipped.
#[derive(Debug, PartialEq, Eq)]
pub struct Defect {
    pub kind: DefectKind,
    /// The request that the line answers, when that much could be read: it must not wait for ever.
    pub id: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum DefectKind {
    /// Not JSON.
    Malformed(String),
    /// JSON, but no message.
    UnknownShape,
}

/// The code of an answer that cannot be read; JSON-RPC's "parse error".
const UNREADABLE: i64 = -32700;

impl Defect {
    const UNKNOWN_SHAPE: Self = Self {
        kind: DefectKind::UnknownShape,
        id: None,
    };

    /// A line without its end.
    pub fn cut_off() -> Self {
        Self {
            kind: DefectKind::Malformed("the line was cut off".into()),
            id: None,
        }
    }

    /// What the request gets that the line answers.
    pub fn answer(&self) -> Option<Answer<'static>> {
        self.id?;
        let why = match &self.kind {
            DefectKind::Malformed(why) => why,
            DefectKind::UnknownShape => "it has neither a result nor an error",
        };
        let message = format!("the runtime's answer cannot be read: {why}");
        Some(Answer::Error {
            code: UNREADABLE,
            message,
            data: None,
        })
    }
}

impl From<JiterError> for Defect {
    fn from(error: JiterError) -> Self {
        Self {
            kind: DefectKind::Malformed(error.to_string()),
            id: None,
        }
    }
}

/// Finds a method in the schema's table.
pub fn find_notification(method: &str) -> Option<u16> {
    let index = NOTIFICATIONS
        .binary_search_by(|spec| spec.method.cmp(method))
        .ok()?;
    u16::try_from(index).ok()
}

fn spec_of(index: Option<u16>) -> &'static NotificationSpec {
    index.map_or(&UNKNOWN_SPEC, |index| &NOTIFICATIONS[usize::from(index)])
}

/// Reads lines; remembers the last method and what its params began with, because deltas come in runs.
#[derive(Debug, Default)]
pub struct Reader {
    last: Option<u16>,
    layout: Layout,
}

/// The strings that a method's flat params began with, in their order. In the next line they are the same, as a
/// rule: then a name is compared instead of read and looked up. A delta's 1,320 instructions became 850.
#[derive(Debug, Default)]
struct Layout {
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
            subject: subject_hit(spec, key),
        }
    }
}

#[derive(Default)]
struct Members<'l> {
    method: Option<Cow<'l, str>>,
    id: Option<&'l [u8]>,
    params: Option<&'l [u8]>,
    ids: Option<Ids<'l>>,
    result: Option<&'l [u8]>,
    error: Option<&'l [u8]>,
}

enum Member {
    Method,
    Id,
    Params,
    Result,
    Error,
    Other,
}

impl Member {
    fn of(key: &[u8]) -> Self {
        match key {
            b"method" => Self::Method,
            b"id" => Self::Id,
            b"params" => Self::Params,
            b"result" => Self::Result,
            b"error" => Self::Error,
            _ => Self::Other,
        }
    }
}

impl Reader {
    pub fn read<'l>(&mut self, line: &'l [u8]) -> Result<Message<'l>, Defect> {
        match self.read_flat(line) {
            Some(notification) => Ok(Message::Notification(notification)),
            None => self.read_any(line),
        }
    }

    /// A notification in the form that most have; `None` for every other line.
    fn read_flat<'l>(&mut self, line: &'l [u8]) -> Option<Notification<'l>> {
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

    fn read_any<'l>(&mut self, line: &'l [u8]) -> Result<Message<'l>, Defect> {
        let mut found = Members::default();
        let spec = self.members(line, &mut found);
        let answered = if found.method.is_none() {
            found.id.and_then(integer)
        } else {
            None
        };
        spec.and_then(|spec| found.into_message(spec))
            .map_err(|defect| Defect {
                id: answered,
                ..defect
            })
    }

    /// Collects the members of the line's object; returns the notification's index.
    fn members<'l>(
        &mut self,
        line: &'l [u8],
        found: &mut Members<'l>,
    ) -> Result<Option<u16>, Defect> {
        let mut json = Jiter::new(line);
        let mut spec = None;
        if json.peek()?.into_inner() != b'{' {
            json.next_skip()?;
            json.finish()?;
            return Err(Defect::UNKNOWN_SHAPE);
        }
        let mut member = json.known_object()?.map(|key| Member::of(key.as_bytes()));
        while let Some(which) = member {
            match which {
                Member::Method => {
                    let value = skip_value(&mut json)?;
                    let method = text_of(value).ok_or(Defect::UNKNOWN_SHAPE)?;
                    spec = self.recognise(&method);
                    found.method = Some(method);
                }
                // With the method known, ids are picked up on the same pass.
                Member::Params if found.method.is_some() && found.id.is_none() => {
                    let (params, ids) = params_with_ids(&mut json, spec_of(spec))?;
                    found.params = Some(params);
                    found.ids = Some(ids);
                }
                Member::Params => found.params = Some(skip_value(&mut json)?),
                Member::Id => found.id = Some(skip_value(&mut json)?),
                Member::Result => found.result = Some(skip_value(&mut json)?),
                Member::Error => found.error = Some(skip_value(&mut json)?),
                Member::Other => json.next_skip()?,
            }
            member = json.next_key()?.map(|key| Member::of(key.as_bytes()));
        }
        json.finish()?;
        Ok(spec)
    }

    fn recognise(&mut self, method: &str) -> Option<u16> {
        if let Some(index) = self.last
            && NOTIFICATIONS[usize::from(index)].method == method
        {
            return self.last;
        }
        let index = find_notification(method);
        self.last = index.or(self.last);
        index
    }
}

impl<'l> Members<'l> {
    fn into_message(self, spec: Option<u16>) -> Result<Message<'l>, Defect> {
        let params = self.params.unwrap_or(b"{}");
        match (self.method, self.id) {
            (Some(method), Some(id)) => Ok(Message::ServerRequest { id, method, params }),
            (Some(method), None) => {
                let ids = match self.ids {
                    Some(ids) => ids,
                    // `params` stood before `method`, or is missing.
                    None => params_with_ids(&mut Jiter::new(params), spec_of(spec))?.1,
                };
                Ok(Message::Notification(Notification {
                    spec,
                    method,
                    params,
                    ids,
                }))
            }
            (None, Some(id)) => {
                let id = integer(id);
                let answer = match (self.error, self.result) {
                    (Some(error), _) if error != b"null" => read_error(error)?,
                    (_, Some(result)) => Answer::Result(result),
                    _ => return Err(Defect::UNKNOWN_SHAPE),
                };
                Ok(Message::Response { id, answer })
            }
            (None, None) => Err(Defect::UNKNOWN_SHAPE),
        }
    }
}

/// Skips the next value and returns its bytes.
fn skip_value<'l>(json: &mut Jiter<'l>) -> Result<&'l [u8], Defect> {
    let peek = json.peek()?;
    let start = json.current_index();
    json.known_skip(peek)?;
    Ok(json.slice_to_current(start))
}

/// The text of a JSON string; borrowed unless it has escapes. `None` for any other value.
fn text_of(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return Jiter::new(value)
            .next_str()
            .ok()
            .map(|text| Cow::Owned(text.to_owned()));
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// Skips `params` and picks up the ids that `spec` says it carries. An id of another type than a
/// string is left out: the event then reaches who listens to everything.
fn params_with_ids<'l>(
    json: &mut Jiter<'l>,
    spec: &NotificationSpec,
) -> Result<(&'l [u8], Ids<'l>), Defect> {
    let mut ids = Ids::default();
    let peek = json.peek()?;
    let start = json.current_index();
    if peek.into_inner() != b'{' {
        json.known_skip(peek)?;
        return Ok((json.slice_to_current(start), ids));
    }
    let mut hits = json.known_object()?.map(|key| hits_of(spec, key));
    while let Some(hit) = hits {
        let inner = json.peek()?;
        if hit.nested.iter().any(Option::is_some) && inner.into_inner() == b'{' {
            let mut names = json
                .known_object()?
                .map(|key| hit.nested.map(|name| name == Some(key)));
            while let Some(wanted) = names {
                let value = skip_value(json)?;
                ids.note_nested(wanted, value);
                names = json
                    .next_key()?
                    .map(|key| hit.nested.map(|name| name == Some(key)));
            }
        } else {
            let value_start = json.current_index();
            json.known_skip(inner)?;
            let value = json.slice_to_current(value_start);
            ids.note(hit.direct, value);
            ids.note_subject(hit.subject, value);
        }
        hits = json.next_key()?.map(|key| hits_of(spec, key));
    }
    Ok((json.slice_to_current(start), ids))
}

/// Which of thread and turn a member of `params` is, or holds under which name; and whether it names
/// the stream.
struct Hits {
    direct: [bool; 2],
    nested: [Option<&'static str>; 2],
    subject: Option<&'static str>,
}

fn hits_of(spec: &NotificationSpec, key: &str) -> Hits {
    let paths = [spec.thread, spec.turn];
    Hits {
        subject: subject_hit(spec, key),
        direct: paths.map(|path| direct(path) == Some(key)),
        nested: paths.map(|path| match path {
            IdPath::Nested(outer, inner) | IdPath::Either(_, outer, inner) if outer == key => {
                Some(inner)
            }
            _ => None,
        }),
    }
}

/// The member of `params` that is the id itself.
fn direct(path: IdPath) -> Option<&'static str> {
    match path {
        IdPath::Param(name) | IdPath::Either(name, ..) => Some(name),
        IdPath::None | IdPath::Nested(..) => None,
    }
}

fn subject_hit(spec: &NotificationSpec, key: &str) -> Option<&'static str> {
    spec.subject.iter().copied().find(|name| *name == key)
}

impl<'l> Ids<'l> {
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

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn read_error(error: &[u8]) -> Result<Answer<'_>, Defect> {
    let mut json = Jiter::new(error);
    if json.peek()?.into_inner() != b'{' {
        return Err(Defect::UNKNOWN_SHAPE);
    }
    let (mut code, mut message, mut data) = (0, String::new(), None);
    let mut name = json.known_object()?.map(str::to_owned);
    while let Some(key) = name {
        let value = skip_value(&mut json)?;
        match key.as_str() {
            "code" => {
                code = integer(value).unwrap_or(0);
            }
            "message" => message = text_of(value).map(Cow::into_owned).unwrap_or_default(),
            "data" if value != b"null" => data = Some(value),
            _ => {}
        }
        name = json.next_key()?.map(str::to_owned);
    }
    Ok(Answer::Error {
        code,
        message,
        data,
    })
}

/// The raw JSON of a member of `params`.
pub fn member<'l>(params: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let mut json = Jiter::new(params);
    let mut wanted = json.next_object().ok()?.map(|key| key == name);
    while let Some(is_it) = wanted {
        let value = skip_value(&mut json).ok()?;
        if is_it {
            return Some(value);
        }
        wanted = json.next_key().ok()?.map(|key| key == name);
    }
    None
}

/// The id in an answer such as `{"turn": {"id": …}}`; `place` is where it has it.
pub fn id_in_answer(answer: &[u8], place: IdPath) -> Option<String> {
    let spec = NotificationSpec {
        thread: place,
        turn: IdPath::None,
        subject: &[],
        ..UNKNOWN_SPEC
    };
    let (_, ids) = params_with_ids(&mut Jiter::new(answer), &spec).ok()?;
    ids.thread.map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
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
