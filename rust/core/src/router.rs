//! Whose a message is. Owns the routes by turn, thread and login, the global listeners, the calls
//! that are on the wire, and the turns that are being started.
//!
//! No gap: a `turn/start` is entered here in the moment its line is written, and from then on every
//! event of its thread is kept per turn id; the answer, which the same thread routes in wire order,
//! picks the one that is its turn. So nothing can fall between a request and its consumer, however
//! early an event comes or however fast the turn ends.
//!
//! Lock order: admission lane → call; router → mailbox → (nothing); router → call. Wakers are fired
//! with no lock held, after the whole chunk was routed. The reader holds the router's lock for one
//! chunk (64 KiB at most), everybody else for one step.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};

use crate::call::{Call, Lane, Outcome};
use crate::closing::CloseReason;
use crate::envelope::{Answer, Notification, id_in_answer};
use crate::mailbox::{Budget, Loss, Mailbox, Pushed, ends_turn};
use crate::segment::Event;
use crate::signal::Wake;
use crate::stats::Stats;

/// When relieving the total budget freed too little (nothing droppable is left), it is tried again
/// only after this much more has come in.
const RELIEF_STEP: usize = 1024 * 1024;

/// What a subscription outside a turn's own is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// Every event of a thread, its turns' included.
    Thread(Arc<str>),
    Login(Arc<str>),
    /// What belongs to no turn and no login.
    Global,
}

#[derive(Debug)]
pub struct Router {
    state: Mutex<State>,
    stats: Arc<Stats>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct State {
    turns: HashMap<Arc<str>, TurnRoute>,
    /// By thread: turns whose `turn/start` is on the wire.
    starting: HashMap<Arc<str>, Vec<Starting>>,
    threads: HashMap<Arc<str>, Vec<Arc<Mailbox>>>,
    logins: HashMap<Arc<str>, Vec<Arc<Mailbox>>>,
    global: Vec<Arc<Mailbox>>,
    calls: HashMap<i64, Arc<Call>>,
    closed: Option<Arc<CloseReason>>,
    relief_at: usize,
}

#[derive(Debug, Default)]
struct TurnRoute {
    /// Empty when everybody left a turn that still runs: who joins it then did not start it.
    subscribers: Vec<Arc<Mailbox>>,
}

#[derive(Debug)]
struct Starting {
    call_id: i64,
    early: HashMap<Arc<str>, Arc<Mailbox>>,
}

impl Starting {
    fn early(&mut self, turn_id: &str, make: impl FnOnce() -> Arc<Mailbox>) -> &Arc<Mailbox> {
        if !self.early.contains_key(turn_id) {
            let mailbox = make();
            self.early.insert(Arc::clone(&mailbox.key), mailbox);
        }
        &self.early[turn_id]
    }
}

/// How many of each kind of thing a router remembers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub turns: usize,
    pub starting: usize,
    pub calls: usize,
}

/// A follow-up for an answer that nobody waits for any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowUp {
    Interrupt {
        thread_id: Arc<str>,
        turn_id: String,
    },
    Unsubscribe {
        thread_id: String,
    },
}

/// What a chunk leaves to do once the router's lock is released.
#[derive(Debug, Default)]
pub struct Batch {
    pub dirty: Vec<Arc<Mailbox>>,
    pub answered: Vec<(Arc<Call>, Wake)>,
    pub places: Vec<Lane>,
    pub follow_ups: Vec<FollowUp>,
}

impl Router {
    pub fn new(stats: Arc<Stats>, budget: Arc<Budget>) -> Self {
        let empty = State {
            relief_at: budget.total,
            ..State::default()
        };
        Self {
            state: Mutex::new(empty),
            stats,
            budget,
        }
    }

    /// Enters `call` in the moment before its line is written.
    pub fn begin(&self, call: &Arc<Call>) -> Result<(), Arc<CloseReason>> {
        let mut state = self.state.lock();
        if let Some(reason) = &state.closed {
            return Err(Arc::clone(reason));
        }
        state.calls.insert(call.id, Arc::clone(call));
        if let Some(thread_id) = &call.turn_of {
            let starting = Starting {
                call_id: call.id,
                early: HashMap::new(),
            };
            state
                .starting
                .entry(Arc::clone(thread_id))
                .or_default()
                .push(starting);
        }
        Ok(())
    }

