//! What is going on with one thread: which turns are being started there, which starts wait and for what, and whose
//! goal it has. A thread has an entry only while something is.
//!
//! A `turn/start` is entered in the moment its line is written, and from then on every event of its thread is kept per
//! turn id; the answer, which comes in wire order, picks the one that is its turn. So nothing can fall between a
//! request and its consumer, however early an event comes or however fast the turn ends.
//!
//! On a thread whose turn runs the runtime answers `turn/start` with that turn, also while it is being interrupted:
//! whoever starts a turn right after a deadline would get the interrupted one (0.163.0: in 7 of 120 tries). So a start
//! is held until the turn that was given up has ended, and until a start that was given up on the wire is answered, for
//! that answer may be a turn. Not for ever: the runtime may have lost either. A start is held before it stands in line
//! for admission, so it takes no place. Only one that was in line or in the writer's hands when the turn was given up
//! is held with its line; a window's worth of them at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::Call;
use super::effects::Effects;
use super::subscriptions::SubscriptionId;
use crate::inbox::budget::Loss;
use crate::inbox::mailbox::{Mailbox, Pushed};
use crate::inbox::segment::Event;

/// How long a start is held for one thing. An interrupt takes milliseconds, but a turn can be interrupted only once it
/// has begun, which takes seconds on a busy machine.
pub(crate) const HELD_FOR: Duration = Duration::from_secs(30);
/// The same from the answer to the interrupt on. The turn's last word comes right behind it, unless this client has
/// unsubscribed from the thread. As long is a turn awaited that the runtime may have started for a goal just before it was
/// paused: that a goal is paused is said before its turn begins (0.163.0: each of 54 goals that were paused at once still
/// had their first turn).
const LAST_WORD: Duration = Duration::from_secs(2);
/// Turns of one thread whose events are kept for one start. A thread runs one turn at a time, so the answer names one
/// of the last few.
const MOST_EARLY: usize = 16;

/// What was given up on a thread and may not be over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsettled {
    Turn(Arc<str>),
    /// The id of a `turn/start` that was written.
    Start(i64),
    /// The pause of a goal. While the runtime takes it for active, it refuses starts.
    Pause,
    /// A turn for a goal that is paused. If it is the first, it is certain to come, and `holds` starts up: they would be
    /// answered with it.
    Goal {
        holds: bool,
    },
}

impl Unsettled {
    /// Whether starts wait for it.
    fn holds(&self) -> bool {
        !matches!(self, Self::Goal { holds: false })
    }
}

/// A start that waits, and its line if it was admitted and serialised.
#[derive(Debug)]
pub(crate) struct HeldStart {
    pub call: Arc<Call>,
    pub line: Option<Vec<u8>>,
}

/// A `turn/start` on the wire.
#[derive(Debug)]
pub(crate) struct PendingStart {
    pub call_id: i64,
    early: Vec<Early>,
    /// What was dropped of turns that are not among these any more.
    lost: Loss,
    /// The call was given up: its events are not kept.
    pub given_up: bool,
}

/// The events of one turn before the answer.
#[derive(Debug)]
struct Early {
    mailbox: Arc<Mailbox>,
    /// Nothing of it was dropped before.
    from_start: bool,
}

impl PendingStart {
    pub fn of(call: &Call) -> Self {
        Self {
            call_id: call.id,
            early: Vec::new(),
            lost: Loss::NONE,
            given_up: false,
        }
    }

    pub fn give_up(&mut self, out: &mut Effects) {
        self.given_up = true;
        self.let_go(out);
    }

    /// The early events are nobody's.
    fn let_go(&mut self, out: &mut Effects) {
        let abandoned = self.early.drain(..).map(|one| one.mailbox.abandon());
        out.garbage.extend(abandoned);
    }

