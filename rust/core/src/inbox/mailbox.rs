//! One consumer's place: the queue of its events, what it asked for, who waits, and what is to be
//! undone when the consumer goes away in the middle.
//!
//! The reader pushes (never waits, never runs anybody's code); one consumer takes whole segments.
//! "Empty, so I wait" is one step under the mailbox's lock, and the reader wakes a mailbox once per
//! chunk it has read, not once per event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::inbox::budget::{Budget, Loss};
use crate::inbox::queue::{Giving, Queue, Slot};
use crate::inbox::segment::{Event, Segment};
use crate::session::errands::Errand;
use crate::session::goal::{Goal, Verdict};
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Guarded, Ready};

/// What a consumer wants to see of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    All,
    /// What a turn's result is folded from; wakes once, when the turn is over.
    Result,
    /// Agent message deltas, and what ends the turn.
    Text,
    /// The last word only.
    End,
}

impl Selection {
    pub fn keeps(self, event: &Event<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Result => matches!(
                event.method,
                "item/completed" | "thread/tokenUsage/updated" | "turn/completed" | "error"
            ),
            Self::Text => {
                matches!(
                    event.method,
                    "item/agentMessage/delta" | "turn/completed" | "error"
                )
            }
            Self::End => event.ends(),
        }
    }
}

/// What a mailbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A turn: over with its `turn/completed`.
    Turn,
    /// A login, a command, a watch, …: over with its last word, or with the answer to its request.
    Subject,
    /// A goal: the turns that the runtime starts for it, one after the other. Over with the last.
    Goal,
    /// Events of many turns and subjects: never over.
    Many,
}

/// What the reader must do after a push.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub struct Pushed {
    /// Somebody waits for this mailbox: call [`Mailbox::flush`] at the end of the chunk.
    pub wake: bool,
    /// The consumer did not ask for this event.
    pub filtered: bool,
    /// Droppable events went because of the budget.
    pub lost: Loss,
    /// Nothing more will come.
    pub last: bool,
    /// A turn has begun for a goal that nobody wants any more.
    pub unwanted: bool,
    /// It is none of the goal's events.
    pub foreign: bool,
}

/// What a consumer finds.
#[derive(Debug)]
pub enum Taken {
    Segment(Segment),
    /// Events were dropped here.
    Lost(Loss),
    Empty,
    /// Nothing will follow, and everything was taken.
    Finished,
    Closed(Arc<CloseReason>),
}

#[derive(Debug)]
pub struct Mailbox {
    pub about: About,
    /// The turn's or subject's id; empty for a mailbox about many.
    pub key: Arc<str>,
    /// Empty where it is no thread's.
    pub thread_id: Arc<str>,
    /// The turn was over before anybody asked for it.
    pub missed: bool,
    /// Another consumer listens to, or started, the same turn.
    shared: AtomicBool,
    /// The state's selection once more, for the reader to look at without the lock. Written under it.
    selected: AtomicU8,
    gate: Gate<State>,
}

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
struct State {
    queue: Queue,
    selection: Selection,
    /// Nothing more will come.
    finished: bool,
    closed: Option<Arc<CloseReason>>,
    /// The consumer is gone: nothing is kept.
    abandoned: bool,
    flush_due: bool,
    /// What undoes the request that this mailbox is about.
    errand: Option<Errand>,
    /// That request is on the wire.
    owed: bool,
    /// What is known of the goal that it is about. Boxed: there are thousands of turns for one goal.
    goal: Option<Box<Goal>>,
}

impl Ready for State {
    fn ready(&self) -> bool {
        if self.finished || self.closed.is_some() || self.abandoned {
            return true;
        }
        match self.selection {
            // A result is folded at the end: waking earlier would only cost.
            Selection::Result | Selection::End => false,
            Selection::All | Selection::Text => !self.queue.is_empty(),
        }
    }
}

impl Mailbox {
    pub fn of_turn(turn_id: Arc<str>, thread_id: Arc<str>, budget: Arc<Budget>) -> Self {
        let queue = Queue::new(budget, Giving::Turn);
        Self::new(About::Turn, turn_id, thread_id, queue, None)
    }

    /// Of a turn that is over: there is nothing to come.
    pub fn missed(turn_id: Arc<str>, thread_id: Arc<str>, budget: Arc<Budget>) -> Self {
        let mailbox = Self {
            missed: true,
            ..Self::of_turn(turn_id, thread_id, budget)
        };
        mailbox.finish();
        mailbox
    }

