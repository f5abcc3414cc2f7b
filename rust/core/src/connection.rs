//! One peer, as its user holds it: requests, subscriptions, the end. The front door; what is behind it is in `session`
//! and `io`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::inbox::budget::Budget;
use crate::inbox::mailbox::Mailbox;
use crate::inbox::mailbox::draft::Draft;
use crate::io::endpoint::{Ending, Endpoint};
use crate::io::line_log::Tap;
use crate::io::link::Link;
use crate::io::process::Owner;
use crate::io::writer::QueueFull;
use crate::io::{reader, writer};
use crate::session::admission::Limits;
use crate::session::call::Call;
use crate::session::cleanup::Cleanup;
use crate::session::diagnostics::Diagnostics;
use crate::session::goal::Goal;
use crate::session::listeners::Filter;
use crate::session::requests::{Opening, is_about_thread};
use crate::session::server_requests::{ServerRequest, ServerRequests};
use crate::session::stats::Stats;
use crate::session::subscriptions::{Leave, Subject, Subscription, SubscriptionId};
use crate::session::{Counts, Session};
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Ready};
use crate::sync::thread::spawn_thread;
use crate::wire::encode::request_line;
use crate::wire::envelope::member;

/// How a connection is to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    pub limits: Limits,
    /// Bytes per mailbox and in all.
    pub mailbox_budget: usize,
    pub total_budget: usize,
    /// Where the lines of both directions are logged.
    pub wire: Option<Tap>,
}

/// Why a request was not sent.
#[derive(Debug)]
pub enum SendError {
    /// It holds no place in its window: not admitted yet, sent before, or given up.
    NotAdmitted,
    Closed(CloseReason),
    QueueFull(QueueFull),
}

/// A connection to a peer. Dropping it begins the shutdown.
pub struct Connection {
    link: Arc<Link>,
    owner: Owner,
}

impl Connection {
    /// Starts the threads that read and write.
    ///
    /// # Errors
    /// The system's, when it cannot make a thread. The peer is seen off.
    pub fn open(endpoint: Endpoint, settings: &Settings) -> std::io::Result<Self> {
        let Endpoint { source, sink, peer } = endpoint;
        let stats = Arc::new(Stats::default());
        let budget = Arc::new(Budget::new(settings.mailbox_budget, settings.total_budget));
        let session = Session::new(settings.limits, Arc::clone(&stats), Arc::clone(&budget));
        let link = Arc::new(Link::new(
            session,
            stats,
            budget,
            settings.wire.clone(),
            peer,
        ));
        // From here on dropping the connection is what cleans up; without a writer thread, dropping the peer is.
        let connection = Self {
            link: Arc::clone(&link),
            owner: Owner::here(),
        };
        let writing = spawn_thread("codex-writer", {
            let link = Arc::clone(&link);
            move || writer::run(&link, sink)
        })?;
        link.threads.lock().writer = Some(writing);
        let reading = spawn_thread("codex-reader", {
            let link = Arc::clone(&link);
            move || reader::run(&link, source)
        })?;
        link.threads.lock().reader = Some(reading);
        Ok(connection)
    }

    /// False in a forked child, where nothing of a connection may be touched.
    pub fn is_ours(&self) -> bool {
        self.owner.is_current()
    }

    /// A request stands in line for admission. `stream` is the stream that it opens, and whether its answer is the end
    /// of that.
    pub fn open_call(
        &self,
        method: &str,
        thread_id: Option<&str>,
        stream: Option<(SubscriptionId, bool)>,
    ) -> Arc<Call> {
        let opening = Opening {
            method,
            thread_id,
            stream,
        };
        self.link
            .step(|session, now, out| session.open(opening, now, out))
    }

    /// Writes an admitted request. `params` is JSON.
    pub fn send(&self, call: &Arc<Call>, params: Option<&[u8]>) -> Result<(), SendError> {
        let line = request_line(Some(call.id), &call.method, params);
        self.refuse_if_full(line.len())?;
        let is_read = is_about_thread(&call.method);
        let thread = params.filter(|_| is_read).and_then(thread_in);
        self.link.step(|session, now, out| {
            if let Some(reason) = session.closed() {
                return Err(SendError::Closed(reason.clone()));
            }
            let sent = session.send(call, line, thread, now, out);
            if sent {
                Ok(())
            } else {
                Err(SendError::NotAdmitted)
            }
        })
    }

    /// Writes a notification. `params` is JSON.
    pub fn notify(&self, method: &str, params: Option<&[u8]>) -> Result<(), SendError> {
        let line = request_line(None, method, params);
        self.refuse_if_full(line.len())?;
        if let Some(reason) = self.closed() {
            return Err(SendError::Closed(reason));
        }
        self.link.push_line(line);
        Ok(())
    }

