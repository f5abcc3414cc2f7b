//! One request and its stages: queued for admission, admitted, sent, written, answered.
//!
//! The session moves a call on, under its own lock; the call's lock, which is innermost, is for who waits for the next
//! stage.

use std::sync::Arc;
use std::time::Instant;

use super::cleanup::{Cleanup, TurnKey};
use super::subscriptions::{Subscription, SubscriptionId};
use crate::inbox::mailbox::Mailbox;
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Ready};
use crate::wire::encode::request_line;
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
    Closed(CloseReason),
}

/// Where a request stands.
#[derive(Debug)]
enum Stage {
    Queued,
    Admitted,
    /// Handed to the writer.
    Sent,
    Written,
    Answered(Outcome),
    Taken,
    Abandoned,
}

/// Which window a request stands in line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Short,
    Long,
    Control,
    /// Undoes what nobody wants any more.
    Cleanup,
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

/// Where a request stood when it was given up.
#[derive(Debug)]
pub(crate) enum GivenUp {
    /// It was answered and taken, or given up before.
    Before,
    Queued,
    Admitted,
    Sent,
    /// Its answer will find a tombstone.
    Written,
    /// The answer came and nobody took it.
    Answered(Outcome),
}

/// The stream that a request opens.
#[derive(Debug)]
pub(crate) struct Opens {
    pub id: SubscriptionId,
    pub mailbox: Arc<Mailbox>,
    /// The answer is the end of the stream.
    pub until_answer: bool,
    /// Undoes the request.
    pub cleanup: Option<Cleanup>,
}

#[derive(Debug)]
pub struct Call {
    pub id: i64,
    pub method: Box<str>,
    pub lane: Lane,
    /// Answered only when work ends that has no bound of its own: it has no default deadline.
    pub open_ended: bool,
    /// The thread of a `turn/start`: its events are kept from the moment the line is written.
    pub(crate) starts_on: Option<Arc<str>>,
    pub(crate) opens: Option<Opens>,
    /// It goes out by itself once it is admitted, and nobody need wait for it: this is its line.
    pub(crate) by_itself: Option<Vec<u8>>,
    /// The turn that it interrupts, if it goes out by itself.
    pub(crate) interrupts: Option<TurnKey>,
    /// What else it undoes.
    pub(crate) undoes: Option<Cleanup>,
    gate: Gate<Progress>,
}

#[derive(Debug)]
struct Progress {
    stage: Stage,
    /// It counts against its window.
    has_place: bool,
    opened: Instant,
    sent: Option<Instant>,
    written: Option<Instant>,
    /// The thread that it subscribes to or unsubscribes from.
    thread: Option<Arc<str>>,
    subscription: Option<Subscription>,
    /// The id of what the request has made, until the program has it.
    made: Option<Box<str>>,
    is_handed_over: bool,
}

/// The window of `method`, and whether it is open-ended. A method that the schema does not know counts as short.
fn window_of(method: &str) -> (Window, bool) {
    let known = REQUESTS.binary_search_by(|spec| spec.method.cmp(method));
    known.map_or((Window::Short, false), |index| {
        let spec = &REQUESTS[index];
        (spec.window, spec.open_ended)
    })
}

impl Call {
    pub(crate) fn new(id: i64, method: &str, now: Instant) -> Self {
        let (window, open_ended) = window_of(method);
        Self {
            id,
            method: method.into(),
            lane: window.into(),
            open_ended,
            starts_on: None,
            opens: None,
            by_itself: None,
            interrupts: None,
            undoes: None,
            gate: Gate::new(Progress {
                stage: Stage::Queued,
                has_place: false,
                opened: now,
                sent: None,
                written: None,
                thread: None,
                subscription: None,
                made: None,
                is_handed_over: false,
            }),
        }
    }

    /// A request that goes out by itself.
    pub(crate) fn by_itself(id: i64, cleanup: &Cleanup, lane: Lane, now: Instant) -> Self {
        let bytes = request_line(Some(id), &cleanup.method, Some(&cleanup.params));
        Self {
            lane,
            by_itself: Some(bytes),
            interrupts: cleanup.turn.clone(),
            undoes: Some(cleanup.clone()).filter(|cleanup| cleanup.turn.is_none()),
            ..Self::new(id, &cleanup.method, now)
        }
    }

    /// Admission lets it in; one that goes out by itself is on its way to the writer. False when it was given up or
    /// answered meanwhile.
    pub(crate) fn admit(&self, now: Instant) -> bool {
        let mut progress = self.gate.lock();
        let queued = matches!(progress.stage, Stage::Queued);
        if queued {
            progress.has_place = true;
            progress.stage = if self.by_itself.is_some() {
                progress.sent = Some(now);
                Stage::Sent
            } else {
                Stage::Admitted
            };
        }
        queued
    }

