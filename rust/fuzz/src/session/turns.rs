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
    /// An interrupt is due, or was.
    pub asked: bool,
    /// An interrupt may have gone out, if the session knows that it has begun.
    pub may_be_asked: bool,
    /// Its events do not come any more: when it ends, and how often it must be interrupted, nobody knows.
    pub unheard: bool,
    /// A goal that may have had it was left.
    pub may_be_goals: bool,
    /// Interrupts by law that were written.
    pub interrupts: usize,
    unwanted: bool,
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
    /// Interrupts that are due by law, of all turns.
    pub asked: u64,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: vec![Turn::default(); TURNS],
            holds: Default::default(),
            asked: 0,
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
    /// Reads the law. `is_starting` tells whether a `turn/start` on the wire may be answered with any turn of a thread.
    pub fn judge(&mut self, is_starting: [bool; THREADS], now: Instant) {
        for (index, turn) in self.all.iter_mut().enumerate() {
            let thread = thread_of(index);
            let is_held = turn.claims > 0 || turn.followers > 0;
            if turn.over.is_some() || !turn.given_up || is_held || is_starting[thread] {
                continue;
            }
            if turn.unheard {
                turn.may_be_asked = true;
                continue;
            }
            if !turn.unwanted {
                turn.unwanted = true;
                self.holds[thread].push((Hold::Turn(index), now + HELD_FOR));
            }
            match turn.begun {
                Begun::Yes if !turn.asked => {
                    turn.asked = true;
                    self.asked += u64::from(turn.interrupts == 0);
                }
                Begun::Perhaps => turn.may_be_asked = true,
                Begun::Yes | Begun::No => {}
            }
        }
    }

    /// Whether it is not known how many interrupts are due.
    pub fn are_vague(&self) -> bool {
        self.all
            .iter()
            .any(|turn| turn.may_be_asked || turn.unheard || turn.may_be_goals)
    }

    /// The session sends an interrupt that no program asked for.
    pub fn interrupted(&mut self, index: usize) -> Result<(), String> {
        let turn = &mut self.all[index];
        turn.interrupts += 1;
        // Of one that is not heard the session may not know that it is over.
        if turn.may_be_goals || (turn.unheard && turn.over.is_some()) {
            return Ok(());
        }
        if !turn.asked && !turn.may_be_asked {
            return Err(format!("turn {index} is interrupted: {turn:?}"));
        }
        if turn.interrupts > 1 && !turn.unheard {
            return Err(format!("turn {index} is interrupted again: {turn:?}"));
        }
        Ok(())
    }

    /// At the end: every interrupt that was due has gone out.
    pub fn settled(&self) -> Result<(), String> {
        let missing = |turn: &&Turn| turn.asked && turn.interrupts == 0 && !turn.unheard;
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

    pub fn interrupt_was_answered(&mut self, index: usize, now: Instant) {
        for (hold, until) in &mut self.holds[thread_of(index)] {
            if *hold == Hold::Turn(index) {
                *until = (*until).min(now + LAST_WORD);
            }
        }
    }

    /// Whether a start of this thread must not go out now.
    pub fn is_holding(&self, thread: usize, now: Instant) -> bool {
        self.holds[thread].iter().any(|(_, until)| now < *until)
    }

    /// Somebody follows it from now on.
    pub fn follow(&mut self, index: usize) {
        let turn = &mut self.all[index];
        turn.known = true;
        turn.followers += 1;
    }

    /// A start was answered with it; for nobody if that start was given up. `seen` tells that it has begun since that
    /// start was written.
    pub fn claim(&mut self, index: usize, is_given_up: bool, seen: bool) {
        let turn = &mut self.all[index];
        turn.known = true;
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

    /// Nobody has a hand on it any more.
    pub fn forget_if_foreign(&mut self, index: usize) {
        let turn = &mut self.all[index];
        if turn.known && !turn.started_here {
            turn.known = false;
            if turn.begun == Begun::Yes {
                turn.begun = Begun::Perhaps;
            }
        }
    }
}
