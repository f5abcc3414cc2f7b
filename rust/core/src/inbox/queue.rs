//! What a mailbox holds: segments of events in wire order, and the gaps where some were dropped.
//! Owns the budget's accounting and the two ways of giving way; knows nothing of who waits.
//!
//! *A turn* gives up its deltas, wherever they stand, and takes none from then on: what a result is
//! folded from stays, and the whole turn can be read again. The loss is reported before the rest.
//!
//! *A topic* (notifications, a command's output) has nothing that could be read again, and each
//! event may go. It refuses the newest, at the door: what it kept before is whole and in order, the
//! consumer finds one gap at a known place, and a flood costs nothing. To drop the oldest would copy
//! every event of the flood in order to drop it, and take events from a consumer that is about to
//! read them. A topic takes events again when its consumer has read half of the budget, so that a
//! consumer that is too slow sees a gap now and then and not after every segment.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::inbox::budget::{Budget, Loss};
use crate::inbox::segment::{Event, Segment};

/// What gives way over budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Giving {
    /// Droppable events only.
    Turn,
    /// Every event but the last word about what the topic is.
    Topic,
}

#[derive(Debug)]
pub(crate) enum Slot {
    Events(Segment),
    /// Events were dropped here.
    Gap(Loss),
}

#[derive(Debug)]
pub(crate) struct Queue {
    budget: Arc<Budget>,
    giving: Giving,
    slots: VecDeque<Slot>,
    held: usize,
    /// Over budget: droppable events go at the door. For ever in a turn, for a while in a topic.
    full: bool,
    /// The same for a topic's other events.
    brimful: bool,
    /// A turn's stream fails once; what is lost after that is in the counters only.
    reported: bool,
}

impl Queue {
    pub fn new(budget: Arc<Budget>, giving: Giving) -> Self {
        Self {
            budget,
            giving,
            slots: VecDeque::new(),
            held: 0,
            full: false,
            brimful: false,
            reported: false,
        }
    }

