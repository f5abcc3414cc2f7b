//! One request and its stages: queued for admission, admitted, sent, written, answered.
//!
//! A call knows nothing of the queues it stands in; admission, writer and router move it on. Lock
//! order: a call's lock is innermost, nothing else is taken under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::inbox::mailbox::Mailbox;
use crate::session::errands::Errand;
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Ready, Wake};
use crate::wire::protocol::{REQUESTS, Window};

/// How a request ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Raw JSON of the result.
    Result(Box<[u8]>),
    /// `data` is raw JSON.
    Error {
        code: i64,
        message: String,
        data: Option<Box<[u8]>>,
    },
    Closed(Arc<CloseReason>),
}

/// Where a request stands.
#[derive(Debug)]
enum Stage {
    Queued,
    Admitted,
    /// In the writer's queue.
    Sent,
    Written,
    Answered(Outcome),
    Taken,
    Abandoned,
}

/// Which line a request stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Short,
    Long,
    Control,
    /// Undoes what nobody waits for; it goes out by itself once it is admitted.
    Errand,
}

impl From<Window> for Lane {
    fn from(window: Window) -> Self {
        match window {
            Window::Short => Self::Short,
            Window::Long => Self::Long,
            Window::Control => Self::Control,
        }
    }
}

/// What has to be undone when a request is given up.
#[derive(Debug)]
pub enum Undo {
    /// It was answered and taken, or given up before.
    Nothing,
    /// It stands in line for admission.
    Line,
    /// The writer will skip its line and free its place.
    Unwritten,
    /// It held a place in its window.
    Place,
    /// It is on the wire: its answer will find a tombstone, and until then it keeps its place.
    Written,
    /// The answer came and nobody took it.
    Answer(Outcome, Option<Arc<Mailbox>>),
}

/// A stream of events that a request opens: what undoes the request is owed from the moment that its
/// line is written.
#[derive(Debug)]
pub struct Stream {
    pub mailbox: Arc<Mailbox>,
    /// The answer is the end of the stream.
    pub until_answer: bool,
}

#[derive(Debug)]
pub struct Call {
    pub id: i64,
    pub method: Box<str>,
    pub lane: Lane,
    /// The thread of a `turn/start`: its events are kept from the moment the line is written.
    pub turn_of: Option<Arc<str>>,
    /// What it undoes; nobody waits for it then.
    pub errand: Option<Errand>,
    /// The stream that this request opens.
    pub stream: Option<Stream>,
    /// It counts against its window. Given back once, by whoever ends it.
    place: AtomicBool,
    gate: Gate<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    sent: Option<Instant>,
    written: Option<Instant>,
    subscription: Option<Arc<Mailbox>>,
}

/// The window of `method`. A method that the schema does not know counts as short.
fn window_of(method: &str) -> Window {
    REQUESTS
        .binary_search_by(|spec| spec.method.cmp(method))
        .map_or(Window::Short, |index| REQUESTS[index].window)
}

impl Call {
    pub fn new(id: i64, method: &str, thread_id: Option<&str>) -> Self {
        Self {
            id,
            method: method.into(),
            lane: window_of(method).into(),
            errand: None,
            stream: None,
            turn_of: (method == "turn/start")
                .then_some(thread_id)
                .flatten()
                .map(Arc::from),
            place: AtomicBool::new(false),
            gate: Gate::new(State {
                stage: Stage::Queued,
                sent: None,
                written: None,
                subscription: None,
            }),
        }
    }

    /// The same request, if it opens a stream.
    #[must_use]
    pub fn opening(self, stream: Option<Stream>) -> Self {
        Self { stream, ..self }
    }

    /// A request that nobody waits for.
    pub fn errand(id: i64, errand: Errand) -> Self {
        let call = Self::new(id, &errand.method, None);
        Self {
            lane: Lane::Errand,
            errand: Some(errand),
            ..call
        }
    }

