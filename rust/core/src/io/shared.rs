//! What the threads of a connection share, and the life of it: the latch that ends every wait, and
//! the shutdown.
//!
//! The writer thread is also the one that closes: when its queue is closed it drops the runtime's
//! stdin, climbs the shutdown ladder, and sees the reader off. So closing needs no new thread and
//! cannot fail for want of one, and nobody who closes has to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use crate::inbox::budget::Budget;
use crate::io::alarm::Alarm;
use crate::io::process::{Child, ExitOutcome, Graces, StderrTail};
use crate::io::writer::WriteQueue;
use crate::session::admission::Admission;
use crate::session::call::{Call, Outcome, Undo};
use crate::session::diagnostics::Diagnostics;
use crate::session::errands::Lingering;
use crate::session::holding::HeldStart;
use crate::session::router::{Batch, Router, undoing};
use crate::session::server_requests::{ServerRequest, ServerRequests};
use crate::session::stats::Stats;
use crate::sync::closing::{CloseKind, CloseReason, Latch};
use crate::sync::gate::{Gate, Ready};

/// How long the end of stdout waits for the exit status that explains it.
const EXIT_WAIT: Duration = Duration::from_millis(500);
/// A grace for what need not be treated gently.
const MOMENT: Duration = Duration::from_millis(100);

/// Each part has its own lock; their order stands in `router` and `admission`. The locks here are
/// innermost.
pub(crate) struct Shared {
    pub router: Router,
    pub server_requests: ServerRequests,
    pub admission: Admission,
    pub writer: WriteQueue,
    pub stats: Arc<Stats>,
    pub diagnostics: Diagnostics,
    pub budget: Arc<Budget>,
    pub latch: Latch,
    pub child: Child,
    pub stderr: StderrTail,
    /// Gone once the connection has ended.
    pub reader_alarm: Mutex<Option<Alarm>>,
    pub next_id: AtomicI64,
    pub lingering: Lingering,
    pub hurry: AtomicBool,
    pub ending: Gate<Ending>,
}

#[derive(Default)]
pub(crate) struct Ending {
    pub done: bool,
    pub reader: Option<JoinHandle<()>>,
    pub writer: Option<JoinHandle<()>>,
}

impl Ready for Ending {
    fn ready(&self) -> bool {
        self.done
    }
}

impl Shared {
    pub fn new_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Does what a routed chunk leaves to do, with no lock held.
    pub fn finish(&self, batch: &mut Batch) {
        for mailbox in batch.dirty.drain(..) {
            mailbox.flush();
        }
        for call in batch.places.drain(..) {
            self.free(&call);
        }
        for (call, wake) in batch.answered.drain(..) {
            self.free(&call);
            call.fire(wake);
        }
        for errand in batch.errands.drain(..) {
            self.run(errand);
        }
        self.let_go(batch.starts.drain(..));
    }

    /// These starts have waited for long enough.
    pub fn let_go(&self, starts: impl IntoIterator<Item = HeldStart>) {
        for HeldStart { call, line } in starts {
            match line {
                Some(line) => {
                    self.writer.push_again(line, Arc::clone(&call));
                    self.answer_if_closed(&call);
                }
                None => drop(self.enter(&call)),
            }
        }
    }

    /// For whoever hands a call to the writer: the queue may have been closed just before that.
    pub fn answer_if_closed(&self, call: &Call) {
        if let Some(reason) = self.latch.get()
            && let Some(wake) = call.answer(Outcome::Closed(Arc::clone(reason)), None)
        {
            call.fire(wake);
        }
    }

    pub fn abandon(&self, call: &Arc<Call>) {
        let undo = call.abandon();
        if !matches!(undo, Undo::Nothing) {
            self.stats.requests_abandoned.one();
        }
        match undo {
            Undo::Nothing => {}
            // The writer will skip an unwritten line and free its place.
            Undo::Unwritten => {
                if self.router.withdraw(call) {
                    self.free(call);
                }
            }
            Undo::Line => {
                if !self.router.withdraw(call) {
                    self.admission.leave(call);
                }
            }
            Undo::Place => self.free(call),
            Undo::Written => {
                self.router.forget_start(call);
                self.linger(call);
            }
            Undo::Answer(outcome, subscription) => {
                let errand = match (outcome, subscription) {
                    (_, Some(mailbox)) => self.router.give_up_turn(&mailbox),
                    (Outcome::Result(result), None) => undoing(call, &result),
                    _ => None,
                };
                if let Some(errand) = errand {
                    self.run(errand);
                }
            }
        }
    }

    /// Says no to a request of the runtime.
    pub fn refuse(&self, request: &ServerRequest) {
        self.stats.server_requests_refused.one();
        self.writer.push_answer(request.refusal());
    }

    /// Says no to one that nobody has looked at.
    pub fn refuse_unheard(&self, request: &ServerRequest) {
        let method = &request.method;
        let text = format!("refused the runtime's {method}: no handler answers it");
        self.diagnostics.record(text);
        self.refuse(request);
    }

    /// Makes the reader look up from its sleep.
    pub fn wake_reader(&self) {
        if let Some(alarm) = &*self.reader_alarm.lock() {
            alarm.ring();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.latch.get().is_some()
    }

    /// Sets the latch and ends every wait with its reason. The writer thread then shuts down.
    pub fn close(&self, reason: CloseReason) {
        self.latch.set(reason);
        if let Some(reason) = self.latch.get() {
            self.admission.close(reason);
            self.router.close(reason);
            self.server_requests.close(reason);
            self.writer.close(reason);
        }
    }

    /// The reader's last word: the runtime's stdout ended, by `kind` unless its exit explains it.
    pub fn stdout_ended(&self, detail: &str) {
        if !self.is_closed() {
            let exit = self.child.wait_exit(EXIT_WAIT);
            if exit.is_some() {
                // Now everything that the process wrote there is in the tail.
                self.stderr.stop();
            }
            self.close(self.reason(CloseKind::StdoutClosed, exit, detail));
        }
    }

    /// The writer found the runtime's stdin closed. If that is because the process has ended, the
    /// reader says so, after everything that the process has still written.
    pub fn stdin_ended(&self, detail: &str) {
        if self.child.wait_exit(EXIT_WAIT).is_some() {
            self.join_reader();
        }
        if !self.is_closed() {
            self.close(self.reason(CloseKind::WriteFailed, None, detail));
        }
    }

    fn reason(&self, kind: CloseKind, exit: Option<ExitOutcome>, detail: &str) -> CloseReason {
        CloseReason {
            kind: if exit.is_some() {
                CloseKind::ProcessExited
            } else {
                kind
            },
            exit_code: exit.and_then(ExitOutcome::code),
            signal: exit.and_then(ExitOutcome::signal),
            stderr_tail: self.stderr.tail(),
            detail: detail.to_owned(),
        }
    }

    /// The writer's last act, with the runtime's stdin closed.
    pub fn shut_down(&self) {
        let mut graces = self.child.graces();
        if self.hurry.load(Ordering::Acquire) {
            graces = Graces {
                eof: MOMENT,
                term: MOMENT,
                ..graces
            };
        }
        self.child.shut_down(graces, || ());
        self.stderr.stop();
        if let Some(alarm) = self.reader_alarm.lock().take() {
            alarm.stop();
        }
        self.join_reader();
        let mut ending = self.ending.lock();
        ending.done = true;
        self.ending.wake_all(ending);
    }

    fn join_reader(&self) {
        let reader = self.ending.lock().reader.take();
        if let Some(reader) = reader {
            let _ = reader.join();
        }
    }
}
