//! What the program does: its requests, and its consumers.

use std::collections::VecDeque;
use std::sync::Arc;

use codex_core::session::call::Call;
use codex_core::session::requests::Opening;
use codex_core::session::subscriptions::Leave;
use codex_core::wire::encode::request_line;

use super::consumers::{Claim, Consumer};
use super::requests::{Answer, Kind, Request, Stage};
use super::turns::{Over, thread_of};
use super::world::{World, at};

impl World {
    pub fn open(&mut self, method: &str, kind: Kind) {
        let thread = match kind {
            Kind::Start(thread) => Some(format!("t{thread}")),
            _ => None,
        };
        let opening = Opening {
            method,
            thread_id: thread.as_deref(),
            stream: None,
        };
        let call = self
            .desk
            .step(|session, now, out| session.open(opening, now, out));
        self.enter(call, kind);
    }

    pub fn enter(&mut self, call: Arc<Call>, kind: Kind) {
        let mut request = Request::new(call, kind);
        if self.closed {
            (request.stage, request.answer) = (Stage::Settled, Some(Answer::Closed));
        }
        self.requests.push(request);
    }

    /// A request that is admitted goes to the writer.
    pub fn send(&mut self, index: usize) {
        let admitted: Vec<usize> = (0..self.requests.len())
            .filter(|one| {
                self.requests[*one].stage == Stage::Open && self.requests[*one].call.is_admitted()
            })
            .collect();
        let Some(index) = at(index, admitted.len()).map(|index| admitted[index]) else {
            return;
        };
        let request = &mut self.requests[index];
        let line = request_line(Some(request.call.id), &request.call.method, Some(b"{}"));
        let call = Arc::clone(&request.call);
        let about = match request.kind {
            Kind::Unsubscribes(thread) => Some(format!("t{thread}").into()),
            _ => None,
        };
        if self
            .desk
            .step(|session, now, out| session.send(&call, line, about, now, out))
        {
            request.stage = Stage::Sent;
        }
    }

    /// Who waits for a request gives it up, or has no use for it any more.
    pub fn let_go(&mut self, index: usize, releases: bool) {
        let Some(index) = at(index, self.requests.len()) else {
            return;
        };
        let call = Arc::clone(&self.requests[index].call);
        let request = &mut self.requests[index];
        if let Kind::Opens { stream, .. } = request.kind
            && matches!(request.stage, Stage::Open | Stage::Sent)
            && !self.streams[stream].left
        {
            // It has begun nothing.
            self.streams[stream].owed = false;
        }
        let was_taken = request.taken;
        request.is_unwaited = true;
        if request.kind != Kind::Interrupt && !was_taken {
            request.stage = match request.stage {
                Stage::Written(at) => {
                    if let Kind::Start(thread) = request.kind {
                        self.turns.hold_for_start(thread, call.id, self.desk.now);
                    }
                    request.early.clear();
                    Stage::GivenUp(Some(at))
                }
                Stage::GivenUp(at) => Stage::GivenUp(at),
                Stage::Open | Stage::Sent | Stage::Settled => Stage::GivenUp(None),
            };
        }
        if let Some(consumer) = request.consumer.map(|index| &mut self.consumers[index])
            && consumer.subscription.is_none()
            && !consumer.left
        {
            if releases && was_taken {
                consumer.leave(Leave::Close, &mut self.turns);
            }
            consumer.leave(Leave::Drop, &mut self.turns);
        }
        self.desk.step(|session, now, out| {
            if releases {
                session.release(&call, now, out);
            } else {
                session.abandon(&call, now, out);
            }
        });
    }

    pub fn take(&mut self, index: usize, and_subscription: bool) -> Result<(), String> {
        let Some(index) = at(index, self.requests.len()) else {
            return Ok(());
        };
        self.take_answer(index, and_subscription)
    }

