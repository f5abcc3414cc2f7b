//! Requests of the runtime that wait for the program's answer: an approval, a question, a tool. Owns
//! which of them are open and that each is settled once, in whatever way. The reader hands them in; whoever serves
//! takes them one by one and answers when it likes. Without anybody who serves, the reader refuses.
//!
//! A request that the runtime repeats while it is open is one request; one that it repeats because it has not read the
//! answer gets the same line again (`answers`); and one that is settled is not asked any more. Another request under the
//! same id is a new one, and the old one is settled by it. Under the lock only that of one request is taken, to note how
//! it was settled. Whom that wakes, and what is to be freed, is left to do [`After`] it.

mod answers;
pub mod context;
mod descent;
mod file_changes;
mod lineage;
pub mod origin;
pub mod request;

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::inbox::mailbox::Mailbox;
use crate::session::recent::Recent;
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Guarded, Ready};
use crate::sync::lock::atomic::{AtomicUsize, Ordering};
use answers::Answers;
pub use request::{ServerRequest, Settlement};

/// Bytes that may wait for whoever serves; beyond it requests are refused.
const LIMIT: usize = 64 * 1024 * 1024;

/// What whoever serves finds.
#[derive(Debug)]
pub enum Asked {
    Request(Arc<ServerRequest>),
    Nothing,
    /// It has stopped to serve.
    Stopped,
    Closed(CloseReason),
}

/// What becomes of a request that comes.
#[derive(Debug)]
pub enum Reception {
    /// It waits for whoever serves: wake the gate.
    Waits,
    /// It was open before, or its turn is over, or nobody waits for its answer: nothing is to be done but to drop it,
    /// without a lock.
    Nothing(ServerRequest),
    /// Likewise, and it was answered before, with this line.
    Repeated(Arc<[u8]>, ServerRequest),
    /// It is to be refused.
    Refused(Arc<ServerRequest>),
}

/// What is left to do when no lock is held any more.
#[derive(Debug, Default)]
#[must_use]
pub struct After {
    /// Those who wait for these are to be woken.
    pub settled: Vec<Arc<ServerRequest>>,
    garbage: Vec<Arc<[u8]>>,
}

impl After {
    /// Does it.
    pub fn wake(self) {
        for request in &self.settled {
            request.gate().wake();
        }
    }
}

#[derive(Debug, Default)]
pub struct ServerRequests {
    gate: Gate<State>,
    /// How many are open or remembered, for the reader to look at without the lock. Only the reader makes it more than
    /// nothing, so what it finds to be nothing stays so until it asks.
    live: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    serving: bool,
    /// In the order of their numbers. One that is settled is passed over when its turn comes.
    waiting: VecDeque<Arc<ServerRequest>>,
    /// Of those that wait.
    bytes: usize,
    count: u64,
    /// All that are not settled, taken or not, by their ids.
    open: HashMap<Box<[u8]>, Arc<ServerRequest>>,
    answers: Answers,
    /// Threads that are over, for whoever serves to let go of what it keeps of them.
    closed_threads: Recent,
    closed: Option<CloseReason>,
}

impl State {
    fn is_open(&self, request: &ServerRequest) -> bool {
        let open = self.open.get(&request.id);
        open.is_some_and(|open| std::ptr::eq(&raw const **open, request))
    }

    /// Settles the one with this id, if it is open.
    fn settle(&mut self, id: &[u8], how: Settlement, after: &mut After) {
        if let Some(request) = self.open.remove(id) {
            request.settle(how);
            after.settled.push(request);
        }
    }

    /// Settles all that are open and of this kind.
    fn settle_all(
        &mut self,
        is_over: impl Fn(&ServerRequest) -> bool,
        how: Settlement,
        after: &mut After,
    ) {
        for (_, request) in self.open.extract_if(|_, request| is_over(request)) {
            request.settle(how);
            after.settled.push(request);
        }
    }
}

impl Ready for State {
    fn ready(&self) -> bool {
        let is_any = !self.waiting.is_empty() || !self.closed_threads.is_empty();
        is_any || !self.serving || self.closed.is_some()
    }
}

impl ServerRequests {
    /// Takes a step under the lock.
    fn step<T>(&self, step: impl FnOnce(&mut Guarded<State>) -> T) -> T {
        let mut state = self.gate.lock();
        let result = step(&mut state);
        let live = state.open.len() + state.answers.len();
        self.live.store(live, Ordering::Release);
        result
    }

    /// Begins to serve; false if somebody does already.
    pub fn serve(&self) -> bool {
        !std::mem::replace(&mut self.gate.lock().serving, true)
    }

    /// Stops to serve. Idempotent. What is settled by it is to be refused; what was taken stays its taker's to answer.
    /// Wake the gate afterwards.
    pub fn stop(&self) -> After {
        let mut after = After::default();
        let closed_threads = self.step(|state| {
            state.serving = false;
            state.bytes = 0;
            for request in std::mem::take(&mut state.waiting) {
                if state.is_open(&request) {
                    state.settle(&request.id, Settlement::Refused, &mut after);
                    let line = request.refusal().into();
                    state.answers.add(&request, &line, &mut after.garbage);
                }
            }
            std::mem::take(&mut state.closed_threads)
        });
        drop(closed_threads);
        after
    }