    fn refuse_if_full(&self, bytes: usize) -> Result<(), SendError> {
        self.link.queue.admits(bytes).map_err(SendError::QueueFull)
    }

    /// What is left of a deadline of `timeout` seconds; see [`Session::remaining`].
    pub fn remaining(&self, call: &Call, timeout: f64) -> f64 {
        let session = self.link.session.lock();
        session.remaining(call, timeout, Instant::now())
    }

    /// Gives a request up. A late `turn/start` is met with an interrupt, a late thread with an unsubscribe, a late login
    /// with a cancel.
    pub fn abandon(&self, call: &Arc<Call>) {
        self.link
            .step(|session, now, out| session.abandon(call, now, out));
    }

    /// Nobody holds the request any more; see [`Session::release`].
    pub fn release(&self, call: &Arc<Call>) {
        self.link
            .step(|session, now, out| session.release(call, now, out));
    }

    /// Interrupts a turn: now, or when it has begun. The wish is noted when this returns.
    pub fn interrupt(&self, thread_id: &str, turn_id: &str) -> Arc<Call> {
        self.link
            .step(|session, now, out| session.interrupt(thread_id, turn_id, now, out))
    }

    /// Whether the `turn/started` of a turn that was started here has come; `None` for any other turn.
    pub fn has_begun(&self, turn_id: &str) -> Option<bool> {
        self.link.session.lock().has_begun(turn_id)
    }

    /// Whether this connection has seen the end of a turn lately.
    pub fn turn_is_over(&self, turn_id: &str) -> bool {
        self.link.session.lock().turn_is_over(turn_id)
    }

    /// Listens to a turn from now on, without having started it. Of one that is over nothing will come.
    pub fn follow_turn(&self, thread_id: &str, turn_id: &str) -> Subscription {
        let mut session = self.link.session.lock();
        session.follow_turn(thread_id, turn_id, Instant::now())
    }

    /// Watches the turn or the goal of a subscription; see [`Session::watch`]. May copy for long, mostly without a lock.
    pub fn watch(
        &self,
        id: SubscriptionId,
        mailbox: &Mailbox,
        mut draft: Draft,
    ) -> Option<Subscription> {
        mailbox.copy_to(&mut draft);
        self.link.session.lock().watch(id, mailbox, draft)
    }

    /// What a consumer has recorded for its result is not asked for any more.
    pub fn forget(&self, id: SubscriptionId, mailbox: &Mailbox) {
        let (garbage, has_left) = mailbox.forget();
        drop(garbage);
        if has_left {
            // Once more, with nothing to keep.
            self.leave(id, Leave::Close);
        }
    }

    /// Listens to a stream from now on. `cleanup` undoes the request that opens it.
    pub fn subscribe_stream(&self, subject: &Subject, cleanup: Option<Cleanup>) -> Subscription {
        let mut session = self.link.session.lock();
        session.subscribe_stream(subject, cleanup)
    }

    /// Listens to what `filter` keeps from now on.
    pub fn subscribe_notifications(&self, filter: &Filter) -> Subscription {
        self.link.session.lock().subscribe_notifications(filter)
    }

    /// See [`Session::keep_backlog`].
    pub fn keep_backlog(&self) {
        self.link.session.lock().keep_backlog();
    }

    /// See [`Session::subscribe_backlog`].
    pub fn subscribe_backlog(&self) -> Subscription {
        self.link.session.lock().subscribe_backlog()
    }

    /// Reserves a thread for a goal; see [`Session::own_thread`].
    pub fn own_thread(&self, thread_id: &Arc<str>, cleanup: Cleanup) -> Option<Subscription> {
        let mut session = self.link.session.lock();
        session.own_thread(thread_id, cleanup, Instant::now())
    }

    /// From now on leaving undoes what this consumer has begun.
    pub fn own(&self, id: SubscriptionId) {
        self.link.session.lock().own(id);
    }

    /// From now on what this consumer has begun goes on without it.
    pub fn detach(&self, id: SubscriptionId) {
        self.link.session.lock().detach(id);
    }

    /// See [`Session::is_held_by_others`].
    pub fn is_held_by_others(&self, id: SubscriptionId) -> bool {
        self.link.session.lock().is_held_by_others(id)
    }

    /// A consumer leaves. What nobody wants any more is undone; nobody waits for that.
    pub fn leave(&self, id: SubscriptionId, leave: Leave) {
        self.link
            .step(|session, now, out| session.leave(id, leave, now, out));
    }

