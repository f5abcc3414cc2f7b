//! One consumer's place: its events, what it asked for of them, and who waits for them.
//!
//! The reader pushes (never waits, never runs anybody's code); one consumer takes whole segments. "Empty, so I wait"
//! is one step under the mailbox's lock, and the reader wakes a mailbox once per chunk it has read, not once per event.

pub mod draft;
mod record;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use super::budget::{Budget, Loss};
use super::buffer::{Buffer, Garbage, Held, Next, OverflowPolicy, Stays};
use super::segment::Event;
use super::selection::Selection;
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Guarded, Ready};
use crate::sync::lock::atomic::{AtomicU8, Ordering};
use record::Record;

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

impl About {
    /// Whether a consumer with this `selection` gets `event`. A goal's turns are told apart, and timed, by their starts.
    fn wants(self, selection: Selection, event: &Event<'_>) -> bool {
        selection.keeps(event) || (self == Self::Goal && event.method == "turn/started")
    }

    /// What a result is folded from.
    fn result(self) -> Stays {
        match self {
            Self::Goal => |event| Self::Goal.wants(Selection::Result, event),
            Self::Turn | Self::Subject | Self::Many => |event| Selection::Result.keeps(event),
        }
    }
}

/// What the reader must do after a push.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Somebody waits for this mailbox: call [`Mailbox::flush`] at the end of the chunk.
    pub wake: bool,
    /// The consumer did not ask for this event.
    pub filtered: bool,
    /// Events were dropped because of the budget.
    pub lost: Loss,
    /// What was dropped is to be freed: call [`Mailbox::tidy`] where the session is not locked.
    pub untidy: bool,
}

/// Why the end of a turn will not be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// This client has unsubscribed from the turn's thread.
    Unsubscribed,
    /// The thread was archived, deleted or unloaded.
    ThreadClosed,
}

/// What a consumer finds.
#[derive(Debug)]
pub enum Taken {
    Segment(Held),
    /// Events were dropped here.
    Lost(Loss),
    /// Events were dropped before it was known whose they are: some may be missing, of any kind. Whoever wants a result
    /// is told at the end.
    Partial(Loss),
    Empty,
    /// Nothing will follow, and everything was taken.
    Finished,
    /// Likewise, but the last word has not come.
    Cut(Cut),
    Closed(CloseReason),
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
    /// Of a turn or a goal.
    arrivals: Option<Arrivals>,
    /// The state's selection once more, for the reader to look at without the lock. Written under it.
    selected: AtomicU8,
    gate: Gate<Inbox>,
}

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
struct Inbox {
    buffer: Buffer,
    selection: Selection,
    /// Something is stored that its consumer may want, or a gap.
    wanted: bool,
    /// What a result needs of what was taken, if that is kept.
    record: Option<Record>,
    /// What was dropped before this was made, and may be of it.
    missing: Loss,
    /// The consumer knows of that.
    is_told: bool,
    /// An `error` is stored: the runtime tries again, or gives up.
    has_error: bool,
    /// Nothing more will come. The first word on why stays.
    end: Option<End>,
    /// The consumer has left: nothing is taken any more.
    left: bool,
    /// Nor copied: nothing is kept.
    abandoned: bool,
    flush_due: bool,
}

#[derive(Debug, Clone)]
enum End {
    Finished,
    Cut(Cut),
    Closed(CloseReason),
}

impl Ready for Inbox {
    fn ready(&self) -> bool {
        if self.end.is_some() || self.left {
            return true;
        }
        match self.selection {
            // A result is folded at the end: waking earlier would only cost. But what went wrong is told at once.
            Selection::Result => self.has_error,
            Selection::End => false,
            Selection::All | Selection::Text => self.wanted || self.is_to_be_told(),
        }
    }
}

impl Inbox {
    fn of(buffer: Buffer) -> Self {
        Self {
            buffer,
            selection: Selection::All,
            wanted: false,
            record: None,
            missing: Loss::NONE,
            is_told: false,
            has_error: false,
            end: None,
            left: false,
            abandoned: false,
            flush_due: false,
        }
    }

    /// Something is missing, and the consumer does not know.
    fn is_to_be_told(&self) -> bool {
        self.missing != Loss::NONE && !self.is_told
    }

    fn tell(&mut self) -> Taken {
        self.is_told = true;
        Taken::Partial(self.missing)
    }
}

