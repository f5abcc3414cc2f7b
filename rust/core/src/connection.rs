//! One runtime: its process, its reader and writer threads, and everything that they share.
//!
//! Owns the life of a connection: spawning, the latch that ends every wait, and the shutdown, which
//! runs on a thread of its own so that nobody who closes has to wait. The bindings hold a
//! [`Connection`]; dropping it begins the shutdown.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::admission::{Admission, Limits};
use crate::call::{Call, Lane, Outcome, Undo};
use crate::closing::{CloseKind, CloseReason, Latch};
use crate::diagnostics::Diagnostics;
use crate::mailbox::{Budget, Mailbox};
use crate::process::{
    Child, ExitOutcome, Graces, LaunchSpec, Owner, Pipes, SpawnError, StderrTail, spawn_thread,
};
use crate::router::{Batch, FollowUp, Router, follow_up};
use crate::signal::{Gate, Ready};
use crate::stats::Stats;
use crate::writer::{QueueFull, WriteQueue};
use crate::{reader, writer};

/// How long the end of stdout waits for the exit status that explains it.
const EXIT_WAIT: Duration = Duration::from_millis(500);

/// A grace for what need not be treated gently.
const MOMENT: Duration = Duration::from_millis(100);

/// How long an errand may hold its place without an answer while others wait for it.
const ERRAND_PATIENCE: Duration = Duration::from_secs(4);

/// Told to the reader: stop once the pipe is empty.
const STOP: u8 = 1;
/// Told to the reader: errands wait, so do not sleep for ever.
const RECONSIDER: u8 = 2;

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

/// What all threads of a connection share. Each part has its own lock; their order stands in
/// `router` and `admission`. `ending` is innermost.
pub(crate) struct Shared {
    pub router: Router,
    pub admission: Admission,
    pub writer: WriteQueue,
    pub stats: Arc<Stats>,
    pub diagnostics: Diagnostics,
    budget: Arc<Budget>,
    latch: Latch,
    child: Child,
    stderr: StderrTail,
    /// Makes the reader stop although the pipe is open. Gone once the connection has ended.
    reader_control: Mutex<Option<UnixStream>>,
    next_id: AtomicI64,
    /// On the wire, or settled a moment ago.
    errands: Mutex<Vec<Arc<Call>>>,
    ending: Gate<Ending>,
}

#[derive(Default)]
struct Ending {
    begun: bool,
    done: bool,
    threads: Vec<JoinHandle<()>>,
    closer: Option<JoinHandle<()>>,
}

