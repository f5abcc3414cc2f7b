//! Undoing what nobody waits for any more: a late turn is interrupted, a late thread unsubscribed, a
//! late login cancelled, a watch or a command whose consumer has gone is ended.
//!
//! An errand is a request that the transport sends itself, in a lane of its own, since a thousand
//! cancelled turns are a thousand interrupts. Errands and requests that were given up keep their
//! place until they are answered, so that the runtime is never flooded; but the runtime does not
//! answer some interrupts at all, so a place that others wait for is taken back after a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::io::shared::Shared;
use crate::session::call::{Call, Lane};
use crate::wire::encode::{json_string, request_line};

/// How long a place is kept for an answer that nobody waits for, while others wait for the place.
const PATIENCE: Duration = Duration::from_secs(4);

/// A request that undoes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub method: Box<str>,
    /// JSON.
    pub params: Box<[u8]>,
    /// The turn that it interrupts.
    pub turn: Option<TurnKey>,
}

/// A turn and its thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnKey {
    pub thread_id: Arc<str>,
    pub turn_id: Arc<str>,
}

impl Errand {
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
        }
    }
}

/// Calls that hold a place although nobody waits for their answer.
#[derive(Debug, Default)]
pub(crate) struct Lingering(Mutex<Vec<Arc<Call>>>);

impl Lingering {
    pub fn add(&self, call: Arc<Call>) {
        let mut calls = self.0.lock();
        // Those that were answered meanwhile are let go here, so the list is as long as the windows.
        calls.retain(|call| call.holds_place());
        calls.push(call);
    }

    fn overdue(&self) -> Vec<Arc<Call>> {
        let mut calls = self.0.lock();
        calls.retain(|call| call.holds_place());
        let overdue = |call: &&Arc<Call>| call.written_for().is_some_and(|time| time > PATIENCE);
        calls.iter().filter(overdue).cloned().collect()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Shared {
    /// Sends an errand, now or when there is a place for it. Does nothing once the connection has
    /// ended, which undoes everything.
    pub fn run(&self, errand: Errand) {
        if self.is_closed() {
            return;
        }
        self.stats.errands_sent.one();
        let errand = Arc::new(Call::errand(self.new_id(), errand));
        if self.enter(&errand) {
            self.send_errand(errand);
        }
    }

    /// Takes a place in line; true when the call is admitted at once.
    pub fn enter(&self, call: &Arc<Call>) -> bool {
        let admitted = self.admission.enter(call);
        if !admitted && !self.lingering.is_empty() {
            // From now on somebody waits for a place that may be overdue.
            self.wake_reader();
        }
        admitted
    }

    /// Gives the place of `call` to the next in line, unless it was given back before. Errands that
    /// get a place go out.
    pub fn free(&self, call: &Call) {
        if call.give_back_place() {
            for errand in self.admission.release(call.lane) {
                self.send_errand(errand);
            }
        }
    }

    fn send_errand(&self, errand: Arc<Call>) {
        let params = errand.errand.as_ref().map(|errand| &*errand.params);
        let line = request_line(Some(errand.id), &errand.method, params);
        if errand.mark_sent() {
            self.lingering.add(Arc::clone(&errand));
            // Never refused: it is an errand.
            let _ = self.writer.push_call(line, errand);
        }
    }

    /// A call that was given up on the wire keeps its place until its answer comes, or is overdue.
    pub fn linger(&self, call: &Arc<Call>) {
        self.lingering.add(Arc::clone(call));
        self.wake_reader();
    }

    /// When the reader is to look for what is overdue at the latest; `None` while nobody waits for that.
    pub fn sweep_due(&self) -> Option<Instant> {
        let lanes = [Lane::Short, Lane::Long, Lane::Control, Lane::Errand];
        let waited_for = || lanes.iter().any(|lane| self.admission.load(*lane).0 > 0);
        let due = (!self.lingering.is_empty() && waited_for()) || self.router.is_holding();
        due.then(|| Instant::now() + PATIENCE / 4)
    }

    /// Takes back the places of what is overdue, and lets starts go that have waited long enough.
    pub fn sweep(&self) {
        self.let_go(self.router.overdue());
        for call in self.lingering.overdue() {
            self.free(&call);
        }
    }
}
