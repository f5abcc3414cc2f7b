//! A run of stored notifications: their params in one byte buffer, one small entry each.
//!
//! A mailbox is a queue of segments. The reader copies params in (a delta has under 200 bytes), so
//! nothing pins the read buffer, nothing is allocated per event on one thread and freed on another,
//! and what a mailbox holds is exactly the capacity it counts. Params that would fill a segment are not copied into
//! one: the reader made them a copy of their own before it took any lock, and mailboxes share that.

use std::sync::Arc;

use super::budget::Loss;
use crate::wire::protocol::NOTIFICATIONS;

/// A segment is closed when it holds this much; a larger single payload gets a segment of its own.
pub const FULL: usize = 64 * 1024;
/// First allocation of a segment: an idle turn with a few events stays small.
const FIRST: usize = 1024;
const FIRST_ENTRIES: usize = 4;
/// `Entry::spec` of a method that the pinned schema does not have.
const UNKNOWN: u16 = u16::MAX;

#[derive(Debug, Clone, Copy)]
struct Entry {
    spec: u16,
    /// Bytes of the method name that stand before the params; 0 for known methods.
    method_len: u16,
    /// Where this entry's bytes end; they start where the one before ends.
    end: u32,
}

impl Entry {
    fn of(event: Event<'_>, end: usize) -> Self {
        Self {
            spec: event.spec.unwrap_or(UNKNOWN),
            method_len: u16::try_from(event.stored_name().len()).unwrap_or(UNKNOWN),
            // A segment of small events is far below that, and what is large does not stand in its bytes.
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }
}

/// One stored notification, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'s> {
    /// Index into [`NOTIFICATIONS`]; `None` for a method that is not there.
    pub spec: Option<u16>,
    pub method: &'s str,
    /// The raw JSON of `params`.
    pub params: &'s [u8],
    /// The same in a copy that can be shared, if they are large.
    pub shared: Option<&'s Arc<[u8]>>,
}

impl Event<'_> {
    pub fn droppable(&self) -> bool {
        self.spec
            .is_some_and(|index| NOTIFICATIONS[usize::from(index)].droppable)
    }

    /// Whether it is the last word about its turn, or the stream that it belongs to.
    pub fn ends(&self) -> bool {
        self.spec
            .is_some_and(|index| NOTIFICATIONS[usize::from(index)].ends)
    }

    /// Whether it tells that its turn has begun. Items come from a turn that has, and from it only.
    pub fn begins(&self) -> bool {
        self.spec.map_or_else(
            || self.method.starts_with("item/"),
            |index| NOTIFICATIONS[usize::from(index)].begins,
        )
    }

    /// What is lost with it.
    pub fn weight(&self) -> Loss {
        Loss {
            events: 1,
            bytes: self.params.len() as u64,
        }
    }

    /// Bytes that it takes in a segment.
    pub fn stored(&self) -> usize {
        self.params.len() + self.stored_name().len()
    }

    /// The name of a method that the schema does not have; one that is absurdly long is cut.
    fn stored_name(&self) -> &[u8] {
        match self.spec {
            Some(_) => b"",
            None => &self.method.as_bytes()[..self.method.len().min(UNKNOWN.into())],
        }
    }
}

/// The capacity of a buffer that is to hold `needed`: what it has, or at least twice as much.
fn grown(capacity: usize, needed: usize) -> usize {
    if needed <= capacity {
        capacity
    } else {
        needed.max(capacity * 2)
    }
}

/// A run of events in wire order.
#[derive(Debug, Default)]
pub struct Segment {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The params of its only event, if they are large; `bytes` has the method's name then, if it is unknown.
    large: Option<Arc<[u8]>>,
    /// Its place among all that a mailbox has had, the first being 1. A copy of it has the same.
    pub number: u64,
    /// What all of its events are, and the droppable ones: nobody has to count them who drops them.
    all: Loss,
    droppable: Loss,
}

