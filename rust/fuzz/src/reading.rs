//! What a line says, in the terms in which the core and the oracle are compared.

use std::ops::Range;

use codex_core::wire::envelope::{Answer, Defect, DefectKind, Message};

/// Where a part stands in its line; `None` for what the line does not have.
pub type Span = Option<Range<usize>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Notification {
        spec: Option<usize>,
        method: String,
        params: Span,
        thread: Option<String>,
        turn: Option<String>,
        subject: Option<(String, String)>,
    },
    Request {
        id: Span,
        method: String,
        params: Span,
    },
    Result {
        id: Option<i64>,
        result: Span,
    },
    Error {
        id: Option<i64>,
        code: i64,
        message: String,
        data: Span,
    },
    NoMessage {
        answers: Option<i64>,
    },
    Malformed {
        answers: Option<i64>,
    },
}

/// Where `part`, which was taken out of `line`, stands in it.
pub fn span(line: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let end = start + part.len();
    (end <= line.len()).then_some(start..end)
}

impl Reading {
    /// What the core read.
    pub fn of(line: &[u8], read: &Result<Message<'_>, Defect>) -> Self {
        match read {
            Ok(Message::Notification(event)) => Self::Notification {
                spec: event.spec.map(usize::from),
                method: event.method.to_string(),
                params: span(line, event.params),
                thread: event.ids.thread.as_deref().map(str::to_owned),
                turn: event.ids.turn.as_deref().map(str::to_owned),
                subject: event
                    .ids
                    .subject
                    .as_ref()
                    .map(|(name, id)| ((*name).to_owned(), id.to_string())),
            },
            Ok(Message::ServerRequest { id, method, params }) => Self::Request {
                id: span(line, id),
                method: method.to_string(),
                params: span(line, params),
            },
            Ok(Message::Response { id, answer }) => match answer {
                Answer::Result(result) => Self::Result {
                    id: *id,
                    result: span(line, result),
                },
                Answer::Error {
                    code,
                    message,
                    data,
                } => Self::Error {
                    id: *id,
                    code: *code,
                    message: message.clone(),
                    data: data.and_then(|data| span(line, data)),
                },
            },
            Err(defect) => match defect.kind {
                DefectKind::UnknownShape => Self::NoMessage { answers: defect.id },
                DefectKind::Malformed(_) => Self::Malformed { answers: defect.id },
            },
        }
    }

    /// The same with everything one byte further to the left.
    #[must_use]
    pub fn moved_left(mut self) -> Self {
        let left = |span: &mut Span| {
            if let Some(range) = span {
                *range = range.start - 1..range.end - 1;
            }
        };
        match &mut self {
            Self::Notification { params, .. } => left(params),
            Self::Request { id, params, .. } => {
                left(id);
                left(params);
            }
            Self::Result { result, .. } => left(result),
            Self::Error { data, .. } => left(data),
            Self::NoMessage { .. } | Self::Malformed { .. } => {}
        }
        self
    }
}
