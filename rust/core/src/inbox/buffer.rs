//! What a mailbox holds: segments of events in wire order, and the gaps where some were dropped. Owns the budget's
//! accounting and the two overflow policies; knows nothing of who waits.
//!
//! *A turn* drops its deltas, wherever they stand, and takes none from then on: what a result is folded from stays, and
//! the whole turn can be read again. The loss is reported before the rest. Nothing is copied in the moment of the loss,
//! which may come under the session's lock: a segment of deltas is put aside, and one that has other events, too, is
//! marked and made smaller later, with [`Buffer::tidy`] or on its way out. (Of 256 MB at once: 40 to 60 ms.)
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
    /// Its droppable events are gone already, for everybody but the memory.
    Thinned(Segment),
    Gap(Loss),
}

/// What a consumer takes out.
#[derive(Debug)]
pub(crate) enum Next {
    Events(Held),
    /// Events were dropped here.
    Gap(Loss),
}

/// What a buffer has let go of. To drop it may take long.
#[derive(Debug)]
#[allow(dead_code, reason = "held only to be dropped")]
pub struct Garbage(VecDeque<Slot>, Vec<Segment>);

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub(crate) struct Buffer {
    budget: Arc<Budget>,
    policy: OverflowPolicy,
    slots: VecDeque<Slot>,
    held: usize,
    /// What was dropped and is to be freed.
    waste: Vec<Segment>,
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
            slots: VecDeque::new(),
            held: 0,
            waste: Vec::new(),
            tidy_to: 0,
            dropped: false,
            full: false,
            brimful: false,
            reported: false,
        }
    }

    /// Bytes of memory held now, what the consumer has in its hands aside.
    pub fn held(&self) -> usize {
        self.held
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
        if self.held > self.budget.per_mailbox && !self.full {
            return self.drop_deltas();
        }
        Loss::NONE
    }

    fn push_in_topic(&mut self, event: Event<'_>, last: bool) -> Loss {
        let limit = self.budget.per_mailbox;
        // The last eighth is for what comes once: how a command ended, not one more of its lines.
        let (full, limit) = if event.droppable() {
            (&mut self.full, limit - limit / 8)
        } else {
            (&mut self.brimful, limit)
        };
        let grown = match self.slots.back() {
            Some(Slot::Events(segment)) if segment.has_room(event) => {
                self.held - segment.held() + segment.held_with(event.stored())
            }
            _ => self.held + Segment::held_at_first(event),
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
                let segment = Segment::of(event);
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
                    self.give_back(segment.held());
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
        for slot in self.take_all() {
            match slot {
                Slot::Gap(earlier) => gap.add(earlier),
                Slot::Events(segment) | Slot::Thinned(segment) => {
                    lost.add(segment.weight());
                    self.waste.push(segment);
                }
            }
        }
        self.dropped = true;
        if let Some((segment, weight)) = last_word {
            lost.events -= weight.events;
            lost.bytes -= weight.bytes;
            self.take_in(segment.held());
            self.slots.push_back(Slot::Events(segment));
        }
        gap.add(lost);
        self.note_at_front(gap);
        lost
    }

    /// True once after something was dropped: [`Self::tidy`] it where the session is not locked.
    pub fn take_untidy(&mut self) -> bool {
        std::mem::take(&mut self.dropped)
    }

    /// One step of freeing what was dropped, and copying what stays; `None` when nothing is left to do. The garbage is
    /// to be dropped where no lock is held.
    pub fn tidy(&mut self) -> Option<Garbage> {
        if !self.waste.is_empty() {
            return Some(Garbage(VecDeque::new(), std::mem::take(&mut self.waste)));
        }
        while let Some(slot) = self.slots.get_mut(self.tidy_to) {
            self.tidy_to += 1;
            if let Slot::Thinned(segment) = slot {
                let kept = segment.without_droppable();
                let held = kept.held();
                let whole = std::mem::replace(slot, Slot::Events(kept));
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
                let segment = whole.without_droppable();
                budget.take(segment.held());
                Next::Events(Held { segment, budget })
            }
            Slot::Gap(loss) => Next::Gap(loss),
        };
        if self.policy == OverflowPolicy::Newest && self.held <= self.budget.per_mailbox / 2 {
            (self.full, self.brimful) = (false, false);
        }
        Some(next)
    }

    /// Lets go of everything; what it was is to be dropped where no lock is held.
    pub fn clear(&mut self) -> Garbage {
        Garbage(self.take_all(), std::mem::take(&mut self.waste))
    }

    fn take_all(&mut self) -> VecDeque<Slot> {
        self.give_back(self.held);
        self.tidy_to = 0;
        std::mem::take(&mut self.slots)
    }

    fn pop(&mut self) -> Option<Slot> {
        self.tidy_to = self.tidy_to.saturating_sub(1);
        self.slots.pop_front()
    }

    fn take_in(&mut self, bytes: usize) {
        self.held += bytes;
        self.budget.take(bytes);
    }

    fn give_back(&mut self, bytes: usize) {
        self.held -= bytes;
        self.budget.give_back(bytes);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.budget.give_back(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::envelope::find_notification;

    const BUDGET: usize = 100_000;

    fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
        Event {
            spec: find_notification(method),
            method,
            params,
            shared: None,
        }
    }

    fn topic(total: usize) -> (Buffer, Arc<Budget>) {
        let budget = Arc::new(Budget::new(BUDGET, total));
        (
            Buffer::new(Arc::clone(&budget), OverflowPolicy::Newest),
            budget,
        )
    }

    /// What a consumer would see, gaps as the number of events lost there.
    fn seen(buffer: &mut Buffer) -> Vec<Result<String, u64>> {
        std::iter::from_fn(|| buffer.take(true))
            .flat_map(texts)
            .collect()
    }

    fn texts(next: Next) -> Vec<Result<String, u64>> {
        match next {
            Next::Gap(loss) => vec![Err(loss.events)],
            Next::Events(segment) => segment
                .iter()
                .map(|one| Ok(String::from_utf8_lossy(one.params).trim_start().to_owned()))
                .collect(),
        }
    }

    fn numbered(number: usize) -> Vec<u8> {
        format!("{number:>1000}").into_bytes()
    }

    #[test]
    fn a_topic_keeps_the_oldest_and_has_one_gap_where_it_stopped() {
        let (mut buffer, budget) = topic(usize::MAX);
        let mut lost = Loss::NONE;
        for number in 0..300 {
            lost.add(buffer.push(event("fs/changed", &numbered(number)), false));
            assert!(buffer.held() <= BUDGET);
            assert_eq!(buffer.held(), budget.held());
        }
        let found = seen(&mut buffer);
        let kept = found.len() - 1;
        assert!(kept > 50, "{kept}");
        let expected: Vec<_> = (0..kept).map(|number| Ok(number.to_string())).collect();
        assert_eq!(found[..kept], expected);
        assert_eq!(found[kept], Err(lost.events));
        assert_eq!(usize::try_from(lost.events), Ok(300 - kept));
        assert_eq!(lost.bytes, lost.events * 1000);
        // It goes on after the gap.
        assert_eq!(
            buffer.push(event("fs/changed", &numbered(300)), false),
            Loss::NONE
        );
        assert_eq!(seen(&mut buffer), [Ok("300".to_owned())]);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_topic_that_was_full_takes_events_again_when_half_is_read() {
        let (mut buffer, _) = topic(usize::MAX);
        let payload = numbered(1);
        while buffer.push(event("fs/changed", &payload), false) == Loss::NONE {}
        let mut refused = 1;
        while buffer.held() > BUDGET / 2 {
            assert_ne!(
                buffer.push(event("fs/changed", &payload), false),
                Loss::NONE
            );
            refused += 1;
            buffer.take(true);
        }
        assert_eq!(
            buffer.push(event("fs/changed", &payload), false),
            Loss::NONE
        );
        let gaps: Vec<_> = seen(&mut buffer)
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert_eq!(gaps, [refused]);
    }

    #[test]
    fn there_is_room_for_how_a_command_ended_behind_its_output() {
        let (mut buffer, _) = topic(usize::MAX);
        let output = numbered(1);
        while buffer.push(event("process/outputDelta", &output), false) == Loss::NONE {}
        let loss = buffer.push(event("process/exited", b"rare"), false);
        assert_eq!(loss, Loss::NONE);
        let found = seen(&mut buffer);
        assert_eq!(found[found.len() - 2..], [Err(1), Ok("rare".to_owned())]);
    }

    #[test]
    fn the_last_word_is_stored_even_when_nothing_fits() {
        let (mut buffer, _) = topic(usize::MAX);
        let huge = vec![b' '; BUDGET * 2];
        assert_eq!(buffer.push(event("process/exited", &huge), false).events, 1);
        assert_eq!(
            buffer.push(event("process/exited", b"end"), true),
            Loss::NONE
        );
        assert_eq!(seen(&mut buffer), [Err(1), Ok("end".to_owned())]);
    }

    #[test]
    fn a_topic_gives_everything_but_the_last_word_for_the_whole_connection() {
        let (mut buffer, budget) = topic(1000);
        for number in 0..20 {
            buffer.push(event("process/outputDelta", &numbered(number)), false);
        }
        buffer.push(event("process/exited", b"end"), true);
        assert!(budget.held() > budget.total);
        let loss = buffer.relieve(true);
        assert_eq!(loss.events, 20);
        assert!(buffer.held() < 2000);
        assert_eq!(buffer.held(), budget.held());
        assert_eq!(seen(&mut buffer), [Err(20), Ok("end".to_owned())]);
    }

    #[test]
    fn a_turn_tells_its_loss_once_and_first() {
        let budget = Arc::new(Budget::new(10_000, usize::MAX));
        let mut buffer = Buffer::new(budget, OverflowPolicy::Deltas);
        buffer.push(event("item/completed", b"kept"), false);
        for number in 0..20 {
            buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
        }
        assert_eq!(seen(&mut buffer), [Err(20), Ok("kept".to_owned())]);
        let later = buffer.push(event("item/agentMessage/delta", b"late"), false);
        assert_eq!(later.events, 1);
        assert_eq!(seen(&mut buffer), []);
    }

    #[test]
    fn a_result_is_not_told_of_a_turns_loss() {
        let budget = Arc::new(Budget::new(2_000, usize::MAX));
        let mut buffer = Buffer::new(budget, OverflowPolicy::Deltas);
        for number in 0..5 {
            buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
        }
        buffer.push(event("turn/completed", b"end"), true);
        assert!(matches!(buffer.take(false), Some(Next::Events(_))));
        assert!(buffer.take(false).is_none());
    }

    #[test]
    fn what_is_in_its_consumers_hands_counts_until_it_is_dropped() {
        let (mut buffer, budget) = topic(usize::MAX);
        buffer.push(event("fs/changed", &numbered(1)), false);
        let held = budget.held();
        let taken = buffer.take(true);
        assert_eq!((buffer.held(), budget.held()), (0, held));
        drop(taken);
        assert_eq!(budget.held(), 0);
    }

    /// A buffer of `count` deltas and as many items, in turns, all of whose deltas were dropped; and the loss.
    fn thinned(count: usize) -> (Buffer, Arc<Budget>) {
        let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
        let mut buffer = Buffer::new(Arc::clone(&budget), OverflowPolicy::Deltas);
        for number in 0..count {
            buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
            buffer.push(event("item/completed", &numbered(number)), false);
        }
        assert_eq!(buffer.relieve(false).events, count as u64);
        (buffer, budget)
    }

    #[test]
    fn what_stays_of_a_loss_is_the_same_however_far_it_was_tidied() {
        const COUNT: usize = 500;
        let expected: Vec<_> = std::iter::once(Err(COUNT as u64))
            .chain((0..COUNT).map(|number| Ok(number.to_string())))
            .collect();
        let (mut whole, _) = thinned(COUNT);
        let steps = std::iter::from_fn(|| whole.tidy()).count();
        assert!(steps > 10, "{steps}");
        for tidied in 0..=steps {
            for taken in [0, 1, 3] {
                let (mut buffer, budget) = thinned(COUNT);
                let mut found = Vec::new();
                for step in 0..tidied {
                    assert!(buffer.tidy().is_some());
                    // The consumer reads meanwhile.
                    if step < taken {
                        found.extend(buffer.take(true).map(texts).into_iter().flatten());
                    }
                }
                found.extend(seen(&mut buffer));
                assert_eq!(found, expected, "{tidied} steps");
                assert_eq!(budget.held(), 0);
            }
        }
    }

    #[test]
    fn no_more_is_held_after_a_loss_than_what_stays() {
        let (mut buffer, budget) = thinned(500);
        assert!(buffer.take_untidy() && !buffer.take_untidy());
        while buffer.tidy().is_some() {}
        let stays = 500 * (1000 + 8);
        assert!(
            (stays..stays + stays / 20).contains(&buffer.held()),
            "{}",
            buffer.held()
        );
        assert_eq!(buffer.held(), budget.held());
        buffer.push(event("item/completed", b"later"), false);
        assert_eq!(buffer.held(), budget.held());
        drop(buffer.clear());
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_segment_without_deltas_is_not_copied_when_deltas_go() {
        let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
        let mut buffer = Buffer::new(Arc::clone(&budget), OverflowPolicy::Deltas);
        let item: Arc<[u8]> = vec![b' '; 1 << 20].into();
        let large = Event {
            shared: Some(&item),
            ..event("item/completed", &item)
        };
        buffer.push(large, false);
        buffer.push(event("item/agentMessage/delta", b"gone"), false);
        assert_eq!(buffer.relieve(false).events, 1);
        assert_eq!(buffer.held(), budget.held());
        assert!(matches!(buffer.take(true), Some(Next::Gap(_))));
        let Some(Next::Events(segment)) = buffer.take(true) else {
            panic!("the item is gone");
        };
        assert!(std::ptr::eq(segment.get(0).params, &raw const *item));
    }
}
