//! Whose a message is. Owns the routes by turn, subject and goal, the listeners to notifications
//! of many, the calls that are on the wire, and the turns that are being started.
//!
//! A notification is a turn's, or a subject's (the login, command, watch, … that one of its
//! properties names), or neither; it may be a thread's besides. Who follows a turn or a subject
//! gets its events until its last word, which removes the route. Who sets a thread's goal owns the
//! turns that the runtime starts for it, until the last of them is over; one at a time. A listener
//! gets what its [`Filter`] keeps, whosever it is. Each has a mailbox of its own, and so a copy of
//! its own.
//!
//! No gap: a `turn/start` is entered here in the moment its line is written, and from then on every
//! event of its thread is kept per turn id; the answer, which the same thread routes in wire order,
//! picks the one that is its turn. So nothing can fall between a request and its consumer, however
//! early an event comes or however fast the turn ends.
//!
//! A request that opens a subject's stream carries the stream's mailbox: from the moment its line
//! is written the mailbox owes the errand that undoes it, and its answer may be the stream's end.
//! The mailbox is routed before the request exists, so there is no gap here either.
//!
//! Lock order: admission lane → call; router → mailbox → (nothing); router → call. The writer takes
//! a mailbox's lock and then a call's, one after the other, never both. Wakers are fired and
//! errands sent with no lock held, after the whole chunk was routed. The reader holds the router's
//! lock for one chunk (64 KiB at most), everybody else for one step.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::inbox::budget::Budget;
use crate::inbox::mailbox::Mailbox;
use crate::session::call::{Call, Outcome};
use crate::session::errands::Errand;
use crate::session::holding::{HeldStart, Leftover};
use crate::session::listeners::Filter;
pub use crate::session::routes::Subject;
use crate::session::routes::{Routes, Starting};
use crate::session::routing::Routing;
use crate::session::stats::Stats;
use crate::sync::closing::CloseReason;
use crate::sync::gate::Wake;
use crate::wire::envelope::id_in_answer;
use crate::wire::protocol::IdPath;

/// What a subscription outside a turn's own is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// The turns that the runtime starts for the goal of this thread.
    Goal(Arc<str>),
    /// Every event of a stream that is no turn.
    Subject(Subject),
    /// What the filter keeps.
    Notifications(Filter),
}

#[derive(Debug)]
pub struct Router {
    state: Mutex<Routes>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) budget: Arc<Budget>,
}

/// How many of each kind of thing a router remembers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub turns: usize,
    pub starting: usize,
    pub calls: usize,
    /// Starts that wait until what was given up on their thread is over.
    pub starts: usize,
    /// Subscriptions that are no turn's.
    pub streams: usize,
}

/// What becomes of a call whose turn it is to be written.
#[derive(Debug)]
pub enum Begun {
    /// This is written now.
    Due(Vec<u8>),
    /// It waits until what was given up on its thread is over.
    Held,
    /// It ends like this: the connection is closed, or the thread is a goal's.
    Over(Outcome),
}

/// What a chunk leaves to do once the router's lock is released.
#[derive(Debug, Default)]
pub struct Batch {
    pub dirty: Vec<Arc<Mailbox>>,
    pub answered: Vec<(Arc<Call>, Wake)>,
    pub places: Vec<Arc<Call>>,
    pub errands: Vec<Errand>,
    /// Starts that need not wait any more.
    pub starts: Vec<HeldStart>,
    /// Ids of answers to requests that nobody has made; `None` for one that is no number.
    pub orphans: Vec<Option<i64>>,
}

impl Router {
    pub fn new(stats: Arc<Stats>, budget: Arc<Budget>) -> Self {
        let mut empty = Routes::default();
        empty.relief_at = budget.total;
        Self {
            state: Mutex::new(empty),
            stats,
            budget,
        }
    }

    /// Keeps a start that has to wait, before it stands in line for admission, so that it holds nothing;
    /// false for any other call.
    pub fn hold(&self, call: &Arc<Call>) -> bool {
        if call.turn_of.is_none() {
            return false;
        }
        let mut state = self.state.lock();
        let due = state.closed.is_none() && state.must_wait(call);
        if due {
            let call = Arc::clone(call);
            state.holding.keep(HeldStart { call, line: None });
        }
        due
    }