    /// Bytes of memory held now.
    pub fn held(&self) -> usize {
        self.held
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Stores `event`, or what else has to go; says what went. The `last` one is always stored.
    pub fn push(&mut self, event: Event<'_>, last: bool) -> Loss {
        match self.giving {
            Giving::Turn => self.push_in_turn(event),
            Giving::Topic => self.push_in_topic(event, last),
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
            return self.purge();
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
            Some(Slot::Events(segment)) if segment.has_room(event.stored()) => {
                self.held - segment.held() + segment.held_with(event.stored())
            }
            _ => self.held + Segment::held_at_first(event.stored()),
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
        let size = event.stored();
        let before = match self.slots.back_mut() {
            Some(Slot::Events(segment)) if segment.has_room(size) => segment.held(),
            _ => {
                self.slots
                    .push_back(Slot::Events(Segment::for_payload(size)));
                0
            }
        };
        if let Some(Slot::Events(segment)) = self.slots.back_mut() {
            segment.push(event);
            let more = segment.held() - before;
            self.held += more;
            self.budget.take(more);
        }
    }

    /// The whole connection is over its budget and this is the largest mailbox: a turn gives its
    /// deltas and a topic everything but the last word, if one `ends` it. Says what went.
    pub fn relieve(&mut self, ends: bool) -> Loss {
        match self.giving {
            Giving::Turn if self.full => Loss::NONE,
            Giving::Turn => self.purge(),
            Giving::Topic => self.keep(|event| ends && event.ends()),
        }
    }

    /// Drops every droppable event and all later ones.
    fn purge(&mut self) -> Loss {
        self.full = true;
        self.keep(|event| !event.droppable())
    }

    /// Keeps the chosen events; what is dropped becomes one gap, which stands before them.
    fn keep(&mut self, chosen: impl Fn(&Event<'_>) -> bool) -> Loss {
        let mut gap = Loss::NONE;
        let mut lost = Loss::NONE;
        for slot in self.clear() {
            match slot {
                Slot::Gap(earlier) => gap.add(earlier),
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

    fn note_at_front(&mut self, loss: Loss) {
        if loss == Loss::NONE || self.reported {
            return;
        }
        match self.slots.front_mut() {
            Some(Slot::Gap(gap)) => gap.add(loss),
            _ => self.slots.push_front(Slot::Gap(loss)),
        }
    }

    /// The next thing for the consumer. A turn's gap is passed over unless it is to be `told`.
    pub fn take(&mut self, told: bool) -> Option<Slot> {
        let mut slot = self.slots.pop_front()?;
        if matches!(slot, Slot::Gap(_)) && self.giving == Giving::Turn {
            self.reported = told;
            if !told {
                slot = self.slots.pop_front()?;
            }
        }
        if let Slot::Events(segment) = &slot {
            self.release(segment.held());
        }
        if self.giving == Giving::Topic && self.held <= self.budget.per_mailbox / 2 {
            (self.full, self.brimful) = (false, false);
        }
        Some(slot)
    }

    fn release(&mut self, bytes: usize) {
        self.held -= bytes;
        self.budget.give_back(bytes);
    }

    /// Lets go of everything.
    pub fn clear(&mut self) -> VecDeque<Slot> {
        self.release(self.held);
        std::mem::take(&mut self.slots)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.clear();
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
        }
    }

    fn topic(total: usize) -> (Queue, Arc<Budget>) {
        let budget = Arc::new(Budget::new(BUDGET, total));
        (Queue::new(Arc::clone(&budget), Giving::Topic), budget)
    }

    /// What a consumer would see, gaps as the number of events lost there.
    fn seen(queue: &mut Queue) -> Vec<Result<String, u64>> {
        let mut found = Vec::new();
        while let Some(slot) = queue.take(true) {
            match slot {
                Slot::Gap(loss) => found.push(Err(loss.events)),
                Slot::Events(segment) => {
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
        let (mut queue, budget) = topic(usize::MAX);
        let mut lost = Loss::NONE;
        for number in 0..300 {
            lost.add(queue.push(event("fs/changed", &numbered(number)), false));
            assert!(queue.held() <= BUDGET);
            assert_eq!(queue.held(), budget.held());
        }
        let found = seen(&mut queue);
        let kept = found.len() - 1;
        assert!(kept > 50, "{kept}");
        let expected: Vec<_> = (0..kept).map(|number| Ok(number.to_string())).collect();
        assert_eq!(found[..kept], expected);
        assert_eq!(found[kept], Err(lost.events));
        assert_eq!(usize::try_from(lost.events), Ok(300 - kept));
        assert_eq!(lost.bytes, lost.events * 1000);
        // It goes on after the gap.
        assert_eq!(
            queue.push(event("fs/changed", &numbered(300)), false),
            Loss::NONE
        );
        assert_eq!(seen(&mut queue), [Ok("300".to_owned())]);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_topic_that_was_full_takes_events_again_when_half_is_read() {
        let (mut queue, _) = topic(usize::MAX);
        let payload = numbered(1);
        while queue.push(event("fs/changed", &payload), false) == Loss::NONE {}
        let mut refused = 1;
        while queue.held() > BUDGET / 2 {
            assert_ne!(queue.push(event("fs/changed", &payload), false), Loss::NONE);
            refused += 1;
            queue.take(true);
        }
        assert_eq!(queue.push(event("fs/changed", &payload), false), Loss::NONE);
        let gaps: Vec<_> = seen(&mut queue)
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert_eq!(gaps, [refused]);
    }

    #[test]
    fn there_is_room_for_how_a_command_ended_behind_its_output() {
        let (mut queue, _) = topic(usize::MAX);
        let output = numbered(1);
        while queue.push(event("process/outputDelta", &output), false) == Loss::NONE {}
        let loss = queue.push(event("process/exited", b"rare"), false);
        assert_eq!(loss, Loss::NONE);
        let found = seen(&mut queue);
        assert_eq!(found[found.len() - 2..], [Err(1), Ok("rare".to_owned())]);
    }

    #[test]
    fn the_last_word_is_stored_even_when_nothing_fits() {
        let (mut queue, _) = topic(usize::MAX);
        let huge = vec![b' '; BUDGET * 2];
        assert_eq!(queue.push(event("process/exited", &huge), false).events, 1);
        assert_eq!(
            queue.push(event("process/exited", b"end"), true),
            Loss::NONE
        );
        assert_eq!(seen(&mut queue), [Err(1), Ok("end".to_owned())]);
    }

    #[test]
    fn a_topic_gives_everything_but_the_last_word_for_the_whole_connection() {
        let (mut queue, budget) = topic(1000);
        for number in 0..20 {
            queue.push(event("process/outputDelta", &numbered(number)), false);
        }
        queue.push(event("process/exited", b"end"), true);
        assert!(budget.held() > budget.total);
        let loss = queue.relieve(true);
        assert_eq!(loss.events, 20);
        assert!(queue.held() < 2000);
        assert_eq!(queue.held(), budget.held());
        assert_eq!(seen(&mut queue), [Err(20), Ok("end".to_owned())]);
    }

    #[test]
    fn a_turn_tells_its_loss_once_and_first() {
        let budget = Arc::new(Budget::new(10_000, usize::MAX));
        let mut queue = Queue::new(budget, Giving::Turn);
        queue.push(event("item/completed", b"kept"), false);
        for number in 0..20 {
            queue.push(event("item/agentMessage/delta", &numbered(number)), false);
        }
        assert_eq!(seen(&mut queue), [Err(20), Ok("kept".to_owned())]);
        let later = queue.push(event("item/agentMessage/delta", b"late"), false);
        assert_eq!(later.events, 1);
        assert_eq!(seen(&mut queue), []);
    }

    #[test]
    fn a_result_is_not_told_of_a_turns_loss() {
        let budget = Arc::new(Budget::new(2_000, usize::MAX));
        let mut queue = Queue::new(budget, Giving::Turn);
        for number in 0..5 {
            queue.push(event("item/agentMessage/delta", &numbered(number)), false);
        }
        queue.push(event("turn/completed", b"end"), true);
        assert!(matches!(queue.take(false), Some(Slot::Events(_))));
        assert!(queue.take(false).is_none());
    }
}