    /// For how long nothing has arrived for a turn or a goal. `None` while a request of the peer about it waits for its
    /// answer, and for what is neither.
    pub fn idle(&self, mailbox: &Mailbox) -> Option<Duration> {
        // Under it a request is settled and that noted, in one step.
        let _session = self.link.session.lock();
        if self.link.server_requests.is_open_for(mailbox) {
            return None;
        }
        mailbox.idle(Instant::now())
    }

    /// Whether leaving now would leave something to be undone.
    pub fn owes(&self, id: SubscriptionId) -> bool {
        self.link.session.lock().owes(id)
    }

    /// The consumer has undone the request itself.
    pub fn settle(&self, id: SubscriptionId) {
        self.link.session.lock().settle(id);
    }

    /// Stops a goal, without leaving it; see [`Session::stop_goal`].
    pub fn stop_goal(&self, id: SubscriptionId) -> bool {
        self.link
            .step(|session, now, out| session.stop_goal(id, now, out))
    }

    /// Looks at a goal as of now; at nothing if the subscription is to something else.
    pub fn look_at_goal<T>(&self, id: SubscriptionId, look: impl FnOnce(&Goal) -> T) -> Option<T> {
        self.link.session.lock().goal(id).map(look)
    }

    /// The peer's own requests, for whoever serves them.
    pub fn server_requests(&self) -> &ServerRequests {
        &self.link.server_requests
    }

    /// Answers one of them; `result` is JSON. False if it is settled already.
    pub fn answer(&self, request: &ServerRequest, result: &[u8]) -> bool {
        self.link.answer(request, request.answer(result))
    }

    /// Answers one of them with an error. False if it is settled already.
    pub fn fail(&self, request: &ServerRequest, code: i64, message: &str) -> bool {
        self.link.answer(request, request.failure(code, message))
    }

    /// Says no to one of them, in the protocol's own shape. False if it is settled already.
    pub fn refuse(&self, request: &ServerRequest) -> bool {
        self.link.refuse(request)
    }

    /// The same for one whose taker has gone without an answer, which is worth a note.
    pub fn forsake(&self, request: &ServerRequest) {
        if request.settlement().is_none() && self.link.refuse(request) {
            self.link.note_unheard(request);
        }
    }

    /// Nobody serves any more: what waits is refused, and so is what comes.
    pub fn stop_serving(&self) {
        self.link.stop_serving();
    }

    pub fn diagnostics(&self) -> &Diagnostics {
        &self.link.diagnostics
    }

    /// How many of each kind of thing the session remembers.
    pub fn counts(&self) -> Counts {
        self.link.session.lock().counts()
    }

    /// Counters and gauges by name.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let link = &self.link;
        let counts = self.counts();
        let mut stats = link.stats.snapshot();
        stats.extend([
            ("mailbox_bytes", link.budget.held() as u64),
            ("write_queue_bytes", link.queue.queued_bytes() as u64),
            ("turns_routed", counts.turns as u64),
            ("turns_starting", counts.starting as u64),
            ("streams_routed", counts.streams as u64),
            ("requests_pending", counts.calls as u64),
            ("requests_admitted", counts.admitted as u64),
            ("requests_waiting", counts.waiting as u64),
            ("server_requests_open", link.server_requests.open() as u64),
            ("wire_lines_lost", link.wire.as_ref().map_or(0, Tap::lost)),
        ]);
        stats
    }

    /// Why the connection ended; `None` while it lives.
    pub fn closed(&self) -> Option<CloseReason> {
        self.link.session.lock().closed().cloned()
    }

    /// Ends every wait now and begins the shutdown; never blocks. In a `hurry` (what runs is not the runtime) with next
    /// to no grace.
    pub fn close(&self, hurry: bool) {
        self.link.hurry.fetch_or(hurry, Ordering::AcqRel);
        self.link.end(Ending::ByUs, "");
    }

    /// Where to wait until the peer and the threads are gone.
    pub fn ending(&self) -> &Gate<impl Ready + use<>> {
        &self.link.threads
    }

    /// The same, for a thread. False when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let done = self.link.threads.wait(deadline);
        let writer = if done {
            self.link.threads.lock().writer.take()
        } else {
            None
        };
        // "Done" is the writer's last word, so this ends at once.
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        done
    }
}

/// The thread that a request is about, out of its params.
fn thread_in(params: &[u8]) -> Option<Arc<str>> {
    let quoted = member(params, "threadId")?;
    let text = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(text).ok().map(Arc::from)
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.is_ours() {
            self.close(false);
        } else {
            // In a forked child: the threads do not exist here and the locks may be held for ever.
            std::mem::forget(Arc::clone(&self.link));
        }
    }
}
