//! One line to one message: what kind it is, whose it is, and where its payload stands. Reads the
//! whole line (so a broken one is found here) and copies nothing: in the short way of `short`, or else in
//! one general pass. Called by the reader thread.

mod flat;
mod ids;
mod json;
mod place;
mod plain;
mod short;
mod text;

use std::borrow::Cow;
use std::str::Utf8Error;

use crate::wire::protocol::NOTIFICATIONS;

pub use ids::{Ids, id_in_answer};
use ids::{params_with_ids, spec_of};
use json::{Broken, Cursor};
pub use place::{first_at, first_text_at, item_type, texts_at};
pub use plain::plain;
use short::Layout;
use text::{readable_text_of, text_of};

/// What a line says. Ids are classified by the presence of `method`, never by their value: the
/// runtime's own ids start at 0 and may equal ours. Of members that have one name, the last counts, as it
/// does for whoever decodes the payload.
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

impl Notification<'_> {
    /// Whether a consumer may miss it: most are of this kind.
    pub fn is_droppable(&self) -> bool {
        self.spec
            .is_some_and(|index| NOTIFICATIONS[usize::from(index)].droppable)
    }
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
    /// The request that the line answers, when that much is certain: it must not wait for ever.
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

impl From<Broken> for Defect {
    fn from(broken: Broken) -> Self {
        Self {
            kind: DefectKind::Malformed(broken.to_string()),
            id: None,
        }
    }
}

impl From<Utf8Error> for Defect {
    fn from(error: Utf8Error) -> Self {
        let why = format!("invalid UTF-8 at index {}", error.valid_up_to());
        Self {
            kind: DefectKind::Malformed(why),
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

/// Reads lines; remembers the last method and what its params began with, because deltas come in runs.
#[derive(Debug, Default)]
pub struct Reader {
    last: Option<u16>,
    layout: Layout,
}

/// The members of a line, as far as it could be read.
#[derive(Default)]
struct Members<'l> {
    /// Also when its value cannot be read: then the line is no answer.
    has_method: bool,
    /// A `result` or an `error` has at least begun.
    has_answer: bool,
    method: Option<Cow<'l, str>>,
    spec: Option<u16>,
    id: Option<&'l [u8]>,
    params: Option<&'l [u8]>,
    /// Of these params and this method.
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

    fn read_any<'l>(&mut self, line: &'l [u8]) -> Result<Message<'l>, Defect> {
        let mut found = Members::default();
        let read = self.members(line, &mut found);
        let answers = found.answers(read.is_ok());
        // What is kept of the line is decoded later, where an encoding error would be nobody's.
        read.and_then(|()| Ok(std::str::from_utf8(line).map(|_| ())?))
            .and_then(|()| found.into_message())
            .map_err(|defect| Defect {
                id: answers,
                ..defect
            })
    }

    /// Collects the members of the line's object.
    fn members<'l>(&mut self, line: &'l [u8], found: &mut Members<'l>) -> Result<(), Defect> {
        let mut json = Cursor::new(line);
        if json.peek() != Some(b'{') {
            json.value()?;
            json.finish()?;
            return Ok(());
        }
        let mut key = json.first_key()?;
        while let Some(name) = key {
            match Member::of(&name.bytes()) {
                Member::Method => {
                    found.has_method = true;
                    found.ids = None;
                    found.method = text_of(json.value()?);
                    let method = found.method.as_deref();
                    found.spec = method.and_then(|method| self.recognise(method));
                }
                // With the method known, ids are picked up on the same pass.
                Member::Params if found.method.is_some() && found.id.is_none() => {
                    let (params, ids) = params_with_ids(&mut json, spec_of(found.spec))?;
                    found.params = Some(params);
                    found.ids = Some(ids);
                }
                Member::Params => {
                    found.ids = None;
                    found.params = Some(json.value()?);
                }
                Member::Id => {
                    // The one before does not count any more, and of this one a part does not count yet.
                    found.id = None;
                    let id = json.value()?;
                    json.member_ends()?;
                    found.id = Some(id);
                }
                Member::Result => {
                    found.has_answer = true;
                    found.result = Some(json.value()?);
                }
                Member::Error => {
                    found.has_answer = true;
                    found.error = Some(json.value()?);
                }
                Member::Other => {
                    json.value()?;
                }
            }
            key = json.next_key()?;
        }
        json.finish()?;
        Ok(())
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
    /// The request that the line answers, readable or not. Of a broken line nobody knows what would have come, so
    /// it answers only where its answer has begun.
    fn answers(&self, is_whole: bool) -> Option<i64> {
        let is_answer = !self.has_method && (is_whole || self.has_answer);
        self.id.filter(|_| is_answer).and_then(integer)
    }

    fn into_message(self) -> Result<Message<'l>, Defect> {
        let params = self.params.unwrap_or(b"{}");
        match (self.method, self.id) {
            (Some(method), Some(id)) => Ok(Message::ServerRequest { id, method, params }),
            (Some(method), None) => {
                let ids = match self.ids {
                    Some(ids) => ids,
                    // `params` stood before `method`, or is missing.
                    None => params_with_ids(&mut Cursor::new(params), spec_of(self.spec))?.1,
                };
                Ok(Message::Notification(Notification {
                    spec: self.spec,
                    method,
                    params,
                    ids,
                }))
            }
            (None, Some(id)) if !self.has_method => {
                let id = integer(id);
                let answer = match (self.error, self.result) {
                    (Some(error), _) if error != b"null" => read_error(error)?,
                    (_, Some(result)) => Answer::Result(result),
                    _ => return Err(Defect::UNKNOWN_SHAPE),
                };
                Ok(Message::Response { id, answer })
            }
            (None, _) => Err(Defect::UNKNOWN_SHAPE),
        }
    }
}

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn read_error(error: &[u8]) -> Result<Answer<'_>, Defect> {
    let mut json = Cursor::new(error);
    if json.peek() != Some(b'{') {
        return Err(Defect::UNKNOWN_SHAPE);
    }
    let (mut code, mut message, mut data) = (0, String::new(), None);
    let mut key = json.first_key()?;
    while let Some(name) = key {
        let value = json.value()?;
        match &*name.bytes() {
            b"code" => code = integer(value).unwrap_or(0),
            b"message" => message = readable_text_of(value).unwrap_or_default(),
            b"data" => data = (value != b"null").then_some(value),
            _ => {}
        }
        key = json.next_key()?;
    }
    Ok(Answer::Error {
        code,
        message,
        data,
    })
}

/// The raw JSON of a member of `params`; of several with this name, the last.
pub fn member<'l>(params: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let mut json = Cursor::new(params);
    let mut found = None;
    let mut key = json.first_key().ok()?;
    while let Some(this) = key {
        let value = json.value().ok()?;
        if *this.bytes() == *name.as_bytes() {
            found = Some(value);
        }
        key = json.next_key().ok()?;
    }
    found
}

/// The text of one string member of an object, for people to read: what is no text in it is U+FFFD.
pub fn text_member(params: &[u8], name: &str) -> Option<String> {
    readable_text_of(member(params, name)?)
}
