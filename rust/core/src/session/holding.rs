//! `turn/start`s that wait until what was given up on their thread is over.
//!
//! On a thread whose turn runs the runtime answers `turn/start` with that turn, also while it is being
//! interrupted: whoever starts a turn right after a deadline would get the interrupted one (0.163.0: in 7 of 120
//! tries). So a start is held back until the turn that was given up has ended, and until a start that was given up
//! on the wire is answered, for that answer may be a turn. Not for ever: the runtime may have lost either.
//!
//! A start waits before it stands in line for admission, so it holds nothing. Only one that was in line or in the
//! writer's queue when the turn was given up waits with its line; a window's worth of them at most.
//!
//! Plain data; the router's lock is around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::session::call::Call;
use crate::session::errands::TurnKey;

/// How long a start is held back for one leftover. An interrupt takes milliseconds, but a turn can be interrupted
/// only once it has begun, which takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same from the answer to the interrupt on. The turn's last word comes right behind it, unless this
/// client has unsubscribed from the thread.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What was given up and may not be over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    Turn(Arc<str>),
    /// The id of a `turn/start` that was written.
    Start(i64),
}

/// A start that waits, and its line if it was admitted and serialised.
#[derive(Debug)]
pub struct HeldStart {
    pub call: Arc<Call>,
    pub line: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
pub(crate) struct Holding {
    /// By thread, and until when it holds others up.
    leftovers: HashMap<Arc<str>, Vec<(Leftover, Instant)>>,
    held: Vec<HeldStart>,
}

impl Holding {
    /// From now on starts of this thread wait.
    pub fn begin(&mut self, thread_id: &str, leftover: Leftover, now: Instant) {
        let of_thread = self.leftovers.entry(thread_id.into()).or_default();
        of_thread.retain(|(_, until)| now < *until);
        of_thread.push((leftover, now + PATIENCE));
    }

    /// The runtime has answered the interrupt of a turn.
    pub fn turn_is_interrupted(&mut self, turn: &TurnKey, now: Instant) {
        let of_thread = self.leftovers.get_mut(&turn.thread_id);
        for (leftover, until) in of_thread.into_iter().flatten() {
            if *leftover == Leftover::Turn(Arc::clone(&turn.turn_id)) {
                *until = now + LAST_WORD;
            }
        }
    }

    /// A turn is over. Returns who waited for it and may go now.
    pub fn turn_is_over(&mut self, thread_id: &str, turn_id: &str) -> Vec<HeldStart> {
        self.end(
            thread_id,
            |one| matches!(one, Leftover::Turn(id) if **id == *turn_id),
        )
    }

    /// A start is answered: likewise.
    pub fn start_is_over(&mut self, thread_id: &str, call_id: i64) -> Vec<HeldStart> {
        self.end(thread_id, |one| *one == Leftover::Start(call_id))
    }

    fn end(&mut self, thread_id: &str, over: impl Fn(&Leftover) -> bool) -> Vec<HeldStart> {
        let Some(of_thread) = self.leftovers.get_mut(thread_id) else {
            return Vec::new();
        };
        of_thread.retain(|(leftover, _)| !over(leftover));
        if !of_thread.is_empty() {
            return Vec::new();
        }
        self.leftovers.remove(thread_id);
        self.take(|call| call.turn_of.as_deref() == Some(thread_id))
    }

    /// Whether a start of this thread has to wait.
    pub fn is_due(&self, thread_id: &str, now: Instant) -> bool {
        let of_thread = self.leftovers.get(thread_id).into_iter().flatten();
        of_thread.into_iter().any(|(_, until)| now < *until)
    }

    pub fn keep(&mut self, start: HeldStart) {
        self.held.push(start);
    }

    /// Takes out one that was given up; false if it does not wait here.
    pub fn withdraw(&mut self, call: &Call) -> bool {
        !self.take(|other| std::ptr::eq(other, call)).is_empty()
    }

    /// Those that have waited long enough.
    pub fn overdue(&mut self, now: Instant) -> Vec<HeldStart> {
        self.leftovers.retain(|_, of_thread| {
            of_thread.retain(|(_, until)| now < *until);
            !of_thread.is_empty()
        });
        let waits = |one: &HeldStart| {
            let thread_id = one.call.turn_of.as_deref();
            thread_id.is_some_and(|id| self.leftovers.contains_key(id))
        };
        self.held.extract_if(.., |one| !waits(one)).collect()
    }

    /// Everybody who waits.
    pub fn drain(&mut self) -> Vec<HeldStart> {
        std::mem::take(&mut self.held)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    fn take(&mut self, which: impl Fn(&Call) -> bool) -> Vec<HeldStart> {
        self.held.extract_if(.., |one| which(&one.call)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(holding: &mut Holding, thread_id: &str) -> Arc<Call> {
        let call = Arc::new(Call::new(1, "turn/start", Some(thread_id)));
        holding.keep(HeldStart {
            call: Arc::clone(&call),
            line: None,
        });
        call
    }

    #[test]
    fn a_start_goes_when_the_last_leftover_of_its_thread_is_over() {
        let (mut holding, now) = (Holding::default(), Instant::now());
        holding.begin("t", Leftover::Turn("u".into()), now);
        holding.begin("t", Leftover::Start(7), now);
        holding.begin("other", Leftover::Turn("v".into()), now);
        assert!(holding.is_due("t", now) && !holding.is_due("free", now));
        let calls = [hold(&mut holding, "t"), hold(&mut holding, "t")];
        hold(&mut holding, "other");
        assert!(holding.start_is_over("t", 8).is_empty());
        assert!(holding.start_is_over("t", 7).is_empty());
        let gone = holding.turn_is_over("t", "u");
        assert!(
            gone.iter()
                .zip(&calls)
                .all(|(one, call)| Arc::ptr_eq(&one.call, call))
        );
        assert_eq!((gone.len(), holding.len()), (2, 1));
        assert!(!holding.is_due("t", now) && holding.is_due("other", now));
    }

    #[test]
    fn a_leftover_that_never_ends_holds_nobody_for_ever() {
        let (mut holding, now) = (Holding::default(), Instant::now());
        holding.begin("t", Leftover::Turn("u".into()), now);
        hold(&mut holding, "t");
        let later = now + PATIENCE / 2;
        holding.begin("other", Leftover::Start(7), later);
        hold(&mut holding, "other");
        assert!(holding.overdue(later).is_empty());
        let overdue = holding.overdue(now + PATIENCE);
        assert_eq!((overdue.len(), holding.len()), (1, 1));
        assert!(!holding.is_due("t", now) && holding.is_due("other", now));
    }

    #[test]
    fn an_answered_interrupt_is_waited_for_a_moment_longer() {
        let (mut holding, now) = (Holding::default(), Instant::now());
        let (thread_id, turn_id): (Arc<str>, Arc<str>) = ("t".into(), "u".into());
        holding.begin("t", Leftover::Turn(Arc::clone(&turn_id)), now);
        hold(&mut holding, "t");
        let turn = TurnKey { thread_id, turn_id };
        holding.turn_is_interrupted(&turn, now);
        assert!(holding.is_due("t", now));
        assert_eq!(holding.overdue(now + LAST_WORD).len(), 1);
    }

    #[test]
    fn one_that_is_given_up_is_taken_out() {
        let (mut holding, now) = (Holding::default(), Instant::now());
        holding.begin("t", Leftover::Turn("u".into()), now);
        let call = hold(&mut holding, "t");
        assert!(holding.withdraw(&call) && !holding.withdraw(&call));
        assert_eq!(holding.turn_is_over("t", "u").len(), 0);
    }
}