impl Segment {
    /// A segment whose first event has `payload` bytes.
    pub fn for_payload(payload: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(payload.max(FIRST)),
            entries: Vec::with_capacity(FIRST_ENTRIES),
            ..Self::default()
        }
    }

    /// A segment of one event whose params are shared.
    fn of_one(event: Event<'_>, params: &Arc<[u8]>) -> Self {
        let name = event.stored_name();
        let mut segment = Self {
            bytes: name.to_vec(),
            entries: vec![Entry::of(event, name.len())],
            large: Some(Arc::clone(params)),
            ..Self::default()
        };
        segment.weigh(event);
        segment
    }

    /// A segment that begins with `event`.
    pub fn of(event: Event<'_>) -> Self {
        if let Some(params) = event.shared {
            return Self::of_one(event, params);
        }
        let mut segment = Self::for_payload(event.stored());
        segment.push(event);
        segment
    }

    /// What [`Self::held`] is for a segment that begins with `event`.
    pub fn held_at_first(event: Event<'_>) -> usize {
        match event.shared {
            Some(params) => params.len() + event.stored_name().len() + size_of::<Entry>(),
            None => event.stored().max(FIRST) + FIRST_ENTRIES * size_of::<Entry>(),
        }
    }

    /// Whether `event` belongs here.
    pub fn has_room(&self, event: Event<'_>) -> bool {
        let is_small = self.large.is_none() && event.shared.is_none();
        is_small && self.bytes.len() + event.stored() <= FULL
    }

    pub fn push(&mut self, event: Event<'_>) {
        let name = event.stored_name();
        let (bytes, entries) = self.capacities_with(event.stored());
        self.bytes.reserve_exact(bytes - self.bytes.len());
        self.entries.reserve_exact(entries - self.entries.len());
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(event.params);
        self.entries.push(Entry::of(event, self.bytes.len()));
        self.weigh(event);
    }

    fn weigh(&mut self, event: Event<'_>) {
        self.all.add(event.weight());
        if event.droppable() {
            self.droppable.add(event.weight());
        }
    }

    /// What all of its events are.
    pub fn weight(&self) -> Loss {
        self.all
    }

    /// What its droppable events are.
    pub fn droppable(&self) -> Loss {
        self.droppable
    }

    /// A copy of the `kept` ones of the events from the one of this index on, in the memory that they take.
    #[must_use]
    pub fn only(&self, from: usize, kept: impl Fn(&Event<'_>) -> bool) -> Self {
        let number = self.number;
        let events = || (from..self.len()).map(|index| self.get(index));
        let kept = || events().filter(&kept);
        if let Some(params) = &self.large {
            let only = kept().next();
            return only.map_or_else(
                || Self {
                    number,
                    ..Self::default()
                },
                |event| Self {
                    number,
                    ..Self::of_one(event, params)
                },
            );
        }
        let (count, bytes) = kept().fold((0, 0), |(count, bytes), event| {
            (count + 1, bytes + event.stored())
        });
        let mut segment = Self {
            bytes: Vec::with_capacity(bytes),
            entries: Vec::with_capacity(count),
            number,
            ..Self::default()
        };
        if count > 0 {
            kept().for_each(|event| segment.push(event));
        }
        segment
    }

    fn capacities_with(&self, payload: usize) -> (usize, usize) {
        (
            grown(self.bytes.capacity(), self.bytes.len() + payload),
            grown(self.entries.capacity(), self.entries.len() + 1),
        )
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory held, which is what budgets count.
    pub fn held(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |params| params.len());
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>() + large
    }

    /// What [`Self::held`] will be with `payload` more bytes.
    pub fn held_with(&self, payload: usize) -> usize {
        let (bytes, entries) = self.capacities_with(payload);
        bytes + entries * size_of::<Entry>()
    }

    pub fn get(&self, index: usize) -> Event<'_> {
        let entry = self.entries[index];
        let start = if index == 0 {
            0
        } else {
            self.entries[index - 1].end as usize
        };
        let stored = &self.bytes[start..entry.end as usize];
        let (name, params) = stored.split_at(entry.method_len.into());
        let (spec, method) = if entry.spec == UNKNOWN {
            (None, std::str::from_utf8(name).unwrap_or("\u{fffd}"))
        } else {
            let method = NOTIFICATIONS[usize::from(entry.spec)].method;
            (Some(entry.spec), method)
        };
        Event {
            spec,
            method,
            params: self.large.as_deref().unwrap_or(params),
            shared: self.large.as_ref(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_went_in() {
        let known = Event {
            spec: Some(3),
            method: NOTIFICATIONS[3].method,
            params: b"{\"a\":1}",
            shared: None,
        };
        let unknown = Event {
            spec: None,
            method: "future/\u{e9}vent",
            params: b"{}",
            shared: None,
        };
        let mut segment = Segment::for_payload(7);
        for event in [known, unknown, known] {
            segment.push(event);
        }
        assert_eq!(segment.iter().collect::<Vec<_>>(), [known, unknown, known]);
    }

    #[test]
    fn what_a_push_will_hold_is_known_before() {
        let first = Event {
            spec: Some(0),
            method: NOTIFICATIONS[0].method,
            params: b"0123456789",
            shared: None,
        };
        let mut segment = Segment::of(first);
        assert_eq!(segment.held(), Segment::held_at_first(first));
        for size in [10, 1000, 3, 5000, 60_000, 0, 1] {
            let params = vec![b'p'; size];
            let event = Event {
                spec: None,
                method: "future",
                params: &params,
                shared: None,
            };
            let foreseen = segment.held_with(event.stored());
            segment.push(event);
            assert_eq!(segment.held(), foreseen);
        }
    }

    #[test]
    fn a_delta_of_the_wire_costs_little_more_than_its_bytes() {
        let params = [b'p'; 170];
        let mut segment = Segment::for_payload(params.len());
        let event = Event {
            spec: Some(0),
            method: NOTIFICATIONS[0].method,
            params: &params,
            shared: None,
        };
        while segment.has_room(event) {
            segment.push(event);
        }
        assert!(
            segment.held() / segment.len() < 300,
            "{}",
            segment.held() / segment.len()
        );
    }

    #[test]
    fn large_params_are_shared_and_counted() {
        let params: Arc<[u8]> = vec![b'p'; FULL + 1].into();
        for (spec, method) in [(Some(3), NOTIFICATIONS[3].method), (None, "future/event")] {
            let event = Event {
                spec,
                method,
                params: &params,
                shared: Some(&params),
            };
            let segment = Segment::of(event);
            assert_eq!(segment.held(), Segment::held_at_first(event));
            assert!(segment.held() > params.len() && !segment.has_room(event));
            let stored = segment.get(0);
            assert_eq!((stored.spec, stored.method), (spec, method));
            assert!(std::ptr::eq(stored.params, &raw const *params));
        }
    }
}