    pub fn is_admitted(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Admitted)
    }

    /// Its line goes to the writer. False when it is not admitted (any more).
    pub(crate) fn send(&self, now: Instant, thread: Option<Arc<str>>) -> bool {
        let mut progress = self.gate.lock();
        let admitted = matches!(progress.stage, Stage::Admitted);
        if admitted {
            progress.stage = Stage::Sent;
            progress.sent = Some(now);
            progress.thread = thread;
        }
        admitted
    }

    /// Whether it is in the writer's hands.
    pub(crate) fn is_sent(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Sent)
    }

    /// The writer takes its line in hand.
    pub(crate) fn write(&self, now: Instant) {
        let mut progress = self.gate.lock();
        progress.stage = Stage::Written;
        progress.written = Some(now);
    }

    /// Whether its line was written, whoever still waits for the answer.
    pub(crate) fn was_written(&self) -> bool {
        self.gate.lock().written.is_some()
    }

    /// The thread that it subscribes to or unsubscribes from.
    pub(crate) fn thread(&self) -> Option<Arc<str>> {
        self.gate.lock().thread.clone()
    }

    /// Since when its deadline runs: from when its line was written, or was handed to the writer if that has not
    /// happened. `None` before that.
    pub(crate) fn since(&self) -> Option<Instant> {
        let progress = self.gate.lock();
        progress.written.or(progress.sent)
    }

    /// When it was opened, if it is neither admitted nor sent.
    pub(crate) fn queued_since(&self) -> Option<Instant> {
        let progress = self.gate.lock();
        matches!(progress.stage, Stage::Queued).then_some(progress.opened)
    }

    pub(crate) fn has_place(&self) -> bool {
        self.gate.lock().has_place
    }

    /// True once, for whoever is to give its place to the next in line.
    pub(crate) fn give_back_place(&self) -> bool {
        std::mem::take(&mut self.gate.lock().has_place)
    }

    /// The answer, with the subscription that was bound for it. They come back if nobody wants them any more.
    pub(crate) fn answer(
        &self,
        outcome: Outcome,
        subscription: Option<Subscription>,
    ) -> Result<(), (Outcome, Option<Subscription>)> {
        let mut progress = self.gate.lock();
        match progress.stage {
            Stage::Abandoned | Stage::Taken | Stage::Answered(_) => Err((outcome, subscription)),
            Stage::Queued | Stage::Admitted | Stage::Sent | Stage::Written => {
                progress.stage = Stage::Answered(outcome);
                progress.subscription = subscription;
                Ok(())
            }
        }
    }

    /// What the answer says that the request has made; it is owed until it is handed over. Of a request that was given
    /// up it is undone at once.
    pub(crate) fn note_made(&self, made: Option<&str>) {
        let mut progress = self.gate.lock();
        if !matches!(progress.stage, Stage::Abandoned) {
            progress.made = made.map(Box::from);
        }
    }

    /// The program has what the request has made.
    pub fn hand_over(&self) {
        self.gate.lock().is_handed_over = true;
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.gate.lock().is_handed_over
    }

    /// The part in a turn, as far as nobody has it yet, and the id of what else the request has made. Once.
    pub(crate) fn take_made(&self) -> (Option<Subscription>, Option<Box<str>>) {
        let mut progress = self.gate.lock();
        (progress.subscription.take(), progress.made.take())
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Abandoned)
    }

    /// Wakes whoever waits for the next stage.
    pub(crate) fn wake(&self) {
        self.gate.wake();
    }

    /// The outcome, once; `None` while there is none.
    pub fn take(&self) -> Option<Outcome> {
        let mut progress = self.gate.lock();
        match std::mem::replace(&mut progress.stage, Stage::Taken) {
            Stage::Answered(outcome) => Some(outcome),
            other => {
                progress.stage = other;
                None
            }
        }
    }

    pub(crate) fn was_taken(&self) -> bool {
        matches!(self.gate.lock().stage, Stage::Taken)
    }

    /// After an answered `turn/start`: its part in the turn, once.
    pub fn take_subscription(&self) -> Option<Subscription> {
        self.gate.lock().subscription.take()
    }

    /// Gives the request up; says where it stood. The second call finds nothing.
    pub(crate) fn give_up(&self) -> GivenUp {
        let mut progress = self.gate.lock();
        let stood = match std::mem::replace(&mut progress.stage, Stage::Abandoned) {
            Stage::Abandoned => GivenUp::Before,
            Stage::Queued => GivenUp::Queued,
            Stage::Sent => GivenUp::Sent,
            Stage::Admitted => GivenUp::Admitted,
            Stage::Written => GivenUp::Written,
            Stage::Answered(outcome) => GivenUp::Answered(outcome),
            Stage::Taken => {
                progress.stage = Stage::Taken;
                GivenUp::Before
            }
        };
        self.gate.wake_all(progress);
        stood
    }

    /// Where to wait for the next step: admitted, or (once sent) answered.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

impl Ready for Progress {
    fn ready(&self) -> bool {
        !matches!(self.stage, Stage::Queued | Stage::Sent | Stage::Written)
    }
}
