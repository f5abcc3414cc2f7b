//! One runtime, as its user holds it: requests, subscriptions, the end. Starts the process and the
//! threads; what they share and do is in `shared`. The bindings hold a [`Connection`]; dropping it
//! begins the shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::inbox::budget::Budget;
use crate::inbox::mailbox::Mailbox;
use crate::io::process::{
    Child, Graces, LaunchSpec, Owner, Pipes, SpawnError, StderrTail, spawn_thread,
};
use crate::io::shared::Shared;
use crate::io::writer::{QueueFull, WriteQueue};
use crate::io::{alarm, reader, writer};
use crate::session::admission::{Admission, Limits};
use crate::session::call::{Call, Lane, Stream};
use crate::session::diagnostics::Diagnostics;
use crate::session::errands::{Errand, Lingering};
use crate::session::router::{Router, Topic};
use crate::session::server_requests::{ServerRequest, ServerRequests};
use crate::session::stats::Stats;
use crate::sync::closing::{CloseReason, Latch};
use crate::sync::gate::{Gate, Ready};
use crate::wire::encode::request_line;

/// Everything a connection can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    pub launch: LaunchSpec,
    pub graces: Graces,
    pub limits: Limits,
    /// Bytes per mailbox and in all.
    pub mailbox_budget: usize,
    pub total_budget: usize,
    /// Bytes of stderr that are kept.
    pub stderr_tail: usize,
}

/// Why a request was not sent.
#[derive(Debug)]
pub enum SendError {
    /// It holds no place in its window: not admitted yet, sent before, or given up.
    NotAdmitted,
    Closed(Arc<CloseReason>),
    QueueFull(QueueFull),
}

/// A running runtime.
pub struct Connection {
    shared: Arc<Shared>,
    owner: Owner,
}

impl Connection {
    /// Starts the process and the threads.
    pub fn spawn(settings: &Settings) -> Result<Self, SpawnError> {
        let resources = SpawnError::resources;
        let (reader_alarm, listener) = alarm::pair().map_err(resources)?;
        let on_exit = reader_alarm.try_clone().map_err(resources)?;
        let (queue, interrupted) = WriteQueue::new().map_err(resources)?;
        let (child, pipes) =
            Child::spawn(&settings.launch, settings.graces, move |_| on_exit.stop())?;
        let Pipes {
            stdin,
            stdout,
            stderr,
        } = pipes;
        let stderr = StderrTail::start(stderr, settings.stderr_tail).map_err(resources)?;
        let stats = Arc::new(Stats::default());
        let budget = Arc::new(Budget::new(settings.mailbox_budget, settings.total_budget));
        let shared = Arc::new(Shared {
            router: Router::new(Arc::clone(&stats), Arc::clone(&budget)),
            server_requests: ServerRequests::default(),
            admission: Admission::new(settings.limits),
            writer: queue,
            stats,
            diagnostics: Diagnostics::default(),
            budget,
            latch: Latch::default(),
            child,
            stderr,
            reader_alarm: Mutex::new(Some(reader_alarm)),
            next_id: AtomicI64::new(1),
            lingering: Lingering::default(),
            hurry: AtomicBool::new(false),
            ending: Gate::default(),
        });
        // From here on dropping the connection is what cleans up; without a writer thread, dropping
        // the child is.
        let connection = Self {
            shared: Arc::clone(&shared),
            owner: Owner::here(),
        };
        let writing = spawn_thread("codex-writer", {
            let shared = Arc::clone(&shared);
            move || writer::run(&shared, stdin, &interrupted)
        });
        shared.ending.lock().writer = Some(writing.map_err(resources)?);
        let reading = spawn_thread("codex-reader", {
            let shared = Arc::clone(&shared);
            move || reader::run(&shared, stdout, &listener)
        });
        shared.ending.lock().reader = Some(reading.map_err(resources)?);
        Ok(connection)
    }

    /// False in a forked child, where nothing of a connection may be touched.
    pub fn is_ours(&self) -> bool {
        self.owner.is_current()
    }

    pub fn pid(&self) -> u32 {
        self.shared.child.pid()
    }

    /// A request that stands in line for admission.
    pub fn open_call(
        &self,
        method: &str,
        thread_id: Option<&str>,
        stream: Option<Stream>,
    ) -> Arc<Call> {
        let call = Call::new(self.shared.new_id(), method, thread_id).opening(stream);
        let call = Arc::new(call);
        if self.shared.router.hold(&call) {
            self.shared.wake_reader();
        } else {
            self.shared.enter(&call);
        }
        call
    }

    /// Writes an admitted request. `params` is JSON.
    pub fn send(&self, call: &Arc<Call>, params: Option<&[u8]>) -> Result<(), SendError> {
        if let Some(reason) = self.shared.latch.get() {
            return Err(SendError::Closed(Arc::clone(reason)));
        }
        if !call.mark_sent() {
            return Err(SendError::NotAdmitted);
        }
        let line = request_line(Some(call.id), &call.method, params);
        if let Err(full) = self.shared.writer.push_call(line, Arc::clone(call)) {
            self.shared.free(call);
            return Err(SendError::QueueFull(full));
        }
        self.shared.answer_if_closed(call);
        Ok(())
    }

    /// Writes a notification. `params` is JSON.
    pub fn notify(&self, method: &str, params: Option<&[u8]>) -> Result<(), SendError> {
        if let Some(reason) = self.shared.latch.get() {
            return Err(SendError::Closed(Arc::clone(reason)));
        }
        let line = request_line(None, method, params);
        self.shared
            .writer
            .push_notification(line)
            .map_err(SendError::QueueFull)
    }

