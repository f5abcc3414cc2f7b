//! The last notifications that were no turn's, for a consumer that comes late and asks what it has missed. Kept only for
//! a connection that wants it, until it is asked for, and bounded twice: nobody may ever come.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::inbox::mailbox::Mailbox;
use crate::inbox::segment::Event;
use crate::wire::protocol::NOTIFICATIONS;

#[derive(Debug)]
struct Kept {
    spec: Option<u16>,
    /// Of a method that the schema does not have; else empty, which allocates nothing.
    name: Box<str>,
    params: Arc<[u8]>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.name.len() + self.params.len()
    }

    fn method(&self) -> &str {
        self.spec.map_or(&*self.name, |index| {
            NOTIFICATIONS[usize::from(index)].method
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    events: VecDeque<Kept>,
    bytes: usize,
}

impl Backlog {
    const AT_MOST: usize = 256;
    const AT_MOST_BYTES: usize = 1 << 20;

    pub fn add(&mut self, event: Event<'_>) {
        let kept = Kept {
            spec: event.spec,
            name: event.spec.map_or(event.method, |_| "").into(),
            params: event.shared.map_or_else(|| event.params.into(), Arc::clone),
        };
        self.bytes += kept.bytes();
        self.events.push_back(kept);
        while self.events.len() > Self::AT_MOST || self.bytes > Self::AT_MOST_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    /// Puts all of it into a mailbox that nobody waits for yet.
    pub fn replay(self, mailbox: &Mailbox) {
        for kept in self.events {
            let event = Event {
                spec: kept.spec,
                method: kept.method(),
                params: &kept.params,
                shared: None,
            };
            mailbox.push(event, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(backlog: &mut Backlog, params: &[u8]) {
        backlog.add(Event {
            spec: None,
            method: "future/thing",
            params,
            shared: None,
        });
    }

    #[test]
    fn the_oldest_gives_way_to_the_number() {
        let mut backlog = Backlog::default();
        for number in 0..=Backlog::AT_MOST {
            add(&mut backlog, number.to_string().as_bytes());
        }
        assert_eq!(backlog.events.len(), Backlog::AT_MOST);
        assert_eq!(*backlog.events[0].params, *b"1");
    }

    #[test]
    fn the_oldest_gives_way_to_the_bytes() {
        let mut backlog = Backlog::default();
        add(&mut backlog, b"1");
        add(&mut backlog, &vec![b' '; Backlog::AT_MOST_BYTES - 20]);
        assert_eq!(backlog.events.len(), 1);
        add(&mut backlog, &vec![b' '; Backlog::AT_MOST_BYTES]);
        assert_eq!((backlog.events.len(), backlog.bytes), (0, 0));
    }
}