    /// Keeps an event of a turn that may be the answer. `make` makes the turn's mailbox. What is returned was dropped.
    pub fn keep(
        &mut self,
        turn_id: &str,
        event: Event<'_>,
        make: impl FnOnce() -> Mailbox,
        out: &mut Effects,
    ) -> (Pushed, Loss) {
        let known = self
            .early
            .iter()
            .position(|one| *one.mailbox.key == *turn_id);
        let mut dropped = Loss::NONE;
        let index = known.unwrap_or_else(|| {
            if self.early.len() == MOST_EARLY {
                dropped = self.drop_one(out);
            }
            self.early.push(Early {
                mailbox: Arc::new(make()),
                from_start: self.lost == Loss::NONE || event.method == "turn/started",
            });
            self.early.len() - 1
        });
        let early = &self.early[index];
        let pushed = early.mailbox.push(event, event.ends());
        out.note(pushed, &early.mailbox);
        (pushed, dropped)
    }

    /// Drops the turn that is the least likely to be the answer: the oldest that is over, or else the oldest.
    fn drop_one(&mut self, out: &mut Effects) -> Loss {
        let over = self.early.iter().position(|one| one.mailbox.is_finished());
        let Early { mailbox, .. } = self.early.remove(over.unwrap_or(0));
        let stored = mailbox.stored();
        out.garbage.push(mailbox.abandon());
        self.lost.add(stored);
        stored
    }

    /// The events of the turn that the answer names; `make` makes a mailbox for one that has none yet.
    pub fn take(
        mut self,
        turn_id: &str,
        make: impl FnOnce() -> Mailbox,
        out: &mut Effects,
    ) -> Arc<Mailbox> {
        let known = self
            .early
            .iter()
            .position(|one| *one.mailbox.key == *turn_id);
        let (mailbox, is_whole) = match known {
            Some(index) => {
                let early = self.early.swap_remove(index);
                (early.mailbox, early.from_start)
            }
            None => (Arc::new(make()), self.lost == Loss::NONE),
        };
        self.let_go(out);
        if !is_whole {
            mailbox.lose(self.lost);
        }
        mailbox
    }

    pub fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.early.iter().map(|one| &one.mailbox)
    }
}

/// What is going on with one thread.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    pub starting: Vec<PendingStart>,
    /// The last turns that have begun and are not over, while something is being started.
    begun: Vec<Arc<str>>,
    /// Turns that nobody wants any more, unless a pending start is answered with one of them.
    pub spared: Vec<Arc<str>>,
    /// What holds starts up, and until when.
    unsettled: Vec<(Unsettled, Instant)>,
    pub held: Vec<HeldStart>,
    /// Who owns its turns, because the runtime starts them for a goal.
    pub goal: Option<SubscriptionId>,
}

impl Thread {
    pub fn is_idle(&self) -> bool {
        self.starting.is_empty()
            && self.unsettled.is_empty()
            && self.held.is_empty()
            && self.goal.is_none()
    }

    /// Whether a `turn/start` waits for its answer, which may be any turn of the thread.
    pub fn is_starting(&self) -> bool {
        self.starting.iter().any(|one| !one.given_up)
    }

    pub fn start_of(&mut self, call: &Call) -> Option<&mut PendingStart> {
        self.starting.iter_mut().find(|one| one.call_id == call.id)
    }

    pub fn take_start(&mut self, call: &Call) -> Option<PendingStart> {
        let index = self.starting.iter().position(|one| one.call_id == call.id);
        index.map(|index| self.starting.swap_remove(index))
    }

    pub fn note_begun(&mut self, turn_id: &str) {
        if !self.has_begun(turn_id) {
            if self.begun.len() == MOST_EARLY {
                self.begun.remove(0);
            }
            self.begun.push(turn_id.into());
        }
    }

    pub fn has_begun(&self, turn_id: &str) -> bool {
        self.begun.iter().any(|begun| **begun == *turn_id)
    }

    /// A turn is over. Returns who waited for it and may go now.
    pub fn turn_is_over(&mut self, turn_id: &str) -> Vec<HeldStart> {
        self.begun.retain(|begun| **begun != *turn_id);
        self.spared.retain(|spared| **spared != *turn_id);
        self.turn_is_spared(turn_id)
    }

