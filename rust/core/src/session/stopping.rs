//! How a turn is stopped that nobody holds any more, or that the program interrupts.
//!
//! Up to 15 ms after the answer to `turn/start` the runtime refuses to interrupt a turn: there is "no active turn" yet, or
//! it names the thread's last one (0.163.0: 9 of 10 tries at once; from `turn/started` on none of 75). It does not answer
//! the second interrupt of a turn at all. So one interrupt of a turn is on its way at a time, whoever wants it, and it
//! goes out again when the turn begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::call::{Call, Lane, Outcome};
use super::cleanup::{Cleanup, TurnKey, is_overloaded, pause};
use super::effects::Effects;
use super::threads::{Thread, Unsettled};
use super::timers::earlier;
use crate::inbox::mailbox::Cut;

/// What the runtime refuses with that is in no state for it.
pub(super) const INVALID_REQUEST: i64 = -32600;

/// How long a turn may take to begin before it is interrupted all the same: it may have begun before this client knew
/// of it.
const BEGINS_WITHIN: Duration = Duration::from_secs(1);
/// How often the interrupt of a turn whose beginning is not heard is tried again while the runtime refuses it, and the
/// first of the pauses, which double.
const BLIND_TRIES: u8 = 6;
const BLIND_PAUSE: Duration = Duration::from_millis(100);

/// Whether a turn is to stop because nobody wants it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopping {
    #[default]
    No,
    /// As soon as it has begun; if it does not, at this time all the same.
    OnceBegun(Option<Instant>),
    Now,
    /// It is not known to have begun: at this time it is tried once more, so many times.
    Blindly {
        at: Instant,
        left: u8,
    },
}

/// Where the interrupt of a turn stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    #[default]
    NotAsked,
    Asked,
    Accepted,
}

/// How the runtime answers to the first interrupt of a turn.
fn accepted() -> Outcome {
    Outcome::Result((*b"{}").into())
}

/// How the runtime refuses to interrupt a turn that is over.
pub(super) fn no_active_turn() -> Outcome {
    Outcome::Error {
        code: INVALID_REQUEST,
        message: "no active turn to interrupt".into(),
        data: None,
    }
}

impl Session {
    /// Stops a turn that an owner has given up, unless somebody holds it or a pending start may join it.
    pub(super) fn stop_if_unheld(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        if !turn.is_unwanted() || turn.stopping != Stopping::No {
            return;
        }
        let thread_id = Arc::clone(&turn.thread_id);
        let thread = self.threads.entry(Arc::clone(&thread_id)).or_default();
        if thread.is_starting() {
            if !thread.spared.iter().any(|spared| **spared == *turn_id) {
                thread.spared.push(turn_id.into());
            }
            return;
        }
        thread.hold(Unsettled::Turn(turn_id.into()), now);
        let due = thread.next_look();
        self.look_at(due, out);
        self.stop(turn_id, now, out);
    }

    fn stop(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        if turn.unheard {
            self.stop_blindly(turn_id, BLIND_TRIES, now, out);
        } else if turn.begun {
            turn.stopping = Stopping::Now;
            self.ask(turn_id, Lane::Cleanup, now, out);
        } else {
            let at = now + BEGINS_WITHIN;
            turn.stopping = Stopping::OnceBegun(Some(at));
            self.look_at(Some(at), out);
        }
    }

