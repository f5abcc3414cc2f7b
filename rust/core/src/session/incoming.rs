//! A message of the runtime on its way into the session: everything that reads or copies its payload is done here, by
//! the reader, before it takes the session's lock. A 64 MB answer that was copied under it held up whoever waited for
//! the lock, and with a program's thread the interpreter, for 47 to 136 ms.

use std::sync::Arc;

use super::call::Outcome;
use crate::inbox::segment::FULL;
use crate::wire::envelope::{Answer, Notification, id_in_answer};
use crate::wire::protocol::IdPath;

/// A notification.
#[derive(Debug)]
pub struct Incoming<'l> {
    pub notification: Notification<'l>,
    /// What it says of a goal, or of a turn's end.
    pub status: Option<String>,
    /// A copy of large params, for all mailboxes.
    pub shared: Option<Arc<[u8]>>,
}

impl<'l> From<Notification<'l>> for Incoming<'l> {
    fn from(notification: Notification<'l>) -> Self {
        let place = match &*notification.method {
            "thread/goal/updated" => Some(IdPath::Nested("goal", "status")),
            "turn/completed" => Some(IdPath::Nested("turn", "status")),
            _ => None,
        };
        let params = notification.params;
        Self {
            status: place.and_then(|place| id_in_answer(params, place)),
            shared: (params.len() > FULL).then(|| params.into()),
            notification,
        }
    }
}

impl From<&Answer<'_>> for Outcome {
    fn from(answer: &Answer<'_>) -> Self {
        match answer {
            Answer::Result(result) => Self::Result((*result).into()),
            Answer::Error {
                code,
                message,
                data,
            } => Self::Error {
                code: *code,
                message: message.clone(),
                data: data.map(Into::into),
            },
        }
    }
}
