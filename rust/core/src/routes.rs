//! The tables behind the router: who listens to which turn and subject, and to notifications of
//! many; who owns a thread's turns; which turns are being started, and which calls are on the wire. Plain
//! data; the router's lock is around all of it.

use std::sync::{Arc, Weak};

use hashbrown::{Equivalent, HashMap};

use crate::call::Call;
use crate::closing::CloseReason;
use crate::listeners::Listeners;
use crate::mailbox::Mailbox;

#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub turns: HashMap<Arc<str>, TurnRoute>,
    /// By thread: turns whose `turn/start` is on the wire.
    pub starting: HashMap<Arc<str>, Vec<Starting>>,
    /// By thread: who owns its turns, because the runtime starts them for a goal.
    pub goals: HashMap<Arc<str>, Arc<Mailbox>>,
    pub subjects: HashMap<Subject, Vec<Arc<Mailbox>>>,
    pub listeners: Listeners,
    /// Of turns and subjects that are over but perhaps not read: no route leads there, but they hold
    /// memory.
    ended: Vec<Weak<Mailbox>>,
    ended_at_most: usize,
    pub calls: HashMap<i64, Arc<Call>>,
    pub closed: Option<Arc<CloseReason>>,
    pub relief_at: usize,
}

/// A stream that is no turn: which property of its notifications names it, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub name: &'static str,
    pub id: Arc<str>,
}

/// [`Subject`] as a notification has it.
#[derive(Hash)]
pub(crate) struct SubjectRef<'e> {
    pub name: &'static str,
    pub id: &'e str,
}

impl Equivalent<Subject> for SubjectRef<'_> {
    fn equivalent(&self, key: &Subject) -> bool {
        self.name == key.name && *self.id == *key.id
    }
}

#[derive(Debug, Default)]
pub(crate) struct TurnRoute {
    /// Empty when everybody left a turn that still runs: who joins it then did not start it.
    pub subscribers: Vec<Arc<Mailbox>>,
    /// A `turn/start` of this connection was answered with it.
    pub started_here: bool,
}

#[derive(Debug)]
pub(crate) struct Starting {
    pub call_id: i64,
    pub early: HashMap<Arc<str>, Arc<Mailbox>>,
}

impl Starting {
    pub fn of(call_id: i64) -> Self {
        Self {
            call_id,
            early: HashMap::new(),
        }
    }

    pub fn early(&mut self, turn_id: &str, make: impl FnOnce() -> Arc<Mailbox>) -> &Arc<Mailbox> {
        if !self.early.contains_key(turn_id) {
            let mailbox = make();
            self.early.insert(Arc::clone(&mailbox.key), mailbox);
        }
        &self.early[turn_id]
    }
}

impl Routes {
    /// Adds a consumer to a turn's route; who shares a turn knows it.
    pub fn join(&mut self, mailbox: &Arc<Mailbox>) -> &mut TurnRoute {
        let known = self.turns.contains_key(&mailbox.key);
        let route = self.turns.entry(Arc::clone(&mailbox.key)).or_default();
        if known {
            mailbox.mark_shared();
            route
                .subscribers
                .iter()
                .for_each(|other| other.mark_shared());
        }
        route.subscribers.push(Arc::clone(mailbox));
        route
    }

    pub fn take_starting(&mut self, call: &Call) -> Option<Starting> {
        let thread_id = call.turn_of.as_ref()?;
        let starting = self.starting.get_mut(thread_id)?;
        let index = starting.iter().position(|one| one.call_id == call.id)?;
        let found = starting.swap_remove(index);
        if starting.is_empty() {
            self.starting.remove(thread_id);
        }
        Some(found)
    }

    pub fn close_if_closed(&self, mailbox: &Mailbox) {
        if let Some(reason) = &self.closed {
            mailbox.close(reason);
        }
    }

    pub fn remember_ended(&mut self, mailbox: &Arc<Mailbox>) {
        if self.ended.len() >= self.ended_at_most {
            self.ended.retain(|one| one.strong_count() > 0);
            self.ended_at_most = 64.max(self.ended.len() * 2);
        }
        self.ended.push(Arc::downgrade(mailbox));
    }

    pub fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        let turns = self.turns.values().flat_map(|route| &route.subscribers);
        let early = self
            .starting
            .values()
            .flatten()
            .flat_map(|one| one.early.values());
        turns
            .chain(early)
            .chain(self.goals.values())
            .chain(self.subjects.values().flatten())
            .chain(self.listeners.mailboxes())
            .cloned()
            .chain(self.ended.iter().filter_map(Weak::upgrade))
            .collect()
    }

    /// Mailboxes that are no turn's.
    pub fn streams(&self) -> usize {
        let subjects: usize = self.subjects.values().map(Vec::len).sum();
        subjects + self.goals.len() + self.listeners.len()
    }
}