    /// Whether a turn that was to be stopped is not any more, because somebody has followed it meanwhile, or a start has
    /// gone out that may be answered with it. It is stopped when that has changed.
    fn is_spared(&mut self, turn_id: &str, now: Instant, out: &mut Effects) -> bool {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return true;
        };
        let thread = self.threads.get(&turn.thread_id);
        let may_be_joined = thread.is_some_and(Thread::is_starting);
        if turn.wished || (turn.is_unwanted() && !may_be_joined) {
            return false;
        }
        self.reconsider(turn_id, now, out);
        true
    }

    /// Reads the rule again for a turn that was to be stopped. Starts that were held for its end need not wait if it is
    /// not any more.
    fn reconsider(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        if let Some(turn) = self.turns.get_mut(turn_id) {
            turn.stopping = Stopping::No;
        }
        self.stop_if_unheld(turn_id, now, out);
        let turn = self.turns.get(turn_id);
        let spared = turn.filter(|turn| turn.stopping == Stopping::No);
        if let Some(thread_id) = spared.map(|turn| Arc::clone(&turn.thread_id)) {
            let thread = self.threads.get_mut(&thread_id);
            let held = thread.map(|thread| thread.turn_is_spared(turn_id));
            self.let_go(held.into_iter().flatten(), now, out);
            self.drop_if_idle(&thread_id);
        }
    }

    /// Whether an interrupt that was to go out by itself must not any more, now that it may: its turn is over, or was
    /// interrupted, or somebody has followed it while this stood in line.
    pub(super) fn is_interrupt_withdrawn(
        &mut self,
        call: &Arc<Call>,
        now: Instant,
        out: &mut Effects,
    ) -> bool {
        let Some(TurnKey { turn_id, .. }) = call.interrupts.as_ref() else {
            return false;
        };
        let turn = self.turns.get(turn_id);
        let is_done = turn.is_some_and(|turn| turn.interrupt == Interrupt::Accepted);
        if call.lane != Lane::Cleanup || !(is_done || self.is_spared(turn_id, now, out)) {
            return false;
        }
        let turn = self.turns.get_mut(turn_id);
        if let Some(turn) = turn.filter(|turn| turn.interrupt == Interrupt::Asked) {
            turn.interrupt = Interrupt::NotAsked;
        }
        self.settle_call(call, no_active_turn(), out);
        self.free_place(call, now, out);
        true
    }

    /// Interrupts a turn that is not known to have begun, once more after a while if the runtime refuses.
    fn stop_blindly(&mut self, turn_id: &str, tries: u8, now: Instant, out: &mut Effects) {
        if let Some(turn) = self.turns.get_mut(turn_id) {
            let at = now + BLIND_PAUSE * 2_u32.pow((BLIND_TRIES - tries).into());
            turn.stopping = Stopping::Blindly { at, left: tries };
            self.ask(turn_id, Lane::Cleanup, now, out);
            self.look_at(Some(at), out);
        }
    }

    /// Sends the interrupt of a turn, unless one is on its way.
    fn ask(&mut self, turn_id: &str, lane: Lane, now: Instant, out: &mut Effects) {
        if let Some(turn) = self.turns.get_mut(turn_id)
            && turn.interrupt == Interrupt::NotAsked
        {
            turn.interrupt = Interrupt::Asked;
            let interrupt = Cleanup::interrupt(&turn.thread_id, turn_id);
            self.send_by_itself(&interrupt, lane, now, out);
        }
    }

    /// Starts of this thread are not what they were: what was spared for them may have to be stopped now.
    pub(super) fn settle_spared(&mut self, thread_id: &str, now: Instant, out: &mut Effects) {
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        if thread.is_starting() {
            return;
        }
        for turn_id in std::mem::take(&mut thread.spared) {
            self.stop_if_unheld(&turn_id, now, out);
        }
    }

    /// The program interrupts a turn, at once; the wish is noted before this returns. If the runtime refuses because the
    /// turn has not begun yet, it is asked again when it does. What was interrupted here before is so already.
    pub fn interrupt(
        &mut self,
        thread_id: &str,
        turn_id: &str,
        now: Instant,
        out: &mut Effects,
    ) -> Arc<Call> {
        let cleanup = Cleanup::interrupt(thread_id, turn_id);
        let call = Call::by_itself(self.new_id(), &cleanup, Lane::Control, now);
        let call = Arc::new(call);
        if !self.enter_call(&call) {
            return call;
        }
        self.know_goals_turn(thread_id, turn_id);
        let Some(turn) = self.turns.get_mut(turn_id) else {
            if self.over.has(turn_id) {
                // Sent, it would meet the thread's next turn, or be left unanswered.
                let outcome = if self.interrupted.has(turn_id) {
                    accepted()
                } else {
                    no_active_turn()
                };
                self.settle_call(&call, outcome, out);
            } else {
                self.line_up(&call, now, out);
            }
            return call;
        };
        if turn.interrupt == Interrupt::Accepted {
            self.settle_call(&call, accepted(), out);
        } else {
            turn.interrupts.push(Arc::clone(&call));
            self.wish(turn_id, now, out);
        }
        call
    }

    /// The program wants a turn to be interrupted, whoever holds it, unless that was done.
    fn wish(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        if turn.interrupt != Interrupt::Accepted {
            turn.wished = true;
            if turn.ask_at.is_none() {
                self.ask(turn_id, Lane::Control, now, out);
            }
        }
    }

    /// The program stops a goal whose turn this is.
    pub(super) fn stop_goals_turn(
        &mut self,
        thread_id: &Arc<str>,
        turn_id: &Arc<str>,
        now: Instant,
        out: &mut Effects,
    ) {
        if self.closed.is_some() || self.over.has(turn_id) {
            return;
        }
        self.turn(turn_id, thread_id).begun = true;
        self.wish(turn_id, now, out);
    }

    /// Nobody waits any more for the interrupt that the program has wished.
    pub(super) fn leave_interrupt(&mut self, call: &Arc<Call>) {
        let turn = call.interrupts.as_ref();
        if let Some(turn) = turn.and_then(|key| self.turns.get_mut(&key.turn_id)) {
            let before = turn.interrupts.len();
            turn.interrupts.retain(|other| !Arc::ptr_eq(other, call));
            if turn.interrupts.len() < before {
                self.calls.remove(&call.id);
            }
        }
    }

    /// Whether this is a wish of the program, for which another request goes out.
    pub(super) fn waits_for_interrupt(&self, call: &Arc<Call>) -> bool {
        let turn = call.interrupts.as_ref();
        let turn = turn.and_then(|key| self.turns.get(&key.turn_id));
        turn.is_some_and(|turn| turn.interrupts.iter().any(|other| Arc::ptr_eq(other, call)))
    }

    pub(super) fn settle_interrupts(
        &mut self,
        calls: Vec<Arc<Call>>,
        outcome: &Outcome,
        out: &mut Effects,
    ) {
        for call in calls {
            self.settle_call(&call, outcome.clone(), out);
        }
    }

    /// A turn has begun: what was to stop it goes out, if it still is.
    pub(super) fn turn_has_begun(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        turn.begun = true;
        if turn.stopping != Stopping::No {
            // Somebody may have followed it meanwhile, or a start may have gone out that is answered with it.
            self.reconsider(turn_id, now, out);
        }
        if self.turns.get(turn_id).is_some_and(|turn| turn.wished) {
            self.ask(turn_id, Lane::Control, now, out);
        }
    }

    /// The interrupt of a turn was answered.
    pub(super) fn interrupt_was_answered(
        &mut self,
        key: &TurnKey,
        outcome: &Outcome,
        now: Instant,
        out: &mut Effects,
    ) {
        let TurnKey { thread_id, turn_id } = key;
        let is_accepted = matches!(outcome, Outcome::Result(_));
        if is_accepted {
            self.interrupted.add(turn_id);
        }
        if let Some(thread) = self.threads.get_mut(thread_id)
            && is_accepted
        {
            let due = thread.turn_is_interrupted(turn_id, now);
            self.look_at(due, out);
        }
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        if is_accepted {
            turn.interrupt = Interrupt::Accepted;
            turn.wished = false;
            let (calls, unheard) = (std::mem::take(&mut turn.interrupts), turn.unheard);
            self.settle_interrupts(calls, outcome, out);
            if unheard && self.unsubscribed.has(thread_id) {
                self.end_turn(thread_id, turn_id, now, out);
            } else if unheard {
                // Its end may come, or have come.
                self.forget_if_nothing(turn_id);
            }
            return;
        }
        if turn.interrupt == Interrupt::Accepted {
            return;
        }
        turn.interrupt = Interrupt::NotAsked;
        if is_overloaded(outcome) {
            let at = now + pause(turn.busy);
            turn.busy += 1;
            turn.ask_at = Some(at);
            self.look_at(Some(at), out);
            return;
        }
        turn.busy = 0;
        let stops = turn.stopping == Stopping::Now && !self.is_spared(turn_id, now, out);
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        let again = turn.wished || stops;
        if turn.begun && again && !std::mem::replace(&mut turn.asked_again, true) {
            // It has begun while the refusal was on its way.
            let lane = if turn.wished {
                Lane::Control
            } else {
                Lane::Cleanup
            };
            self.ask(turn_id, lane, now, out);
        } else if turn.begun || !turn.started_here {
            turn.wished = false;
            let calls = std::mem::take(&mut turn.interrupts);
            self.settle_interrupts(calls, outcome, out);
        }
        self.go_on_unheard(turn_id, now, out);
        self.forget_if_nothing(turn_id);
    }

    /// The runtime was too busy to interrupt a turn, and may not be by now.
    fn ask_once_more(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        turn.ask_at = None;
        let (wished, stops) = (turn.wished, turn.stopping != Stopping::No);
        if wished {
            self.ask(turn_id, Lane::Control, now, out);
        } else if stops && !self.is_spared(turn_id, now, out) {
            self.ask(turn_id, Lane::Cleanup, now, out);
        }
        self.forget_if_nothing(turn_id);
    }

    /// Neither the beginning nor the end of a turn will be heard, if it is so: what waits for them does so no longer.
    pub(super) fn go_on_unheard(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        let waits = match turn.stopping {
            _ if !turn.unheard => false,
            Stopping::No => turn.wished,
            Stopping::OnceBegun(_) | Stopping::Now => true,
            Stopping::Blindly { .. } => false,
        };
        if waits && !self.is_spared(turn_id, now, out) {
            self.stop_blindly(turn_id, BLIND_TRIES, now, out);
        }
    }

    /// Interrupts once more what was to be interrupted by now without having begun; returns when that is due next.
    pub(super) fn stop_overdue(&mut self, now: Instant, out: &mut Effects) -> Option<Instant> {
        let mut next = None;
        let mut due = Vec::new();
        let mut busy = Vec::new();
        for (turn_id, turn) in &self.turns {
            match turn.ask_at {
                Some(at) if at <= now => {
                    busy.push(Arc::clone(turn_id));
                    continue;
                }
                Some(at) => {
                    next = earlier(next, Some(at));
                    continue;
                }
                None => {}
            }
            let (at, left) = match turn.stopping {
                Stopping::Blindly { at, left } => (at, left.checked_sub(1)),
                Stopping::OnceBegun(Some(at)) => (at, Some(BLIND_TRIES)),
                Stopping::No | Stopping::Now | Stopping::OnceBegun(None) => continue,
            };
            if at <= now {
                due.push((Arc::clone(turn_id), Arc::clone(&turn.thread_id), left));
            } else {
                next = earlier(next, Some(at));
            }
        }
        for turn_id in busy {
            self.ask_once_more(&turn_id, now, out);
        }
        for (turn_id, thread_id, left) in due {
            if self.is_spared(&turn_id, now, out) {
                self.forget_if_nothing(&turn_id);
                continue;
            }
            if let Some(tries) = left {
                self.stop_blindly(&turn_id, tries, now, out);
            } else if self.turns.get(&turn_id).is_some_and(|turn| turn.unheard) {
                // It may be watched.
                self.cut_turn(&turn_id, Cut::Unsubscribed, out);
                self.end_turn(&thread_id, &turn_id, now, out);
            } else if let Some(turn) = self.turns.get_mut(&turn_id) {
                turn.stopping = Stopping::OnceBegun(None);
            }
        }
        next
    }
}