    /// `errand` pauses the goal.
    pub fn of_goal(thread_id: Arc<str>, budget: Arc<Budget>, errand: Errand) -> Self {
        let queue = Queue::new(budget, Giving::Turn);
        let mailbox = Self::new(About::Goal, "".into(), thread_id, queue, Some(errand));
        mailbox.gate.lock().goal = Some(Box::default());
        mailbox
    }

    /// `errand` undoes the request that the mailbox is about.
    pub fn of_subject(id: Arc<str>, budget: Arc<Budget>, errand: Option<Errand>) -> Self {
        let queue = Queue::new(budget, Giving::Topic);
        Self::new(About::Subject, id, "".into(), queue, errand)
    }

    pub fn of_many(thread_id: Arc<str>, budget: Arc<Budget>) -> Self {
        let queue = Queue::new(budget, Giving::Topic);
        Self::new(About::Many, "".into(), thread_id, queue, None)
    }

    fn new(
        about: About,
        key: Arc<str>,
        thread_id: Arc<str>,
        queue: Queue,
        errand: Option<Errand>,
    ) -> Self {
        Self {
            about,
            key,
            thread_id,
            missed: false,
            shared: AtomicBool::new(false),
            selected: AtomicU8::new(Selection::All as u8),
            gate: Gate::new(State {
                queue,
                selection: Selection::All,
                finished: false,
                closed: None,
                abandoned: false,
                flush_due: false,
                errand,
                owed: false,
                goal: None,
            }),
        }
    }