    /// Takes the answer of a request, and what comes with it.
    pub fn take_answer(&mut self, index: usize, and_subscription: bool) -> Result<(), String> {
        let request = &mut self.requests[index];
        request.take()?;
        if !and_subscription || !request.taken {
            return Ok(());
        }
        let subscription = request.call.take_subscription();
        match (request.consumer, subscription) {
            (Some(consumer), Some(subscription)) => {
                let consumer = &mut self.consumers[consumer];
                if *subscription.mailbox.key != format!("u{}", consumer.turn) {
                    return Err(format!(
                        "{:?} for {}",
                        subscription.mailbox.key, consumer.turn
                    ));
                }
                let before = consumer.subscription.replace(subscription);
                if before.is_some() || consumer.left {
                    return Err(String::from("a subscription is there twice"));
                }
            }
            (Some(consumer), None) => {
                let consumer = &self.consumers[consumer];
                if consumer.subscription.is_none() && !consumer.left {
                    return Err(format!("no subscription: {consumer:?}"));
                }
            }
            (None, Some(_)) => return Err(String::from("a subscription to nothing")),
            (None, None) => {}
        }
        Ok(())
    }

    pub fn leave(&mut self, index: usize, leave: Leave) {
        let Some(index) = at(index, self.consumers.len()) else {
            return;
        };
        let consumer = &mut self.consumers[index];
        let Some(id) = consumer.subscription.as_ref().map(|one| one.id) else {
            return;
        };
        consumer.leave(leave, &mut self.turns);
        self.desk
            .step(|session, now, out| session.leave(id, leave, now, out));
    }

    pub fn own(&mut self, index: usize, owned: bool) {
        let Some(consumer) =
            at(index, self.consumers.len()).map(|index| &mut self.consumers[index])
        else {
            return;
        };
        if let Some(id) = consumer.subscription.as_ref().map(|one| one.id) {
            consumer.own(owned);
            if owned {
                self.desk.session.own(id);
            } else {
                self.desk.session.detach(id);
            }
        }
    }

    pub fn follow(&mut self, turn: usize) {
        let over = self.turns.all[turn].over.map(|_| Over::Finished);
        let claim = if over.is_none() && !self.closed {
            Claim::Following
        } else {
            Claim::None
        };
        let state = &mut self.turns.all[turn];
        let is_unsubscribed = self.unsubscribed[thread_of(turn)];
        if claim == Claim::Following {
            state.enter(is_unsubscribed);
            state.followers += 1;
        }
        let is_cut = over.is_none() && is_unsubscribed && !self.closed;
        let is_vague = state.unheard || state.may_be_over;
        let thread = format!("t{}", thread_of(turn));
        let now = self.desk.now;
        let subscription = self
            .desk
            .session
            .follow_turn(&thread, &format!("u{turn}"), now);
        let over = if is_cut { Some(Over::Cut) } else { over };
        self.consumers.push(Consumer {
            subscription: Some(subscription),
            closed: self.closed && over.is_none(),
            is_vague,
            ..Consumer::new(turn, claim, VecDeque::new(), over)
        });
    }

    /// The program interrupts a turn. It has its answer at once if that is known.
    pub fn interrupt(&mut self, turn: usize) -> Result<(), String> {
        let (thread, id) = (format!("t{}", thread_of(turn)), format!("u{turn}"));
        let call = self
            .desk
            .step(|session, now, out| session.interrupt(&thread, &id, now, out));
        let has_goal = self.goals.iter().any(|goal| goal.thread == thread_of(turn));
        let state = &mut self.turns.all[turn];
        state.may_be_goals |= has_goal;
        let is_settled = state.over.is_some() || (state.known && state.accepted);
        state.wished |= state.known && !is_settled;
        state.was_wished |= state.wished;
        state.was_unknown |= !state.known;
        let is_answered = self.desk.woken.iter().any(|one| Arc::ptr_eq(one, &call));
        let is_vague = state.may_be_over || state.may_be_goals || self.closed;
        if is_answered != is_settled && !is_vague {
            return Err(format!("answered is {is_answered}: {state:?}"));
        }
        self.enter(call, Kind::Interrupt);
        Ok(())
    }
}
