//! What time does to a session: places that are kept for answers which nobody waits for, starts that are held, turns
//! that are interrupted blindly, and how long whoever waits may wait.
//!
//! A request that is given up on the wire keeps its place until the answer comes, else a thousand cancelled requests
//! would flood the runtime after all. But the runtime does not answer some interrupts at all: such a place is taken
//! back after a while, and of very many tombstones the oldest are forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::call::{Call, Outcome};
use super::effects::Effects;

/// How long a place is kept for an answer that nobody waits for.
const PLACE_KEPT_FOR: Duration = Duration::from_secs(4);
/// Requests on the wire whose answers nobody waits for.
const MOST_UNATTENDED: usize = 1024;
/// What a request gets whose answer is not waited for any longer; JSON-RPC's "internal error".
const INTERNAL_ERROR: i64 = -32603;

/// A call on the wire whose answer nobody waits for, and when its place is taken back.
#[derive(Debug)]
pub(super) struct Unattended {
    call: Arc<Call>,
    due: Instant,
}

/// The earlier of two times, each of which may be never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

impl Session {
    /// Nobody waits for the answer to a request on the wire.
    pub(super) fn leave_unattended(&mut self, call: &Arc<Call>, now: Instant, out: &mut Effects) {
        if self.unattended.len() >= MOST_UNATTENDED {
            let calls = &self.calls;
            self.unattended
                .retain(|one| calls.contains_key(&one.call.id));
            if self.unattended.len() >= MOST_UNATTENDED
                && let Some(oldest) = self.unattended.pop_front()
            {
                self.forget(&oldest.call, now, out);
            }
        }
        let written = call.since().unwrap_or(now);
        let due = written + PLACE_KEPT_FOR;
        let call = Arc::clone(call);
        self.unattended.push_back(Unattended { call, due });
        self.look_at(Some(due), out);
    }

    /// The answer to this request is not expected any more.
    fn forget(&mut self, call: &Arc<Call>, now: Instant, out: &mut Effects) {
        self.free_place(call, now, out);
        let outcome = Outcome::Error {
            code: INTERNAL_ERROR,
            message: "the runtime has not answered, and too many requests are open".into(),
            data: None,
        };
        self.settle_call(call, outcome, out);
        if let Some(thread_id) = &call.starts_on {
            let held = self.threads.get_mut(thread_id).map(|thread| {
                thread.take_start(call);
                thread.start_is_over(call.id)
            });
            self.let_go(held.into_iter().flatten(), now, out);
            self.drop_if_idle(thread_id);
        }
    }

    /// What is left of a deadline of `timeout` seconds for this call. It runs from when the line was written. Whoever
    /// waits in line waits for as long as others are being served, and so many seconds more.
    pub fn remaining(&self, call: &Call, timeout: f64, now: Instant) -> f64 {
        let since = call.since().or_else(|| {
            let opened = call.queued_since()?;
            // What waits for a turn and not for a place has its time from its opening on.
            if call.by_itself.is_some() || self.is_held(call) {
                return Some(opened);
            }
            let served = self.admission.served(call.lane);
            Some(served.map_or(opened, |served| served.max(opened)))
        });
        let passed = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        timeout - passed.as_secs_f64()
    }

    /// Whether this is a start that waits for something on its thread.
    fn is_held(&self, call: &Call) -> bool {
        let thread = call.starts_on.as_ref().and_then(|id| self.threads.get(id));
        thread.is_some_and(|thread| {
            thread
                .held
                .iter()
                .any(|one| std::ptr::eq(&raw const *one.call, call))
        })
    }

    /// There is something to look at at this time.
    pub(super) fn look_at(&mut self, due: Option<Instant>, out: &mut Effects) {
        if due.is_some() && earlier(due, self.next_look) != self.next_look {
            self.next_look = due;
            out.look = true;
        }
    }

    /// When [`Self::look`] is to be called at the latest.
    pub fn next_look(&self) -> Option<Instant> {
        self.next_look
    }

    /// Does what is due by now: takes back places, lets starts go that have waited long enough.
    pub fn look(&mut self, now: Instant, out: &mut Effects) {
        if self.next_look.is_none_or(|due| now < due) {
            return;
        }
        self.next_look = None;
        let mut next = None;
        for index in 0..self.unattended.len() {
            let Unattended { call, due } = &self.unattended[index];
            if !call.has_place() {
                continue;
            }
            if *due <= now {
                let call = Arc::clone(call);
                self.free_place(&call, now, out);
            } else {
                next = earlier(next, Some(*due));
            }
        }
        let threads: Vec<_> = self.threads.keys().cloned().collect();
        for thread_id in threads {
            if let Some(thread) = self.threads.get_mut(&thread_id) {
                let held = thread.overdue(now);
                next = earlier(next, thread.next_look());
                self.let_go(held, now, out);
            }
            self.drop_if_idle(&thread_id);
        }
        next = earlier(next, self.stop_overdue(now, out));
        next = earlier(next, self.undo_overdue(now, out));
        // What was done here may have left something to look at, too.
        self.next_look = earlier(next, self.next_look);
    }
}
