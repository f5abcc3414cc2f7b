//! A run of stored notifications: their params in one byte buffer, one small entry each.
//!
//! A mailbox is a queue of segments. The reader copies params in (a delta has under 200 bytes), so
//! nothing pins the read buffer, nothing is allocated per event on one thread and freed on another,
//! and what a mailbox holds is exactly the capacity it counts.

use crate::wire::protocol::NOTIFICATIONS;

/// A segment is closed when it holds this much; a larger single payload gets a segment of its own.
const FULL: usize = 64 * 1024;
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

/// One stored notification, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'s> {
    /// Index into [`NOTIFICATIONS`]; `None` for a method that is not there.
    pub spec: Option<u16>,
    pub method: &'s str,
    /// The raw JSON of `params`.
    pub params: &'s [u8],
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
}

impl Segment {
    /// A segment whose first event has `payload` bytes.
    pub fn for_payload(payload: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(payload.max(FIRST)),
            entries: Vec::with_capacity(FIRST_ENTRIES),
        }
    }

    /// What [`Self::held`] is for such a segment.
    pub fn held_at_first(payload: usize) -> usize {
        payload.max(FIRST) + FIRST_ENTRIES * size_of::<Entry>()
    }

    /// Whether `payload` more bytes belong here.
    pub fn has_room(&self, payload: usize) -> bool {
        self.bytes.len() + payload <= FULL
    }

    pub fn push(&mut self, event: Event<'_>) {
        let name = event.stored_name();
        let (bytes, entries) = self.capacities_with(event.stored());
        self.bytes.reserve_exact(bytes - self.bytes.len());
        self.entries.reserve_exact(entries - self.entries.len());
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(event.params);
        // One line above 4 GiB does not fit a pipe's peer that holds lines in memory.
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry {
            spec: event.spec.unwrap_or(UNKNOWN),
            method_len: u16::try_from(name.len()).unwrap_or(UNKNOWN),
            end,
        });
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
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
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
        if entry.spec == UNKNOWN {
            let (name, params) = stored.split_at(entry.method_len.into());
            let method = std::str::from_utf8(name).unwrap_or("\u{fffd}");
            Event {
                spec: None,
                method,
                params,
            }
        } else {
            let method = NOTIFICATIONS[usize::from(entry.spec)].method;
            Event {
                spec: Some(entry.spec),
                method,
                params: stored,
            }
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
        };
        let unknown = Event {
            spec: None,
            method: "future/\u{e9}vent",
            params: b"{}",
        };
        let mut segment = Segment::for_payload(7);
        for event in [known, unknown, known] {
            segment.push(event);
        }
        assert_eq!(segment.iter().collect::<Vec<_>>(), [known, unknown, known]);
    }

    #[test]
    fn what_a_push_will_hold_is_known_before() {
        let mut segment = Segment::for_payload(10);
        assert_eq!(segment.held(), Segment::held_at_first(10));
        for size in [10, 1000, 3, 5000, 60_000, 0, 1] {
            let params = vec![b'p'; size];
            let event = Event {
                spec: None,
                method: "future",
                params: &params,
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
        while segment.has_room(params.len()) {
            segment.push(Event {
                spec: Some(0),
                method: NOTIFICATIONS[0].method,
                params: &params,
            });
        }
        assert!(
            segment.held() / segment.len() < 300,
            "{}",
            segment.held() / segment.len()
        );
    }
}