impl Mailbox {
    pub fn of_turn(
        turn_id: Arc<str>,
        thread_id: Arc<str>,
        budget: Arc<Budget>,
        now: Instant,
    ) -> Self {
        let buffer = Buffer::new(budget, OverflowPolicy::Deltas);
        Self {
            arrivals: Some(Arrivals::since(now)),
            ..Self::new(About::Turn, turn_id, thread_id, buffer)
        }
    }

    /// Of a turn that is over: there is nothing to come.
    pub fn missed(
        turn_id: Arc<str>,
        thread_id: Arc<str>,
        budget: Arc<Budget>,
        now: Instant,
    ) -> Self {
        let mailbox = Self {
            missed: true,
            ..Self::of_turn(turn_id, thread_id, budget, now)
        };
        mailbox.finish();
        mailbox
    }

    pub fn of_goal(thread_id: Arc<str>, budget: Arc<Budget>, now: Instant) -> Self {
        let buffer = Buffer::new(budget, OverflowPolicy::Deltas);
        Self {
            arrivals: Some(Arrivals::since(now)),
            ..Self::new(About::Goal, "".into(), thread_id, buffer)
        }
    }

    pub fn of_subject(id: Arc<str>, budget: Arc<Budget>) -> Self {
        let buffer = Buffer::new(budget, OverflowPolicy::Newest);
        Self::new(About::Subject, id, "".into(), buffer)
    }

    pub fn of_many(thread_id: Arc<str>, budget: Arc<Budget>) -> Self {
        let buffer = Buffer::new(budget, OverflowPolicy::Newest);
        Self::new(About::Many, "".into(), thread_id, buffer)
    }

    fn new(about: About, key: Arc<str>, thread_id: Arc<str>, buffer: Buffer) -> Self {
        Self {
            about,
            key,
            thread_id,
            missed: false,
            arrivals: None,
            selected: AtomicU8::new(Selection::All as u8),
            gate: Gate::new(Inbox::of(buffer)),
        }
    }

    /// Its last word has come.
    pub fn is_finished(&self) -> bool {
        matches!(self.gate.lock().end, Some(End::Finished))
    }

    /// Nothing more will come, for whatever reason.
    pub fn is_over(&self) -> bool {
        self.gate.lock().end.is_some()
    }

    /// It goes on, but this client does not hear of it.
    pub fn is_unheard(&self) -> bool {
        matches!(self.gate.lock().end, Some(End::Cut(Cut::Unsubscribed)))
    }

    /// The connection has ended before its last word.
    pub fn is_closed(&self) -> bool {
        matches!(self.gate.lock().end, Some(End::Closed(_)))
    }

    /// Whether `event` alone tells that it is the last of this mailbox. Of a goal's it does not.
    pub fn ends_with(&self, event: &Event<'_>) -> bool {
        matches!(self.about, About::Turn | About::Subject) && event.ends()
    }

    /// Something of the turn or the goal has arrived, whether or not it is kept.
    pub fn note_arrival(&self, now: Instant) {
        if let Some(arrivals) = &self.arrivals {
            arrivals.note(now);
        }
    }

    /// For how long nothing has arrived; `None` for what is no turn's or goal's.
    pub fn idle(&self, now: Instant) -> Option<Duration> {
        self.arrivals.as_ref().map(|arrivals| arrivals.idle(now))
    }

    /// Stores `event`, the `last` one perhaps. Called by the reader only.
    pub fn push(&self, event: Event<'_>, last: bool) -> Pushed {
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
        let mut inbox = self.gate.lock();
        if inbox.abandoned {
            if last {
                inbox.end.get_or_insert(End::Finished);
            }
            return Pushed::default();
        }
        let wanted = self.wants(inbox.selection, &event);
        let kept = wanted || (inbox.record.is_some() && self.wants(Selection::Result, &event));
        inbox.push(event, wanted, kept, last)
    }

    /// Whether a consumer with this `selection` gets `event`.
    pub fn wants(&self, selection: Selection, event: &Event<'_>) -> bool {
        self.about.wants(selection, event)
    }

    /// Events that may be of it were dropped before this was made, and not only such as a turn drops.
    pub fn lose(&self, loss: Loss) {
        let mut inbox = self.gate.lock();
        inbox.missing.add(loss);
        inbox.is_told = false;
    }

    /// What ends it has come, and is no event. Flush it afterwards.
    pub fn finish(&self) {
        self.gate.lock().end.get_or_insert(End::Finished);
    }

    /// Its last word will not come. Flush it afterwards.
    pub fn cut(&self, cut: Cut) {
        self.gate.lock().end.get_or_insert(End::Cut(cut));
    }