    /// Takes out one that was given up; false if it does not wait.
    pub fn withdraw(&self, call: &Call) -> bool {
        call.turn_of.is_some() && self.state.lock().holding.withdraw(call)
    }

    /// Whether a start waits.
    pub fn is_holding(&self) -> bool {
        self.state.lock().holding.len() > 0
    }

    /// Starts that have waited long enough.
    pub fn overdue(&self) -> Vec<HeldStart> {
        self.state.lock().holding.overdue(Instant::now())
    }

    /// Enters `call` in the moment before its `line` is written.
    pub fn begin(&self, call: &Arc<Call>, line: Vec<u8>) -> Begun {
        let mut state = self.state.lock();
        if let Some(reason) = &state.closed {
            return Begun::Over(Outcome::Closed(Arc::clone(reason)));
        }
        // The turn was given up while this stood in line, or in the writer's queue.
        if state.must_wait(call) && !call.is_abandoned() {
            let (call, line) = (Arc::clone(call), Some(line));
            state.holding.keep(HeldStart { call, line });
            return Begun::Held;
        }
        if let Some(thread_id) = &call.turn_of
            && state.goals.contains_key(thread_id)
        {
            return Begun::Over(Outcome::Error {
                code: INVALID_REQUEST,
                message: format!("thread has an active goal operation: {thread_id}"),
                data: None,
            });
        }
        state.calls.insert(call.id, Arc::clone(call));
        if let Some(thread_id) = &call.turn_of {
            let starting = Starting::of(call.id);
            state
                .starting
                .entry(Arc::clone(thread_id))
                .or_default()
                .push(starting);
        }
        Begun::Due(line)
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
        if let Some(starting) = state.starting_of(call) {
            starting.forsaken = true;
            starting.early.clear();
            let thread_id = call.turn_of.as_deref().unwrap_or_default();
            let leftover = Leftover::Start(call.id);
            state.holding.begin(thread_id, leftover, Instant::now());
        }
    }

    /// Listens to a turn from now on, without having started it. Of one that is over nothing will
    /// come.
    pub fn subscribe_turn(&self, thread_id: &str, turn_id: &str) -> Arc<Mailbox> {
        let mut state = self.state.lock();
        if state.over.has(turn_id) {
            let budget = Arc::clone(&self.budget);
            return Arc::new(Mailbox::missed(turn_id.into(), thread_id.into(), budget));
        }
        let mailbox = self.of_turn(turn_id, thread_id);
        mailbox.mark_shared();
        state.join(&mailbox);
        state.close_if_closed(&mailbox);
        mailbox
    }

    /// Listens to a stream from now on. `errand` undoes the request that opens it.
    pub fn subscribe_subject(&self, subject: &Subject, errand: Option<Errand>) -> Arc<Mailbox> {
        let budget = Arc::clone(&self.budget);
        let mailbox = Arc::new(Mailbox::of_subject(Arc::clone(&subject.id), budget, errand));
        let mut state = self.state.lock();
        let consumers = state.subjects.entry(subject.clone()).or_default();
        consumers.push(Arc::clone(&mailbox));
        state.close_if_closed(&mailbox);
        mailbox
    }

    /// Listens to what `filter` keeps from now on.
    pub fn subscribe_notifications(&self, filter: &Filter) -> Arc<Mailbox> {
        let thread_id = filter.thread.as_ref().map_or_else(|| "".into(), Arc::clone);
        let mailbox = Arc::new(Mailbox::of_many(thread_id, Arc::clone(&self.budget)));
        let mut state = self.state.lock();
        state.listeners.add(filter, &mailbox);
        state.close_if_closed(&mailbox);
        mailbox
    }

