//! What a mailbox holds: segments of events in wire order, and the gaps where some were dropped. Owns the budget's
//! accounting and the two overflow policies; knows nothing of who waits.
//!
//! *A turn* drops its deltas, wherever they stand, and takes none from then on: what a result is folded from stays, and
//! the whole turn can be read again. The loss is reported before the rest. Nothing is copied in the moment of the loss,
//! which may come under the session's lock: a segment of deltas is put aside, and one that has other events, too, is
//! marked and made smaller later, with [`Buffer::tidy`] or on its way out. (Of 256 MB at once: 40 to 60 ms.) What is
//! kept for a result only, when its consumer has left, becomes smaller in the same way.
//!
//! *A topic* (notifications, a command's output) has nothing that could be read again, and each event may be dropped.
//! It refuses the newest: what it kept before is whole and in order, the consumer finds one gap at a known place, and a
//! flood costs nothing. To drop the oldest would copy every event of the flood in order to drop it, and take events
//! from a consumer that is about to read them. A topic takes events again when its consumer has read half of the
//! budget, so that a consumer that is too slow sees a gap now and then and not after every segment.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use super::budget::{Budget, Loss};
use super::segment::{Event, Segment};

/// What is dropped over budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OverflowPolicy {
    /// A turn's: droppable events only, wherever they stand.
    Deltas,
    /// A topic's: the newest events, whatever they are, but never the last word.
    Newest,
}

/// A segment on its way through its consumer's hands: it counts against the budget until it is dropped.
#[derive(Debug)]
pub struct Held {
    segment: Segment,
    budget: Arc<Budget>,
}

impl Deref for Held {
    type Target = Segment;

    fn deref(&self) -> &Segment {
        &self.segment
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.segment.held());
    }
}

#[derive(Debug)]
enum Slot {
    Events(Segment),
    /// Its droppable events, or all that are not kept, are gone already for everybody but the memory.
    Thinned(Segment),
    Gap(Loss),
}

impl Slot {
    fn segment(&self) -> Option<&Segment> {
        match self {
            Self::Events(segment) | Self::Thinned(segment) => Some(segment),
            Self::Gap(_) => None,
        }
    }
}

/// What a consumer takes out.
#[derive(Debug)]
pub(crate) enum Next {
    Events(Held),
    /// Events were dropped here.
    Gap(Loss),
}

