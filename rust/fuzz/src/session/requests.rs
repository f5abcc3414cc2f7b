//! What each request of the program must get: at most one answer, the one that was given, in its turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_core::session::call::{Call, Lane, Outcome};

use super::desk::text;

/// How long a place is kept for an answer that nobody waits for.
pub const PLACE_KEPT_FOR: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// A `turn/start` on a thread.
    Start(usize),
    /// Opens a stream, of which its answer may be the end.
    Opens {
        stream: usize,
        until_answer: bool,
    },
    /// Sets a thread's goal.
    Sets(usize),
    /// Unsubscribes from a thread.
    Unsubscribes(usize),
    /// The program's interrupt of a turn, which goes out by itself.
    Interrupt,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Result(String),
    Refused,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In line, or admitted.
    Open,
    /// In the writer's hands, or held with its line.
    Sent,
    Written(Instant),
    Settled,
    /// Given up; on the wire since then if it was written and is not answered.
    GivenUp(Option<Instant>),
}

#[derive(Debug)]
pub struct Request {
    pub call: Arc<Call>,
    pub kind: Kind,
    pub stage: Stage,
    pub answer: Option<Answer>,
    pub taken: bool,
    /// It was given up or released, at any time.
    pub is_unwaited: bool,
    /// The consumer that its answer brings.
    pub consumer: Option<usize>,
    /// Of a start: what each turn of the thread has said since it was written.
    pub early: Vec<(usize, VecDeque<String>)>,
    pub seen_begun: Vec<usize>,
}

impl Request {
    pub fn new(call: Arc<Call>, kind: Kind) -> Self {
        Self {
            call,
            kind,
            stage: Stage::Open,
            answer: None,
            taken: false,
            is_unwaited: false,
            consumer: None,
            early: Vec::new(),
            seen_begun: Vec::new(),
        }
    }

    /// Whether it may be answered with any turn of `thread`, for somebody who waits for that.
    pub fn is_starting(&self, thread: usize) -> bool {
        self.kind == Kind::Start(thread) && matches!(self.stage, Stage::Written(_))
    }

    /// Whether it is a start of `thread` on the wire.
    pub fn is_start_on_wire(&self, thread: usize) -> bool {
        let on_wire = matches!(self.stage, Stage::Written(_) | Stage::GivenUp(Some(_)));
        self.kind == Kind::Start(thread) && on_wire
    }

    pub fn has_place(&self, now: Instant) -> bool {
        match self.stage {
            Stage::Open => self.call.is_admitted(),
            Stage::Sent | Stage::Written(_) => true,
            Stage::GivenUp(Some(at)) => now < at + PLACE_KEPT_FOR,
            Stage::Settled | Stage::GivenUp(None) => false,
        }
    }

    /// An event of a turn of its thread.
    pub fn keep(&mut self, turn: usize, params: &str, begins: bool) {
        if begins {
            self.seen_begun.push(turn);
        }
        let known = self.early.iter().position(|(known, _)| *known == turn);
        let index = known.unwrap_or_else(|| {
            self.early.push((turn, VecDeque::new()));
            self.early.len() - 1
        });
        self.early[index].1.push_back(params.to_owned());
    }

    pub fn early_of(&mut self, turn: usize) -> VecDeque<String> {
        let mut early = std::mem::take(&mut self.early).into_iter();
        let found = early.find(|(known, _)| *known == turn);
        found.map(|(_, events)| events).unwrap_or_default()
    }

    /// Takes the answer, if there is one.
    pub fn take(&mut self) -> Result<(), String> {
        let outcome = self.call.take();
        if self.kind == Kind::Interrupt {
            self.stage = if outcome.is_some() {
                Stage::Settled
            } else {
                self.stage
            };
            let again = self.taken && outcome.is_some();
            self.taken |= outcome.is_some();
            return if again {
                Err(String::from("an interrupt is answered twice"))
            } else {
                Ok(())
            };
        }
        let given_up = matches!(self.stage, Stage::GivenUp(_));
        let expected = self.answer.as_ref().filter(|_| !self.taken && !given_up);
        let right = match (&outcome, expected) {
            (Some(Outcome::Result(result)), Some(Answer::Result(right))) => text(result) == *right,
            (None, None)
            | (Some(Outcome::Error { .. }), Some(Answer::Refused))
            | (Some(Outcome::Closed(_)), Some(Answer::Closed)) => true,
            _ => false,
        };
        self.taken |= outcome.is_some();
        if right {
            Ok(())
        } else {
            Err(format!(
                "{outcome:?}, and not {expected:?}: {:?}",
                self.call
            ))
        }
    }
}

/// Whether those of one window are as many as may be, and nobody waits without need.
pub fn check_window(
    requests: &[Request],
    lane: Lane,
    limit: usize,
    now: Instant,
) -> Result<usize, String> {
    let of_lane = requests
        .iter()
        .filter(|one| one.call.lane == lane && one.kind != Kind::Interrupt);
    let (mut in_flight, mut waits) = (0, false);
    for one in of_lane {
        in_flight += usize::from(one.has_place(now));
        // A start may wait for its thread.
        waits |= one.kind == Kind::Plain && one.stage == Stage::Open && !one.call.is_admitted();
    }
    if in_flight > limit {
        return Err(format!("{in_flight} in flight, {lane:?}"));
    }
    if waits && in_flight < limit {
        return Err(format!(
            "one waits although {in_flight} are in flight, {lane:?}"
        ));
    }
    Ok(in_flight)
}
