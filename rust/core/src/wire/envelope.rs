//! One line to one message: what kind it is, whose it is, and where its payload stands. Reads the
//! whole line (so a broken one is found here) and copies nothing: in the short way of `short`, or else in
//! one general pass. Called by the reader thread.

mod flat;
mod ids;
mod json;
mod short;

use std::borrow::Cow;
use std::str::Utf8Error;

use crate::wire::protocol::NOTIFICATIONS;

pub use ids::{Ids, id_in_answer};
use ids::{params_with_ids, spec_of};
use json::{Broken, Cursor, readable_text_of, text_of};
use short::Layout;

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

    fn read_any<'l>(&mut self, line: &'l [u8]) -> Result<Message<'l>, Defect> {
        let mut found = Members::default();
        let spec = self.members(line, &mut found);
        let answered = if found.method.is_none() {
            found.id.and_then(integer)
        } else {
            None
        };
        // What is kept of the line is decoded later, where an encoding error would be nobody's.
        spec.and_then(|spec| {
            std::str::from_utf8(line)
                .map(|_| spec)
                .map_err(Defect::from)
        })
        .and_then(|spec| found.into_message(spec))
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
        let mut json = Cursor::new(line);
        let mut spec = None;
        if json.peek() != Some(b'{') {
            json.value()?;
            json.finish()?;
            return Err(Defect::UNKNOWN_SHAPE);
        }
        let mut member = json.first_key()?.map(|key| Member::of(&key.bytes()));
        while let Some(which) = member {
            match which {
                Member::Method => {
                    let value = json.value()?;
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
                Member::Params => found.params = Some(json.value()?),
                Member::Id => found.id = Some(json.value()?),
                Member::Result => found.result = Some(json.value()?),
                Member::Error => found.error = Some(json.value()?),
                Member::Other => {
                    json.value()?;
                }
            }
            member = json.next_key()?.map(|key| Member::of(&key.bytes()));
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
                    None => params_with_ids(&mut Cursor::new(params), spec_of(spec))?.1,
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
            b"data" if value != b"null" => data = Some(value),
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

/// The raw JSON of a member of `params`.
pub fn member<'l>(params: &'l [u8], name: &str) -> Option<&'l [u8]> {
    let mut json = Cursor::new(params);
    let mut key = json.first_key().ok()?;
    while let Some(this) = key {
        let value = json.value().ok()?;
        if *this.bytes() == *name.as_bytes() {
            return Some(value);
        }
        key = json.next_key().ok()?;
    }
    None
}