    /// Reserves a thread for a goal; `None` while another goal has it, or a turn that was started
    /// here. From the moment in which the goal's request is written the turns that the runtime
    /// starts there are the caller's. `errand` pauses the goal.
    pub fn own_thread(&self, thread_id: &Arc<str>, errand: Errand) -> Option<Arc<Mailbox>> {
        let mut state = self.state.lock();
        if state.goals.contains_key(thread_id) || state.is_busy(thread_id) {
            return None;
        }
        let budget = Arc::clone(&self.budget);
        let mailbox = Arc::new(Mailbox::of_goal(Arc::clone(thread_id), budget, errand));
        state
            .goals
            .insert(Arc::clone(thread_id), Arc::clone(&mailbox));
        state.close_if_closed(&mailbox);
        Some(mailbox)
    }

    /// Whether the `turn/started` of a turn that was started here has come; `None` for any other
    /// turn.
    pub fn has_begun(&self, turn_id: &str) -> Option<bool> {
        let state = self.state.lock();
        let route = state.turns.get(turn_id);
        route
            .filter(|route| route.started_here)
            .map(|route| route.begun)
    }

    /// The consumer of a turn leaves.
    pub fn leave_turn(&self, mailbox: &Arc<Mailbox>) {
        self.state.lock().leave_turn(mailbox);
        // What a turn leaves to be undone is not the mailbox's to know.
        let _ = mailbox.abandon();
    }

    /// The consumer of a turn leaves, and nobody else may want it. Returns what is to be undone
    /// now.
    pub fn give_up_turn(&self, mailbox: &Arc<Mailbox>) -> Option<Errand> {
        let errand = self.state.lock().give_up_turn(mailbox);
        let _ = mailbox.abandon();
        errand
    }

    /// The consumer of `topic` leaves. Returns what is to be undone.
    pub fn leave(&self, topic: &Topic, mailbox: &Arc<Mailbox>) -> Option<Errand> {
        // First, so that whoever ends a goal from now on sees that it has to free the thread.
        let errand = mailbox.abandon();
        let mut state = self.state.lock();
        let leave = |consumers: &mut Vec<Arc<Mailbox>>| {
            consumers.retain(|other| !Arc::ptr_eq(other, mailbox));
            consumers.is_empty()
        };
        match topic {
            // A goal that goes on keeps its thread: the runtime still starts turns there.
            Topic::Goal(thread_id) => {
                if !mailbox.goal_is_live() {
                    state.free_thread(thread_id, mailbox);
                }
            }
            Topic::Subject(subject) => {
                if state.subjects.get_mut(subject).is_some_and(leave) {
                    state.subjects.remove(subject);
                }
            }
            Topic::Notifications(filter) => state.listeners.remove(filter, mailbox),
        }
        errand
    }

    /// The request that the mailbox is about was refused, or did not go out.
    pub fn refused(&self, mailbox: &Arc<Mailbox>) {
        self.state.lock().refused(mailbox);
    }

    /// Ends everything that waits here, now and later.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        let (mailboxes, calls) = {
            let mut state = self.state.lock();
            state.closed = Some(Arc::clone(reason));
            let held = state.holding.drain().into_iter().map(|one| one.call);
            let calls: Vec<_> = state
                .calls
                .drain()
                .map(|(_, call)| call)
                .chain(held)
                .collect();
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
            starts: state.holding.len(),
            streams: state.streams(),
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

    pub(crate) fn of_turn(&self, turn_id: &str, thread_id: &str) -> Arc<Mailbox> {
        let budget = Arc::clone(&self.budget);
        Arc::new(Mailbox::of_turn(turn_id.into(), thread_id.into(), budget))
    }
}

/// What the runtime refuses with that is in no state for it.
const INVALID_REQUEST: i64 = -32600;

/// Where the answer to a `turn/start` has the turn's id.
pub(crate) const TURN_ID: IdPath = IdPath::Nested("turn", "id");

/// What undoes an answer that came too late. A late turn is the routes' to give up.
pub fn undoing(call: &Call, result: &[u8]) -> Option<Errand> {
    match &*call.method {
        "thread/start" | "thread/fork" => id_in_answer(result, IdPath::Nested("thread", "id"))
            .map(|thread_id| Errand::unsubscribe(&thread_id)),
        "account/login/start" => id_in_answer(result, IdPath::Param("loginId"))
            .map(|login_id| Errand::cancel_login(&login_id)),
        _ => None,
    }
}