/// Whether an event stays.
pub(crate) type Stays = fn(&Event<'_>) -> bool;

/// What a buffer has let go of. To drop it may take long.
#[derive(Debug)]
#[allow(dead_code, reason = "held only to be dropped")]
pub struct Garbage(VecDeque<Slot>, Vec<Segment>);

impl Garbage {
    pub(crate) fn add(&mut self, more: Vec<Segment>) {
        self.1.extend(more);
    }
}

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub(crate) struct Buffer {
    budget: Arc<Budget>,
    policy: OverflowPolicy,
    /// What stays of a thinned segment.
    stays: Stays,
    slots: VecDeque<Slot>,
    /// The number of the last segment that was made.
    segments: u64,
    held: usize,
    /// What was dropped and is to be freed.
    waste: Vec<Segment>,
    /// Bytes of that, and of the thinned segments: they are held, but not needed.
    wasted: usize,
    /// No slot before this one is thinned.
    tidy_to: usize,
    /// Something was dropped since this was asked.
    dropped: bool,
    /// Over budget: droppable events are refused. For ever in a turn, for a while in a topic.
    full: bool,
    /// The same for a topic's other events.
    brimful: bool,
    /// A turn's stream fails once; what is lost after that is in the counters only.
    reported: bool,
}

impl Buffer {
    pub fn new(budget: Arc<Budget>, policy: OverflowPolicy) -> Self {
        Self {
            budget,
            policy,
            stays: |event| !event.droppable(),
            slots: VecDeque::new(),
            segments: 0,
            held: 0,
            waste: Vec::new(),
            wasted: 0,
            tidy_to: 0,
            dropped: false,
            full: false,
            brimful: false,
            reported: false,
        }
    }

    /// An empty one for a watch.
    pub fn of_watch(&self) -> Self {
        Self::new(self.budget_of_watches(), self.policy)
    }

    pub fn budget_of_watches(&self) -> Arc<Budget> {
        self.budget.of_watches()
    }

    /// The next segment behind the one of this number that has more than droppable events, and whether it is the last of
    /// all, to which more may be added. Most of what a turn stores is deltas alone: of that none is looked at.
    pub fn behind(&self, number: u64) -> Option<(&Segment, bool)> {
        // A turn's gap stands before all segments.
        let seen = |slot: &Slot| slot.segment().is_none_or(|one| one.number <= number);
        let first = self.slots.partition_point(seen);
        let mut rest = self.slots.range(first..).filter_map(Slot::segment);
        let found = rest.find(|segment| segment.droppable() != segment.weight())?;
        Some((found, rest.next().is_none()))
    }

    /// Bytes of memory held now, what the consumer has in its hands aside.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Bytes of these that are not about to be freed.
    pub fn needed(&self) -> usize {
        self.held - self.wasted
    }

    /// The events that can be taken now.
    pub fn stored(&self) -> Loss {
        let mut stored = Loss::NONE;
        for slot in &self.slots {
            match slot {
                Slot::Events(segment) => stored.add(segment.weight()),
                Slot::Thinned(segment) => stored.add(segment.weight().without(segment.droppable())),
                Slot::Gap(_) => {}
            }
        }
        stored
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Stores `event`, or drops what the policy says; returns what was dropped. The `last` one is always stored.
    pub fn push(&mut self, event: Event<'_>, last: bool) -> Loss {
        match self.policy {
            OverflowPolicy::Deltas => self.push_in_turn(event),
            OverflowPolicy::Newest => self.push_in_topic(event, last),
        }
    }

    fn push_in_turn(&mut self, event: Event<'_>) -> Loss {
        if self.full && event.droppable() {
            let loss = event.weight();
            self.note_at_front(loss);
            return loss;
        }
        self.store(event);
        if self.needed() > self.budget.per_mailbox && !self.full {
            return self.drop_deltas();
        }
        Loss::NONE
    }

    fn push_in_topic(&mut self, event: Event<'_>, last: bool) -> Loss {
        let limit = self.budget.per_mailbox;
        let needed = self.needed();
        // The last eighth is for what comes once: how a command ended, not one more of its lines.
        let (full, limit) = if event.droppable() {
            (&mut self.full, limit - limit / 8)
        } else {
            (&mut self.brimful, limit)
        };
        let grown = match self.slots.back() {
            Some(Slot::Events(segment)) if segment.has_room(event) => {
                needed - segment.held() + segment.held_with(event.stored())
            }
            _ => needed + Segment::held_at_first(event),
        };
        *full |= grown > limit;
        if *full && !last {
            let loss = event.weight();
            match self.slots.back_mut() {
                Some(Slot::Gap(gap)) => gap.add(loss),
                _ => self.slots.push_back(Slot::Gap(loss)),
            }
            return loss;
        }
        self.store(event);
        Loss::NONE
    }

    fn store(&mut self, event: Event<'_>) {
        let more = match self.slots.back_mut() {
            Some(Slot::Events(segment)) if segment.has_room(event) => {
                let before = segment.held();
                segment.push(event);
                segment.held() - before
            }
            _ => {
                self.segments += 1;
                let mut segment = Segment::of(event);
                segment.number = self.segments;
                let held = segment.held();
                self.slots.push_back(Slot::Events(segment));
                held
            }
        };
        self.take_in(more);
    }

    /// The whole connection is over its budget and this is the largest mailbox: a turn drops its deltas and a topic
    /// everything but the last word, if one `ends` it. Returns what was dropped.
    pub fn relieve(&mut self, ends: bool) -> Loss {
        match self.policy {
            OverflowPolicy::Deltas if self.full => Loss::NONE,
            OverflowPolicy::Deltas => self.drop_deltas(),
            OverflowPolicy::Newest => self.drop_all(ends),
        }
    }

    /// Drops every droppable event and all later ones.
    fn drop_deltas(&mut self) -> Loss {
        self.full = true;
        let mut gap = Loss::NONE;
        let mut lost = Loss::NONE;
        for slot in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Gap(earlier) => gap.add(earlier),
                Slot::Events(segment) if segment.droppable() == Loss::NONE => {
                    self.slots.push_back(Slot::Events(segment));
                }
                Slot::Events(segment) => {
                    lost.add(segment.droppable());
                    self.discard(segment.held());
                    if segment.droppable() == segment.weight() {
                        self.waste.push(segment);
                    } else {
                        self.slots.push_back(Slot::Thinned(segment));
                    }
                }
                thinned @ Slot::Thinned(_) => self.slots.push_back(thinned),
            }
        }
        (self.tidy_to, self.dropped) = (0, true);
        gap.add(lost);
        self.note_at_front(gap);
        lost
    }

    /// Drops every event but the last word, if there is one.
    fn drop_all(&mut self, ends: bool) -> Loss {
        let last_word = self.slots.back().and_then(|slot| match slot {
            Slot::Events(segment) => {
                let last = segment.get(segment.len() - 1);
                (ends && last.ends()).then(|| (Segment::of(last), last.weight()))
            }
            Slot::Thinned(_) | Slot::Gap(_) => None,
        });
        let mut gap = Loss::NONE;
        let mut lost = Loss::NONE;
        for slot in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Gap(earlier) => gap.add(earlier),
                // Of a topic none is thinned.
                Slot::Events(segment) | Slot::Thinned(segment) => {
                    lost.add(segment.weight());
                    self.discard(segment.held());
                    self.waste.push(segment);
                }
            }
        }
        self.dropped = true;
        if let Some((segment, weight)) = last_word {
            lost = lost.without(weight);
            self.take_in(segment.held());
            self.slots.push_back(Slot::Events(segment));
        }
        gap.add(lost);
        self.note_at_front(gap);
        lost
    }

    /// Its consumer has left: only what `stays` of it is still copied. What is stored counts as what watches hold from
    /// now on. [`Self::tidy`] it.
    pub fn retire(&mut self, stays: Stays) {
        let budget = self.budget.of_watches();
        budget.take(self.held);
        budget.discard(self.wasted);
        self.budget.free(self.wasted);
        self.budget.give_back(self.needed());
        self.budget = budget;
        self.stays = stays;
        for slot in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Gap(_) => {}
                Slot::Events(segment) => {
                    self.discard(segment.held());
                    if segment.droppable() == segment.weight() {
                        self.waste.push(segment);
                    } else {
                        self.slots.push_back(Slot::Thinned(segment));
                    }
                }
                thinned @ Slot::Thinned(_) => self.slots.push_back(thinned),
            }
        }
        self.tidy_to = 0;
        self.dropped |= self.wasted > 0;
    }

    /// True once after something was dropped: [`Self::tidy`] it where the session is not locked.
    pub fn take_untidy(&mut self) -> bool {
        std::mem::take(&mut self.dropped)
    }

    /// One step of freeing what was dropped, and copying what stays; `None` when nothing is left to do. The garbage is
    /// to be dropped where no lock is held.
    pub fn tidy(&mut self) -> Option<Garbage> {
        if !self.waste.is_empty() {
            let waste = std::mem::take(&mut self.waste);
            self.free(waste.iter().map(Segment::held).sum());
            return Some(Garbage(VecDeque::new(), waste));
        }
        while let Some(slot) = self.slots.get_mut(self.tidy_to) {
            self.tidy_to += 1;
            if let Slot::Thinned(segment) = slot {
                let kept = segment.only(0, self.stays);
                let (before, held) = (segment.held(), kept.held());
                let whole = std::mem::replace(slot, Slot::Events(kept));
                self.free(before);
                self.take_in(held);
                return Some(Garbage([whole].into(), Vec::new()));
            }
        }
        None
    }

    /// Events that belong before all others were dropped elsewhere.
    pub fn note_at_front(&mut self, loss: Loss) {
        if loss == Loss::NONE || self.reported {
            return;
        }
        match self.slots.front_mut() {
            Some(Slot::Gap(gap)) => gap.add(loss),
            _ => self.slots.push_front(Slot::Gap(loss)),
        }
    }

    /// The next thing for the consumer. A turn's gap is passed over unless it is to be `told`.
    pub fn take(&mut self, told: bool) -> Option<Next> {
        let mut slot = self.pop()?;
        if matches!(slot, Slot::Gap(_)) && self.policy == OverflowPolicy::Deltas {
            self.reported = told;
            if !told {
                slot = self.pop()?;
            }
        }
        let budget = Arc::clone(&self.budget);
        let next = match slot {
            Slot::Events(segment) => {
                self.held -= segment.held();
                Next::Events(Held { segment, budget })
            }
            Slot::Thinned(whole) => {
                let segment = whole.only(0, self.stays);
                self.free(whole.held());
                budget.take(segment.held());
                Next::Events(Held { segment, budget })
            }
            Slot::Gap(loss) => Next::Gap(loss),
        };
        if self.policy == OverflowPolicy::Newest && self.needed() <= self.budget.per_mailbox / 2 {
            (self.full, self.brimful) = (false, false);
        }
        Some(next)
    }

    /// Lets go of everything; what it was is to be dropped where no lock is held.
    pub fn clear(&mut self) -> Garbage {
        self.let_go();
        self.tidy_to = 0;
        Garbage(
            std::mem::take(&mut self.slots),
            std::mem::take(&mut self.waste),
        )
    }

    fn pop(&mut self) -> Option<Slot> {
        self.tidy_to = self.tidy_to.saturating_sub(1);
        self.slots.pop_front()
    }

    fn take_in(&mut self, bytes: usize) {
        self.held += bytes;
        self.budget.take(bytes);
    }

    fn discard(&mut self, bytes: usize) {
        self.wasted += bytes;
        self.budget.discard(bytes);
    }

    /// What was discarded is freed.
    fn free(&mut self, bytes: usize) {
        self.wasted -= bytes;
        self.held -= bytes;
        self.budget.free(bytes);
    }

    /// Nothing is held any more.
    fn let_go(&mut self) {
        self.budget.free(self.wasted);
        self.budget.give_back(self.needed());
        (self.held, self.wasted) = (0, 0);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests;
