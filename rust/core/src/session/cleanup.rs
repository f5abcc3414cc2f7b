//! Requests that undo what nobody wants any more: a turn is interrupted, a thread unsubscribed, a login cancelled, a
//! watch or a command whose consumer has gone is ended. Nobody waits for their answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::call::{Call, Lane, Outcome};
use super::effects::{Effects, Line};
use super::subscriptions::SubscriptionId;
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
    /// The subscription that it undoes the request of. A later one may be about what has the same name.
    pub of: Option<SubscriptionId>,
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

    /// Undoes the request of this subscription.
    pub(super) fn of(self, id: SubscriptionId) -> Self {
        Self {
            of: Some(id),
            ..self
        }
    }

    pub fn new(method: &str, params: Vec<u8>) -> Self {
        Self {
            method: method.into(),
            params: params.into(),
            turn: None,
            put_off: 0,
            of: None,
        }
    }
}

impl Session {
    /// Undoes what a request has made that nobody wants.
    pub(super) fn undo(
        &mut self,
        call: &Call,
        made: Option<&str>,
        now: Instant,
        out: &mut Effects,
    ) {
        let Some(id) = made else {
            return;
        };
        let cleanup = match &*call.method {
            "thread/start" | "thread/fork" => Cleanup::unsubscribe(id),
            "account/login/start" => Cleanup::cancel_login(id),
            _ => return,
        };
        self.clean_up(&cleanup, now, out);
    }

    /// Sends a request that undoes something, now or when there is a place for it. Does nothing once the connection has
    /// ended.
    pub fn clean_up(&mut self, cleanup: &Cleanup, now: Instant, out: &mut Effects) {
        self.send_by_itself(cleanup, Lane::Cleanup, now, out);
    }

    pub(super) fn send_by_itself(
        &mut self,
        cleanup: &Cleanup,
        lane: Lane,
        now: Instant,
        out: &mut Effects,
    ) {
        if self.closed.is_some() {
            return;
        }
        if lane == Lane::Cleanup {
            self.stats.errands_sent.one();
        }
        let call = Arc::new(Call::by_itself(self.new_id(), cleanup, lane, now));
        self.calls.insert(call.id, Arc::clone(&call));
        self.line_up(&call, now, out);
    }

    /// The runtime is too busy to undo something: it is asked again after a while, for as long as it is.
    pub(super) fn put_off(&mut self, cleanup: &Cleanup, now: Instant, out: &mut Effects) {
        if self.is_superseded(cleanup) {
            return;
        }
        let due = now + pause(cleanup.put_off);
        let cleanup = Cleanup {
            put_off: cleanup.put_off + 1,
            ..cleanup.clone()
        };
        self.put_off.push((due, cleanup));
        self.look_at(Some(due), out);
    }

    /// Whether a later subscription is about what has the same name: to undo the earlier one would meet that.
    fn is_superseded(&self, cleanup: &Cleanup) -> bool {
        let Some(of) = cleanup.of else {
            return false;
        };
        let does_the_same =
            |other: Cleanup| other.method == cleanup.method && other.params == cleanup.params;
        let mut later = self.subscriptions.keys().filter(|id| **id > of);
        later.any(|id| self.cleanup_of(*id).is_some_and(does_the_same))
    }

    /// Sends what was put off until now; returns when the next is due.
    pub(super) fn undo_overdue(&mut self, now: Instant, out: &mut Effects) -> Option<Instant> {
        let (due, later) = std::mem::take(&mut self.put_off)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.put_off = later;
        for (_, cleanup) in due {
            if !self.is_superseded(&cleanup) {
                self.clean_up(&cleanup, now, out);
            }
        }
        self.put_off.iter().map(|(at, _)| *at).min()
    }

    /// The lines of requests that go out by themselves and have not gone out yet.
    pub(super) fn unwritten_by_themselves(&self) -> Vec<Line> {
        let mut calls: Vec<_> = self
            .calls
            .values()
            .filter(|call| !call.was_written() && !self.waits_for_interrupt(call))
            .collect();
        calls.sort_by_key(|call| call.id);
        let lines = calls.iter().filter_map(|call| call.by_itself.clone());
        lines.map(|bytes| Line { bytes, call: None }).collect()
    }
}
