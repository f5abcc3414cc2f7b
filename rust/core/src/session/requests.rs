//! The way of a request: in line for admission, admitted, sent, written, answered, or given up at any of these.
//!
//! Every call is known here from its opening until it is settled. A request that is given up on the wire leaves a
//! tombstone, which meets the late answer and undoes what it made.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::call::{Call, GivenUp, Opens, Outcome};
use super::cleanup::is_overloaded;
use super::effects::{Effects, Line};
use super::stopping::INVALID_REQUEST;
use super::subscriptions::{Leave, Subscription, SubscriptionId};
use super::threads::{HeldStart, PendingStart, Unsettled};
use crate::inbox::mailbox::Cut;
use crate::wire::envelope::id_in_answer;
use crate::wire::protocol::IdPath;

/// A request that is about to stand in line.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'o> {
    pub method: &'o str,
    /// The thread of a `turn/start`.
    pub thread_id: Option<&'o str>,
    /// The stream that it opens, and whether its answer is the end of that.
    pub stream: Option<(SubscriptionId, bool)>,
}

/// Where the answer to `method` has the id of what it has made; `None` for a request that makes nothing.
fn made_by(method: &str) -> Option<IdPath> {
    match method {
        "turn/start" => Some(IdPath::Nested("turn", "id")),
        "thread/start" | "thread/fork" => Some(IdPath::Nested("thread", "id")),
        "account/login/start" => Some(IdPath::Param("loginId")),
        _ => None,
    }
}

/// Whether the session reads the thread out of the params of this method, which says that this client hears of the
/// thread, or may have the runtime start a turn there.
pub fn is_about_thread(method: &str) -> bool {
    changes_subscription(method)
        || matches!(
            method,
            "review/start" | "thread/compact/start" | "thread/goal/set" | "thread/shellCommand"
        )
}

fn changes_subscription(method: &str) -> bool {
    matches!(method, "thread/unsubscribe" | "thread/resume")
}

/// The id of what a request has made, out of its result. Reads the result, so call it without a lock. An empty one
/// names nothing: it could be neither followed nor undone.
pub fn made_in(call: &Call, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Result(result) => {
            id_in_answer(result, made_by(&call.method)?).filter(|id| !id.is_empty())
        }
        Outcome::Error { .. } | Outcome::Closed(_) => None,
    }
}

/// A call was admitted: it goes out by itself, or whoever waits for that sends it.
fn was_admitted(call: &Arc<Call>, out: &mut Effects) {
    match &call.by_itself {
        Some(line) => out.lines.push(Line {
            bytes: line.clone(),
            call: Some(Arc::clone(call)),
        }),
        None => out.calls.push(Arc::clone(call)),
    }
}

impl Session {
    pub(super) fn new_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// A request stands in line.
    pub fn open(&mut self, opening: Opening<'_>, now: Instant, out: &mut Effects) -> Arc<Call> {
        let mut call = Call::new(self.new_id(), opening.method, now);
        if opening.method == "turn/start" {
            call.starts_on = opening.thread_id.map(Arc::from);
        }
        call.opens = opening.stream.and_then(|(id, until_answer)| {
            Some(Opens {
                id,
                mailbox: Arc::clone(&self.subscriptions.get(&id)?.mailbox),
                until_answer,
                cleanup: self.cleanup_of(id),
            })
        });
        if let Some((id, _)) = opening.stream {
            self.stream_is_requested(id);
        }
        let call = Arc::new(call);
        if self.enter_call(&call) && !self.hold_start(&call, None, now) {
            self.line_up(&call, now, out);
        }
        call
    }

    /// Knows of a call from now on; false, and the call is answered, if the connection is closed.
    pub(super) fn enter_call(&mut self, call: &Arc<Call>) -> bool {
        if let Some(reason) = &self.closed {
            let _ = call.answer(Outcome::Closed(reason.clone()), None);
            return false;
        }
        self.calls.insert(call.id, Arc::clone(call));
        true
    }

