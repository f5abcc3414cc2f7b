//! What a mailbox holds: segments of events in wire order, and the gaps where some were dropped. Owns the budget's
//! accounting and the two overflow policies; knows nothing of who waits.
//!
//! *A turn* drops its deltas, wherever they stand, and takes none from then on: what a result is folded from stays, and
//! the whole turn can be read again. The loss is reported before the rest.
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
pub struct Garbage(#[allow(dead_code, reason = "held only to be dropped")] VecDeque<Slot>);

#[derive(Debug)]
pub(crate) struct Buffer {
    budget: Arc<Budget>,
    policy: OverflowPolicy,
    slots: VecDeque<Slot>,
    held: usize,
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
            let loss = loss_of(event);
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
            let loss = loss_of(event);
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
        self.held += more;
        self.budget.take(more);
    }

    /// The whole connection is over its budget and this is the largest mailbox: a turn drops its deltas and a topic
    /// everything but the last word, if one `ends` it. Returns what was dropped.
    pub fn relieve(&mut self, ends: bool) -> Loss {
        match self.policy {
            OverflowPolicy::Deltas if self.full => Loss::NONE,
            OverflowPolicy::Deltas => self.drop_deltas(),
            OverflowPolicy::Newest => self.keep(|event| ends && event.ends()),
        }
    }

    /// Drops every droppable event and all later ones.
    fn drop_deltas(&mut self) -> Loss {
        self.full = true;
        self.keep(|event| !event.droppable())
    }

    /// Keeps the chosen events; what is dropped becomes one gap, which stands before them. A segment that stays whole
    /// is not copied, nor are large params.
    fn keep(&mut self, chosen: impl Fn(&Event<'_>) -> bool) -> Loss {
        let mut gap = Loss::NONE;
        let mut lost = Loss::NONE;
        for slot in self.take_all() {
            match slot {
                Slot::Gap(earlier) => gap.add(earlier),
                Slot::Events(segment) if segment.iter().all(|event| chosen(&event)) => {
                    self.held += segment.held();
                    self.budget.take(segment.held());
                    self.slots.push_back(Slot::Events(segment));
                }
                Slot::Events(segment) => {
                    for event in segment.iter() {
                        if chosen(&event) {
                            self.store(event);
                        } else {
                            lost.add(loss_of(event));
                        }
                    }
                }
            }
        }
        gap.add(lost);
        self.note_at_front(gap);
        lost
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
        let mut slot = self.slots.pop_front()?;
        if matches!(slot, Slot::Gap(_)) && self.policy == OverflowPolicy::Deltas {
            self.reported = told;
            if !told {
                slot = self.slots.pop_front()?;
            }
        }
        let next = match slot {
            Slot::Events(segment) => {
                self.held -= segment.held();
                let budget = Arc::clone(&self.budget);
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
        Garbage(self.take_all())
    }

    fn take_all(&mut self) -> VecDeque<Slot> {
        self.budget.give_back(self.held);
        self.held = 0;
        std::mem::take(&mut self.slots)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.budget.give_back(self.held);
    }
}

fn loss_of(event: Event<'_>) -> Loss {
    Loss {
        events: 1,
        bytes: event.params.len() as u64,
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
        let mut found = Vec::new();
        while let Some(slot) = buffer.take(true) {
            match slot {
                Next::Gap(loss) => found.push(Err(loss.events)),
                Next::Events(segment) => {
                    found.extend(segment.iter().map(|one| {
                        Ok(String::from_utf8_lossy(one.params).trim_start().to_owned())
                    }));
                }
            }
        }
        found
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
