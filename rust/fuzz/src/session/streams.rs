//! Streams that a request opens, and what their consumers leave to be undone. Goals, of which only this is known: who
//! has a thread, and that nothing of them is left over.

use std::collections::VecDeque;

use codex_core::inbox::mailbox::Taken;
use codex_core::session::cleanup::Cleanup;
use codex_core::session::requests::Opening;
use codex_core::session::subscriptions::{Leave, Subject, Subscription};

use super::desk::text;
use super::requests::Kind;
use super::turns::thread_of;
use super::world::{World, at};

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub struct Stream {
    subscription: Subscription,
    process: usize,
    /// Its consumer has not undone it itself.
    has_cleanup: bool,
    pub owed: bool,
    /// Its consumer has let it go on, before or after it was begun.
    waived: bool,
    requested: bool,
    pub over: bool,
    pub left: bool,
    expected: VecDeque<String>,
}

impl Stream {
    pub fn read(&mut self) -> Result<(), String> {
        while let Taken::Segment(segment) = self.subscription.mailbox.take() {
            for event in segment.iter() {
                let (seen, expected) = (text(event.params), self.expected.pop_front());
                // An answer that ends it comes last; what a runtime sends behind it is nobody's loss.
                let is_more = expected.is_none() && self.over;
                if self.left || (expected.as_ref() != Some(&seen) && !is_more) {
                    return Err(format!("stream: {seen}, not {expected:?}"));
                }
            }
        }
        match self.expected.front() {
            Some(event) => Err(format!("stream: {event} has not come")),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
pub struct Goal {
    pub subscription: Subscription,
    pub thread: usize,
    requested: bool,
}

impl World {
    pub fn stream(&mut self, process: usize) {
        let subject = Subject {
            name: "processHandle",
            id: format!("p{process}").into(),
        };
        let kill = Cleanup::new("process/kill", b"{}".to_vec());
        let subscription = self.desk.session.subscribe_stream(&subject, Some(kill));
        self.streams.push(Stream {
            subscription,
            process,
            has_cleanup: true,
            owed: false,
            waived: false,
            requested: false,
            over: self.closed,
            left: false,
            expected: VecDeque::new(),
        });
    }

    /// The request that opens a stream stands in line.
    pub fn open_stream(&mut self, index: usize, until_answer: bool) {
        let Some(index) = at(index, self.streams.len()) else {
            return;
        };
        let stream = &mut self.streams[index];
        if stream.left || std::mem::replace(&mut stream.requested, true) {
            return;
        }
        let kind = Kind::Opens {
            stream: index,
            until_answer,
        };
        let id = stream.subscription.id;
        self.open_for("process/spawn", id, until_answer, kind);
    }

    fn open_for(&mut self, method: &str, id: u64, until_answer: bool, kind: Kind) {
        let opening = Opening {
            method,
            thread_id: None,
            stream: Some((id, until_answer)),
        };
        let call = self
            .desk
            .step(|session, now, out| session.open(opening, now, out));
        self.enter(call, kind);
    }

    /// The request that opens a stream is on the wire.
    pub fn stream_opens(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        stream.owed = !stream.left && !stream.waived;
        self.undone += u64::from(stream.left && stream.has_cleanup);
    }

    pub fn stream_says(&mut self, process: usize, last: bool) -> Result<(), String> {
        if self.closed {
            return Ok(());
        }
        self.said += 1;
        let params = format!(r#"{{"processHandle":"p{process}","n":{}}}"#, self.said);
        let live = |one: &&mut Stream| one.process == process && !one.over && !one.left;
        for stream in self.streams.iter_mut().filter(live) {
            stream.expected.push_back(params.clone());
            stream.over = last;
        }
        let method = if last {
            "process/exited"
        } else {
            "process/outputDelta"
        };
        self.desk
            .hear(&format!(r#"{{"method":"{method}","params":{params}}}"#))
    }

    pub fn leave_stream(&mut self, index: usize, leave: Leave) {
        let Some(index) = at(index, self.streams.len()) else {
            return;
        };
        let stream = &mut self.streams[index];
        if !stream.left {
            let is_due =
                (stream.owed || leave == Leave::GiveUp) && stream.has_cleanup && !stream.over;
            self.undone += u64::from(is_due);
        }
        stream.left = true;
        stream.expected.clear();
        let id = stream.subscription.id;
        self.desk
            .step(|session, now, out| session.leave(id, leave, now, out));
    }

    /// The consumer of a stream wants it to be undone, lets it go on, or has undone it.
    pub fn own_stream(&mut self, index: usize, what: usize) {
        let Some(stream) = at(index, self.streams.len()).map(|index| &mut self.streams[index])
        else {
            return;
        };
        if stream.left {
            return;
        }
        let id = stream.subscription.id;
        match what % 3 {
            0 => {
                (stream.owed, stream.waived) = (true, false);
                self.desk.session.own(id);
            }
            1 => {
                (stream.owed, stream.waived) = (false, true);
                self.desk.session.detach(id);
            }
            _ => {
                // A request in line has its own copy of what undoes it.
                if !stream.requested {
                    stream.has_cleanup = false;
                    self.desk.session.settle(id);
                }
            }
        }
    }

    pub fn goal(&mut self, thread: usize) -> Result<(), String> {
        let id = format!("t{thread}").into();
        let pause = Cleanup::new("thread/goal/set", b"{}".to_vec());
        let now = self.desk.now;
        let Some(subscription) = self.desk.session.own_thread(&id, pause, now) else {
            return Ok(());
        };
        if self.requests.iter().any(|one| one.is_starting(thread)) {
            return Err(String::from(
                "a goal gets a thread where a turn is being started",
            ));
        }
        self.goals.push(Goal {
            subscription,
            thread,
            requested: false,
        });
        Ok(())
    }

    pub fn set_goal(&mut self, index: usize) {
        let Some(goal) = at(index, self.goals.len()).map(|index| &mut self.goals[index]) else {
            return;
        };
        if !std::mem::replace(&mut goal.requested, true) {
            let (id, kind) = (goal.subscription.id, Kind::Sets(goal.thread));
            self.open_for("thread/goal/set", id, false, kind);
        }
    }

    pub fn goal_says(&mut self, thread: usize, status: &str) -> Result<(), String> {
        if self.closed {
            return Ok(());
        }
        self.desk.hear(&format!(
            r#"{{"method":"thread/goal/updated","params":{{"threadId":"t{thread}","goal":{{"status":"{status}"}}}}}}"#
        ))
    }

    pub fn leave_goal(&mut self, index: usize, leave: Leave) {
        let Some(goal) = at(index, self.goals.len()).map(|index| &self.goals[index]) else {
            return;
        };
        let (id, thread) = (goal.subscription.id, goal.thread);
        for (turn, state) in self.turns.all.iter_mut().enumerate() {
            state.may_be_goals |= thread_of(turn) == thread;
        }
        self.desk
            .step(|session, now, out| session.leave(id, leave, now, out));
    }
}