    /// Keeps a start back whose thread has something to settle; false for any other call.
    fn hold_start(&mut self, call: &Arc<Call>, line: Option<Vec<u8>>, now: Instant) -> bool {
        let Some(thread_id) = &call.starts_on else {
            return false;
        };
        match self.threads.get_mut(thread_id) {
            Some(thread) if thread.is_holding(now) => {
                let call = Arc::clone(call);
                thread.held.push(HeldStart { call, line });
                true
            }
            _ => false,
        }
    }

    /// A call takes its place in line, and goes on if it is admitted at once.
    pub(super) fn line_up(&mut self, call: &Arc<Call>, now: Instant, out: &mut Effects) {
        if self.admission.enter(call, now) {
            was_admitted(call, out);
        }
    }

    /// Gives the place of `call` to the next in line, unless it was given back before.
    pub(super) fn free_place(&mut self, call: &Call, now: Instant, out: &mut Effects) {
        if call.give_back_place()
            && let Some(next) = self.admission.release(call.lane, now)
        {
            was_admitted(&next, out);
        }
    }

    /// An admitted request is serialised, and its line goes to the writer. `thread` is the thread that it subscribes to
    /// or unsubscribes from. False if it is not admitted (any more).
    pub fn send(
        &mut self,
        call: &Arc<Call>,
        line: Vec<u8>,
        thread: Option<Arc<str>>,
        now: Instant,
        out: &mut Effects,
    ) -> bool {
        if let Some(thread) = thread.as_ref().and_then(|id| self.threads.get_mut(id)) {
            thread.asks_for_turn();
        }
        let thread = thread.filter(|_| changes_subscription(&call.method));
        let sent = call.send(now, thread);
        if sent {
            if let Some(opens) = &call.opens {
                self.stream_is_sent(opens.id);
            }
            out.lines.push(Line {
                bytes: line,
                call: Some(Arc::clone(call)),
            });
        }
        sent
    }

    /// The writer is about to write a request's line; `None` if it must not, now or at all.
    pub fn write(
        &mut self,
        call: &Arc<Call>,
        line: Vec<u8>,
        now: Instant,
        out: &mut Effects,
    ) -> Option<Vec<u8>> {
        if !call.is_sent() || self.closed.is_some() {
            return None;
        }
        if self.is_interrupt_withdrawn(call, now, out) {
            return None;
        }
        if let Some(thread_id) = &call.starts_on {
            let thread = self.threads.get(thread_id);
            // The turn was given up while this stood in line, or in the writer's queue.
            if thread.is_some_and(|thread| thread.is_holding(now)) {
                self.hold_start(call, Some(line), now);
                return None;
            }
            if thread.is_some_and(|thread| thread.goal.is_some()) {
                let why = format!("thread has an active goal operation: {thread_id}");
                self.refuse(call, why, now, out);
                return None;
            }
            let thread = self.threads.entry(Arc::clone(thread_id)).or_default();
            thread.starting.push(PendingStart::of(call));
        }
        let goal = call
            .opens
            .as_ref()
            .and_then(|opens| self.goals.get(&opens.id));
        if let Some(thread_id) = goal.map(|goal| Arc::clone(goal.thread_id()))
            && self.unsubscribed.has(&thread_id)
        {
            let why = format!(
                "this client has unsubscribed from thread {thread_id}, and would not hear of its goal: resume it"
            );
            self.refuse(call, why, now, out);
            return None;
        }
        call.write(now);
        self.stats.requests_written.one();
        if let Some(opens) = &call.opens
            && let Some(cleanup) = self.stream_is_opening(opens)
        {
            self.clean_up(&cleanup, now, out);
        }
        if call.by_itself.is_some() {
            self.leave_unattended(call, now, out);
        }
        Some(line)
    }

    /// A request in the writer's hands is refused here, as the runtime would.
    fn refuse(&mut self, call: &Arc<Call>, why: String, now: Instant, out: &mut Effects) {
        let outcome = Outcome::Error {
            code: INVALID_REQUEST,
            message: why,
            data: None,
        };
        self.settle_call(call, outcome, out);
        self.free_place(call, now, out);
        if let Some(opens) = &call.opens {
            self.stream_was_refused(opens.id, now, out);
        }
    }