    /// Nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.gate.lock().finished
    }

    /// Nothing more will come, or the connection has ended.
    pub fn is_over(&self) -> bool {
        let state = self.gate.lock();
        state.finished || state.closed.is_some()
    }

    /// The consumer has gone.
    pub fn is_abandoned(&self) -> bool {
        self.gate.lock().abandoned
    }

    pub fn mark_shared(&self) {
        self.shared.store(true, Ordering::Release);
    }

    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    /// Whether `event` alone tells that it is the last of this mailbox. Of a goal's it does not.
    pub fn ends_with(&self, event: &Event<'_>) -> bool {
        matches!(self.about, About::Turn | About::Subject) && event.ends()
    }

    /// Stores `event`. Called by the reader only.
    pub fn push(&self, event: Event<'_>) -> Pushed {
        let last = self.ends_with(&event);
        // A result's deltas, which are most of what there is: what the lock costs is a tenth of the way.
        if self.selected.load(Ordering::Acquire) == Selection::Result as u8
            && !last
            && !self.wants(Selection::Result, &event)
        {
            return Pushed {
                filtered: true,
                ..Pushed::default()
            };
        }
        let mut state = self.gate.lock();
        if state.abandoned {
            return Pushed::default();
        }
        let kept = self.wants(state.selection, &event);
        state.push(event, kept, last)
    }

    /// Stores `event` if it is one of the goal's; `turn_id` is the turn's that it belongs to. Called by
    /// the reader only.
    pub fn push_of_goal(&self, event: Event<'_>, turn_id: Option<&str>) -> Pushed {
        let mut state = self.gate.lock();
        let (verdict, doomed) = match &mut state.goal {
            Some(goal) => (goal.observe(&event, turn_id), goal.is_doomed()),
            None => (Verdict::Passed, false),
        };
        let last = matches!(verdict, Verdict::KeptLast | Verdict::PassedLast);
        let foreign = matches!(verdict, Verdict::Passed | Verdict::PassedLast);
        if state.abandoned {
            state.finished |= last;
            return Pushed {
                last,
                foreign,
                unwanted: doomed && !foreign && event.method == "turn/started",
                ..Pushed::default()
            };
        }
        let kept = !foreign && self.wants(state.selection, &event);
        Pushed {
            foreign,
            ..state.push(event, kept, last)
        }
    }

    /// Whether a consumer with this `selection` gets `event`. A goal's turns are told apart, and timed,
    /// by their starts.
    pub fn wants(&self, selection: Selection, event: &Event<'_>) -> bool {
        selection.keeps(event) || (self.about == About::Goal && event.method == "turn/started")
    }

    /// The goal's turn that runs now, if nobody wants it.
    pub fn unwanted_turn(&self) -> Option<Arc<str>> {
        self.of_its_goal(|goal| goal.running().filter(|_| goal.is_doomed()).cloned())
    }

    /// Whether the runtime may still start turns for the goal, as far as this connection will hear.
    pub fn goal_goes_on(&self) -> bool {
        let state = self.gate.lock();
        state.closed.is_none() && state.goal.as_deref().is_some_and(Goal::goes_on)
    }

    /// Whether the runtime does, or may still do, anything for the goal, as far as this connection will
    /// hear.
    pub fn goal_is_live(&self) -> bool {
        let state = self.gate.lock();
        let live = |goal: &Goal| goal.goes_on() || goal.running().is_some();
        state.closed.is_none() && state.goal.as_deref().is_some_and(live)
    }

    /// Looks at what is known of the goal; at nothing if this is about none.
    fn of_its_goal<T>(&self, look: impl FnOnce(&Goal) -> Option<T>) -> Option<T> {
        self.gate.lock().goal.as_deref().and_then(look)
    }

    /// The goal's first turn; its id stands for the whole.
    pub fn first_turn(&self) -> Option<Arc<str>> {
        self.of_its_goal(|goal| goal.first().cloned())
    }

    /// The goal's turn that runs now.
    pub fn running_turn(&self) -> Option<Arc<str>> {
        let state = self.gate.lock();
        let goal = state.goal.as_deref().filter(|_| state.closed.is_none())?;
        goal.running().cloned()
    }

    /// The params of the last `thread/goal/updated`.
    pub fn latest_goal(&self) -> Option<Box<[u8]>> {
        self.of_its_goal(|goal| goal.latest().map(Into::into))
    }

    /// The answer that ends it has come. Flush it afterwards.
    pub fn finish(&self) {
        self.gate.lock().finished = true;
    }

    /// The whole connection is over its budget, and this is the largest mailbox.
    pub fn relieve(&self) -> Loss {
        self.gate.lock().queue.relieve(self.about != About::Many)
    }

    /// Bytes of memory held now.
    pub fn held(&self) -> usize {
        self.gate.lock().queue.held()
    }

    /// Wakes whoever waits. Called by the reader at the end of a chunk.
    pub fn flush(&self) {
        let mut state = self.gate.lock();
        state.flush_due = false;
        self.gate.wake_all(state);
    }

    /// The connection ended; what is stored can still be taken.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        let mut state = self.gate.lock();
        state.closed.get_or_insert_with(|| Arc::clone(reason));
        self.gate.wake_all(state);
    }

    /// The consumer leaves: memory goes now, later events are not kept. Returns what is to be
    /// undone, because the request is on the wire and what it began is not over.
    pub fn abandon(&self) -> Option<Errand> {
        let mut state = self.gate.lock();
        state.abandoned = true;
        state.queue.clear();
        let owes = state.owes();
        let mut needed = owes;
        if let Some(goal) = state.goal.as_mut().filter(|_| owes) {
            goal.doom();
            // One that is over but for its last turn need not be paused, only that turn stopped.
            needed = goal.goes_on();
        }
        let errand = if needed { state.errand.take() } else { None };
        self.gate.wake_all(state);
        errand
    }

    /// The request that it is about goes out now: from now on what undoes it is owed. Returned if
    /// the consumer left before.
    pub fn owe(&self) -> Option<Errand> {
        let mut state = self.gate.lock();
        state.owed = true;
        if let Some(goal) = &mut state.goal {
            goal.ask();
        }
        if state.abandoned {
            state.errand.take()
        } else {
            None
        }
    }

    /// The request did not go out after all, or was refused.
    pub fn refused(&self) {
        let mut state = self.gate.lock();
        state.owed = false;
        if let Some(goal) = &mut state.goal {
            goal.refused();
        }
    }

    /// What the request began may go on without its consumer.
    pub fn owe_nothing(&self) {
        self.gate.lock().owed = false;
    }

    /// The consumer has undone it.
    pub fn settle(&self) {
        self.gate.lock().errand = None;
    }

    /// Whether leaving now would leave something to be undone.
    pub fn owes(&self) -> bool {
        self.gate.lock().owes()
    }

    pub fn select(&self, selection: Selection) {
        let mut state = self.gate.lock();
        state.selection = selection;
        self.selected.store(selection as u8, Ordering::Release);
    }

    /// The next segment, or why there is none. Never waits.
    pub fn take(&self) -> Taken {
        let mut state = self.gate.lock();
        // A result needs nothing that a turn gives up.
        let told = state.selection != Selection::Result;
        match state.queue.take(told) {
            Some(Slot::Events(segment)) => Taken::Segment(segment),
            Some(Slot::Gap(loss)) => Taken::Lost(loss),
            None if state.finished => Taken::Finished,
            None => match &state.closed {
                Some(reason) => Taken::Closed(Arc::clone(reason)),
                None => Taken::Empty,
            },
        }
    }

    /// Where to wait for something to take.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

impl State {
    fn owes(&self) -> bool {
        self.owed && self.errand.is_some() && !self.finished && self.closed.is_none()
    }
}

