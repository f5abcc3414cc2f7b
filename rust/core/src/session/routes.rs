//! The tables behind the router: who listens to which turn and subject, and to notifications of
//! many; who owns a thread's turns; which turns are being started, and which calls are on the wire.
//! Plain data; the router's lock is around all of it.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Instant;

use hashbrown::{Equivalent, HashMap, HashSet};

use crate::inbox::mailbox::Mailbox;
use crate::session::call::Call;
use crate::session::errands::Errand;
use crate::session::holding::{Holding, Leftover};
use crate::session::listeners::Listeners;
use crate::sync::closing::CloseReason;

#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub turns: HashMap<Arc<str>, TurnRoute>,
    /// By thread: turns whose `turn/start` is on the wire.
    pub starting: HashMap<Arc<str>, Vec<Starting>>,
    /// Starts that wait until what was given up on their thread is over.
    pub holding: Holding,
    /// By thread: who owns its turns, because the runtime starts them for a goal.
    pub goals: HashMap<Arc<str>, Arc<Mailbox>>,
    pub subjects: HashMap<Subject, Vec<Arc<Mailbox>>>,
    pub listeners: Listeners,
    /// Of turns and subjects that are over but perhaps not read: no route leads there, but they
    /// hold memory.
    ended: Vec<Weak<Mailbox>>,
    ended_at_most: usize,
    /// Turns of which the last word has come, so that nobody waits for it again.
    pub over: Recent,
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

/// Whether anybody wants a turn.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Wanted,
    /// Only perhaps a `turn/start` that waits for its answer and may be answered with it.
    Spared,
    /// Nobody: it is interrupted as soon as it has begun.
    Doomed,
}

#[derive(Debug, Default)]
pub(crate) struct TurnRoute {
    /// Empty when everybody left a turn that still runs: who joins it then did not start it.
    pub subscribers: Vec<Arc<Mailbox>>,
    /// A `turn/start` of this connection was answered with it.
    pub started_here: bool,
    /// Its `turn/started` has come, or an item of it where a client has opted out of that. Before
    /// that the runtime refuses to interrupt it: there is "no active turn" yet. (0.163.0: in 9 of
    /// 10 tries up to 15 ms after the answer; from the event on in none of 75.)
    pub begun: bool,
    pub fate: Fate,
}

#[derive(Debug)]
pub(crate) struct Starting {
    pub call_id: i64,
    pub early: HashMap<Arc<str>, Arc<Mailbox>>,
    /// The turns that have begun.
    pub begun: Vec<Arc<str>>,
    /// The call was given up: its events are not kept.
    pub forsaken: bool,
}

impl Starting {
    pub fn of(call_id: i64) -> Self {
        Self {
            call_id,
            early: HashMap::new(),
            begun: Vec::new(),
            forsaken: false,
        }
    }

    pub fn has_begun(&self, turn_id: &str) -> bool {
        self.begun.iter().any(|begun| **begun == *turn_id)
    }

    pub fn early(&mut self, turn_id: &str, make: impl FnOnce() -> Arc<Mailbox>) -> &Arc<Mailbox> {
        if !self.early.contains_key(turn_id) {
            let mailbox = make();
            self.early.insert(Arc::clone(&mailbox.key), mailbox);
        }
        &self.early[turn_id]
    }
}

/// The last few of many ids.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    order: VecDeque<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Recent {
    /// About a quarter of a megabyte.
    const AT_MOST: usize = 4096;

    pub fn add(&mut self, id: &str) {
        let id: Arc<str> = id.into();
        if self.known.insert(Arc::clone(&id)) {
            self.order.push_back(id);
        }
        if self.order.len() > Self::AT_MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub fn has(&self, id: &str) -> bool {
        self.known.contains(id)
    }
}

impl Routes {
    /// Whether a `turn/start` on this thread waits for its answer, which may be any turn of it.
    pub fn is_starting(&self, thread_id: &str) -> bool {
        let starting = self.starting.get(thread_id).into_iter().flatten();
        starting.into_iter().any(|one| !one.forsaken)
    }