    /// Gives a request up. A late `turn/start` is met with an interrupt, a late thread with an
    /// unsubscribe, a late login with a cancel.
    pub fn abandon(&self, call: &Arc<Call>) {
        self.shared.abandon(call);
    }

    /// The consumer of a turn goes away in the middle: the turn is interrupted, unless somebody
    /// else follows or started it. Does not wait.
    pub fn give_up_turn(&self, mailbox: &Arc<Mailbox>) {
        if let Some(errand) = self.shared.router.give_up_turn(mailbox) {
            self.shared.run(errand);
        }
    }

    /// The consumer of `topic` goes away; what it began is undone, unless it is over. Does not wait.
    pub fn leave(&self, topic: &Topic, mailbox: &Arc<Mailbox>) {
        if let Some(errand) = self.shared.router.leave(topic, mailbox) {
            self.shared.run(errand);
        }
        // Pausing a goal lets the turn that runs go on. One that begins later is met by the reader.
        if let Some(turn_id) = mailbox.unwanted_turn() {
            let errand = Errand::interrupt(&mailbox.thread_id, &turn_id);
            self.shared.run(errand);
        }
    }

    /// The runtime's own requests, for whoever serves them.
    pub fn server_requests(&self) -> &ServerRequests {
        &self.shared.server_requests
    }

    /// Answers one of them; `result` is JSON. False if it is settled already.
    pub fn answer(&self, request: &ServerRequest, result: &[u8]) -> bool {
        let due = self.shared.server_requests.answered(request);
        if due {
            self.shared.writer.push_answer(request.answer(result));
        }
        due
    }

    /// Says no to one of them, in the protocol's own shape. False if it is settled already.
    pub fn refuse(&self, request: &ServerRequest) -> bool {
        let due = self.shared.server_requests.answered(request);
        if due {
            self.shared.refuse(request);
        }
        due
    }

    /// The same for one whose taker has gone without an answer, which is worth a note.
    pub fn forsake(&self, request: &ServerRequest) {
        if self.shared.server_requests.answered(request) {
            self.shared.refuse_unheard(request);
        }
    }

    /// Nobody serves any more: what waits is refused, and so is what comes.
    pub fn stop_serving(&self) {
        for request in self.shared.server_requests.stop() {
            self.shared.refuse_unheard(&request);
        }
    }

    pub fn router(&self) -> &Router {
        &self.shared.router
    }

    pub fn diagnostics(&self) -> &Diagnostics {
        &self.shared.diagnostics
    }

    /// Counters and gauges by name.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let shared = &self.shared;
        let held = shared.router.held();
        let lanes = [Lane::Short, Lane::Long, Lane::Control, Lane::Errand];
        let loads = lanes.map(|lane| shared.admission.load(lane));
        let mut stats = shared.stats.snapshot();
        stats.extend([
            ("mailbox_bytes", shared.budget.held() as u64),
            ("write_queue_bytes", shared.writer.queued_bytes() as u64),
            ("turns_routed", held.turns as u64),
            ("turns_starting", held.starting as u64),
            ("streams_routed", held.streams as u64),
            ("requests_pending", held.calls as u64),
            (
                "requests_admitted",
                loads.iter().map(|load| load.1 as u64).sum(),
            ),
            (
                "requests_waiting",
                held.starts as u64 + loads.iter().map(|load| load.0 as u64).sum::<u64>(),
            ),
        ]);
        stats
    }

    pub fn stderr_tail(&self) -> String {
        self.shared.stderr.tail()
    }

    /// Why the connection ended; `None` while it lives.
    pub fn closed(&self) -> Option<&Arc<CloseReason>> {
        self.shared.latch.get()
    }

    /// Ends every wait now and begins the shutdown; never blocks. In a `hurry` (what runs is not the
    /// runtime) the end of its input and SIGTERM get a moment only.
    pub fn close(&self, hurry: bool) {
        self.shared.hurry.fetch_or(hurry, Ordering::AcqRel);
        self.shared.close(CloseReason::by_client());
    }

    /// Where to wait until the process is reaped and the threads are gone.
    pub fn ending(&self) -> &Gate<impl Ready + use<>> {
        &self.shared.ending
    }

    /// The same, for a thread. False when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let done = self.shared.ending.wait(deadline);
        let writer = if done {
            self.shared.ending.lock().writer.take()
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

impl Drop for Connection {
    fn drop(&mut self) {
        if self.is_ours() {
            self.close(false);
        } else {
            // In a forked child: the threads do not exist here and the locks may be held for ever.
            std::mem::forget(Arc::clone(&self.shared));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::call::Outcome;
    use crate::session::holding::HeldStart;

    #[test]
    fn a_start_that_is_let_go_after_the_end_is_told_of_it() {
        let connection = Connection::spawn(&Settings {
            launch: LaunchSpec {
                argv: vec!["cat".into()],
                env: None,
                cwd: None,
            },
            graces: Graces::default(),
            limits: Limits::default(),
            mailbox_budget: 1 << 20,
            total_budget: 1 << 20,
            stderr_tail: 1 << 10,
        })
        .unwrap();
        let calls = [1, 2].map(|id| Arc::new(Call::new(id, "turn/start", Some("t"))));
        assert!(calls[0].admit() && calls[0].mark_sent());
        connection.close(false);
        // One with its line and one that has not stood in line yet: the reader had them in its hands.
        connection.shared.let_go([
            HeldStart {
                call: Arc::clone(&calls[0]),
                line: Some(b"line".to_vec()),
            },
            HeldStart {
                call: Arc::clone(&calls[1]),
                line: None,
            },
        ]);
        for call in &calls {
            assert!(matches!(call.take(), Some(Outcome::Closed(_))), "{call:?}");
        }
        assert!(connection.wait(None));
    }
}