    /// Admission lets it in. False when it was given up or the connection closed meanwhile.
    pub fn admit(&self) -> bool {
        let mut state = self.gate.lock();
        if !matches!(state.stage, Stage::Queued) {
            return false;
        }
        state.stage = Stage::Admitted;
        self.place.store(true, Ordering::Release);
        self.gate.wake_all(state);
        true
    }

    pub fn is_admitted(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Admitted)
    }

    /// Its line goes to the writer. False when it is not admitted (any more).
    pub fn mark_sent(&self) -> bool {
        let mut state = self.gate.lock();
        let admitted = matches!(state.stage, Stage::Admitted);
        if admitted {
            state.stage = Stage::Sent;
            state.sent = Some(Instant::now());
        }
        admitted
    }

    /// The writer takes its line in hand. False when it was given up: the line is not written.
    pub fn mark_written(&self) -> bool {
        let mut state = self.gate.lock();
        let sent = matches!(state.stage, Stage::Sent);
        if sent {
            state.stage = Stage::Written;
            state.written = Some(Instant::now());
        }
        sent
    }

    /// Time since its line was written, or was handed to the writer if that has not happened.
    pub fn elapsed(&self) -> Duration {
        let state = self.gate.lock();
        state
            .written
            .or(state.sent)
            .map_or(Duration::ZERO, |at| at.elapsed())
    }

    /// Time since its line was written; `None` before.
    pub fn written_for(&self) -> Option<Duration> {
        self.gate.lock().written.map(|at| at.elapsed())
    }

    /// Whether it counts against its window.
    pub fn holds_place(&self) -> bool {
        self.place.load(Ordering::Acquire)
    }

    /// True once, for whoever is to give its place to the next in line.
    pub fn give_back_place(&self) -> bool {
        self.place.swap(false, Ordering::AcqRel)
    }

    /// The answer, with the subscription that the router bound for it. The waiters are returned, so
    /// that the reader can wake them after the whole chunk; `None` when it was given up before.
    pub fn answer(&self, outcome: Outcome, subscription: Option<Arc<Mailbox>>) -> Option<Wake> {
        let mut state = self.gate.lock();
        if matches!(
            state.stage,
            Stage::Abandoned | Stage::Taken | Stage::Answered(_)
        ) {
            return None;
        }
        state.stage = Stage::Answered(outcome);
        state.subscription = subscription;
        Some(state.take_waiters())
    }

    pub fn is_abandoned(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Abandoned)
    }

    /// Wakes what [`Self::answer`] returned.
    pub fn fire(&self, wake: Wake) {
        self.gate.fire(wake);
    }

    /// The outcome, once; `None` while there is none.
    pub fn take(&self) -> Option<Outcome> {
        let mut state = self.gate.lock();
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Answered(outcome) => Some(outcome),
            other => {
                state.stage = other;
                None
            }
        }
    }

    pub fn take_subscription(&self) -> Option<Arc<Mailbox>> {
        self.gate.lock().subscription.take()
    }

    /// Gives the request up; says what that leaves to be undone. The second call finds nothing.
    pub fn abandon(&self) -> Undo {
        let mut state = self.gate.lock();
        let undo = match std::mem::replace(&mut state.stage, Stage::Abandoned) {
            Stage::Abandoned => Undo::Nothing,
            Stage::Queued => Undo::Line,
            Stage::Sent => Undo::Unwritten,
            Stage::Admitted => Undo::Place,
            Stage::Written => Undo::Written,
            Stage::Answered(outcome) => Undo::Answer(outcome, state.subscription.take()),
            Stage::Taken => {
                state.stage = Stage::Taken;
                Undo::Nothing
            }
        };
        self.gate.wake_all(state);
        undo
    }

    /// Where to wait for the next step: admitted, or (once sent) answered.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

impl Ready for State {
    fn ready(&self) -> bool {
        !matches!(self.stage, Stage::Queued | Stage::Sent | Stage::Written)
    }
}