    /// A turn that was given up is not to be stopped for now: likewise.
    pub fn turn_is_spared(&mut self, turn_id: &str) -> Vec<HeldStart> {
        self.settle(|one| matches!(one, Unsettled::Turn(id) if **id == *turn_id))
    }

    /// A start that was given up is answered: likewise.
    pub fn start_is_over(&mut self, call_id: i64) -> Vec<HeldStart> {
        self.settle(|one| *one == Unsettled::Start(call_id))
    }

    /// From now on starts of this thread are held.
    pub fn hold(&mut self, unsettled: Unsettled, now: Instant) {
        self.unsettled.push((unsettled, now + HELD_FOR));
    }

    /// The goal is paused, or over in another way: likewise.
    pub fn goal_is_paused(&mut self) -> Vec<HeldStart> {
        self.settle(|one| *one == Unsettled::Pause)
    }

    /// A goal that nobody wants is paused while no turn runs for it. Returns until when one that was on its way is
    /// awaited.
    pub fn await_goals_turn(&mut self, holds: bool, now: Instant) -> Instant {
        let until = now + if holds { HELD_FOR } else { LAST_WORD };
        self.unsettled.push((Unsettled::Goal { holds }, until));
        until
    }

    /// The program asks for a turn in another way than by a start: the next that begins may be that one.
    pub fn asks_for_turn(&mut self) {
        self.unsettled
            .retain(|(one, _)| *one != Unsettled::Goal { holds: false });
    }

    /// Whether a turn that begins now, and that nobody here has started, is one of a goal that nobody wants.
    pub fn is_goals_turn(&mut self, now: Instant) -> bool {
        if self.goal.is_some() || !self.starting.is_empty() {
            return false;
        }
        let is_awaited = |one: &(Unsettled, Instant)| matches!(one, (Unsettled::Goal { .. }, until) if now < *until);
        let found = self.unsettled.iter().any(is_awaited);
        self.unsettled.retain(|one| !is_awaited(one));
        found
    }

    /// The runtime has answered the interrupt of a turn. Returns until when its last word is waited for.
    pub fn turn_is_interrupted(&mut self, turn_id: &str, now: Instant) -> Option<Instant> {
        let mut due = None;
        for (unsettled, until) in &mut self.unsettled {
            if matches!(unsettled, Unsettled::Turn(id) if **id == *turn_id) {
                *until = now + LAST_WORD;
                due = Some(*until);
            }
        }
        due
    }

    /// Whether a start has to wait.
    pub fn is_holding(&self, now: Instant) -> bool {
        self.unsettled
            .iter()
            .any(|(one, until)| one.holds() && now < *until)
    }

    /// When what holds starts up has done so for long enough, at the earliest.
    pub fn next_look(&self) -> Option<Instant> {
        self.unsettled.iter().map(|(_, until)| *until).min()
    }

    /// Those that have waited long enough.
    pub fn overdue(&mut self, now: Instant) -> Vec<HeldStart> {
        self.unsettled.retain(|(_, until)| now < *until);
        self.let_go()
    }

    fn settle(&mut self, over: impl Fn(&Unsettled) -> bool) -> Vec<HeldStart> {
        self.unsettled.retain(|(unsettled, _)| !over(unsettled));
        self.let_go()
    }

    /// Those that wait for nothing any more.
    pub fn let_go(&mut self) -> Vec<HeldStart> {
        if self.unsettled.iter().any(|(one, _)| one.holds()) {
            Vec::new()
        } else {
            std::mem::take(&mut self.held)
        }
    }

