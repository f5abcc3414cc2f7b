//! What holds after every step, and what is left at the end.

use std::sync::Arc;

use codex_core::session::Counts;
use codex_core::session::call::Lane;
use codex_core::session::subscriptions::Leave;

use super::desk::LIMITS;
use super::requests::{Kind, PLACE_KEPT_FOR, Stage, check_window};
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
        let is_starting = |thread| self.requests.iter().any(|one| one.is_starting(thread));
        self.turns
            .judge(std::array::from_fn::<_, THREADS, _>(is_starting), now);
        let cleanups = self.desk.stats.errands_sent.get();
        if !self.turns.are_vague() && cleanups != self.turns.asked {
            let asked = self.turns.asked;
            return Err(format!(
                "{cleanups} interrupts, and not {asked}: {:?}",
                self.turns
            ));
        }
        if counts.calls != self.desk.wire.len() {
            let wire = self.desk.wire.len();
            return Err(format!("{counts:?}, and {wire} requests are on the wire"));
        }
        let short = check_window(&self.requests, Lane::Short, LIMITS.short, now)?;
        let long = check_window(&self.requests, Lane::Long, LIMITS.long, now)?;
        let cleanup = self.by_themselves(Lane::Cleanup);
        let control = self.by_themselves(Lane::Control);
        let admitted = short + long + cleanup;
        if cleanup > LIMITS.cleanup || !(admitted..=admitted + control).contains(&counts.admitted) {
            return Err(format!(
                "{counts:?}, and not {:?}",
                [short, long, cleanup, control]
            ));
        }
        Ok(())
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
            while !self.desk.queue.is_empty() {
                self.write()?;
            }
            while !self.desk.wire.is_empty() {
                self.answer(0, 1, round % 2 == 0)?;
                self.check()?;
            }
            if round > 0 {
                for turn in 0..TURNS {
                    self.say(turn, "turn/completed")?;
                    self.check()?;
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
                Kind::Interrupt => !request.taken,
                Kind::Plain | Kind::Start(_) => is_open,
            };
            if lost {
                return Err(format!("a request is not answered: {call:?}"));
            }
        }
        if !self.closed {
            self.turns.settled()?;
        }
        for index in 0..self.consumers.len() {
            self.consumers[index].read()?;
            self.leave(index, Leave::Drop);
        }
        let counts = self.desk.session.counts();
        if counts != Counts::default() {
            return Err(format!("something is left over: {counts:?}"));
        }
        let World {
            desk,
            consumers,
            requests,
            ..
        } = self;
        drop((consumers, requests));
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