    /// The reader hands in a request. One whose turn is over waits for nothing.
    pub fn ask(&self, mut request: ServerRequest, is_over: bool) -> (Reception, After) {
        let mut after = After::default();
        let reception = self.step(|state| {
            let size = request.size();
            let open = state.open.get(&request.id);
            if state.closed.is_some() || open.is_some_and(|open| request.repeats(open)) {
                return Reception::Nothing(request);
            }
            // What else was open under this id waits for no answer any more: the runtime could not tell the two apart.
            state.settle(&request.id, Settlement::Resolved, &mut after);
            if is_over {
                return Reception::Nothing(request);
            }
            if let Some(line) = state.answers.find(&request) {
                return Reception::Repeated(Arc::clone(line), request);
            }
            if !state.serving || (state.bytes > 0 && state.bytes + size > LIMIT) {
                let line = request.refusal().into();
                state.answers.add(&request, &line, &mut after.garbage);
                return Reception::Refused(Arc::new(request));
            }
            state.answers.forget_id(&request.id, &mut after.garbage);
            state.count += 1;
            request.number = state.count;
            let request = Arc::new(request);
            let open = Arc::clone(&request);
            state.open.insert(request.id.clone(), open);
            state.bytes += size;
            state.waiting.push_back(request);
            Reception::Waits
        });
        (reception, after)
    }

    /// Whether anything is open, or remembered. Only the reader can rely on it.
    pub fn is_any(&self) -> bool {
        self.live.load(Ordering::Acquire) > 0
    }

    /// How many wait for their answers, taken or not.
    pub fn open(&self) -> usize {
        self.gate.lock().open.len()
    }

    /// The runtime does not wait for this answer any more.
    pub fn resolved(&self, id: &[u8]) -> After {
        let mut after = After::default();
        self.step(|state| {
            state.settle(id, Settlement::Resolved, &mut after);
            state.answers.forget_id(id, &mut after.garbage);
        });
        after
    }

    /// The turn that requests came from is over, and so are they.
    pub fn turn_is_over(&self, turn_id: &str) -> After {
        let mut after = After::default();
        self.step(|state| {
            let is_over = |request: &ServerRequest| request.origin.is_of_turn(turn_id);
            state.settle_all(is_over, Settlement::TurnOver, &mut after);
            state.answers.forget_turn(turn_id, &mut after.garbage);
        });
        after
    }

    /// Likewise the thread. Wake the gate afterwards: whoever serves is told of it.
    pub fn thread_is_over(&self, thread_id: &str) -> After {
        let mut after = After::default();
        self.step(|state| {
            let is_over = |request: &ServerRequest| request.origin.is_of_thread(thread_id);
            state.settle_all(is_over, Settlement::ThreadClosed, &mut after);
            state.answers.forget_thread(thread_id, &mut after.garbage);
            if state.serving && state.closed.is_none() {
                state.closed_threads.add(thread_id);
            }
        });
        after
    }

    /// Threads that are over since this was called last, each once. They may have been resumed since. Of very many only
    /// the last few thousand.
    pub fn take_closed(&self) -> Vec<Arc<str>> {
        self.gate.lock().closed_threads.take()
    }

    /// Whether a request of what this mailbox is about waits for its answer.
    pub fn is_open_for(&self, mailbox: &Mailbox) -> bool {
        let state = self.gate.lock();
        state.open.values().any(|open| open.origin.is_of(mailbox))
    }

    /// The next one. Never waits.
    pub fn take(&self) -> Asked {
        let mut passed = Vec::new();
        let mut state = self.gate.lock();
        if let Some(reason) = &state.closed {
            return Asked::Closed(reason.clone());
        }
        while let Some(request) = state.waiting.pop_front() {
            state.bytes -= request.size();
            if state.is_open(&request) {
                return Asked::Request(request);
            }
            passed.push(request);
        }
        let serving = state.serving;
        // What was passed over is dropped without it.
        drop(state);
        if serving {
            Asked::Nothing
        } else {
            Asked::Stopped
        }
    }

    /// A request is about to be answered with this line, or refused; `None` if it was settled before.
    pub fn answered(
        &self,
        request: &ServerRequest,
        line: &Arc<[u8]>,
        how: Settlement,
    ) -> Option<After> {
        let mut after = After::default();
        let is_due = self.step(|state| {
            let is_due = state.is_open(request);
            if is_due {
                state.settle(&request.id, how, &mut after);
                state.answers.add(request, line, &mut after.garbage);
            }
            is_due
        });
        is_due.then_some(after)
    }

    /// The connection has ended, and with it every wait.
    pub fn close(&self, reason: &CloseReason) {
        let mut after = After::default();
        let waiting = self.step(|state| {
            state.closed.get_or_insert_with(|| reason.clone());
            state.settle_all(|_| true, Settlement::Closed, &mut after);
            state.answers.clear(&mut after.garbage);
            state.bytes = 0;
            std::mem::take(&mut state.waiting)
        });
        drop(waiting);
        self.gate.wake();
        after.wake();
    }

    /// Where to wait for something to take.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

#[cfg(test)]
mod tests;
