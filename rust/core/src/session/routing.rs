//! Whose a notification is: a turn's, or a stream's, or neither, and perhaps a thread's besides. Each that has a part
//! in it gets a copy of its own.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::effects::Effects;
use super::incoming::Incoming;
use super::listeners::Heading;
use super::server_requests::origin::Origin;
use super::stats::Stats;
use super::subscriptions::SubjectRef;
use super::threads::Thread;
use crate::inbox::budget::Loss;
use crate::inbox::mailbox::{Cut, Mailbox, Pushed};
use crate::inbox::segment::Event;

/// When relieving the total budget freed too little (nothing droppable is left), it is tried again
/// only after this much more has come in.
const RELIEF_STEP: usize = 1024 * 1024;

impl Session {
    /// Routes a notification.
    pub fn notification(&mut self, incoming: &Incoming<'_>, now: Instant, out: &mut Effects) {
        let Incoming {
            notification,
            status,
            shared,
        } = incoming;
        let ids = &notification.ids;
        let event = Event {
            spec: notification.spec,
            method: &notification.method,
            params: notification.params,
            shared: shared.as_ref(),
        };
        let thread_id = ids.thread.as_deref();
        let turn_id = ids.turn.as_deref();
        let mut tally = Tally::default();
        if let Some(turn_id) = turn_id {
            self.turn_event(
                turn_id,
                thread_id.unwrap_or_default(),
                event,
                &mut tally,
                now,
                out,
            );
        }
        if let Some(thread_id) = thread_id {
            let goal = self.threads.get(thread_id).and_then(|thread| thread.goal);
            if let Some(id) = goal {
                let status = status.as_deref();
                let pushed = self.goal_event(id, event, turn_id, status, now, out);
                if let Some(pushed) = pushed {
                    tally.add(pushed);
                }
            }
            if turn_id.is_none() && is_end_of_thread(event.method) {
                self.cut_thread(thread_id, Cut::ThreadClosed, now, out);
            }
        }
        // What is a turn's is no stream's, whatever else a newer runtime's event may name.
        if let (None, Some((name, id))) = (turn_id, &ids.subject) {
            self.stream_event(&SubjectRef { name, id }, event, &mut tally, out);
        }
        if let (None, Some(backlog)) = (turn_id, &mut self.backlog) {
            backlog.add(event);
        }
        if !self.listeners.is_empty() {
            let heading = Heading {
                spec: event.spec,
                method: event.method,
                thread: thread_id,
                in_turn: turn_id.is_some(),
            };
            for mailbox in self.listeners.of(heading) {
                tally.count(mailbox.push(event, false), mailbox, out);
            }
        }
        tally.report(&self.stats);
        let needed = self.budget.needed();
        if needed <= self.budget.total {
            self.relief_at = self.budget.total;
        } else if needed > self.relief_at {
            self.relieve(out);
        }
    }

    /// A request of the runtime waits for no answer any more: for whom it was about, something has arrived.
    pub fn note_settled(&self, origin: &Origin, now: Instant) {
        let turns = self.turns.values().flat_map(|turn| &turn.subscribers);
        let its = turns.chain(self.goal_mailboxes());
        for mailbox in its.filter(|mailbox| origin.is_of(mailbox)) {
            mailbox.note_arrival(now);
        }
    }

    fn turn_event(
        &mut self,
        turn_id: &str,
        thread_id: &str,
        event: Event<'_>,
        tally: &mut Tally,
        now: Instant,
        out: &mut Effects,
    ) {
        let last = event.ends();
        let begins = event.begins();
        if event.method == "turn/started" {
            self.unsubscribed.remove(thread_id);
        }
        if let Some(turn) = self.turns.get_mut(turn_id) {
            turn.unheard = turn.unheard && self.unsubscribed.has(thread_id);
            for mailbox in &turn.subscribers {
                mailbox.note_arrival(now);
                tally.count(mailbox.push(event, last), mailbox, out);
            }
            if begins && !turn.begun {
                self.turn_has_begun(turn_id, now, out);
            }
        }
        // Who follows it holds it, and has not asked for it.
        let turn = self.turns.get(turn_id);
        if begins
            && !turn.is_some_and(|turn| turn.started_here)
            && let Some(thread) = self.threads.get_mut(thread_id)
            && thread.is_goals_turn(now)
        {
            self.give_up_goals_turn(&thread_id.into(), &turn_id.into(), now, out);
            // Starts wait for it no longer, unless it is being stopped.
            let held = self.threads.get_mut(thread_id).map(Thread::let_go);
            self.let_go(held.into_iter().flatten(), now, out);
        }
        // What is being started keeps every turn's events until it knows which turn is its.
        let thread = self.threads.get_mut(thread_id);
        if let Some(thread) = thread.filter(|thread| !thread.starting.is_empty()) {
            if begins {
                thread.note_begun(turn_id);
            }
            let budget = &self.budget;
            let make =
                || Mailbox::of_turn(turn_id.into(), thread_id.into(), Arc::clone(budget), now);
            for start in &mut thread.starting {
                if !start.given_up {
                    let (pushed, dropped) = start.keep(turn_id, event, make, out);
                    tally.add(pushed);
                    tally.lost.add(dropped);
                }
            }
        }
        if last {
            self.end_turn(thread_id, turn_id, now, out);
        }
    }

    fn stream_event(
        &mut self,
        subject: &SubjectRef<'_>,
        event: Event<'_>,
        tally: &mut Tally,
        out: &mut Effects,
    ) {
        let Some(consumers) = self.streams.get(subject) else {
            return;
        };
        let last = event.ends();
        for mailbox in consumers {
            tally.count(mailbox.push(event, last), mailbox, out);
        }
        if last {
            for mailbox in self.streams.remove(subject).into_iter().flatten() {
                self.remember_ended(&mailbox);
            }
        }
    }

    /// The connection holds too much: the largest mailboxes give way until it does not.
    fn relieve(&mut self, out: &mut Effects) {
        let mut mailboxes = self.mailboxes();
        mailboxes.sort_by_cached_key(|mailbox| std::cmp::Reverse(mailbox.needed()));
        let budget = &self.budget;
        // More is freed than has to be: else every event at the boundary would look at all mailboxes.
        let enough = budget.total - budget.total / 8;
        for mailbox in mailboxes {
            if budget.needed() <= enough {
                break;
            }
            let loss = mailbox.relieve();
            self.stats.events_lost.add(loss.events);
            self.stats.bytes_lost.add(loss.bytes);
            if loss != Loss::NONE {
                out.mailboxes.push(Arc::clone(&mailbox));
                out.untidy.push(mailbox);
            }
        }
        self.relief_at = if budget.needed() <= enough {
            budget.total
        } else {
            budget.total.max(budget.needed() + RELIEF_STEP)
        };
    }
}

/// With the thread goes the turn that runs.
pub(crate) fn is_end_of_thread(method: &str) -> bool {
    matches!(
        method,
        "thread/archived" | "thread/deleted" | "thread/closed"
    )
}

/// What one event met on its way.
#[derive(Default)]
struct Tally {
    met: u64,
    filtered: u64,
    lost: Loss,
}

impl Tally {
    fn count(&mut self, pushed: Pushed, mailbox: &Arc<Mailbox>, out: &mut Effects) {
        self.add(pushed);
        out.note(pushed, mailbox);
    }

    fn add(&mut self, pushed: Pushed) {
        self.met += 1;
        self.filtered += u64::from(pushed.filtered);
        self.lost.add(pushed.lost);
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