    /// Takes back [`Self::begin`]: the line is not written after all.
    pub fn retract(&self, call: &Call) {
        let mut state = self.state.lock();
        state.calls.remove(&call.id);
        drop(state.take_starting(call));
    }

    /// A written call was given up: its early events go, its tombstone stays for the late answer.
    pub fn forget_start(&self, call: &Call) {
        let mut state = self.state.lock();
        drop(state.take_starting(call));
    }

    /// Listens to a turn from now on, without having started it.
    pub fn subscribe_turn(&self, thread_id: &str, turn_id: &str) -> Arc<Mailbox> {
        let mut state = self.state.lock();
        let mailbox = self.mailbox(turn_id, thread_id);
        mailbox.mark_shared();
        state.join(&mailbox);
        state.close_if_closed(&mailbox);
        mailbox
    }

    /// Listens to `topic` from now on.
    pub fn subscribe(&self, topic: &Topic) -> Arc<Mailbox> {
        let mut state = self.state.lock();
        let (key, thread_id) = match topic {
            Topic::Thread(id) => (&**id, &**id),
            Topic::Login(id) => (&**id, ""),
            Topic::Global => ("", ""),
        };
        let mailbox = self.mailbox(key, thread_id);
        match topic {
            Topic::Thread(id) => state.threads.entry(Arc::clone(id)).or_default(),
            Topic::Login(id) => state.logins.entry(Arc::clone(id)).or_default(),
            Topic::Global => &mut state.global,
        }
        .push(Arc::clone(&mailbox));
        state.close_if_closed(&mailbox);
        mailbox
    }

    /// The consumer of a turn leaves.
    pub fn leave_turn(&self, mailbox: &Arc<Mailbox>) {
        let mut state = self.state.lock();
        if let Some(route) = state.turns.get_mut(&mailbox.key) {
            route
                .subscribers
                .retain(|other| !Arc::ptr_eq(other, mailbox));
            // Who only listened leaves nothing; the route of a turn that was started here stays
            // until the turn ends, so that a later joiner is known to be one.
            if route.subscribers.is_empty() && mailbox.is_shared() {
                state.turns.remove(&mailbox.key);
            }
        }
        drop(state);
        mailbox.abandon();
    }

    /// The consumer of `topic` leaves.
    pub fn leave(&self, topic: &Topic, mailbox: &Arc<Mailbox>) {
        let mut state = self.state.lock();
        let leave = |listeners: &mut Vec<Arc<Mailbox>>| {
            listeners.retain(|other| !Arc::ptr_eq(other, mailbox));
            listeners.is_empty()
        };
        match topic {
            Topic::Thread(id) => {
                if state.threads.get_mut(id).is_some_and(leave) {
                    state.threads.remove(id);
                }
            }
            Topic::Login(id) => {
                if state.logins.get_mut(id).is_some_and(leave) {
                    state.logins.remove(id);
                }
            }
            Topic::Global => {
                leave(&mut state.global);
            }
        }
        drop(state);
        mailbox.abandon();
    }

    /// Ends everything that waits here, now and later.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        let (mailboxes, calls) = {
            let mut state = self.state.lock();
            state.closed = Some(Arc::clone(reason));
            let calls: Vec<_> = state.calls.drain().map(|(_, call)| call).collect();
            let mailboxes = state.mailboxes();
            state.starting.clear();
            (mailboxes, calls)
        };
        for mailbox in mailboxes {
            mailbox.close(reason);
        }
        for call in calls {
            if let Some(wake) = call.answer(Outcome::Closed(Arc::clone(reason)), None) {
                call.fire(wake);
            }
        }
    }

    pub fn held(&self) -> Held {
        let state = self.state.lock();
        Held {
            turns: state.turns.len(),
            starting: state.starting.len(),
            calls: state.calls.len(),
        }
    }

    /// Begins to route a chunk. Only the reader calls this.
    pub fn routing<'r>(&'r self, batch: &'r mut Batch) -> Routing<'r> {
        Routing {
            router: self,
            state: self.state.lock(),
            batch,
        }
    }

    fn mailbox(&self, key: &str, thread_id: &str) -> Arc<Mailbox> {
        Arc::new(Mailbox::new(
            key.into(),
            thread_id.into(),
            Arc::clone(&self.budget),
        ))
    }
}