impl Guarded<State> {
    fn push(&mut self, event: Event<'_>, kept: bool, last: bool) -> Pushed {
        let mut pushed = Pushed {
            filtered: !kept,
            last,
            ..Pushed::default()
        };
        if kept {
            pushed.lost = self.queue.push(event, last);
        }
        self.finished |= last;
        pushed.wake = !self.flush_due && self.has_waiters() && self.ready();
        self.flush_due |= pushed.wake;
        pushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::waker::LoopWaker;
    use crate::wire::envelope::find_notification;

    fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
        Event {
            spec: find_notification(method),
            method,
            params,
        }
    }

    fn mailbox(per_mailbox: usize) -> Mailbox {
        let budget = Arc::new(Budget::new(per_mailbox, usize::MAX));
        Mailbox::of_turn("u".into(), "t".into(), budget)
    }

    fn methods(mailbox: &Mailbox) -> Vec<String> {
        let mut found = Vec::new();
        while let Taken::Segment(segment) = mailbox.take() {
            found.extend(segment.iter().map(|event| event.method.to_owned()));
        }
        found
    }

    #[test]
    fn over_budget_deltas_go_and_the_rest_stays() {
        let mailbox = mailbox(100_000);
        let delta = vec![b'd'; 1000];
        mailbox.push(event("item/completed", b"{}"));
        let mut lost = Loss::default();
        for _ in 0..200 {
            let pushed = mailbox.push(event("item/agentMessage/delta", &delta));
            lost.events += pushed.lost.events;
            lost.bytes += pushed.lost.bytes;
        }
        mailbox.push(event("turn/completed", b"{}"));
        assert_eq!(
            lost,
            Loss {
                events: 200,
                bytes: 200_000
            }
        );
        assert!(mailbox.held() < 10_000);
        assert!(matches!(mailbox.take(), Taken::Lost(reported) if reported == lost));
        assert_eq!(methods(&mailbox), ["item/completed", "turn/completed"]);
        assert!(matches!(mailbox.take(), Taken::Finished));
    }

    #[test]
    fn a_result_is_complete_in_spite_of_a_loss() {
        let mailbox = mailbox(4_000);
        mailbox.select(Selection::All);
        for _ in 0..10 {
            mailbox.push(event("item/agentMessage/delta", &[b'd'; 1000]));
        }
        mailbox.select(Selection::Result);
        mailbox.push(event("turn/completed", b"{}"));
        assert_eq!(methods(&mailbox), ["turn/completed"]);
    }

    #[test]
    fn what_is_pushed_is_what_was_selected_last() {
        let mailbox = mailbox(usize::MAX);
        for (selection, kept) in [
            (Selection::Result, false),
            (Selection::All, true),
            (Selection::Result, false),
            (Selection::Text, true),
        ] {
            mailbox.select(selection);
            let pushed = mailbox.push(event("item/agentMessage/delta", b"{}"));
            assert_eq!(pushed.filtered, !kept, "{selection:?}");
            assert_eq!(methods(&mailbox).len(), usize::from(kept));
        }
    }

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
        let mailbox = Mailbox::of_turn("u".into(), "t".into(), Arc::clone(&budget));
        for _ in 0..1000 {
            mailbox.push(event("item/agentMessage/delta", &[b'd'; 300]));
        }
        assert_eq!(budget.held(), mailbox.held());
        assert!(budget.held() > 300_000);
        assert!(matches!(mailbox.take(), Taken::Segment(_)));
        assert_eq!(budget.held(), mailbox.held());
        mailbox.abandon();
        assert_eq!(budget.held(), 0);
        mailbox.push(event("item/completed", b"{}"));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_waiting_loop_is_told_once_per_burst() {
        let mailbox = mailbox(usize::MAX);
        let waker = Arc::new(LoopWaker::new().unwrap());
        assert!(!mailbox.gate().arm(&waker, 7));
        assert!(mailbox.push(event("item/completed", b"{}")).wake);
        assert!(!mailbox.push(event("item/completed", b"{}")).wake);
        assert_eq!(waker.take(), None);
        mailbox.flush();
        assert_eq!((waker.take(), waker.take()), (Some(7), None));
        assert!(mailbox.gate().arm(&waker, 8));
    }

    #[test]
    fn a_result_wakes_when_the_turn_is_over() {
        let mailbox = mailbox(usize::MAX);
        let waker = Arc::new(LoopWaker::new().unwrap());
        mailbox.select(Selection::Result);
        assert!(!mailbox.gate().arm(&waker, 7));
        assert!(!mailbox.push(event("item/completed", b"{}")).wake);
        assert!(
            mailbox
                .push(event("item/agentMessage/delta", b"{}"))
                .filtered
        );
        assert!(mailbox.push(event("turn/completed", b"{}")).wake);
    }
}
