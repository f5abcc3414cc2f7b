//! The law of turns, as a table of facts: who holds a turn, whether an owner has given it up, and so whether it is to
//! be interrupted. Nothing here waits or is scheduled: after each step the law is read off the facts.

use std::fmt;
use std::time::{Duration, Instant};

/// Turns that one input may name; half of them are each thread's.
pub const TURNS: usize = 16;
pub const THREADS: usize = 2;

/// How long starts are held for a turn that was given up, or for a start.
const HELD_FOR: Duration = Duration::from_secs(30);
/// The same from the answer to the interrupt on.
const LAST_WORD: Duration = Duration::from_secs(2);
/// How long a turn that is to be stopped may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begun {
    #[default]
    No,
    /// It has, but perhaps where nobody looked.
    Perhaps,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Finished,
    Cut,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub struct Turn {
    pub claims: usize,
    pub followers: usize,
    pub given_up: bool,
    pub started_here: bool,
    /// The session has an entry for it.
    pub known: bool,
    pub begun: Begun,
    pub over: Option<Over>,
    /// Its events do not come now.
    pub unheard: bool,
    /// Starts waited for its end once, and do so no longer: whether they do again is not known.
    pub was_spared: bool,
    /// The session may count it as over, because it has tried to stop it for long enough, or know more of it than this.
    pub may_be_over: bool,
    /// A goal that may have had it was left.
    pub may_be_goals: bool,
    /// The program wants it to be interrupted, and has no answer.
    pub wished: bool,
    /// It has wanted that once.
    pub was_wished: bool,
    /// It was refused although it had begun.
    asked_again: bool,
    /// The program has interrupted it when the session did not know of it.
    pub was_unknown: bool,
    /// The runtime has accepted to interrupt it.
    pub accepted: bool,
    /// It has done so at some time, whoever knew of the turn then.
    was_accepted: bool,
    /// A consumer could give it up after the step before.
    had_hand: bool,
    /// Interrupts that the session has written.
    pub interrupts: usize,
    /// An interrupt must go out, now or before.
    due: bool,
    /// One that nobody asked for may have been sent on its way.
    may_be_asked: bool,
    /// Since when nobody wants it, and since when somebody did not for the first time.
    unwanted: Option<Instant>,
    first_unwanted: Option<Instant>,
}

impl Turn {
    pub fn is_held(&self) -> bool {
        self.claims > 0 || self.followers > 0
    }

    /// The session knows of it from now on.
    pub fn enter(&mut self, is_unsubscribed: bool) {
        if !self.known {
            (self.known, self.unheard) = (true, is_unsubscribed);
        }
    }

    /// The session knows nothing of it any more but who has let it run on.
    fn forget(&mut self) {
        (self.known, self.accepted, self.asked_again) = (false, false, false);
        self.started_here = false;
        if self.begun == Begun::Yes {
            self.begun = Begun::Perhaps;
        }
    }
}

/// What a start must wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Turn(usize),
    Start(i64),
}

pub struct Turns {
    pub all: Vec<Turn>,
    holds: [Vec<(Hold, Instant)>; THREADS],
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: vec![Turn::default(); TURNS],
            holds: Default::default(),
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all.iter().enumerate();
        let touched = all.filter(|(_, turn)| **turn != Turn::default());
        f.debug_map().entries(touched).finish()
    }
}

pub fn thread_of(turn: usize) -> usize {
    turn / (TURNS / THREADS)
}

impl Turns {
    /// Reads the law. `is_starting` tells whether a `turn/start` on the wire may be answered with any turn of a thread,
    /// `has_hand` whether a consumer may still give a turn up. Returns how many interrupts may have been sent on their
    /// way in this step.
    pub fn judge(
        &mut self,
        is_starting: [bool; THREADS],
        has_hand: [bool; TURNS],
        now: Instant,
    ) -> u64 {
        let mut allowed = 0;
        for (index, turn) in self.all.iter_mut().enumerate() {
            let thread = thread_of(index);
            let is_given_up = turn.given_up && !turn.is_held();
            if turn.unheard {
                turn.may_be_over |= is_given_up || turn.wished;
                self.holds[thread].retain(|(hold, _)| *hold != Hold::Turn(index));
            }
            let expects = turn.started_here && !turn.unheard;
            // One that is interrupted and has nobody is known until its end is heard.
            let ends = turn.accepted && !turn.had_hand && !turn.unheard;
            let is_stopped = turn.accepted && turn.unheard;
            turn.had_hand = has_hand[index];
            let waits = expects || ends || (is_given_up && !is_stopped) || turn.wished;
            if turn.known && !has_hand[index] && !waits {
                turn.forget();
            }
            if turn.over.is_some() || !is_given_up || is_starting[thread] {
                // One that stands in line is withdrawn then.
                turn.due = false;
                if turn.first_unwanted.is_some() {
                    turn.was_spared = true;
                    self.holds[thread].retain(|(hold, _)| *hold != Hold::Turn(index));
                }
                turn.unwanted = None;
                allowed += u64::from(turn.wished);
                turn.may_be_asked |= turn.wished;
                continue;
            }
            if turn.first_unwanted.is_none() && !turn.unheard {
                self.holds[thread].push((Hold::Turn(index), now + HELD_FOR));
            }
            let first = *turn.first_unwanted.get_or_insert(now);
            let since = *turn.unwanted.get_or_insert(now);
            turn.due |= turn.begun == Begun::Yes || turn.unheard || since + BEGINS_WITHIN <= now;
            let may_be = turn.begun != Begun::No || turn.unheard || first + BEGINS_WITHIN <= now;
            turn.may_be_asked |= may_be || turn.wished;
            allowed += u64::from(may_be || turn.wished);
        }
        allowed
    }

