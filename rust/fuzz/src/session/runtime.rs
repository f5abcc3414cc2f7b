//! What the writer and the runtime do: lines that are written, answers, and events.

use std::sync::Arc;

use codex_core::session::call::{Call, Lane};

use super::consumers::{Claim, Consumer};
use super::requests::{Answer, Kind, Request, Stage};
use super::turns::{Over, THREADS, TURNS, thread_of};
use super::world::World;

impl World {
    pub fn write(&mut self) -> Result<(), String> {
        let Some((call, written)) = self.desk.write() else {
            return Ok(());
        };
        let request = self
            .requests
            .iter_mut()
            .find(|one| Arc::ptr_eq(&one.call, &call));
        let Some(written) = written else {
            let woken = self.desk.woken.iter().any(|one| Arc::ptr_eq(one, &call));
            if let Some(Request {
                kind: Kind::Start(thread),
                stage,
                answer,
                ..
            }) = request
                && woken
                && !self.closed
            {
                (*stage, *answer) = (Stage::Settled, Some(Answer::Refused));
                let has_goal = self.goals.iter().any(|goal| goal.thread == *thread);
                return if has_goal {
                    Ok(())
                } else {
                    Err(format!("refused for no goal: {call:?}"))
                };
            }
            if let Some(Request {
                kind: Kind::Sets(thread),
                stage,
                answer,
                ..
            }) = request
                && *stage == Stage::Sent
                && self.unsubscribed[*thread]
            {
                (*stage, *answer) = (Stage::Settled, Some(Answer::Refused));
                return Ok(());
            }
            let swallowed = match request {
                Some(request) => {
                    request.stage == Stage::Sent && !matches!(request.kind, Kind::Start(_))
                }
                // An interrupt may be withdrawn: its turn is over, or followed by now.
                None => &*call.method != "turn/interrupt",
            };
            return if swallowed && !self.closed {
                Err(format!("a line is not written: {call:?}"))
            } else {
                Ok(())
            };
        };
        if self.closed {
            return Err(format!("a line is written after the end: {call:?}"));
        }
        let Some(request) = request else {
            // By itself.
            self.undoing += u64::from(&*call.method == "process/kill");
            let Some(turn) = written.turn() else {
                return Ok(());
            };
            let by_itself = |call: &Arc<Call>| {
                let mut requests = self.requests.iter();
                !requests.any(|one| Arc::ptr_eq(&one.call, call))
            };
            let of_turn = self.desk.wire.iter().filter(|one| {
                one.turn() == Some(turn) && by_itself(&one.call) && one.call.id != call.id
            });
            let is_on_wire = of_turn.count() > 0;
            let for_program = call.lane == Lane::Control;
            return self.turns.interrupted(turn, for_program, is_on_wire);
        };
        if matches!(request.stage, Stage::GivenUp(_)) {
            return Err(format!("a request that was given up is written: {call:?}"));
        }
        request.stage = Stage::Written(self.desk.now);
        match request.kind {
            Kind::Start(thread) if self.turns.is_holding(thread, self.desk.now) => Err(format!(
                "a start does not wait for what was given up: {:?}",
                self.turns
            )),
            Kind::Opens { stream, .. } => {
                self.stream_opens(stream);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The runtime answers a request, a start with the turn `second`.
    pub fn answer(&mut self, index: usize, second: usize, accepted: bool) -> Result<(), String> {
        let written = self.desk.wire.remove(index);
        self.said += 1;
        let request = self
            .requests
            .iter_mut()
            .find(|one| Arc::ptr_eq(&one.call, &written.call));
        let kind = request.as_ref().map(|request| request.kind);
        let turn = match kind {
            Some(Kind::Start(thread)) => thread * (TURNS / THREADS) + second % (TURNS / THREADS),
            _ => 0,
        };
        let result = match kind {
            Some(Kind::Start(_)) => format!(r#"{{"turn":{{"id":"u{turn}"}},"n":{}}}"#, self.said),
            _ => format!(r#"{{"n":{}}}"#, self.said),
        };
        if let Some(request) = request {
            if let (Kind::Start(thread), true) = (request.kind, accepted) {
                let is_given_up = matches!(request.stage, Stage::GivenUp(_));
                let over = self.turns.all[turn].over;
                if over.is_none() {
                    self.turns.all[turn].enter(self.unsubscribed[thread]);
                    self.turns
                        .claim(turn, is_given_up, request.seen_begun.contains(&turn));
                }
                self.turns.start_was_answered(thread, request.call.id);
                let state = &self.turns.all[turn];
                let is_cut = over.is_none() && self.unsubscribed[thread];
                let is_vague = state.unheard || state.may_be_over;
                if !is_given_up {
                    let claim = over.map_or(Claim::Pending, |_| Claim::None);
                    let over = over.map(|_| Over::Finished).or(is_cut.then_some(Over::Cut));
                    let early = request.early_of(turn);
                    request.consumer = Some(self.consumers.len());
                    self.consumers.push(Consumer {
                        is_vague,
                        ..Consumer::new(turn, claim, early, over)
                    });
                }
            } else if let Kind::Start(thread) = request.kind {
                self.turns.start_was_answered(thread, request.call.id);
            }
            match request.stage {
                Stage::GivenUp(_) => request.stage = Stage::GivenUp(None),
                _ if request.kind == Kind::Interrupt => {}
                _ => {
                    request.stage = Stage::Settled;
                    let answer = if accepted {
                        Answer::Result(result.clone())
                    } else {
                        Answer::Refused
                    };
                    request.answer = Some(answer);
                }
            }
        }
        match kind {
            Some(Kind::Opens {
                stream,
                until_answer: true,
            }) => self.streams[stream].over = true,
            Some(Kind::Opens { stream, .. }) if !accepted => self.streams[stream].owed = false,
            Some(Kind::Unsubscribes(thread)) if accepted => self.unsubscribe(thread),
            _ => {}
        }
        if let Some(turn) = written.turn() {
            let is_unsubscribed = self.unsubscribed[thread_of(turn)];
            self.turns
                .interrupt_was_answered(turn, accepted, is_unsubscribed, self.desk.now);
        }
        let id = written.call.id;
        let message = ["no active turn to interrupt", "no"][second % 2];
        self.desk.hear(&if accepted {
            format!(r#"{{"id":{id},"result":{result}}}"#)
        } else {
            format!(r#"{{"id":{id},"error":{{"code":-32600,"message":"{message}"}}}}"#)
        })
    }

    /// A turn that is not over says something.
    pub fn say(&mut self, turn: usize, method: &str) -> Result<(), String> {
        let state = &self.turns.all[turn];
        let is_unsubscribed = self.unsubscribed[thread_of(turn)];
        let is_last_of_all = method == "turn/completed";
        let is_silent = if state.unheard && is_unsubscribed {
            !is_last_of_all
        } else {
            state.over.is_some()
        };
        if self.closed || is_silent {
            return Ok(());
        }
        self.said += 1;
        let (thread, number) = (thread_of(turn), self.said);
        let params = match method {
            "turn/started" => {
                format!(r#"{{"threadId":"t{thread}","turn":{{"id":"u{turn}"}},"n":{number}}}"#)
            }
            "turn/completed" => format!(
                r#"{{"threadId":"t{thread}","turn":{{"id":"u{turn}","status":"completed"}},"n":{number}}}"#
            ),
            _ => format!(r#"{{"threadId":"t{thread}","turnId":"u{turn}","delta":"{number}"}}"#),
        };
        let last = method == "turn/completed";
        if method == "turn/started" {
            self.unsubscribed[thread] = false;
        }
        let is_unsubscribed = self.unsubscribed[thread];
        self.turns.all[turn].unheard &= is_unsubscribed;
        for consumer in self.consumers.iter_mut().filter(|one| one.listens(turn)) {
            consumer.expected.push_back(params.clone());
            consumer.over = last.then_some(Over::Finished);
        }
        for start in self
            .requests
            .iter_mut()
            .filter(|one| one.is_start_on_wire(thread))
        {
            start.keep(turn, &params, !last);
        }
        if last {
            self.turns.end(turn, Over::Finished);
        } else {
            self.turns.begin(turn);
        }
        self.desk
            .hear(&format!(r#"{{"method":"{method}","params":{params}}}"#))
    }

    /// Events of this thread do not come any more.
    fn unsubscribe(&mut self, thread: usize) {
        self.unsubscribed[thread] = true;
        for turn in (0..TURNS).filter(|turn| thread_of(*turn) == thread) {
            let state = &mut self.turns.all[turn];
            if state.known && state.over.is_none() {
                state.unheard = true;
                let is_interrupted = state.accepted;
                for consumer in self.consumers.iter_mut().filter(|one| one.listens(turn)) {
                    consumer.over = Some(Over::Cut);
                }
                if is_interrupted {
                    self.turns.end(turn, Over::Finished);
                }
            }
        }
    }

    pub fn close_thread(&mut self, thread: usize) -> Result<(), String> {
        if self.closed {
            return Ok(());
        }
        for turn in 0..TURNS {
            let state = &mut self.turns.all[turn];
            // The session knows of a goal's turn that is not wanted any more.
            state.may_be_over |= thread_of(turn) == thread && state.may_be_goals;
            if thread_of(turn) == thread && state.known && state.over.is_none() {
                for consumer in self.consumers.iter_mut().filter(|one| one.listens(turn)) {
                    consumer.over = Some(Over::Cut);
                }
                self.turns.end(turn, Over::Cut);
            }
        }
        self.desk.hear(&format!(
            r#"{{"method":"thread/closed","params":{{"threadId":"t{thread}"}}}}"#
        ))
    }
}