    /// The answer comes for a call that never was, or will be, on the wire.
    pub(super) fn settle_call(&mut self, call: &Arc<Call>, outcome: Outcome, out: &mut Effects) {
        self.calls.remove(&call.id);
        if call.answer(outcome, None).is_ok() {
            out.calls.push(Arc::clone(call));
        }
    }

    /// The call that an answer with this id is for, if it is on the wire.
    pub fn call(&self, id: i64) -> Option<&Arc<Call>> {
        self.calls.get(&id).filter(|call| call.was_written())
    }

    /// An answer has come. `made` is what [`made_in`] found in it.
    pub fn response(
        &mut self,
        id: Option<i64>,
        outcome: Outcome,
        made: Option<&str>,
        now: Instant,
        out: &mut Effects,
    ) {
        let call = id.and_then(|id| self.call(id).cloned());
        let Some(call) = call else {
            // Once closed, every call is settled, and its answer may still be on its way.
            if self.closed.is_none() {
                self.stats.orphan_responses.one();
                out.orphans.push(id);
            }
            return;
        };
        self.calls.remove(&call.id);
        self.admission.note_served(call.lane, now);
        self.free_place(&call, now, out);
        let accepted = matches!(outcome, Outcome::Result(_));
        if let Some(opens) = &call.opens {
            if opens.until_answer {
                opens.mailbox.finish();
                out.mailboxes.push(Arc::clone(&opens.mailbox));
            } else if !accepted {
                self.stream_was_refused(opens.id, now, out);
            }
        }
        if let Some(key) = &call.interrupts {
            self.interrupt_was_answered(key, &outcome, now, out);
        }
        if let Some(cleanup) = &call.undoes
            && is_overloaded(&outcome)
        {
            self.put_off(cleanup, now, out);
        }
        if let (true, Some(thread_id)) = (accepted, call.thread()) {
            self.subscription_changed(&call.method, &thread_id, now, out);
        }
        if let Some(thread_id) = call.starts_on.clone() {
            return self.start_was_answered(&call, &thread_id, outcome, made, now, out);
        }
        call.note_made(made);
        match call.answer(outcome, None) {
            Ok(()) => out.calls.push(call),
            // Given up before: what it made is undone.
            Err((outcome, _)) => {
                out.outcomes.push(outcome);
                self.stats.late_responses.one();
                self.undo(&call, made, now, out);
            }
        }
    }

    fn start_was_answered(
        &mut self,
        call: &Arc<Call>,
        thread_id: &Arc<str>,
        outcome: Outcome,
        made: Option<&str>,
        now: Instant,
        out: &mut Effects,
    ) {
        let thread = self.threads.entry(Arc::clone(thread_id)).or_default();
        let start = thread.take_start(call);
        let begun = made.is_some_and(|turn_id| thread.has_begun(turn_id));
        if call.is_abandoned() {
            self.stats.late_responses.one();
            // Before other starts may go: they wait for this turn then.
            if let Some(turn_id) = made {
                self.claim_for_nobody(thread_id, turn_id, begun, now, out);
            }
            let thread = self.threads.entry(Arc::clone(thread_id)).or_default();
            let held = thread.start_is_over(call.id);
            self.let_go(held, now, out);
        } else {
            let subscription = match (made, start) {
                (Some(turn_id), Some(start)) => {
                    let new = || self.mailbox_of(turn_id, thread_id, now);
                    let mailbox = start.take(turn_id, new, out);
                    mailbox.note_arrival(now);
                    Some(self.claim(mailbox, begun))
                }
                (_, Some(mut refused)) => {
                    refused.give_up(out);
                    None
                }
                (_, None) => None,
            };
            match call.answer(outcome, subscription) {
                Ok(()) => out.calls.push(Arc::clone(call)),
                Err((_, subscription)) => self.leave_all(subscription, now, out),
            }
        }
        self.settle_spared(thread_id, now, out);
        self.drop_if_idle(thread_id);
    }

