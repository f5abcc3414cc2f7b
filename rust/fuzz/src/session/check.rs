//! What holds after every step, and what is left at the end.

use std::sync::Arc;

use codex_core::session::Counts;
use codex_core::session::call::Lane;
use codex_core::session::subscriptions::Leave;

use super::consumers::Claim;
use super::desk::LIMITS;
use super::requests::{Kind, PLACE_KEPT_FOR, Request, Stage, check_window};
use super::turns::{THREADS, TURNS};
use super::world::World;

impl World {
    pub fn check(&mut self) -> Result<(), String> {
        let counts = self.desk.session.counts();
        if self.closed {
            return match counts {
                Counts {
                    calls: 0,
                    admitted: 0,
                    waiting: 0,
                    turns: 0,
                    ..
                } => Ok(()),
                _ => Err(format!("after the end: {counts:?}")),
            };
        }
        let now = self.desk.now;
        self.check_errands()?;
        if counts.calls != self.desk.wire.len() {
            let wire = self.desk.wire.len();
            return Err(format!("{counts:?}, and {wire} requests are on the wire"));
        }
        let short = check_window(&self.requests, Lane::Short, LIMITS.short, now)?;
        let long = check_window(&self.requests, Lane::Long, LIMITS.long, now)?;
        let cleanup = self.by_themselves(Lane::Cleanup);
        let control = self.by_themselves(Lane::Control);
        let of_program = |one: &&Request| one.call.lane == Lane::Control && one.has_place(now);
        let control_of_program = self.requests.iter().filter(of_program).count();
        let control = control + control_of_program;
        let admitted = short + long + cleanup;
        if cleanup > LIMITS.cleanup || !(admitted..=admitted + control).contains(&counts.admitted) {
            return Err(format!(
                "{counts:?}, and not {:?}",
                [short, long, cleanup, control]
            ));
        }
        Ok(())
    }

    /// The session makes no request of its own that nothing calls for, in the step in which it does.
    fn check_errands(&mut self) -> Result<(), String> {
        let now = self.desk.now;
        let is_starting = |thread| self.requests.iter().any(|one| one.is_starting(thread));
        let is_starting = std::array::from_fn(is_starting);
        let mut has_hand = [false; TURNS];
        for consumer in &self.consumers {
            has_hand[consumer.turn] |= consumer.claim != Claim::None;
        }
        let interrupts = self.turns.judge(is_starting, has_hand, now);
        let [undone, sent] = self.accounted;
        self.accounted = [self.undone, self.desk.stats.errands_sent.get()];
        let undone = self.undone - undone;
        let sent = self.desk.stats.errands_sent.get() - sent;
        let is_right = (undone..=undone + interrupts).contains(&sent);
        if is_right || !self.goals.is_empty() {
            return Ok(());
        }
        let turns = &self.turns;
        Err(format!(
            "{sent} requests to undo {undone} streams and {interrupts} turns: {turns:?}"
        ))
    }

    /// Requests that go out by themselves and have a place.
    fn by_themselves(&self, lane: Lane) -> usize {
        let queue = self.desk.queue.iter().filter_map(|line| line.call.as_ref());
        let queued = queue.filter(|call| call.lane == lane).count();
        let now = self.desk.now;
        let on_wire = self.desk.wire.iter();
        queued
            + on_wire
                .filter(|one| one.call.lane == lane && now < one.at + PLACE_KEPT_FOR)
                .count()
    }

    /// Everything comes to its end, and nothing is left over.
    pub fn finish(mut self) -> Result<(), String> {
        for round in 0..100 {
            if self.closed || (self.is_quiet() && round > 2) {
                break;
            }
            for index in 0..self.requests.len() {
                self.send(index);
            }
            for _ in 0..50 {
                while !self.desk.queue.is_empty() {
                    self.write()?;
                    self.check()?;
                }
                while !self.desk.wire.is_empty() {
                    self.answer(0, 1, round % 2 == 0)?;
                    self.check()?;
                }
            }
            if round > 0 {
                self.turns.settled()?;
                for process in 0..2 {
                    self.stream_says(process, true)?;
                }
                for thread in 0..THREADS {
                    self.goal_says(thread, "complete")?;
                }
                // What is not heard of must come to its end without a last word.
                for turn in 0..TURNS {
                    if !self.turns.all[turn].unheard {
                        self.say(turn, "turn/completed")?;
                        self.check()?;
                    }
                }
            }
            self.pass(40_000);
            self.check()?;
        }
        for index in 0..self.requests.len() {
            let request = &self.requests[index];
            let is_open = matches!(request.stage, Stage::Open | Stage::Sent | Stage::Written(_));
            let call = Arc::clone(&request.call);
            self.take_answer(index, true)?;
            let request = &self.requests[index];
            let lost = match request.kind {
                Kind::Interrupt => !request.taken && !request.is_unwaited,
                _ => is_open,
            };
            if lost {
                return Err(format!("a request is not answered: {call:?}"));
            }
        }
        if !self.closed && self.undoing != self.undone {
            let Self {
                undone, undoing, ..
            } = self;
            return Err(format!("{undoing} streams are undone, and not {undone}"));
        }
        for index in 0..self.streams.len() {
            self.streams[index].read()?;
            self.leave_stream(index, Leave::Drop);
        }
        for index in 0..self.goals.len() {
            self.leave_goal(index, Leave::Drop);
        }
        for index in 0..self.consumers.len() {
            self.consumers[index].read()?;
            self.leave(index, Leave::Drop);
            self.check()?;
        }
        self.stop_the_rest()?;
        let counts = self.desk.session.counts();
        if counts != Counts::default() {
            let turns = &self.turns;
            return Err(format!("something is left over: {counts:?}, {turns:?}"));
        }
        let World {
            desk,
            consumers,
            requests,
            streams,
            goals,
            ..
        } = self;
        drop((consumers, requests, streams, goals));
        let super::desk::Desk {
            session,
            budget,
            queue,
            wire,
            ..
        } = desk;
        drop((session, queue, wire));
        match budget.held() {
            0 => Ok(()),
            held => Err(format!("{held} bytes are held by nobody")),
        }
    }

    /// What was owned and not heard of is interrupted, or tried to be.
    fn stop_the_rest(&mut self) -> Result<(), String> {
        for round in 0..100 {
            while !self.desk.queue.is_empty() {
                self.write()?;
            }
            while !self.desk.wire.is_empty() {
                self.answer(0, 1, round > 9)?;
                self.check()?;
            }
            self.pass(1_000);
            self.check()?;
        }
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        let is_open = |stage| matches!(stage, Stage::Open | Stage::Sent | Stage::Written(_));
        let of_program = self
            .requests
            .iter()
            .filter(|one| one.kind != Kind::Interrupt);
        let waits = of_program.clone().any(|one| is_open(one.stage));
        !waits && self.desk.queue.is_empty() && self.desk.wire.is_empty()
    }
}
