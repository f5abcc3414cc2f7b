//! The session with a writer, a runtime and a clock that the input moves. Knows no rules: what comes of a step is the
//! model's to judge.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_core::inbox::budget::Budget;
use codex_core::session::Session;
use codex_core::session::admission::Limits;
use codex_core::session::call::{Call, Outcome};
use codex_core::session::effects::{Effects, Line};
use codex_core::session::requests::made_in;
use codex_core::session::stats::Stats;
use codex_core::wire::envelope::{Message, Reader, member};

/// So small that every window is full now and then.
pub const LIMITS: Limits = Limits {
    short: 3,
    long: 2,
    control: 2,
    cleanup: 2,
};

/// A request line that was written and is not answered.
#[derive(Debug, Clone)]
pub struct Written {
    pub call: Arc<Call>,
    pub at: Instant,
    /// The id of the turn that it is about, if it names one.
    pub turn_id: Option<String>,
}

impl Written {
    /// The turn that it is about.
    pub fn turn(&self) -> Option<usize> {
        self.turn_id.as_deref()?.strip_prefix('u')?.parse().ok()
    }
}

pub struct Desk {
    pub session: Session,
    pub budget: Arc<Budget>,
    pub stats: Arc<Stats>,
    pub now: Instant,
    /// Lines in the writer's hands.
    pub queue: VecDeque<Line>,
    /// What the runtime may answer.
    pub wire: Vec<Written>,
    /// Requests that were woken by the last step.
    pub woken: Vec<Arc<Call>>,
    out: Effects,
    reader: Reader,
}

impl Default for Desk {
    fn default() -> Self {
        // Nothing is dropped: what every consumer sees is known to the last event.
        let budget = Arc::new(Budget::new(1 << 30, 1 << 30));
        let stats = Arc::new(Stats::default());
        Self {
            session: Session::new(LIMITS, Arc::clone(&stats), Arc::clone(&budget)),
            budget,
            stats,
            now: Instant::now(),
            queue: VecDeque::new(),
            wire: Vec::new(),
            woken: Vec::new(),
            out: Effects::default(),
            reader: Reader::default(),
        }
    }
}

impl Desk {
    /// Takes a step and does what it leaves to do, but for the writing.
    pub fn step<T>(&mut self, step: impl FnOnce(&mut Session, Instant, &mut Effects) -> T) -> T {
        let result = step(&mut self.session, self.now, &mut self.out);
        // Who keeps the clock looks at once at what is due already.
        self.session.look(self.now, &mut self.out);
        self.queue.extend(self.out.lines.drain(..));
        self.out.orphans.clear();
        self.woken.clone_from(&self.out.calls);
        self.out.wake();
        result
    }

    /// The writer takes the next line in hand. Returns its request, and what went out if it did.
    pub fn write(&mut self) -> Option<(Arc<Call>, Option<Written>)> {
        let line = self.queue.pop_front()?;
        let call = line.call?;
        let written = self.step(|session, now, out| session.write(&call, line.bytes, now, out));
        let written = written.map(|bytes| {
            let params = member(&bytes, "params").unwrap_or(b"{}");
            let turn_id = member(params, "turnId").map(|id| text(id).trim_matches('"').to_owned());
            Written {
                call: Arc::clone(&call),
                at: self.now,
                turn_id,
            }
        });
        self.wire.extend(written.clone());
        Some((call, written))
    }

    /// The runtime says a line.
    pub fn hear(&mut self, line: &str) -> Result<(), String> {
        let mut reader = std::mem::take(&mut self.reader);
        match reader.read(line.as_bytes()) {
            Ok(Message::Notification(notification)) => {
                let incoming = notification.into();
                self.step(|session, now, out| session.notification(&incoming, now, out));
            }
            Ok(Message::Response { id, answer }) => {
                let outcome = Outcome::from(&answer);
                let call = id.and_then(|id| self.session.call(id).cloned());
                let made = call.and_then(|call| made_in(&call, &outcome));
                self.step(|session, now, out| {
                    session.response(id, outcome, made.as_deref(), now, out);
                });
            }
            Ok(Message::ServerRequest { .. }) | Err(_) => return Err(format!("no step: {line}")),
        }
        self.reader = reader;
        Ok(())
    }

    /// Time passes, and what is due is done.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.step(Session::look);
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
