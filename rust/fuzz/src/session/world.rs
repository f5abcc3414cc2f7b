//! The steps, each taken by the session and by the model.

use std::time::Duration;

use codex_core::session::subscriptions::Leave;
use codex_core::sync::closing::CloseReason;

use super::consumers::Consumer;
use super::desk::Desk;
use super::requests::{Answer, Kind, Request, Stage};
use super::steps::Step;
use super::streams::{Goal, Stream};
use super::turns::{THREADS, TURNS, Turns};

const LEAVES: [Leave; 3] = [Leave::Close, Leave::GiveUp, Leave::Drop];
const PLAIN: [&str; 2] = ["thread/read", "command/exec"];
/// Times that pass, in milliseconds: around what the session waits for.
const PAUSES: [u64; 6] = [50, 150, 1000, 2000, 4000, 30_000];

#[derive(Default)]
pub struct World {
    pub desk: Desk,
    pub turns: Turns,
    pub consumers: Vec<Consumer>,
    pub requests: Vec<Request>,
    pub streams: Vec<Stream>,
    pub goals: Vec<Goal>,
    /// Requests that undo a stream, as they are due.
    pub undone: u64,
    /// Those that were written.
    pub undoing: u64,
    /// Requests of the session's own that were due or allowed so far, and those that were made.
    pub accounted: [u64; 2],
    /// Threads that this client has unsubscribed from.
    pub unsubscribed: [bool; THREADS],
    pub closed: bool,
    /// Numbers what the runtime says.
    pub said: usize,
}

/// An index as the input has it, into what there is.
pub fn at(index: usize, len: usize) -> Option<usize> {
    index.checked_rem(len)
}

impl World {
    pub fn step(&mut self, step: Step) -> Result<(), String> {
        let Step { first, second, .. } = step;
        let turn = first % TURNS;
        match step.letter {
            b'o' => self.open(PLAIN[first % 2], Kind::Plain),
            b's' => self.open("turn/start", Kind::Start(second % THREADS)),
            b'd' => self.send(first),
            b'w' => self.write()?,
            b'a' | b'r' => {
                if let Some(index) = at(first, self.desk.wire.len()) {
                    self.answer(index, second, step.letter == b'a')?;
                }
            }
            b'b' => self.say(turn, "turn/started")?,
            b'i' => self.say(turn, "item/agentMessage/delta")?,
            b'e' => self.say(turn, "turn/completed")?,
            b'c' => self.close_thread(first % THREADS)?,
            b'g' | b'x' => self.let_go(first, step.letter == b'x'),
            b't' => self.take(first, second % 2 == 0)?,
            b'l' => self.leave(first, LEAVES[second % 3]),
            b'n' | b'm' => self.own(first, step.letter == b'n'),
            b'f' => self.follow(turn),
            b'p' => self.interrupt(turn)?,
            b'v' => {
                if let Some(index) = at(first, self.consumers.len()) {
                    self.consumers[index].read()?;
                }
            }
            b'y' => self.stream(first % 2),
            b'Y' => self.open_stream(first, second % 2 == 0),
            b'O' | b'X' => self.stream_says(first % 2, step.letter == b'X')?,
            b'L' => self.leave_stream(first, LEAVES[second % 3]),
            b'N' => self.own_stream(first, second),
            b'G' => self.goal(first % THREADS)?,
            b'S' => self.set_goal(first),
            b'U' => self.goal_says(
                first % THREADS,
                ["active", "complete", "paused"][second % 3],
            )?,
            b'M' => self.leave_goal(first, LEAVES[second % 3]),
            b'u' => self.open("thread/unsubscribe", Kind::Unsubscribes(first % THREADS)),
            b'z' => self.pass(PAUSES[first % PAUSES.len()]),
            b'q' => self.close(),
            _ => {}
        }
        self.check()
    }

    pub fn pass(&mut self, milliseconds: u64) {
        self.desk.pass(Duration::from_millis(milliseconds));
    }

    fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            for request in &mut self.requests {
                if matches!(request.stage, Stage::Open | Stage::Sent | Stage::Written(_)) {
                    (request.stage, request.answer) = (Stage::Settled, Some(Answer::Closed));
                }
            }
            for consumer in &mut self.consumers {
                consumer.closed = true;
            }
            for stream in &mut self.streams {
                stream.over = true;
            }
            self.desk.wire.clear();
        }
        let reason = CloseReason::new(());
        self.desk
            .step(|session, _, out| session.close(&reason, out));
    }
}
