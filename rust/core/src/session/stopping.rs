//! How a turn is stopped that nobody holds any more, or that the program interrupts.
//!
//! Up to 15 ms after the answer to `turn/start` the runtime refuses to interrupt a turn: there is "no active turn" yet
//! (0.163.0: 9 of 10 tries at once; from `turn/started` on none of 75). So the wish to stop a turn is kept here, and the
//! interrupt goes out when the turn begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::call::{Call, Lane};
use super::cleanup::Cleanup;
use super::effects::Effects;
use super::threads::Unsettled;
use super::timers::earlier;
use super::turns::Turn;

/// How long the interrupt of a turn whose events are not heard is tried again while the runtime refuses it, and how
/// often.
const UNHEARD_PAUSE: Duration = Duration::from_millis(100);
pub(super) const UNHEARD_TRIES: u8 = 6;

/// Where the stopping of a turn stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopping {
    #[default]
    No,
    /// As soon as the turn has begun.
    OnceBegun,
    Asked,
    /// Nobody will hear of it: at this time it is asked once more, so many times.
    Blindly {
        at: Instant,
        left: u8,
    },
}

impl Session {
    /// Stops a turn that an owner has given up, unless somebody holds it or a pending start may join it.
    pub(super) fn stop_if_unheld(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        if !turn.given_up || turn.is_held() || turn.stopping != Stopping::No {
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
        match (turn.begun, turn.unheard) {
            (true, unheard) => {
                turn.stopping = Stopping::Asked;
                let interrupt = Cleanup::interrupt(&turn.thread_id, turn_id);
                self.clean_up(&interrupt, now, out);
                if unheard {
                    self.end_turn(turn_id, out);
                }
            }
            (false, true) => self.stop_blindly(turn_id, UNHEARD_TRIES, now, out),
            (false, false) => turn.stopping = Stopping::OnceBegun,
        }
    }

    /// Interrupts a turn of which nothing is heard any more, once more after a while if the runtime refuses.
    pub(super) fn stop_blindly(
        &mut self,
        turn_id: &str,
        tries: u8,
        now: Instant,
        out: &mut Effects,
    ) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        let pause = UNHEARD_PAUSE * 2_u32.pow((UNHEARD_TRIES - tries).into());
        let at = now + pause;
        turn.stopping = Stopping::Blindly { at, left: tries };
        let interrupt = Cleanup::interrupt(&turn.thread_id, turn_id);
        self.clean_up(&interrupt, now, out);
        self.look_at(Some(at), out);
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

    /// The program interrupts a turn, at once; the wish is noted before this returns. If the runtime refuses because a
    /// turn that was started here has not begun yet, it is asked again when it does.
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
        if self.enter_call(&call) {
            self.line_up(&call, now, out);
        }
        call
    }

    /// The program's interrupt was refused. False if that is the answer: the turn is over, or was never ours.
    pub(super) fn interrupt_again(
        &mut self,
        call: &Arc<Call>,
        turn_id: &str,
        now: Instant,
        out: &mut Effects,
    ) -> bool {
        let ours = |turn: &&mut Turn| turn.started_here;
        let Some(turn) = self.turns.get_mut(turn_id).filter(ours) else {
            return false;
        };
        if !call.line_up_again() {
            return false;
        }
        self.calls.insert(call.id, Arc::clone(call));
        if turn.begun {
            self.line_up(call, now, out);
        } else {
            turn.interrupts.push(Arc::clone(call));
        }
        true
    }

    /// A turn has begun: what was to stop it goes out.
    pub(super) fn turn_has_begun(&mut self, turn_id: &str, now: Instant, out: &mut Effects) {
        let Some(turn) = self.turns.get_mut(turn_id) else {
            return;
        };
        turn.begun = true;
        let due = turn.stopping == Stopping::OnceBegun;
        for call in std::mem::take(&mut turn.interrupts) {
            self.line_up(&call, now, out);
        }
        if due {
            self.stop(turn_id, now, out);
        }
    }

    /// The interrupt of a turn that nobody waits for was answered.
    pub(super) fn interrupt_was_answered(
        &mut self,
        thread_id: &str,
        turn_id: &str,
        accepted: bool,
        now: Instant,
        out: &mut Effects,
    ) {
        if let Some(thread) = self.threads.get_mut(thread_id) {
            let due = thread.turn_is_interrupted(turn_id, now);
            self.look_at(due, out);
        }
        let unheard = |turn: &Turn| matches!(turn.stopping, Stopping::Blindly { .. });
        if accepted && self.turns.get(turn_id).is_some_and(unheard) {
            self.end_turn(turn_id, out);
        }
    }

    /// Interrupts once more what was to be interrupted blindly by now.
    pub(super) fn stop_blindly_again(
        &mut self,
        now: Instant,
        out: &mut Effects,
    ) -> Option<Instant> {
        let mut next = None;
        let mut due = Vec::new();
        for (turn_id, turn) in &self.turns {
            if let Stopping::Blindly { at, left } = turn.stopping {
                if at <= now {
                    due.push((Arc::clone(turn_id), left));
                } else {
                    next = earlier(next, Some(at));
                }
            }
        }
        for (turn_id, left) in due {
            if left == 0 {
                self.end_turn(&turn_id, out);
            } else {
                self.stop_blindly(&turn_id, left - 1, now, out);
            }
        }
        next
    }
}
