//! Requests that undo what nobody wants any more: a turn is interrupted, a thread unsubscribed, a login cancelled, a
//! watch or a command whose consumer has gone is ended. Nobody waits for their answers.

use std::sync::Arc;
use std::time::Duration;

use super::call::Outcome;
use crate::wire::encode::json_string;

/// A request that undoes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleanup {
    pub method: Box<str>,
    /// JSON.
    pub params: Box<[u8]>,
    /// The turn that it interrupts.
    pub turn: Option<TurnKey>,
    /// How often the runtime was too busy for it.
    pub put_off: u32,
}

/// How the runtime says that it is too busy now.
const OVERLOADED: i64 = -32001;
/// The first of the pauses until it is asked again, which double, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn is_overloaded(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Error { code, .. } if *code == OVERLOADED)
}

/// How long to wait before the runtime is asked again that was too busy so many times.
pub(super) fn pause(times: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
    doubled.min(LONGEST_PAUSE)
}

/// A turn and its thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnKey {
    pub thread_id: Arc<str>,
    pub turn_id: Arc<str>,
}

impl Cleanup {
    pub fn interrupt(thread_id: &str, turn_id: &str) -> Self {
        let (thread, turn) = (json_string(thread_id), json_string(turn_id));
        let params = format!(r#"{{"threadId":{thread},"turnId":{turn}}}"#);
        let turn = TurnKey {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
        };
        Self {
            turn: Some(turn),
            ..Self::new("turn/interrupt", params.into_bytes())
        }
    }

    pub fn unsubscribe(thread_id: &str) -> Self {
        let params = format!(r#"{{"threadId":{}}}"#, json_string(thread_id));
        Self::new("thread/unsubscribe", params.into_bytes())
    }

    pub fn cancel_login(login_id: &str) -> Self {
        let params = format!(r#"{{"loginId":{}}}"#, json_string(login_id));
        Self::new("account/login/cancel", params.into_bytes())
    }

    pub fn new(method: &str, params: Vec<u8>) -> Self {
        Self {
            method: method.into(),
            params: params.into(),
            turn: None,
            put_off: 0,
        }
    }
}