    fn leave_all(&mut self, held: Option<Subscription>, now: Instant, out: &mut Effects) {
        if let Some(subscription) = held {
            self.leave(subscription.id, Leave::Drop, now, out);
        }
    }

    /// The runtime has answered that this client is (or is not) subscribed to a thread.
    fn subscription_changed(
        &mut self,
        method: &str,
        thread_id: &str,
        now: Instant,
        out: &mut Effects,
    ) {
        if method == "thread/unsubscribe" {
            self.unsubscribed.add(thread_id);
            self.cut_thread(thread_id, Cut::Unsubscribed, now, out);
        } else {
            self.unsubscribed.remove(thread_id);
        }
    }

    /// Nobody holds a request any more: it is given up, unless its answer was taken. A turn that it has started runs on
    /// then; a thread or a login that it has made is undone, unless it was handed over.
    pub fn release(&mut self, call: &Arc<Call>, now: Instant, out: &mut Effects) {
        if !call.was_taken() {
            return self.abandon(call, now, out);
        }
        let (subscription, made) = call.take_made();
        if let Some(subscription) = subscription {
            // Closing detaches it, and nobody can own it later on.
            self.leave(subscription.id, Leave::Close, now, out);
            self.leave(subscription.id, Leave::Drop, now, out);
        }
        let owed = made.filter(|_| !call.is_handed_over());
        self.undo(call, owed.as_deref(), now, out);
    }

    /// Gives a request up. What it has made, handed over or not, or makes later, is undone.
    pub fn abandon(&mut self, call: &Arc<Call>, now: Instant, out: &mut Effects) {
        if call.by_itself.is_some() {
            return self.leave_interrupt(call);
        }
        let stood = call.give_up();
        // An answer may have been taken without what came with it.
        let (subscription, made) = call.take_made();
        self.leave_all(subscription, now, out);
        if matches!(stood, GivenUp::Before) {
            return self.undo(call, made.as_deref(), now, out);
        }
        self.stats.requests_abandoned.one();
        if let GivenUp::Answered(outcome) = stood {
            out.outcomes.push(outcome);
            return self.undo(call, made.as_deref(), now, out);
        }
        if matches!(stood, GivenUp::Written) {
            if let Some(thread_id) = call.starts_on.clone() {
                self.give_up_start(call, &thread_id, now, out);
            }
            return self.leave_unattended(call, now, out);
        }
        self.calls.remove(&call.id);
        if let Some(opens) = &call.opens {
            self.stream_was_refused(opens.id, now, out);
        }
        match stood {
            GivenUp::Queued => self.admission.leave(call),
            // It goes out of the writer's hands unwritten.
            GivenUp::Admitted | GivenUp::Sent => self.free_place(call, now, out),
            GivenUp::Before | GivenUp::Written | GivenUp::Answered(_) => {}
        }
        if let Some(thread_id) = &call.starts_on {
            if let Some(thread) = self.threads.get_mut(thread_id) {
                thread.withdraw(call);
            }
            self.drop_if_idle(thread_id);
        }
    }

    /// A start on the wire was given up: its early events go, and other starts of the thread wait for its answer.
    fn give_up_start(
        &mut self,
        call: &Call,
        thread_id: &Arc<str>,
        now: Instant,
        out: &mut Effects,
    ) {
        if let Some(thread) = self.threads.get_mut(thread_id)
            && let Some(start) = thread.start_of(call)
        {
            start.give_up(out);
            thread.hold(Unsettled::Start(call.id), now);
            let due = thread.next_look();
            self.look_at(due, out);
        }
        self.settle_spared(thread_id, now, out);
    }

    /// These starts need not wait any more.
    pub(super) fn let_go(
        &mut self,
        held: impl IntoIterator<Item = HeldStart>,
        now: Instant,
        out: &mut Effects,
    ) {
        for HeldStart { call, line } in held {
            match line {
                Some(bytes) => out.lines.push(Line {
                    bytes,
                    call: Some(call),
                }),
                None => self.line_up(&call, now, out),
            }
        }
    }
}