    /// The connection has ended; what is stored can still be taken. Flush it afterwards.
    pub fn close(&self, reason: &CloseReason) {
        let closed = || End::Closed(reason.clone());
        self.gate.lock().end.get_or_insert_with(closed);
    }

    /// The whole connection is over its budget, and this is the largest mailbox. Flush and tidy it afterwards.
    pub fn relieve(&self) -> Loss {
        let mut inbox = self.gate.lock();
        inbox.wanted = true;
        inbox.buffer.relieve(self.about != About::Many)
    }

    /// Frees what was dropped, in steps of one segment, so that nobody waits for the lock.
    pub fn tidy(&self) {
        loop {
            let garbage = self.gate.lock().buffer.tidy();
            if garbage.is_none() {
                return;
            }
        }
    }

    /// The events that can be taken now.
    pub fn stored(&self) -> Loss {
        self.gate.lock().buffer.stored()
    }

    /// Bytes of memory held now.
    pub fn held(&self) -> usize {
        let inbox = self.gate.lock();
        inbox.buffer.held() + inbox.record.as_ref().map_or(0, Record::held)
    }

    /// Bytes of memory held now that are not about to be freed.
    pub fn needed(&self) -> usize {
        self.gate.lock().buffer.needed()
    }

    /// Wakes whoever waits. Called at the end of a chunk.
    pub fn flush(&self) {
        let mut inbox = self.gate.lock();
        inbox.flush_due = false;
        self.gate.wake_all(inbox);
    }

    /// The consumer leaves: memory goes now, later events are not kept.
    pub fn abandon(&self) -> Garbage {
        let mut inbox = self.gate.lock();
        inbox.left = true;
        let garbage = inbox.abandon();
        self.gate.wake_all(inbox);
        garbage
    }

    /// What the consumer wants from now on, unless it has left: of that its result is kept, and nothing else.
    pub fn select(&self, selection: Selection) {
        let mut inbox = self.gate.lock();
        if inbox.left {
            return;
        }
        inbox.selection = selection;
        inbox.wanted = !inbox.buffer.is_empty();
        self.selected.store(selection as u8, Ordering::Release);
    }

    /// The next segment, or why there is none. Never waits.
    pub fn take(&self) -> Taken {
        let mut inbox = self.gate.lock();
        let is_result = inbox.selection == Selection::Result;
        if inbox.is_to_be_told() && !is_result {
            return inbox.tell();
        }
        let next = inbox.take(self.about);
        match next {
            Some(Next::Events(segment)) => Taken::Segment(segment),
            Some(Next::Gap(loss)) => Taken::Lost(loss),
            None => match inbox.end.clone() {
                None => Taken::Empty,
                Some(_) if inbox.is_to_be_told() => inbox.tell(),
                Some(End::Finished) => Taken::Finished,
                Some(End::Cut(cut)) => Taken::Cut(cut),
                Some(End::Closed(reason)) => Taken::Closed(reason),
            },
        }
    }

    /// Where to wait for something to take.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

impl Inbox {
    fn take(&mut self, about: About) -> Option<Next> {
        if self.left {
            return None;
        }
        // A result needs nothing that a turn drops.
        let next = self.buffer.take(self.selection != Selection::Result);
        if let (Some(Next::Events(segment)), Some(record)) = (&next, &mut self.record) {
            record.add(segment, 0, about.result());
        }
        // One segment is not all that is stored.
        if self.buffer.is_empty() {
            (self.has_error, self.wanted) = (false, false);
        }
        next
    }

    fn abandon(&mut self) -> Garbage {
        self.abandoned = true;
        let mut garbage = self.buffer.clear();
        if let Some(record) = self.record.take() {
            garbage.add(record.into_segments());
        }
        garbage
    }
}

impl Guarded<Inbox> {
    fn push(&mut self, event: Event<'_>, wanted: bool, kept: bool, last: bool) -> Pushed {
        let dropped = if kept {
            self.has_error |= event.method == "error";
            self.buffer.push(event, last)
        } else {
            Loss::NONE
        };
        self.wanted |= wanted || dropped != Loss::NONE;
        if last {
            self.end.get_or_insert(End::Finished);
        }
        let wake = !self.flush_due && self.has_waiters() && self.ready();
        self.flush_due |= wake;
        Pushed {
            wake,
            filtered: !wanted,
            lost: dropped,
            untidy: self.buffer.take_untidy(),
        }
    }
}

#[cfg(test)]
mod tests;
