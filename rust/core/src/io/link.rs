//! What the threads of a connection share: the session's lock, the queue of lines, the peer; and the life of it, up to
//! the latch that ends every wait and the shutdown.
//!
//! The writer thread is also the one that closes: when its queue is closed it drops the sink, sees the peer off, and
//! the reader. So closing needs no new thread and cannot fail for want of one, and nobody who closes has to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::endpoint::{Ending, Peer};
use super::line_log::Tap;
use super::writer::WriteQueue;
use crate::inbox::budget::Budget;
use crate::session::Session;
use crate::session::diagnostics::Diagnostics;
use crate::session::effects::{Effects, Line};
use crate::session::server_requests::{
    After, Reception, ServerRequest, ServerRequests, Settlement,
};
use crate::session::stats::Stats;
use crate::sync::gate::{Gate, Ready};
use crate::sync::lock::Mutex;
use crate::sync::thread::{JoinHandle, caught};

/// How long the lines may take that undo what would go on without the connection.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the threads of a connection share. Lock order: the session's, then that of the peer's requests, then that of one
/// of these. The others are innermost, and no two of them are held at once.
pub(crate) struct Link {
    pub session: Mutex<Session>,
    pub server_requests: ServerRequests,
    pub queue: WriteQueue,
    pub stats: Arc<Stats>,
    pub diagnostics: Diagnostics,
    pub budget: Arc<Budget>,
    /// Where the lines of both directions are logged.
    pub wire: Option<Tap>,
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
        wire: Option<Tap>,
        peer: Arc<dyn Peer>,
    ) -> Self {
        Self {
            session: Mutex::new(session),
            server_requests: ServerRequests::default(),
            queue: WriteQueue::default(),
            stats,
            diagnostics: Diagnostics::default(),
            budget,
            wire,
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
        for reception in effects.receptions.drain(..) {
            self.tell(reception);
        }
        if std::mem::take(&mut effects.asked) {
            self.server_requests.gate().wake();
        }
        effects.wake();
        if std::mem::take(&mut effects.look) {
            self.peer.wake_source();
        }
    }

    pub fn push_line(&self, bytes: Vec<u8>) {
        self.queue.push([Line { bytes, call: None }]);
    }

    /// Requests of the peer were settled in a step of the session: for whom they were about, something has arrived in it.
    pub fn settled(session: &Session, after: After, now: Instant, out: &mut Effects) {
        for request in &after.settled {
            session.note_settled(&request.origin, now);
        }
        out.settled.push(after);
    }

    /// Answers a request of the peer with this line, or refuses it; false if it was settled before. The line is in the
    /// queue before anybody is woken.
    fn answer_by(&self, request: &ServerRequest, line: Vec<u8>, how: Settlement) -> bool {
        // A copy, in case that the peer repeats the request. Made here, without a lock.
        let kept = line.as_slice().into();
        let mut line = Some(line);
        self.step(|session, now, out| {
            let Some(after) = self.server_requests.answered(request, &kept, how) else {
                return false;
            };
            Self::settled(session, after, now, out);
            let line = line.take().map(|bytes| Line { bytes, call: None });
            out.lines.extend(line);
            true
        })
    }

    /// Answers a request of the peer with this line; false if it was settled before.
    pub fn answer(&self, request: &ServerRequest, line: Vec<u8>) -> bool {
        self.answer_by(request, line, Settlement::Answered)
    }

    /// Says no to a request of the peer; false if it was settled before.
    pub fn refuse(&self, request: &ServerRequest) -> bool {
        let is_due = self.answer_by(request, request.refusal(), Settlement::Refused);
        if is_due {
            self.stats.server_requests_refused.one();
        }
        is_due
    }

    /// Nobody serves any more: what waits is refused.
    pub fn stop_serving(&self) {
        self.step(|session, now, out| {
            let after = self.server_requests.stop();
            let refused = after.settled.iter().map(Arc::clone);
            out.receptions.extend(refused.map(Reception::Refused));
            Self::settled(session, after, now, out);
            out.asked = true;
        });
    }

    /// The peer asks, in a step of the session. Without anybody who serves, it is told no. It is told nothing if it does
    /// not wait any more. Returns what is settled by it.
    pub fn ask(
        &self,
        session: &Session,
        mut request: ServerRequest,
        now: Instant,
        out: &mut Effects,
    ) -> After {
        let origin = &mut request.origin;
        if origin.ancestors.is_empty()
            && let Some(root) = origin.root_turn_id()
            && let Some(thread_id) = session.thread_of_turn(root)
            && origin.thread_id.as_deref() != Some(thread_id)
        {
            origin.ancestors.push(Arc::clone(thread_id));
        }
        let is_over = |turn_id| session.turn_is_over(turn_id);
        let is_over = request.origin.turn_id.as_deref().is_some_and(is_over);
        let lacks_item = request.lacks_item();
        let (reception, after) = self.server_requests.ask(request, is_over);
        match &reception {
            Reception::Waits => {
                self.stats.file_changes_missing.add(lacks_item.into());
                out.asked = true;
            }
            Reception::Refused(request) => session.note_settled(&request.origin, now),
            Reception::Nothing(_) | Reception::Repeated(..) => {}
        }
        out.receptions.push(reception);
        after
    }

    /// The peer is told what was decided about its request.
    fn tell(&self, reception: Reception) {
        match reception {
            Reception::Waits | Reception::Nothing(_) => {}
            Reception::Repeated(line, _) => self.push_line(line.to_vec()),
            Reception::Refused(request) => self.push_refusal(&request),
        }
    }

    /// Says no to a request that nobody has looked at, and is settled.
    fn push_refusal(&self, request: &ServerRequest) {
        self.stats.server_requests_refused.one();
        self.note_unheard(request);
        self.push_line(request.refusal());
    }

    pub fn note_unheard(&self, request: &ServerRequest) {
        let method = &request.method;
        let text = format!("refused the runtime's {method}: no handler answers it");
        self.diagnostics.record(text);
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
