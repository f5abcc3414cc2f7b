//! What the threads of a connection share: the session's lock, the queue of lines, the peer; and the life of it, up to
//! the latch that ends every wait and the shutdown.
//!
//! The writer thread is also the one that closes: when its queue is closed it drops the sink, sees the peer off, and
//! the reader. So closing needs no new thread and cannot fail for want of one, and nobody who closes has to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::endpoint::{Ending, Peer};
use super::writer::WriteQueue;
use crate::inbox::budget::Budget;
use crate::session::Session;
use crate::session::diagnostics::Diagnostics;
use crate::session::effects::{Effects, Line};
use crate::session::server_requests::{ServerRequest, ServerRequests};
use crate::session::stats::Stats;
use crate::sync::gate::{Gate, Ready};
use crate::sync::lock::Mutex;
use crate::sync::thread::{JoinHandle, caught};

/// How long the lines may take that undo what would go on without the connection.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the threads of a connection share. Lock order: the session's first; the others are innermost, and no two of
/// them are held at once.
pub(crate) struct Link {
    pub session: Mutex<Session>,
    pub server_requests: ServerRequests,
    pub queue: WriteQueue,
    pub stats: Arc<Stats>,
    pub diagnostics: Diagnostics,
    pub budget: Arc<Budget>,
    peer: Arc<dyn Peer>,
    pub hurry: AtomicBool,
    pub threads: Gate<Threads>,
}

#[derive(Default)]
pub(crate) struct Threads {
    done: bool,
    pub reader: Option<JoinHandle<()>>,
    pub writer: Option<JoinHandle<()>>,
}

impl Ready for Threads {
    fn ready(&self) -> bool {
        self.done
    }
}

/// Effects that are carried out when this is dropped, so also when their step panics: whoever it has answered by then
/// would sleep for ever.
struct CarriedOut<'l> {
    link: &'l Link,
    effects: Effects,
}

impl Drop for CarriedOut<'_> {
    fn drop(&mut self) {
        self.link.carry_out(&mut self.effects);
    }
}

impl Link {
    pub fn new(
        session: Session,
        stats: Arc<Stats>,
        budget: Arc<Budget>,
        peer: Arc<dyn Peer>,
    ) -> Self {
        Self {
            session: Mutex::new(session),
            server_requests: ServerRequests::default(),
            queue: WriteQueue::default(),
            stats,
            diagnostics: Diagnostics::default(),
            budget,
            peer,
            hurry: AtomicBool::new(false),
            threads: Gate::default(),
        }
    }

    /// Takes a step of the session, and carries out what it leaves to do.
    pub fn step<T>(&self, step: impl FnOnce(&mut Session, Instant, &mut Effects) -> T) -> T {
        let mut after = CarriedOut {
            link: self,
            effects: Effects::default(),
        };
        // The lock is a temporary of the last expression, and so is released before `after` is dropped.
        step(&mut self.session.lock(), Instant::now(), &mut after.effects)
    }

    /// Does what a step leaves to do, with no lock held.
    pub fn carry_out(&self, effects: &mut Effects) {
        if !effects.lines.is_empty() {
            self.queue.push(effects.lines.drain(..));
        }
        effects.wake();
        if std::mem::take(&mut effects.look) {
            self.peer.wake_source();
        }
    }

    pub fn push_line(&self, bytes: Vec<u8>) {
        self.queue.push([Line { bytes, call: None }]);
    }

    /// A request of the peer is about to be answered; false if it was settled before.
    pub fn settle(&self, request: &ServerRequest) -> bool {
        let session = self.session.lock();
        let due = self.server_requests.answered(request);
        if due {
            session.note_settled(&request.origin, Instant::now());
        }
        due
    }

    /// The peer does not wait for the answer to this request any more.
    pub fn settle_by_id(&self, id: &[u8]) {
        let session = self.session.lock();
        if let Some(origin) = self.server_requests.settle(id) {
            session.note_settled(&origin, Instant::now());
        }
    }

    /// Nobody serves any more. Returns what is to be refused.
    pub fn stop_serving(&self) -> Vec<ServerRequest> {
        let session = self.session.lock();
        let left = self.server_requests.stop();
        for request in &left {
            session.note_settled(&request.origin, Instant::now());
        }
        drop(session);
        self.server_requests.gate().wake();
        left
    }

    /// The peer asks. Without anybody who serves, it is told no.
    pub fn ask(&self, request: ServerRequest) {
        if let Err(request) = self.server_requests.ask(request) {
            let session = self.session.lock();
            session.note_settled(&request.origin, Instant::now());
            drop(session);
            self.refuse_unheard(&request);
        }
    }

    /// Says no to a request of the peer.
    pub fn refuse(&self, request: &ServerRequest) {
        self.stats.server_requests_refused.one();
        self.push_line(request.refusal());
    }

    /// Says no to one that nobody has looked at.
    pub fn refuse_unheard(&self, request: &ServerRequest) {
        let method = &request.method;
        let text = format!("refused the runtime's {method}: no handler answers it");
        self.diagnostics.record(text);
        self.refuse(request);
    }

    pub fn is_closed(&self) -> bool {
        self.session.lock().closed().is_some()
    }

    /// Ends every wait with the peer's reason. The writer thread then shuts down.
    pub fn end(&self, ending: Ending, detail: &str) {
        let reason = self.peer.reason(ending, detail);
        let mut effects = Effects::default();
        let mut session = self.session.lock();
        if session.closed().is_some() {
            return;
        }
        let last = if ending == Ending::ByUs && self.peer.outlives_connection() {
            session.undo_all()
        } else {
            Vec::new()
        };
        session.close(&reason, &mut effects);
        drop(session);
        self.server_requests.close(&reason);
        let grace = if last.is_empty() {
            Duration::ZERO
        } else {
            LAST_LINES
        };
        self.queue.close(last);
        self.peer.stop_sink(grace);
        self.carry_out(&mut effects);
    }

    /// The writer found the sink broken. If that is because the peer has ended, the reader says so, after everything
    /// that the peer has still said.
    pub fn sink_ended(&self, detail: &str) {
        if self.peer.has_ended() {
            self.join_reader();
        }
        self.end(Ending::Sink, detail);
    }

    /// The writer's last act, with the sink dropped.
    pub fn shut_down(&self) {
        // Whoever waits for the end gets it, whatever has become of the peer.
        let _ = caught(|| self.peer.shut_down(self.hurry.load(Ordering::Acquire)));
        self.join_reader();
        let mut threads = self.threads.lock();
        threads.done = true;
        self.threads.wake_all(threads);
    }

    fn join_reader(&self) {
        let reader = self.threads.lock().reader.take();
        if let Some(reader) = reader {
            let _ = reader.join();
        }
    }
}