impl Ready for Ending {
    fn ready(&self) -> bool {
        self.done
    }
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
        let (reader_control, control) = UnixStream::pair().map_err(resources)?;
        let on_exit = reader_control.try_clone().map_err(resources)?;
        let (queue, interrupted) = WriteQueue::new().map_err(resources)?;
        let (child, pipes) = Child::spawn(&settings.launch, settings.graces, move |_| {
            // Fails only when the reader is gone already.
            let _ = (&on_exit).write(&[STOP]);
        })?;
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
            admission: Admission::new(settings.limits),
            writer: queue,
            stats,
            diagnostics: Diagnostics::default(),
            budget,
            latch: Latch::default(),
            child,
            stderr,
            reader_control: Mutex::new(Some(reader_control)),
            next_id: AtomicI64::new(1),
            errands: Mutex::default(),
            ending: Gate::default(),
        });
        // From here on dropping the connection is what cleans up.
        let connection = Self {
            shared: Arc::clone(&shared),
            owner: Owner::here(),
        };
        let writing = spawn_thread("codex-writer", {
            let shared = Arc::clone(&shared);
            move || writer::run(&shared, stdin, &interrupted)
        });
        let writing = writing.map_err(resources)?;
        shared.ending.lock().threads.push(writing);
        let reading = spawn_thread("codex-reader", {
            let shared = Arc::clone(&shared);
            move || reader::run(&shared, stdout, &control)
        });
        let reading = reading.map_err(resources)?;
        shared.ending.lock().threads.push(reading);
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
    pub fn open_call(&self, method: &str, thread_id: Option<&str>) -> Arc<Call> {
        let call = Arc::new(Call::new(self.shared.new_id(), method, thread_id));
        self.shared.admission.enter(&call);
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
            self.shared.free(call.lane);
            return Err(SendError::QueueFull(full));
        }
        // The latch may have been set since it was read, and the queue cleared with it.
        if let Some(reason) = self.shared.latch.get()
            && let Some(wake) = call.answer(Outcome::Closed(Arc::clone(reason)), None)
        {
            call.fire(wake);
        }
        Ok(())
    }

    /// Writes a notification. `params` is JSON.
    pub fn notify(&self, method: &str, params: Option<&[u8]>) -> Result<(), SendError> {
        if let Some(reason) = self.shared.latch.get() {
            return Err(SendError::Closed(Arc::clone(reason)));
        }
        self.shared
            .writer
            .push_line(request_line(None, method, params));
        Ok(())
    }

    /// Gives a request up. A late `turn/start` is met with an interrupt, a late thread with an
    /// unsubscribe.
    pub fn abandon(&self, call: &Arc<Call>) {
        self.shared.abandon(call);
    }

    /// The consumer of a turn goes away in the middle: the turn is interrupted, unless somebody
    /// else follows or started it. Does not wait.
    pub fn give_up_turn(&self, mailbox: &Arc<Mailbox>) {
        if !mailbox.is_shared() && !mailbox.is_finished() && self.closed().is_none() {
            let thread_id = Arc::clone(&mailbox.thread_id);
            let turn_id = mailbox.key.to_string();
            self.shared.undo(FollowUp::Interrupt { thread_id, turn_id });
        }
        self.shared.router.leave_turn(mailbox);
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
            ("requests_pending", held.calls as u64),
            (
                "requests_admitted",
                loads.iter().map(|load| load.1 as u64).sum(),
            ),
            (
                "requests_waiting",
                loads.iter().map(|load| load.0 as u64).sum(),
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
        self.shared.latch(CloseReason::by_client());
        self.shared.begin_shutdown(hurry);
    }

    /// Where to wait until the process is reaped and the threads are gone.
    pub fn ending(&self) -> &Gate<impl Ready + use<>> {
        &self.shared.ending
    }

    /// The same, for a thread. False when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let done = self.shared.ending.wait(deadline);
        let closer = if done {
            self.shared.ending.lock().closer.take()
        } else {
            None
        };
        // "Done" is the closing thread's last word, so this ends at once.
        if let Some(closer) = closer {
            let _ = closer.join();
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

impl Shared {
    fn new_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Does what a routed chunk leaves to do, with no lock held.
    pub fn finish(&self, batch: &mut Batch) {
        for mailbox in batch.dirty.drain(..) {
            mailbox.flush();
        }
        // Places first: who sees an answer finds its place free.
        for lane in batch.places.drain(..) {
            self.free(lane);
        }
        for (call, wake) in batch.answered.drain(..) {
            call.fire(wake);
        }
        for undo in batch.follow_ups.drain(..) {
            self.undo(undo);
        }
    }

    /// A place is free; errands that get one go out.
    pub fn free(&self, lane: Lane) {
        for errand in self.admission.release(lane) {
            self.send_errand(errand);
        }
    }

    fn abandon(&self, call: &Arc<Call>) {
        let undo = call.abandon();
        if !matches!(undo, Undo::Nothing) {
            self.stats.requests_abandoned.one();
        }
        match undo {
            Undo::Nothing | Undo::Unwritten => {}
            Undo::Line => self.admission.leave(call),
            Undo::Place => self.free(call.lane),
            Undo::Written => {
                self.free(call.lane);
                self.router.forget_start(call);
            }
            Undo::Answer(outcome, subscription) => {
                let routed = subscription
                    .as_ref()
                    .is_some_and(|mailbox| mailbox.is_shared());
                if let Some(mailbox) = subscription {
                    self.router.leave_turn(&mailbox);
                }
                if let Outcome::Result(result) = outcome
                    && let Some(undo) = follow_up(call, &result, routed)
                {
                    self.undo(undo);
                }
            }
        }
    }

    /// Sends a request that undoes something; in a lane of its own, since a thousand cancelled turns
    /// are a thousand interrupts.
    fn undo(&self, undo: FollowUp) {
        let (method, params) = match undo {
            FollowUp::Interrupt { thread_id, turn_id } => {
                let (thread, turn) = (json_string(&thread_id), json_string(&turn_id));
                let params = format!(r#"{{"threadId":{thread},"turnId":{turn}}}"#);
                ("turn/interrupt", params)
            }
            FollowUp::Unsubscribe { thread_id } => {
                let params = format!(r#"{{"threadId":{}}}"#, json_string(&thread_id));
                ("thread/unsubscribe", params)
            }
        };
        self.stats.errands_sent.one();
        let errand = Arc::new(Call::errand(self.new_id(), method, &params));
        if self.admission.enter(&errand) {
            self.send_errand(errand);
        } else {
            self.wake_reader();
        }
    }

    fn send_errand(&self, errand: Arc<Call>) {
        let params = errand.errand.as_deref().map(str::as_bytes);
        let line = request_line(Some(errand.id), &errand.method, params);
        if errand.mark_sent() {
            let mut errands = self.errands.lock();
            errands.retain(|errand| !errand.is_settled());
            errands.push(Arc::clone(&errand));
            drop(errands);
            // Never refused: it is an errand.
            let _ = self.writer.push_call(line, errand);
        }
    }

    /// When to look for errands that hold a place without an answer: the runtime never answers some
    /// interrupts. Only while others wait for a place.
    pub fn errands_due(&self) -> Option<Instant> {
        (self.admission.load(Lane::Errand).0 > 0).then(|| Instant::now() + ERRAND_PATIENCE / 4)
    }

    /// Gives up on errands that got no answer in time.
    pub fn sweep_errands(&self) {
        let overdue: Vec<_> = {
            let mut errands = self.errands.lock();
            errands.retain(|errand| !errand.is_settled());
            errands
                .iter()
                .filter(|errand| errand.elapsed() > ERRAND_PATIENCE)
                .cloned()
                .collect()
        };
        for errand in overdue {
            self.abandon(&errand);
        }
    }

    /// Reads what the reader is told; true when it is to stop.
    pub fn told_to_stop(control: &UnixStream) -> bool {
        let mut told = [0; 64];
        let count = (&*control).read(&mut told).unwrap_or(0);
        // The other end is gone only when everything is over.
        count == 0 || told[..count].contains(&STOP)
    }

    fn wake_reader(&self) {
        if let Some(control) = &*self.reader_control.lock() {
            let _ = (&*control).write(&[RECONSIDER]);
        }
    }

    pub fn is_closed(&self) -> bool {
        self.latch.get().is_some()
    }

    /// Sets the latch and ends every wait with its reason.
    fn latch(&self, reason: CloseReason) {
        if self.latch.set(reason)
            && let Some(reason) = self.latch.get()
        {
            self.admission.close(reason);
            self.router.close(reason);
        }
    }

    /// The pipe ended from the other side: finds out why, ends every wait, and shuts down.
    pub fn fail(self: &Arc<Self>, kind: CloseKind, detail: &str) {
        if self.latch.get().is_none() {
            let exit = self.child.wait_exit(EXIT_WAIT);
            if exit.is_some() {
                // Now everything that the process wrote there is in the tail.
                self.stderr.stop();
            }
            self.latch(CloseReason {
                kind: if exit.is_some() {
                    CloseKind::ProcessExited
                } else {
                    kind
                },
                exit_code: exit.and_then(ExitOutcome::code),
                signal: exit.and_then(ExitOutcome::signal),
                stderr_tail: self.stderr.tail(),
                detail: detail.to_owned(),
            });
        }
        self.begin_shutdown(false);
    }

    /// Starts the closing thread, once.
    fn begin_shutdown(self: &Arc<Self>, hurry: bool) {
        let mut ending = self.ending.lock();
        if std::mem::replace(&mut ending.begun, true) {
            return;
        }
        let shared = Arc::clone(self);
        match spawn_thread("codex-closer", move || shared.shut_down(hurry)) {
            Ok(closer) => ending.closer = Some(closer),
            // No thread to be had: the pipes are closed, which ends the runtime by itself.
            Err(_) => self.writer.close(),
        }
    }

    fn shut_down(&self, hurry: bool) {
        let graces = if hurry {
            Graces {
                eof: MOMENT,
                term: MOMENT,
                ..self.child.graces()
            }
        } else {
            self.child.graces()
        };
        self.child.shut_down(graces, || self.writer.close());
        self.stderr.stop();
        if let Some(mut control) = self.reader_control.lock().take() {
            let _ = control.write(&[STOP]);
        }
        let threads = std::mem::take(&mut self.ending.lock().threads);
        for thread in threads {
            let _ = thread.join();
        }
        let mut ending = self.ending.lock();
        ending.done = true;
        self.ending.wake_all(ending);
    }
}

/// One line of JSON-RPC with its newline.
fn request_line(id: Option<i64>, method: &str, params: Option<&[u8]>) -> Vec<u8> {
    let mut line = Vec::with_capacity(method.len() + params.map_or(0, <[u8]>::len) + 64);
    line.push(b'{');
    if let Some(id) = id {
        line.extend_from_slice(format!(r#""id":{id},"#).as_bytes());
    }
    line.extend_from_slice(br#""method":"#);
    line.extend_from_slice(json_string(method).as_bytes());
    if let Some(params) = params {
        line.extend_from_slice(br#","params":"#);
        line.extend_from_slice(params);
    }
    line.extend_from_slice(b"}\n");
    line
}

/// `text` as a JSON string.
fn json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line() {
        assert_eq!(
            request_line(Some(7), "a\"b", Some(b"{\"x\":1}")),
            b"{\"id\":7,\"method\":\"a\\\"b\",\"params\":{\"x\":1}}\n"
        );
        assert_eq!(
            request_line(None, "initialized", None),
            b"{\"method\":\"initialized\"}\n"
        );
        assert_eq!(json_string("a\nb\\"), "\"a\\u000ab\\\\\"");
    }
}
