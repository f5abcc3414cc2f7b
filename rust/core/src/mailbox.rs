//! One consumer's queue: segments of events, a budget, what the consumer asked for, and who waits.
//!
//! The reader pushes (never waits, never runs anybody's code); one consumer takes whole segments.
//! "Empty, so I wait" is one step under the mailbox's lock, and the reader wakes a mailbox once per
//! chunk it has read, not once per event.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::closing::CloseReason;
use crate::protocol::NOTIFICATIONS;
use crate::segment::{Event, Segment};
use crate::signal::{Gate, Ready};

/// What a consumer wants to see of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    All,
    /// What a turn's result is folded from; wakes once, when the turn is over.
    Result,
    /// Agent message deltas, and what ends the turn.
    Text,
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
        }
    }
}

/// Memory limits of a connection's mailboxes, in bytes of segment capacity.
#[derive(Debug)]
pub struct Budget {
    pub per_mailbox: usize,
    pub total: usize,
    held: AtomicUsize,
}

impl Budget {
    pub fn new(per_mailbox: usize, total: usize) -> Self {
        Self {
            per_mailbox,
            total,
            held: AtomicUsize::new(0),
        }
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub fn exceeded(&self) -> bool {
        self.held() > self.total
    }
}

/// What was dropped from one mailbox.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub events: u64,
    pub bytes: u64,
}

/// What the reader must do after a push.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Somebody waits for this mailbox: call [`Mailbox::flush`] at the end of the chunk.
    pub wake: bool,
    /// The consumer did not ask for this event.
    pub filtered: bool,
    /// Droppable events went because of the budget.
    pub lost: Loss,
}

/// What a consumer finds.
#[derive(Debug)]
pub enum Taken {
    Segment(Segment),
    /// Events were dropped; reported once.
    Lost(Loss),
    Empty,
    /// `turn/completed` was the last event and everything was taken.
    Finished,
    Closed(Arc<CloseReason>),
}

#[derive(Debug)]
pub struct Mailbox {
    /// The turn, thread or login this mailbox is for; empty for the global one.
    pub key: Arc<str>,
    pub thread_id: Arc<str>,
    /// Another consumer listens to, or started, the same turn.
    shared: AtomicBool,
    budget: Arc<Budget>,
    gate: Gate<State>,
}

#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
struct State {
    segments: VecDeque<Segment>,
    held: usize,
    selection: Selection,
    /// The turn is over: nothing more will come.
    finished: bool,
    closed: Option<Arc<CloseReason>>,
    /// Over budget once: droppable events go at the door from then on.
    overflowed: bool,
    unreported: Loss,
    loss_reported: bool,
    /// The consumer is gone: nothing is kept.
    abandoned: bool,
    flush_due: bool,
}

impl Ready for State {
    fn ready(&self) -> bool {
        if self.finished || self.closed.is_some() || self.abandoned {
            return true;
        }
        match self.selection {
            // A result is folded at the end: waking earlier would only cost.
            Selection::Result => false,
            Selection::All | Selection::Text => {
                !self.segments.is_empty() || self.unreported != Loss::default()
            }
        }
    }
}

impl Mailbox {
    pub fn new(key: Arc<str>, thread_id: Arc<str>, budget: Arc<Budget>) -> Self {
        Self {
            key,
            thread_id,
            shared: AtomicBool::new(false),
            budget,
            gate: Gate::default(),
        }
    }

    /// The turn is over: no event will follow.
    pub fn is_finished(&self) -> bool {
        self.gate.lock().finished
    }

    pub fn mark_shared(&self) {
        self.shared.store(true, Ordering::Release);
    }

    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    /// Stores `event`. `last` marks the end of the turn. Called by the reader only.
    pub fn push(&self, event: Event<'_>, last: bool) -> Pushed {
        let mut pushed = Pushed::default();
        let mut state = self.gate.lock();
        if state.abandoned {
            return pushed;
        }
        if !state.selection.keeps(&event) {
            pushed.filtered = true;
        } else if state.overflowed && event.droppable() {
            pushed.lost = Loss {
                events: 1,
                bytes: event.params.len() as u64,
            };
            state.note_loss(pushed.lost);
        } else {
            self.store(&mut state, event);
            if state.held > self.budget.per_mailbox && !state.overflowed {
                pushed.lost = self.purge_locked(&mut state);
            }
        }
        state.finished |= last;
        pushed.wake = !state.flush_due && state.has_waiters() && state.ready();
        state.flush_due |= pushed.wake;
        pushed
    }

    fn store(&self, state: &mut State, event: Event<'_>) {
        let size = event.params.len() + event.method.len();
        let before = state.segments.back().map_or(0, Segment::held);
        match state.segments.back_mut() {
            Some(segment) if segment.has_room(size) => segment.push(event),
            _ => {
                let mut segment = Segment::for_payload(size);
                segment.push(event);
                self.account(state, segment.held());
                state.segments.push_back(segment);
                return;
            }
        }
        let after = state.segments.back().map_or(0, Segment::held);
        self.account(state, after - before);
    }

    fn account(&self, state: &mut State, more: usize) {
        state.held += more;
        self.budget.held.fetch_add(more, Ordering::Relaxed);
    }

    fn release(&self, state: &mut State, less: usize) {
        state.held -= less;
        self.budget.held.fetch_sub(less, Ordering::Relaxed);
    }