impl State {
    /// Adds a consumer to a turn's route; who shares a turn knows it.
    fn join(&mut self, mailbox: &Arc<Mailbox>) {
        let route = match self.turns.get_mut(&mailbox.key) {
            Some(route) => {
                mailbox.mark_shared();
                route
                    .subscribers
                    .iter()
                    .for_each(|other| other.mark_shared());
                route
            }
            None => self.turns.entry(Arc::clone(&mailbox.key)).or_default(),
        };
        route.subscribers.push(Arc::clone(mailbox));
    }

    fn take_starting(&mut self, call: &Call) -> Option<Starting> {
        let thread_id = call.turn_of.as_ref()?;
        let starting = self.starting.get_mut(thread_id)?;
        let index = starting.iter().position(|one| one.call_id == call.id)?;
        let found = starting.swap_remove(index);
        if starting.is_empty() {
            self.starting.remove(thread_id);
        }
        Some(found)
    }

    fn close_if_closed(&self, mailbox: &Mailbox) {
        if let Some(reason) = &self.closed {
            mailbox.close(reason);
        }
    }

    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        let turns = self.turns.values().flat_map(|route| &route.subscribers);
        let early = self
            .starting
            .values()
            .flatten()
            .flat_map(|one| one.early.values());
        let topics = self.threads.values().chain(self.logins.values()).flatten();
        turns
            .chain(early)
            .chain(topics)
            .chain(&self.global)
            .cloned()
            .collect()
    }
}

/// The router while the reader works through one chunk.
pub struct Routing<'r> {
    router: &'r Router,
    state: MutexGuard<'r, State>,
    batch: &'r mut Batch,
}

