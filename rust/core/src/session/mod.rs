//! The session: whose a message is and who waits for it. Requests and their admission, turns and who holds them,
//! goals, streams, listeners, what is to be undone.
//!
//! It is a state machine without threads, clocks and I/O: messages, requests and the time go in, and what is to be done
//! comes out as [`Effects`]: lines for the writer, waiters to wake, the next time to look. One lock is around all of it
//! (in `connection`), the reader holds it while it applies what it has parsed before, and nobody parses or copies a
//! payload under it.
//!
//! Lock order: session → a mailbox or a call → nothing. Effects are carried out with the session's lock released.

pub mod admission;
mod backlog;
pub mod call;
pub mod cleanup;
pub mod diagnostics;
pub mod effects;
pub mod goal;
pub mod incoming;
pub mod listeners;
mod recent;
pub mod requests;
pub(crate) mod routing;
pub mod server_requests;
pub mod stats;
mod stopping;
mod streams;
pub mod subscriptions;
mod threads;
mod timers;
mod turns;
mod watches;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Instant;

use hashbrown::HashMap;

use crate::inbox::budget::Budget;
use crate::inbox::mailbox::Mailbox;
use crate::sync::closing::CloseReason;
use crate::wire::encode::request_line;
use admission::{Admission, Limits};
use backlog::Backlog;
use call::{Call, Lane, Outcome};
use cleanup::Cleanup;
use effects::{Effects, Line};
use listeners::Listeners;
use recent::Recent;
use stats::Stats;
use streams::GoalPart;
use subscriptions::{Debt, Leave, Part, Subject, Subscribed, Subscription, SubscriptionId};
use threads::{PendingStart, Thread};
use timers::Unattended;
use turns::Turn;

#[derive(Debug)]
pub struct Session {
    stats: Arc<Stats>,
    budget: Arc<Budget>,
    /// When more than this is held, mailboxes give way.
    relief_at: usize,
    closed: Option<CloseReason>,
    last_id: i64,
    last_turn: u64,
    /// Every request that is not settled.
    calls: HashMap<i64, Arc<Call>>,
    /// Those on the wire whose answers nobody waits for, the oldest first.
    unattended: VecDeque<Unattended>,
    /// What the runtime was too busy to undo, and when it is asked again.
    put_off: Vec<(Instant, Cleanup)>,
    admission: Admission,
    turns: HashMap<Arc<str>, Turn>,
    /// Those where something is going on besides a turn that runs.
    threads: HashMap<Arc<str>, Thread>,
    goals: HashMap<SubscriptionId, GoalPart>,
    streams: HashMap<Subject, Vec<Arc<Mailbox>>>,
    listeners: Listeners,
    /// What was no turn's, for who asks for it later; `None`: nobody will, or somebody has.
    backlog: Option<Backlog>,
    last_subscription: SubscriptionId,
    subscriptions: HashMap<SubscriptionId, Subscribed>,
    /// Of turns and streams that are over but perhaps not read: no event comes for them, but they hold memory.
    ended: Vec<Weak<Mailbox>>,
    ended_at_most: usize,
    /// Turns of which the last word has come, so that nobody waits for it again.
    over: Recent,
    /// Those that were interrupted here.
    interrupted: Recent,
    /// Turns that run on without anybody here, and of which nothing is heard.
    detached: Recent,
    /// Threads that this client has unsubscribed from: their events do not come.
    unsubscribed: Recent,
    next_look: Option<Instant>,
}

/// How many of each kind of thing a session remembers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub turns: usize,
    /// Threads on which a turn is being started.
    pub starting: usize,
    /// Requests on the wire.
    pub calls: usize,
    /// Requests that wait for admission, or until a turn that was given up is over.
    pub waiting: usize,
    /// Places that are taken.
    pub admitted: usize,
    /// Subscriptions that are no turn's.
    pub streams: usize,
}

impl Session {
    pub fn new(limits: Limits, stats: Arc<Stats>, budget: Arc<Budget>) -> Self {
        Self {
            stats,
            relief_at: budget.total,
            budget,
            closed: None,
            last_id: 0,
            calls: HashMap::new(),
            unattended: VecDeque::new(),
            put_off: Vec::new(),
            admission: Admission::new(limits),
            turns: HashMap::new(),
            threads: HashMap::new(),
            goals: HashMap::new(),
            streams: HashMap::new(),
            listeners: Listeners::default(),
            backlog: None,
            last_subscription: 0,
            subscriptions: HashMap::new(),
            last_turn: 0,
            ended: Vec::new(),
            ended_at_most: 0,
            over: Recent::default(),
            interrupted: Recent::default(),
            detached: Recent::default(),
            unsubscribed: Recent::default(),
            next_look: None,
        }
    }

    fn subscribe(&mut self, mailbox: Arc<Mailbox>, part: Part) -> Subscription {
        self.last_subscription += 1;
        let id = self.last_subscription;
        let subscribed = Subscribed {
            mailbox: Arc::clone(&mailbox),
            part,
        };
        self.subscriptions.insert(id, subscribed);
        Subscription { id, mailbox }
    }