    /// Drops every droppable event and all later ones: what a result needs stays. Called when this
    /// mailbox, or as the largest one the whole connection, is over its budget.
    pub fn purge(&self) -> Loss {
        let mut state = self.gate.lock();
        if state.overflowed {
            return Loss::default();
        }
        self.purge_locked(&mut state)
    }

    fn purge_locked(&self, state: &mut State) -> Loss {
        state.overflowed = true;
        let mut loss = Loss::default();
        let old = std::mem::take(&mut state.segments);
        let held = state.held;
        self.release(state, held);
        for event in old.iter().flat_map(Segment::iter) {
            if event.droppable() {
                loss.events += 1;
                loss.bytes += event.params.len() as u64;
            } else {
                self.store(state, event);
            }
        }
        state.note_loss(loss);
        loss
    }

    /// Bytes of memory held now.
    pub fn held(&self) -> usize {
        self.gate.lock().held
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

    /// The consumer leaves: memory goes now, later events are not kept.
    pub fn abandon(&self) {
        let mut state = self.gate.lock();
        state.abandoned = true;
        let held = state.held;
        self.release(&mut state, held);
        state.segments = VecDeque::new();
        self.gate.wake_all(state);
    }

    pub fn select(&self, selection: Selection) {
        self.gate.lock().selection = selection;
    }

    /// The next segment, or why there is none. Never waits.
    pub fn take(&self) -> Taken {
        let mut state = self.gate.lock();
        if state.selection != Selection::Result && state.unreported != Loss::default() {
            state.loss_reported = true;
            return Taken::Lost(std::mem::take(&mut state.unreported));
        }
        if let Some(segment) = state.segments.pop_front() {
            self.release(&mut state, segment.held());
            return Taken::Segment(segment);
        }
        if state.finished {
            return Taken::Finished;
        }
        state
            .closed
            .as_ref()
            .map_or(Taken::Empty, |reason| Taken::Closed(Arc::clone(reason)))
    }

    /// Where to wait for something to take.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

impl State {
    fn note_loss(&mut self, loss: Loss) {
        // A stream fails once; what is lost after that is in the counters.
        if !self.loss_reported {
            self.unreported.events += loss.events;
            self.unreported.bytes += loss.bytes;
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let held = self.gate.get_mut().held;
        self.budget.held.fetch_sub(held, Ordering::Relaxed);
    }
}

/// Whether an event of this kind ends its turn.
pub fn ends_turn(spec: Option<u16>) -> bool {
    spec.is_some_and(|index| NOTIFICATIONS[usize::from(index)].method == "turn/completed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::find_notification;
    use crate::waker::LoopWaker;

    fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
        Event {
            spec: find_notification(method),
            method,
            params,
        }
    }

    fn mailbox(per_mailbox: usize) -> Mailbox {
        let budget = Arc::new(Budget::new(per_mailbox, usize::MAX));
        Mailbox::new("u".into(), "t".into(), budget)
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
        mailbox.push(event("item/completed", b"{}"), false);
        let mut lost = Loss::default();
        for _ in 0..200 {
            let pushed = mailbox.push(event("item/agentMessage/delta", &delta), false);
            lost.events += pushed.lost.events;
            lost.bytes += pushed.lost.bytes;
        }
        mailbox.push(event("turn/completed", b"{}"), true);
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
            mailbox.push(event("item/agentMessage/delta", &[b'd'; 1000]), false);
        }
        mailbox.select(Selection::Result);
        mailbox.push(event("turn/completed", b"{}"), true);
        assert_eq!(methods(&mailbox), ["turn/completed"]);
    }

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
        let mailbox = Mailbox::new("u".into(), "t".into(), Arc::clone(&budget));
        for _ in 0..1000 {
            mailbox.push(event("item/agentMessage/delta", &[b'd'; 300]), false);
        }
        assert_eq!(budget.held(), mailbox.held());
        assert!(budget.held() > 300_000);
        assert!(matches!(mailbox.take(), Taken::Segment(_)));
        assert_eq!(budget.held(), mailbox.held());
        mailbox.abandon();
        assert_eq!(budget.held(), 0);
        mailbox.push(event("item/completed", b"{}"), false);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_waiting_loop_is_told_once_per_burst() {
        let mailbox = mailbox(usize::MAX);
        let waker = Arc::new(LoopWaker::new().unwrap());
        assert!(!mailbox.gate().arm(&waker, 7));
        assert!(mailbox.push(event("item/completed", b"{}"), false).wake);
        assert!(!mailbox.push(event("item/completed", b"{}"), false).wake);
        assert!(waker.take().is_empty());
        mailbox.flush();
        assert_eq!(waker.take(), [7]);
        assert!(mailbox.gate().arm(&waker, 8));
    }

    #[test]
    fn a_result_wakes_when_the_turn_is_over() {
        let mailbox = mailbox(usize::MAX);
        let waker = Arc::new(LoopWaker::new().unwrap());
        mailbox.select(Selection::Result);
        assert!(!mailbox.gate().arm(&waker, 7));
        assert!(!mailbox.push(event("item/completed", b"{}"), false).wake);
        assert!(
            mailbox
                .push(event("item/agentMessage/delta", b"{}"), false)
                .filtered
        );
        assert!(mailbox.push(event("turn/completed", b"{}"), true).wake);
    }
}