    /// The session writes an interrupt of its own accord, `for_program` because the program wants it.
    pub fn interrupted(
        &mut self,
        index: usize,
        for_program: bool,
        is_on_wire: bool,
    ) -> Result<(), String> {
        let turn = &mut self.all[index];
        turn.interrupts += 1;
        if turn.may_be_goals {
            return Ok(());
        }
        let is_right = if for_program {
            turn.was_wished
        } else {
            turn.may_be_asked
        };
        if !is_right {
            return Err(format!("turn {index} is interrupted: {turn:?}"));
        }
        // Nothing is known of the answer to one that went out when the session did not know the turn.
        if is_on_wire && !turn.was_unknown {
            return Err(format!("two interrupts of turn {index} are on their way"));
        }
        Ok(())
    }

    /// When nothing is on its way: every interrupt that was due of a turn that is not over has gone out.
    pub fn settled(&self) -> Result<(), String> {
        let missing = |turn: &&Turn| {
            let is_asked = turn.interrupts > 0 || turn.was_accepted;
            // A goal's turn that went with its thread.
            let may_be_gone = turn.may_be_goals && turn.may_be_over;
            turn.due && turn.over.is_none() && !is_asked && !may_be_gone
        };
        match self.all.iter().find(missing) {
            Some(turn) => Err(format!("a turn is not interrupted: {turn:?}")),
            None => Ok(()),
        }
    }

    pub fn end(&mut self, index: usize, over: Over) {
        self.all[index].over = Some(over);
        self.holds[thread_of(index)].retain(|(hold, _)| *hold != Hold::Turn(index));
    }

    pub fn hold_for_start(&mut self, thread: usize, call_id: i64, now: Instant) {
        self.holds[thread].push((Hold::Start(call_id), now + HELD_FOR));
    }

    pub fn start_was_answered(&mut self, thread: usize, call_id: i64) {
        self.holds[thread].retain(|(hold, _)| *hold != Hold::Start(call_id));
    }

    pub fn interrupt_was_answered(
        &mut self,
        index: usize,
        accepted: bool,
        is_unsubscribed: bool,
        now: Instant,
    ) {
        for (hold, until) in &mut self.holds[thread_of(index)] {
            if accepted && *hold == Hold::Turn(index) {
                *until = (*until).min(now + LAST_WORD);
            }
        }
        let turn = &mut self.all[index];
        turn.was_accepted |= accepted;
        if !turn.known || turn.over.is_some() {
            return;
        }
        if accepted {
            (turn.accepted, turn.wished) = (true, false);
            if turn.unheard && is_unsubscribed {
                self.end(index, Over::Finished);
            }
            return;
        }
        if turn.accepted {
            return;
        }
        let is_wanted = turn.wished || turn.unwanted.is_some();
        let asks_again = turn.begun == Begun::Yes && is_wanted && !turn.asked_again;
        turn.asked_again |= asks_again;
        // Whether it has begun decides whether the program is answered now.
        turn.may_be_over |= turn.begun == Begun::Perhaps;
        if !asks_again && (turn.begun == Begun::Yes || !turn.started_here) {
            turn.wished = false;
        }
    }

    /// Whether a start of this thread must not go out now.
    pub fn is_holding(&self, thread: usize, now: Instant) -> bool {
        self.holds[thread].iter().any(|(_, until)| now < *until)
    }

    /// A start was answered with it; for nobody if that start was given up. `seen` tells that it has begun since that
    /// start was written.
    pub fn claim(&mut self, index: usize, is_given_up: bool, seen: bool) {
        let turn = &mut self.all[index];
        turn.started_here = true;
        turn.claims += usize::from(!is_given_up);
        turn.given_up |= is_given_up;
        if seen {
            turn.begun = Begun::Yes;
        }
    }

    /// It has said something that only a turn that runs says.
    pub fn begin(&mut self, index: usize) {
        let turn = &mut self.all[index];
        turn.begun = match turn.begun {
            _ if turn.known => Begun::Yes,
            Begun::No => Begun::Perhaps,
            begun => begun,
        };
    }
}