impl Routing<'_> {
    pub fn notification(&mut self, notification: &Notification<'_>) {
        let Notification {
            spec,
            method,
            params,
            ids,
        } = notification;
        let event = Event {
            spec: *spec,
            method,
            params,
        };
        let last = ends_turn(*spec);
        let mut tally = Tally::default();
        let state = &mut *self.state;

        if let Some(turn_id) = ids.turn.as_deref() {
            if let Some(route) = state.turns.get(turn_id) {
                for mailbox in &route.subscribers {
                    tally.count(mailbox.push(event, last), mailbox, self.batch);
                }
                if last {
                    state.turns.remove(turn_id);
                }
            }
            // Turns that are being started keep every turn's events until they know which is theirs.
            for (thread_id, starting) in &mut state.starting {
                if ids.thread.as_deref().is_none_or(|id| id == &**thread_id) {
                    for one in starting {
                        let mailbox =
                            one.early(turn_id, || self.router.mailbox(turn_id, thread_id));
                        tally.count(mailbox.push(event, last), mailbox, self.batch);
                    }
                }
            }
        }
        if let Some(listeners) = ids.thread.as_deref().and_then(|id| state.threads.get(id)) {
            for mailbox in listeners {
                tally.count(mailbox.push(event, false), mailbox, self.batch);
            }
        }
        let login = ids.login.as_deref();
        if let Some(listeners) = login.and_then(|id| state.logins.get(id)) {
            for mailbox in listeners {
                tally.count(mailbox.push(event, false), mailbox, self.batch);
            }
        }
        if ids.turn.is_none() && login.is_none() {
            for mailbox in &state.global {
                tally.count(mailbox.push(event, false), mailbox, self.batch);
            }
        }
        tally.report(&self.router.stats);
        if self.router.budget.held() > self.state.relief_at {
            self.relieve();
        }
    }

    pub fn response(&mut self, id: Option<i64>, answer: &Answer<'_>) {
        let Some(id) = id else {
            return self.router.stats.orphan_responses.one();
        };
        let Some(call) = self.state.calls.remove(&id) else {
            return self.router.stats.orphan_responses.one();
        };
        let abandoned = call.is_abandoned();
        let subscription = match answer {
            Answer::Result(result) if call.turn_of.is_some() && !abandoned => {
                self.bind(&call, result)
            }
            _ => {
                drop(self.state.take_starting(&call));
                None
            }
        };
        let outcome = match answer {
            Answer::Result(result) => Outcome::Result((*result).into()),
            Answer::Error {
                code,
                message,
                data,
            } => Outcome::Error {
                code: *code,
                message: message.clone(),
                data: data.map(Into::into),
            },
        };
        if let Some(wake) = call.answer(outcome, subscription.clone()) {
            self.batch.places.push(call.lane);
            self.batch.answered.push((call, wake));
            return;
        }
        // Given up before, or in this very moment: its place is free already, what it made is undone.
        self.router.stats.late_responses.one();
        if let Answer::Result(result) = answer {
            let routed = match &subscription {
                Some(mailbox) if mailbox.is_shared() => true,
                Some(mailbox) => self.state.turns.remove(&mailbox.key).is_none(),
                None => id_in_answer(result, "turn")
                    .is_some_and(|turn_id| self.state.turns.contains_key(turn_id.as_str())),
            };
            self.batch
                .follow_ups
                .extend(follow_up(&call, result, routed));
        }
    }

    /// Gives the answered turn the events that came early, and routes the rest to it.
    fn bind(&mut self, call: &Call, result: &[u8]) -> Option<Arc<Mailbox>> {
        let starting = self.state.take_starting(call)?;
        let turn_id = id_in_answer(result, "turn")?;
        let early = starting.early.get(turn_id.as_str()).cloned();
        let thread_id = call.turn_of.as_deref()?;
        let mailbox = early.unwrap_or_else(|| self.router.mailbox(&turn_id, thread_id));
        // A turn that is over already (all its events came before the answer) has no route.
        if !mailbox.is_finished() {
            self.state.join(&mailbox);
        }
        Some(mailbox)
    }

    /// The connection holds too much: the largest mailboxes give way until it does not.
    fn relieve(&mut self) {
        let budget = &self.router.budget;
        let mut mailboxes = self.state.mailboxes();
        mailboxes.sort_by_cached_key(|mailbox| std::cmp::Reverse(mailbox.held()));
        for mailbox in mailboxes {
            if !budget.exceeded() {
                break;
            }
            let loss = mailbox.purge();
            let stats = &self.router.stats;
            stats.events_lost.add(loss.events);
            stats.bytes_lost.add(loss.bytes);
            if loss != Loss::default() {
                self.batch.dirty.push(mailbox);
            }
        }
        self.state.relief_at = budget.total.max(budget.held() + RELIEF_STEP);
        if !budget.exceeded() {
            self.state.relief_at = budget.total;
        }
    }
}

/// What undoes an answer that came too late. A turn that is `routed` here was started by another
/// call, or is over: it is left alone.
pub fn follow_up(call: &Call, result: &[u8], routed: bool) -> Option<FollowUp> {
    match (&*call.method, &call.turn_of) {
        ("turn/start", Some(_)) if routed => None,
        ("turn/start", Some(thread_id)) => {
            let turn_id = id_in_answer(result, "turn")?;
            Some(FollowUp::Interrupt {
                thread_id: Arc::clone(thread_id),
                turn_id,
            })
        }
        ("thread/start" | "thread/fork", _) => {
            id_in_answer(result, "thread").map(|thread_id| FollowUp::Unsubscribe { thread_id })
        }
        _ => None,
    }
}

/// What one event met on its way.
#[derive(Default)]
struct Tally {
    met: u64,
    filtered: u64,
    lost: Loss,
}

impl Tally {
    fn count(&mut self, pushed: Pushed, mailbox: &Arc<Mailbox>, batch: &mut Batch) {
        self.met += 1;
        self.filtered += u64::from(pushed.filtered);
        self.lost.events += pushed.lost.events;
        self.lost.bytes += pushed.lost.bytes;
        if pushed.wake {
            batch.dirty.push(Arc::clone(mailbox));
        }
    }

    fn report(&self, stats: &Stats) {
        match self.met {
            0 => stats.events_unclaimed.one(),
            met if self.filtered == met => stats.events_filtered.one(),
            _ => stats.events_delivered.one(),
        }
        stats.events_lost.add(self.lost.events);
        stats.bytes_lost.add(self.lost.bytes);
    }
}