    /// A consumer leaves. What nobody wants any more is undone; nobody waits for that.
    pub fn leave(&mut self, id: SubscriptionId, leave: Leave, now: Instant, out: &mut Effects) {
        let Some(subscribed) = self.subscriptions.remove(&id) else {
            if leave == Leave::Drop {
                self.goal_was_dropped(id, out);
            }
            return;
        };
        let Part::Turn { claim, of } = subscribed.part else {
            return self.leave_stream(id, subscribed, leave, now, out);
        };
        if let Some(claim) = self.leave_turn(&subscribed.mailbox, claim, of, leave, now, out) {
            let part = Part::Turn { claim, of };
            self.subscriptions
                .insert(id, Subscribed { part, ..subscribed });
        }
    }

    /// From now on leaving undoes what this consumer has begun.
    pub fn own(&mut self, id: SubscriptionId) {
        self.own_turn(id, true);
        self.set_debt(id, Debt::Owed);
    }

    /// From now on what this consumer has begun goes on without it.
    pub fn detach(&mut self, id: SubscriptionId) {
        self.own_turn(id, false);
        self.set_debt(id, Debt::Waived);
    }

    /// Why the connection has ended; `None` while it lives.
    pub fn closed(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// The thread of a turn that runs, if somebody here has a part in it.
    pub fn thread_of_turn(&self, turn_id: &str) -> Option<&Arc<str>> {
        let turn = self.turns.get(turn_id).map(|turn| &turn.thread_id);
        turn.or_else(|| self.thread_of_goals_turn(turn_id))
    }

    /// Ends everything that waits, now and later. The first reason stays.
    pub fn close(&mut self, reason: &CloseReason, out: &mut Effects) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason.clone());
        for mailbox in self.mailboxes() {
            mailbox.close(reason);
            out.mailboxes.push(mailbox);
        }
        for (_, call) in self.calls.drain() {
            if call.answer(Outcome::Closed(reason.clone()), None).is_ok() {
                out.calls.push(call);
            }
        }
        self.unattended.clear();
        self.put_off.clear();
        self.admission.clear();
        self.turns.clear();
        self.threads.clear();
        self.streams.clear();
        self.listeners = Listeners::default();
        self.next_look = None;
    }

    /// The lines that undo everything which would go on without this connection, for a runtime that outlives it. They
    /// stand in no line: nothing is sent after them.
    pub fn undo_all(&mut self) -> Vec<Line> {
        let mut lines = self.unwritten_by_themselves();
        let mut due = self.streams_to_undo();
        due.extend(self.put_off.drain(..).map(|(_, cleanup)| cleanup));
        due.extend(self.turns_to_undo());
        for cleanup in &due {
            let params = Some(&*cleanup.params);
            let bytes = request_line(Some(self.new_id()), &cleanup.method, params);
            lines.push(Line { bytes, call: None });
        }
        lines
    }

    fn drop_if_idle(&mut self, thread_id: &str) {
        if self.threads.get(thread_id).is_some_and(Thread::is_idle) {
            self.threads.remove(thread_id);
        }
    }

    fn remember_ended(&mut self, mailbox: &Arc<Mailbox>) {
        if self.ended.len() >= self.ended_at_most {
            self.ended.retain(|one| one.strong_count() > 0);
            self.ended_at_most = 64.max(self.ended.len() * 2);
        }
        self.ended.push(Arc::downgrade(mailbox));
    }

    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        let turns = self.turns.values().flat_map(|turn| &turn.subscribers);
        let starts = self.threads.values().flat_map(|thread| &thread.starting);
        let streams = self.streams.values().flatten();
        turns
            .chain(starts.flat_map(PendingStart::mailboxes))
            .chain(self.goal_mailboxes())
            .chain(streams)
            .chain(self.listeners.mailboxes())
            .cloned()
            .chain(self.ended.iter().filter_map(Weak::upgrade))
            .collect()
    }

    pub fn counts(&self) -> Counts {
        let lanes = [Lane::Short, Lane::Long, Lane::Control, Lane::Cleanup];
        let loads = lanes.map(|lane| self.admission.load(lane));
        let held: usize = self.threads.values().map(|thread| thread.held.len()).sum();
        let live_goals = self.threads.values().filter(|thread| thread.goal.is_some());
        let streams: usize = self.streams.values().map(Vec::len).sum();
        Counts {
            turns: self.turns.len(),
            starting: self
                .threads
                .values()
                .filter(|thread| !thread.starting.is_empty())
                .count(),
            calls: self
                .calls
                .values()
                .filter(|call| call.was_written())
                .count(),
            waiting: held + loads.iter().map(|load| load.0).sum::<usize>(),
            admitted: loads.iter().map(|load| load.1).sum(),
            streams: streams + live_goals.count() + self.listeners.len(),
        }
    }
}