    /// Whether a turn that is followed here runs on this thread, or one is about to, or one that was given
    /// up is not over.
    pub fn is_busy(&self, thread_id: &str) -> bool {
        let running = self
            .turns
            .values()
            .filter(|one| one.started_here || one.begun);
        let mut followed = running.flat_map(|route| &route.subscribers);
        self.is_starting(thread_id)
            || self.holding.is_due(thread_id, Instant::now())
            || followed.any(|mailbox| *mailbox.thread_id == *thread_id)
    }

    /// Whether this is a start that something given up on its thread holds back.
    pub fn must_wait(&self, call: &Call) -> bool {
        let thread_id = call.turn_of.as_deref();
        thread_id.is_some_and(|id| self.holding.is_due(id, Instant::now()))
    }

    /// Takes a consumer off a turn's route. Who only listened leaves nothing; the route of a turn
    /// that was started here stays until the turn ends, so that a later joiner is known to be one.
    pub fn leave_turn(&mut self, mailbox: &Arc<Mailbox>) {
        if let Some(route) = self.turns.get_mut(&mailbox.key) {
            route
                .subscribers
                .retain(|other| !Arc::ptr_eq(other, mailbox));
            if route.subscribers.is_empty() && !route.started_here {
                self.turns.remove(&mailbox.key);
            }
        }
    }

    /// The same for the consumer of a turn that nobody wants any more: unless somebody else follows
    /// or started it, or may be about to join it, it is interrupted, now or once it has begun.
    pub fn give_up_turn(&mut self, mailbox: &Arc<Mailbox>) -> Option<Errand> {
        let starting = self.is_starting(&mailbox.thread_id);
        self.leave_turn(mailbox);
        let route = self.turns.get_mut(&mailbox.key);
        let route = route.filter(|_| !mailbox.is_shared())?;
        if starting {
            route.fate = Fate::Spared;
            return None;
        }
        self.stop_turn(&mailbox.thread_id, &mailbox.key)
    }

    /// Nobody wants a turn: the interrupt that is due now, or once it has begun.
    fn stop_turn(&mut self, thread_id: &str, turn_id: &str) -> Option<Errand> {
        let route = self.turns.get_mut(turn_id)?;
        if !route.begun {
            route.fate = Fate::Doomed;
        }
        let errand = route.begun.then(|| Errand::interrupt(thread_id, turn_id));
        let leftover = Leftover::Turn(turn_id.into());
        self.holding.begin(thread_id, leftover, Instant::now());
        errand
    }

    /// A `turn/start` that was given up is answered late with a turn: likewise.
    pub fn give_up_late(&mut self, thread_id: &str, turn_id: &str, begun: bool) -> Option<Errand> {
        if self.is_starting(thread_id) || self.over.has(turn_id) {
            return None;
        }
        if let Some(route) = self.turns.get(turn_id) {
            // Somebody else's, unless that one has given it up in favour of this call.
            if route.fate != Fate::Spared || !route.subscribers.is_empty() {
                return None;
            }
        } else {
            let route = TurnRoute {
                started_here: true,
                begun,
                ..TurnRoute::default()
            };
            self.turns.insert(turn_id.into(), route);
        }
        self.stop_turn(thread_id, turn_id)
    }

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
            if route.fate == Fate::Spared {
                route.fate = Fate::Wanted;
            }
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

    pub fn starting_of(&mut self, call: &Call) -> Option<&mut Starting> {
        let starting = self.starting.get_mut(call.turn_of.as_ref()?)?;
        starting.iter_mut().find(|one| one.call_id == call.id)
    }

    /// A thread is no goal's any more; unless it is another one's by now.
    pub fn free_thread(&mut self, thread_id: &str, owner: &Arc<Mailbox>) {
        let goal = self.goals.get(thread_id);
        if goal.is_some_and(|one| Arc::ptr_eq(one, owner)) {
            self.goals.remove(thread_id);
        }
    }

    /// The request that the mailbox is about was refused, or did not go out: there is no goal.
    pub fn refused(&mut self, mailbox: &Arc<Mailbox>) {
        mailbox.refused();
        if mailbox.is_abandoned() {
            self.free_thread(&mailbox.thread_id, mailbox);
        }
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