    /// Takes out a start that was given up; false if it is not held here.
    pub fn withdraw(&mut self, call: &Call) -> bool {
        let before = self.held.len();
        self.held
            .retain(|one| !std::ptr::eq(&raw const *one.call, call));
        self.held.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::budget::Budget;
    use crate::inbox::mailbox::Taken;

    fn hold(thread: &mut Thread) -> Arc<Call> {
        let call = Arc::new(Call::new(1, "turn/start", Instant::now()));
        thread.held.push(HeldStart {
            call: Arc::clone(&call),
            line: None,
        });
        call
    }

    #[test]
    fn a_start_goes_when_the_last_thing_that_holds_it_is_over() {
        let (mut thread, now) = (Thread::default(), Instant::now());
        thread.hold(Unsettled::Turn("u".into()), now);
        thread.hold(Unsettled::Start(7), now);
        assert!(thread.is_holding(now));
        let calls = [hold(&mut thread), hold(&mut thread)];
        assert!(thread.start_is_over(8).is_empty());
        assert!(thread.start_is_over(7).is_empty());
        let gone = thread.turn_is_over("u");
        let same = |(one, call): (&HeldStart, &Arc<Call>)| Arc::ptr_eq(&one.call, call);
        assert!(gone.iter().zip(&calls).all(same));
        assert_eq!((gone.len(), thread.is_idle()), (2, true));
    }

    #[test]
    fn what_never_ends_holds_nobody_for_ever() {
        let (mut thread, now) = (Thread::default(), Instant::now());
        thread.hold(Unsettled::Turn("u".into()), now);
        hold(&mut thread);
        assert!(thread.overdue(now + HELD_FOR / 2).is_empty());
        assert_eq!(thread.next_look(), Some(now + HELD_FOR));
        assert_eq!(thread.overdue(now + HELD_FOR).len(), 1);
        assert!(thread.is_idle());
    }

    #[test]
    fn an_answered_interrupt_is_waited_for_a_moment_longer() {
        let (mut thread, now) = (Thread::default(), Instant::now());
        thread.hold(Unsettled::Turn("u".into()), now);
        hold(&mut thread);
        thread.turn_is_interrupted("u", now);
        assert!(thread.is_holding(now));
        assert_eq!(thread.overdue(now + LAST_WORD).len(), 1);
    }

    #[test]
    fn a_held_start_that_is_given_up_is_taken_out() {
        let (mut thread, now) = (Thread::default(), Instant::now());
        thread.hold(Unsettled::Turn("u".into()), now);
        let call = hold(&mut thread);
        assert!(thread.withdraw(&call) && !thread.withdraw(&call));
        assert!(thread.turn_is_over("u").is_empty());
    }

    #[test]
    fn of_very_many_turns_a_start_keeps_the_last_few_and_tells_of_the_rest() {
        let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
        let make =
            |id: &str| Mailbox::of_turn(id.into(), "t".into(), Arc::clone(&budget), Instant::now());
        let call = Call::new(1, "turn/start", Instant::now());
        let mut start = PendingStart::of(&call);
        let event = Event {
            spec: None,
            method: "item/future",
            params: b"{}",
            shared: None,
        };
        let mut out = Effects::default();
        for number in 0..1000 {
            let id = number.to_string();
            start.keep(&id, event, || make(&id), &mut out);
        }
        assert_eq!(start.mailboxes().count(), MOST_EARLY);
        assert!(budget.held() < 32 * 1024);
        let mailbox = start.take("0", || make("0"), &mut out);
        assert!(matches!(mailbox.take(), Taken::Partial(lost) if lost.events == 984));
        assert_eq!(out.garbage.len(), 984 + MOST_EARLY);
    }

    #[test]
    fn a_turn_that_is_kept_from_its_start_has_lost_nothing() {
        let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
        let make =
            |id: &str| Mailbox::of_turn(id.into(), "t".into(), Arc::clone(&budget), Instant::now());
        let mut out = Effects::default();
        for (first, is_whole) in [("turn/started", true), ("item/future", false)] {
            let mut start = PendingStart::of(&Call::new(1, "turn/start", Instant::now()));
            for number in 0..=MOST_EARLY {
                let id = number.to_string();
                let event = Event {
                    spec: None,
                    method: if number < MOST_EARLY {
                        "item/future"
                    } else {
                        first
                    },
                    params: b"{}",
                    shared: None,
                };
                start.keep(&id, event, || make(&id), &mut out);
            }
            let last = MOST_EARLY.to_string();
            let mailbox = start.take(&last, || make(&last), &mut out);
            assert_eq!(matches!(mailbox.take(), Taken::Segment(_)), is_whole);
        }
    }
}
