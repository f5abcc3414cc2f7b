//! The router while the reader works through one chunk: each message to its mailboxes, its call, or
//! nobody. Holds the router's lock for that long; wakes nobody itself, but collects who is to be
//! woken.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::MutexGuard;

use crate::inbox::budget::Loss;
use crate::inbox::mailbox::{Mailbox, Pushed};
use crate::inbox::segment::Event;
use crate::session::call::{Call, Outcome, Stream};
use crate::session::errands::Errand;
use crate::session::listeners::Heading;
use crate::session::router::{Batch, Router, TURN_ID, undoing};
use crate::session::routes::{Fate, Routes, Starting, SubjectRef};
use crate::session::stats::Stats;
use crate::wire::envelope::{Answer, Notification, id_in_answer};

/// When relieving the total budget freed too little (nothing droppable is left), it is tried again
/// only after this much more has come in.
const RELIEF_STEP: usize = 1024 * 1024;

/// The router while the reader works through one chunk.
pub struct Routing<'r> {
    pub(crate) router: &'r Router,
    pub(crate) state: MutexGuard<'r, Routes>,
    pub(crate) batch: &'r mut Batch,
}

impl Routing<'_> {
    pub fn notification(&mut self, notification: &Notification<'_>) {
        let Notification {
            spec,
            method,
            params,
            ids,
        } = notification;
        let event = Event {
            spec: *spec,
            method,
            params,
        };
        let last = event.ends();
        let mut tally = Tally::default();
        let state = &mut *self.state;

        if let Some(turn_id) = ids.turn.as_deref() {
            let thread_id = ids.thread.as_deref().unwrap_or_default();
            // Items come from a turn that has begun, and from it only.
            let begins = event.method == "turn/started" || event.method.starts_with("item/");
            if let Some(route) = state.turns.get_mut(turn_id) {
                for mailbox in &route.subscribers {
                    tally.count(mailbox.push(event), mailbox, self.batch);
                }
                route.begun |= begins;
                if begins && route.fate == Fate::Doomed {
                    route.fate = Fate::Wanted; // once is enough
                    let errand = Errand::interrupt(thread_id, turn_id);
                    self.batch.errands.push(errand);
                }
                if last && let Some(route) = state.turns.remove(turn_id) {
                    for mailbox in route.subscribers {
                        state.remember_ended(&mailbox);
                    }
                }
            }
            if last {
                state.over.add(turn_id);
                let starts = state.holding.turn_is_over(thread_id, turn_id);
                self.batch.starts.extend(starts);
            }
            // Turns that are being started keep every turn's events until they know which is theirs.
            for one in state.starting.get_mut(thread_id).into_iter().flatten() {
                if begins && !one.has_begun(turn_id) {
                    one.begun.push(turn_id.into());
                }
                if one.forsaken {
                    continue;
                }
                let mailbox = one.early(turn_id, || self.router.of_turn(turn_id, thread_id));
                tally.count(mailbox.push(event), mailbox, self.batch);
            }
        }
        if let Some(thread_id) = ids.thread.as_deref()
            && let Some(mailbox) = state.goals.get(thread_id)
        {
            let turn_id = ids.turn.as_deref();
            let pushed = mailbox.push_of_goal(event, turn_id);
            if !pushed.foreign || pushed.wake {
                tally.count(pushed, mailbox, self.batch);
            }
            if pushed.unwanted
                && let Some(turn_id) = turn_id
            {
                let errand = Errand::interrupt(thread_id, turn_id);
                self.batch.errands.push(errand);
            }
            if pushed.last
                && let Some(mailbox) = state.goals.remove(thread_id)
            {
                state.remember_ended(&mailbox);
            }
        }
        // What is a turn's is no subject's, whatever else a newer runtime's event may name.
        if let (None, Some((name, id))) = (&ids.turn, &ids.subject) {
            let subject = SubjectRef { name, id };
            if let Some(consumers) = state.subjects.get(&subject) {
                for mailbox in consumers {
                    tally.count(mailbox.push(event), mailbox, self.batch);
                }
                if last {
                    for mailbox in state.subjects.remove(&subject).into_iter().flatten() {
                        state.remember_ended(&mailbox);
                    }
                }
            }
        }
        let heading = Heading {
            spec: *spec,
            method,
            thread: ids.thread.as_deref(),
            in_turn: ids.turn.is_some(),
        };
        if !state.listeners.is_empty() {
            for mailbox in state.listeners.of(heading) {
                tally.count(mailbox.push(event), mailbox, self.batch);
            }
        }
        tally.report(&self.router.stats);
        if self.router.budget.held() > self.state.relief_at {
            self.relieve();
        }
    }

    pub fn response(&mut self, id: Option<i64>, answer: &Answer<'_>) {
        let Some(call) = id.and_then(|id| self.state.calls.remove(&id)) else {
            self.router.stats.orphan_responses.one();
            self.batch.orphans.push(id);
            return;
        };
        if let Some(stream) = &call.stream {
            self.answered(stream, answer);
        }
        if let Some(turn) = call.errand.as_ref().and_then(|one| one.turn.as_ref()) {
            let holding = &mut self.state.holding;
            holding.turn_is_interrupted(turn, Instant::now());
        }
        let abandoned = call.is_abandoned();
        let starting = self.state.take_starting(&call);
        let subscription = match (&starting, answer) {
            (Some(starting), Answer::Result(result)) if !abandoned => {
                self.bind(&call, starting, result)
            }
            _ => None,
        };
        let outcome = match answer {
            Answer::Result(result) => Outcome::Result((*result).into()),
            Answer::Error {
                code,
                message,
                data,
            } => Outcome::Error {
                code: *code,
                message: message.clone(),
                data: data.map(Into::into),
            },
        };
        if let Some(wake) = call.answer(outcome, subscription.clone()) {
            self.batch.answered.push((call, wake));
            return;
        }
        // Given up before, or in this very moment: what it made is undone.
        self.router.stats.late_responses.one();
        self.batch.places.push(Arc::clone(&call));
        if let Answer::Result(result) = answer {
            let errand = match (&call.turn_of, &subscription) {
                (_, Some(mailbox)) => self.state.give_up_turn(mailbox),
                (Some(thread_id), None) => id_in_answer(result, TURN_ID).and_then(|turn_id| {
                    let begun = starting.is_some_and(|one| one.has_begun(&turn_id));
                    self.state.give_up_late(thread_id, &turn_id, begun)
                }),
                (None, None) => undoing(&call, result),
            };
            self.batch.errands.extend(errand);
        }
        // Nobody waits for a start that was not given up, which is where this returns above.
        if let Some(thread_id) = &call.turn_of {
            let starts = self.state.holding.start_is_over(thread_id, call.id);
            self.batch.starts.extend(starts);
        }
    }

    /// The request that opened `stream` was answered: perhaps that is its end, and a refusal began
    /// nothing.
    fn answered(&mut self, stream: &Stream, answer: &Answer<'_>) {
        if stream.until_answer {
            stream.mailbox.finish();
            self.batch.dirty.push(Arc::clone(&stream.mailbox));
        } else if let Answer::Error { .. } = answer {
            self.state.refused(&stream.mailbox);
        }
    }

    /// Gives the answered turn the events that came early, and routes the rest to it.
    fn bind(&mut self, call: &Call, starting: &Starting, result: &[u8]) -> Option<Arc<Mailbox>> {
        let turn_id = id_in_answer(result, TURN_ID)?;
        let early = starting.early.get(turn_id.as_str()).cloned();
        let thread_id = call.turn_of.as_deref()?;
        let mailbox = early.unwrap_or_else(|| self.router.of_turn(&turn_id, thread_id));
        // A turn that is over already (all its events came before the answer) has no route.
        if mailbox.is_finished() {
            self.state.remember_ended(&mailbox);
        } else {
            let route = self.state.join(&mailbox);
            route.started_here = true;
            route.begun |= starting.has_begun(&turn_id);
        }
        Some(mailbox)
    }

    /// The connection holds too much: the largest mailboxes give way until it does not.
    fn relieve(&mut self) {
        let budget = &self.router.budget;
        let mut mailboxes = self.state.mailboxes();
        mailboxes.sort_by_cached_key(|mailbox| std::cmp::Reverse(mailbox.held()));
        // More is freed than has to be: else every event at the boundary would look at all mailboxes.
        let enough = budget.total - budget.total / 8;
        for mailbox in mailboxes {
            if budget.held() <= enough {
                break;
            }
            let loss = mailbox.relieve();
            let stats = &self.router.stats;
            stats.events_lost.add(loss.events);
            stats.bytes_lost.add(loss.bytes);
            if loss != Loss::NONE {
                self.batch.dirty.push(mailbox);
            }
        }
        self.state.relief_at = if budget.held() <= enough {
            budget.total
        } else {
            budget.total.max(budget.held() + RELIEF_STEP)
        };
    }
}

/// What one event met on its way.
#[derive(Default)]
struct Tally {
    met: u64,
    filtered: u64,
    lost: Loss,
}

impl Tally {
    fn count(&mut self, pushed: Pushed, mailbox: &Arc<Mailbox>, batch: &mut Batch) {
        self.met += 1;
        self.filtered += u64::from(pushed.filtered);
        self.lost.events += pushed.lost.events;
        self.lost.bytes += pushed.lost.bytes;
        if pushed.wake {
            batch.dirty.push(Arc::clone(mailbox));
        }
    }

    fn report(&self, stats: &Stats) {
        match self.met {
            0 => stats.events_unclaimed.one(),
            met if self.filtered == met => stats.events_filtered.one(),
            _ => stats.events_delivered.one(),
        }
        stats.events_lost.add(self.lost.events);
        stats.bytes_lost.add(self.lost.bytes);
    }
}
