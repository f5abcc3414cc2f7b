//! What is no turn's: streams that a request opens, notifications of many, and goals.
//!
//! A *stream* (a login, a command, a watch, …) is named by one property of its notifications. The request that opens it
//! carries its subscription: from the moment its line is written, the request that undoes it is owed, and its answer
//! may be the stream's end. Who sets a thread's *goal* owns the turns that the runtime starts for it, until the last of
//! them is over; one at a time. A listener gets what its filter keeps, whosever it is.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::call::Opens;
use super::cleanup::{Cleanup, TurnKey};
use super::effects::Effects;
use super::goal::{Goal, Verdict};
use super::listeners::Filter;
use super::subscriptions::{Debt, Leave, Part, Subject, Subscribed, Subscription, SubscriptionId};
use super::threads::{Thread, Unsettled};
use crate::inbox::mailbox::{Cut, Mailbox};
use crate::inbox::segment::Event;

/// A goal, from the reservation of its thread until it is over and its consumer has left.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub(super) struct GoalPart {
    goal: Goal,
    mailbox: Arc<Mailbox>,
    /// More mailboxes that get its events. It is kept for as long as one of them is.
    watches: Vec<Arc<Mailbox>>,
    /// Pauses it, unless that was done.
    cleanup: Option<Cleanup>,
    debt: Debt,
    /// The request that sets it is on its way to the writer.
    requested: bool,
    /// Its consumer has left, but may still look at it.
    left: bool,
    /// Its consumer is gone.
    dropped: bool,
}

impl GoalPart {
    pub(super) fn thread_id(&self) -> &Arc<str> {
        &self.mailbox.thread_id
    }

    fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        std::iter::once(&self.mailbox).chain(&self.watches)
    }

    /// Whether the runtime does, or may still do, anything for it.
    fn is_live(&self) -> bool {
        let works = self.requested || self.goal.goes_on() || self.goal.running().is_some();
        works && !self.mailbox.is_over()
    }
}

impl Session {
    /// Listens to a stream from now on. `cleanup` undoes the request that opens it.
    pub fn subscribe_stream(
        &mut self,
        subject: &Subject,
        cleanup: Option<Cleanup>,
    ) -> Subscription {
        let budget = Arc::clone(&self.budget);
        let mailbox = Arc::new(Mailbox::of_subject(Arc::clone(&subject.id), budget));
        if let Some(reason) = &self.closed {
            mailbox.close(reason);
        } else {
            let consumers = self.streams.entry(subject.clone()).or_default();
            consumers.push(Arc::clone(&mailbox));
        }
        let subject = subject.clone();
        let cleanup = cleanup.map(|cleanup| cleanup.of(self.last_subscription + 1));
        let part = Part::Stream {
            subject,
            cleanup,
            debt: Debt::None,
        };
        self.subscribe(mailbox, part)
    }

    /// Listens to what `filter` keeps from now on.
    pub fn subscribe_notifications(&mut self, filter: &Filter) -> Subscription {
        let thread_id = filter.thread.as_ref().map_or_else(|| "".into(), Arc::clone);
        let mailbox = Arc::new(Mailbox::of_many(thread_id, Arc::clone(&self.budget)));
        match &self.closed {
            Some(reason) => mailbox.close(reason),
            None => self.listeners.add(filter, &mailbox),
        }
        self.subscribe(mailbox, Part::Notifications(filter.clone()))
    }

    /// From now on the last notifications that are no turn's are kept for [`Self::subscribe_backlog`].
    pub fn keep_backlog(&mut self) {
        self.backlog.get_or_insert_default();
    }

    /// Listens to what is no turn's: first what was kept of it so far, then all that comes. Nothing is kept any more.
    pub fn subscribe_backlog(&mut self) -> Subscription {
        let filter = Filter::default();
        let mailbox = Arc::new(Mailbox::of_many("".into(), Arc::clone(&self.budget)));
        if let Some(backlog) = self.backlog.take() {
            backlog.replay(&mailbox);
        }
        match &self.closed {
            Some(reason) => mailbox.close(reason),
            None => self.listeners.add(&filter, &mailbox),
        }
        self.subscribe(mailbox, Part::Notifications(filter))
    }

    /// Reserves a thread for a goal; `None` while another goal has it, or a turn that was started here. From the moment
    /// in which the goal's request is written the turns that the runtime starts there are the caller's. `cleanup` pauses
    /// the goal.
    pub fn own_thread(
        &mut self,
        thread_id: &Arc<str>,
        cleanup: Cleanup,
        now: Instant,
    ) -> Option<Subscription> {
        let has_goal = |thread: &super::threads::Thread| thread.goal.is_some();
        if self.threads.get(thread_id).is_some_and(has_goal) || self.is_busy(thread_id, now) {
            return None;
        }
        let budget = Arc::clone(&self.budget);
        let mailbox = Arc::new(Mailbox::of_goal(Arc::clone(thread_id), budget, now));
        let subscription = self.subscribe(Arc::clone(&mailbox), Part::Goal);
        if let Some(reason) = &self.closed {
            mailbox.close(reason);
        } else {
            let thread = self.threads.entry(Arc::clone(thread_id)).or_default();
            thread.goal = Some(subscription.id);
        }
        self.goals.insert(
            subscription.id,
            GoalPart {
                goal: Goal::default(),
                mailbox,
                watches: Vec::new(),
                cleanup: Some(cleanup.of(subscription.id)),
                debt: Debt::None,
                requested: false,
                left: false,
                dropped: false,
            },
        );
        Some(subscription)
    }

    /// A goal as of now, whatever its consumer has read.
    pub fn goal(&self, id: SubscriptionId) -> Option<&Goal> {
        self.goals.get(&id).map(|part| &part.goal)
    }

    /// Whether there is something to undo before leaving: a request that undoes it follows the one that opens it.
    pub fn owes(&self, id: SubscriptionId) -> bool {
        match self.subscriptions.get(&id) {
            Some(Subscribed {
                part: Part::Stream { cleanup, debt, .. },
                mailbox,
            }) => {
                let may_be_begun = matches!(debt, Debt::Sent | Debt::Owed);
                may_be_begun && cleanup.is_some() && !mailbox.is_over()
            }
            Some(Subscribed {
                part: Part::Goal, ..
            }) => self.goals.get(&id).is_some_and(GoalPart::owes),
            _ => false,
        }
    }

    /// The debt of a stream's or goal's consumer.
    pub(super) fn debt(&mut self, id: SubscriptionId) -> Option<&mut Debt> {
        if let Some(part) = self.goals.get_mut(&id) {
            return Some(&mut part.debt);
        }
        match self.subscriptions.get_mut(&id) {
            Some(Subscribed {
                part: Part::Stream { debt, .. },
                ..
            }) => Some(debt),
            _ => None,
        }
    }

    pub(super) fn set_debt(&mut self, id: SubscriptionId, new: Debt) {
        if let Some(debt) = self.debt(id) {
            *debt = new;
        }
    }

    /// The consumer has undone the request itself.
    pub fn settle(&mut self, id: SubscriptionId) {
        if let Some(Subscribed {
            part: Part::Stream { cleanup, .. },
            ..
        }) = self.subscriptions.get_mut(&id)
        {
            *cleanup = None;
        }
        if let Some(part) = self.goals.get_mut(&id) {
            part.cleanup = None;
        }
    }

    /// A request that opens this stream stands in line.
    pub(super) fn stream_is_requested(&mut self, id: SubscriptionId) {
        if let Some(part) = self.goals.get_mut(&id) {
            part.requested = true;
        }
    }

    /// The line of the request that opens this stream is in the writer's hands.
    pub(super) fn stream_is_sent(&mut self, id: SubscriptionId) {
        if let Some(debt) = self.debt(id).filter(|debt| **debt == Debt::None) {
            *debt = Debt::Sent;
        }
    }

    /// What undoes the request of a call that opens this stream.
    pub(super) fn cleanup_of(&self, id: SubscriptionId) -> Option<Cleanup> {
        match self.subscriptions.get(&id) {
            Some(Subscribed {
                part: Part::Stream { cleanup, .. },
                ..
            }) => cleanup.clone(),
            _ => self.goals.get(&id)?.cleanup.clone(),
        }
    }

    /// The line of the request that opens a stream goes out now: from now on what undoes it is owed. Returned if its
    /// consumer has left before.
    pub(super) fn stream_is_opening(&mut self, opens: &Opens) -> Option<Cleanup> {
        if let Some(debt) = self.debt(opens.id).filter(|debt| **debt != Debt::Waived) {
            *debt = Debt::Owed;
        }
        let Some(part) = self.goals.get_mut(&opens.id) else {
            let has_left = !self.subscriptions.contains_key(&opens.id);
            return opens.cleanup.clone().filter(|_| has_left);
        };
        part.requested = false;
        part.goal.ask();
        if part.left && part.debt != Debt::Waived {
            part.goal.give_up();
        } else if !part.goal.is_stopped() {
            return None;
        }
        part.cleanup.take()
    }

    /// The program stops a goal: it is paused, and its turns are interrupted, whoever follows them. Its events still come
    /// to the end. What is not set yet is paused behind the request that sets it. False for any other subscription.
    pub fn stop_goal(&mut self, id: SubscriptionId, now: Instant, out: &mut Effects) -> bool {
        let Some(part) = self.goals.get_mut(&id) else {
            return false;
        };
        part.goal.stop();
        if let Some(TurnKey { thread_id, turn_id }) = self.pause_goal(id, now, out) {
            self.stop_goals_turn(&thread_id, &turn_id, now, out);
        }
        true
    }

    /// Pauses a goal, unless that was done, or it is over but for its last turn. Pausing lets the turn that runs go on:
    /// this is it. One that begins later is met when it does.
    fn pause_goal(
        &mut self,
        id: SubscriptionId,
        now: Instant,
        out: &mut Effects,
    ) -> Option<TurnKey> {
        let part = self.goals.get_mut(&id)?;
        let goes_on = part.goal.goes_on();
        let pause = if goes_on { part.cleanup.take() } else { None };
        let running = part.goal.running().cloned();
        let thread_id = Arc::clone(part.thread_id());
        if let Some(pause) = pause {
            // If it is heard of.
            let thread = self.threads.get_mut(&thread_id);
            if let Some(thread) = thread.filter(|thread| thread.goal == Some(id)) {
                thread.hold(Unsettled::Pause, now);
                let due = thread.next_look();
                self.look_at(due, out);
            }
            self.clean_up(&pause, now, out);
        }
        running.map(|turn_id| TurnKey { thread_id, turn_id })
    }

    /// The request that opens a stream was refused, or did not go out: it has begun nothing.
    pub(super) fn stream_was_refused(
        &mut self,
        id: SubscriptionId,
        now: Instant,
        out: &mut Effects,
    ) {
        if let Some(debt) = self.debt(id).filter(|debt| **debt != Debt::Waived) {
            *debt = Debt::None;
        }
        if let Some(part) = self.goals.get_mut(&id) {
            part.requested = false;
            part.goal.refused();
            let thread_id = Arc::clone(part.thread_id());
            let thread = self.threads.get(&thread_id);
            if thread.is_some_and(|thread| thread.goal == Some(id)) {
                self.goal_is_over(&thread_id, now, out);
            }
            self.forget_goal(id, out);
        }
    }

    /// The consumer of what is no turn leaves.
    pub(super) fn leave_stream(
        &mut self,
        id: SubscriptionId,
        subscribed: Subscribed,
        leave: Leave,
        now: Instant,
        out: &mut Effects,
    ) {
        let Subscribed { mailbox, part } = subscribed;
        let is_over = mailbox.is_over();
        if leave == Leave::Drop {
            out.garbage.push(mailbox.abandon());
        } else {
            out.retire(&mailbox);
        }
        match part {
            Part::Turn { .. } => {}
            Part::Notifications(filter) => self.listeners.remove(&filter, &mailbox),
            Part::Goal => self.leave_goal(id, leave, now, out),
            Part::GoalsWatch(of) => self.stop_watching_goal(of, &mailbox, out),
            Part::Stream {
                subject,
                cleanup,
                debt,
            } => {
                if let Some(consumers) = self.streams.get_mut(&subject) {
                    consumers.retain(|other| !Arc::ptr_eq(other, &mailbox));
                    if consumers.is_empty() {
                        self.streams.remove(&subject);
                    }
                }
                let due = (debt == Debt::Owed || leave == Leave::GiveUp) && !is_over;
                if let Some(cleanup) = cleanup.filter(|_| due) {
                    self.clean_up(&cleanup, now, out);
                }
            }
        }
    }

    fn leave_goal(&mut self, id: SubscriptionId, leave: Leave, now: Instant, out: &mut Effects) {
        let Some(part) = self.goals.get_mut(&id) else {
            return;
        };
        part.left = true;
        part.dropped |= leave == Leave::Drop;
        if leave == Leave::GiveUp && (part.is_live() || part.mailbox.is_unheard()) {
            part.debt = Debt::Owed;
        }
        if part.owes() {
            part.goal.give_up();
            if let Some(TurnKey { thread_id, turn_id }) = self.pause_goal(id, now, out) {
                self.give_up_goals_turn(&thread_id, &turn_id, now, out);
            }
        }
        self.forget_goal(id, out);
    }

    /// Frees the thread of a goal whose consumer has left, unless the runtime still works for it, and forgets the goal
    /// once its consumer is gone, and who watches it.
    fn forget_goal(&mut self, id: SubscriptionId, out: &mut Effects) {
        let Some(part) = self.goals.get(&id) else {
            return;
        };
        if part.left && !part.is_live() {
            // Of one that was never set nothing has ended.
            for watch in part.watches.iter().filter(|watch| !watch.is_over()) {
                watch.finish();
                out.mailboxes.push(Arc::clone(watch));
            }
            let is_forgotten = part.dropped && part.watches.is_empty();
            let thread_id = Arc::clone(&part.mailbox.thread_id);
            self.free_thread(&thread_id, id);
            if is_forgotten {
                self.goals.remove(&id);
            }
        }
    }

    /// The consumer of a goal is gone that had left before.
    pub(super) fn goal_was_dropped(&mut self, id: SubscriptionId, out: &mut Effects) {
        if let Some(part) = self.goals.get_mut(&id) {
            part.dropped = true;
            out.garbage.push(part.mailbox.abandon());
            self.forget_goal(id, out);
        }
    }

    /// A goal has one more mailbox. False if it is not known any more.
    pub(super) fn watch_goal(&mut self, id: SubscriptionId, watch: &Arc<Mailbox>) -> bool {
        let Some(part) = self.goals.get_mut(&id) else {
            return false;
        };
        part.watches.push(Arc::clone(watch));
        // As in `forget_goal`: nobody else will end it.
        if part.left && !part.is_live() {
            watch.finish();
        }
        true
    }

    fn stop_watching_goal(&mut self, id: SubscriptionId, watch: &Arc<Mailbox>, out: &mut Effects) {
        if let Some(part) = self.goals.get_mut(&id) {
            part.watches.retain(|other| !Arc::ptr_eq(other, watch));
            self.forget_goal(id, out);
        }
    }

    /// A thread is no goal's any more; unless it is another one's by now.
    fn free_thread(&mut self, thread_id: &str, id: SubscriptionId) {
        if let Some(thread) = self.threads.get_mut(thread_id)
            && thread.goal == Some(id)
        {
            thread.goal = None;
            self.drop_if_idle(thread_id);
        }
    }

    /// A goal's thread has an event; `status` is what it says of the goal or the turn.
    pub(super) fn goal_event(
        &mut self,
        id: SubscriptionId,
        event: Event<'_>,
        turn_id: Option<&str>,
        status: Option<&str>,
        now: Instant,
        out: &mut Effects,
    ) -> Option<crate::inbox::mailbox::Pushed> {
        let part = self.goals.get_mut(&id)?;
        let verdict = part.goal.observe(&event, turn_id, status);
        let last = matches!(verdict, Verdict::KeptLast | Verdict::PassedLast);
        let kept = matches!(verdict, Verdict::Kept | Verdict::KeptLast);
        let begins = kept && event.method == "turn/started";
        let (is_given_up, is_stopped) = (part.goal.is_given_up(), part.goal.is_stopped());
        let is_unwanted = is_given_up || is_stopped;
        let is_paused = verdict == Verdict::PassedLast && event.method == "thread/goal/updated";
        let had_turns = part.goal.first_turn().is_some();
        // What is counted is what becomes of it in the first, its consumer's.
        let mut pushed = None;
        for mailbox in part.mailboxes() {
            if turn_id.is_some() {
                mailbox.note_arrival(now);
            }
            if kept {
                let result = mailbox.push(event, last);
                out.note(result, mailbox);
                pushed.get_or_insert(result);
            } else if last {
                mailbox.finish();
                out.mailboxes.push(Arc::clone(mailbox));
            }
        }
        let mailbox = Arc::clone(&part.mailbox);
        // Whoever waits for the goal's beginning looks at the goal, not at its events.
        if let (true, Some(turn_id)) = (begins, turn_id) {
            let (thread_id, turn_id) = (&mailbox.thread_id, turn_id.into());
            if is_stopped {
                self.stop_goals_turn(thread_id, &turn_id, now, out);
            } else if is_given_up {
                self.give_up_goals_turn(thread_id, &turn_id, now, out);
            }
        }
        if is_paused
            && is_unwanted
            && let Some(thread) = self.threads.get_mut(&mailbox.thread_id)
        {
            let due = thread.await_goals_turn(!had_turns, now);
            self.look_at(Some(due), out);
        }
        if last {
            self.goal_is_over(&mailbox.thread_id, now, out);
            self.free_thread(&mailbox.thread_id, id);
            self.remember_ended(&mailbox);
            self.forget_goal(id, out);
        }
        pushed
    }

    /// Whoever interrupts the turn that runs for a goal is to be known, so that giving the goal up does not do it again.
    pub(super) fn know_goals_turn(&mut self, thread_id: &str, turn_id: &str) {
        let goal = self.threads.get(thread_id).and_then(|thread| thread.goal);
        let part = goal.and_then(|id| self.goals.get(&id));
        let running = part.and_then(|part| part.goal.running());
        if let Some(running) = running.filter(|running| ***running == *turn_id).cloned() {
            self.turn(&running, &thread_id.into()).begun = true;
        }
    }

    /// Nothing more will be heard of a thread's goal. The thread is free; one that goes on unheard can still be paused.
    pub(super) fn cut_goal(&mut self, thread_id: &str, cut: Cut, now: Instant, out: &mut Effects) {
        let id = self.threads.get(thread_id).and_then(|thread| thread.goal);
        let Some((id, part)) = id.and_then(|id| Some((id, self.goals.get(&id)?))) else {
            return;
        };
        for mailbox in part.mailboxes() {
            mailbox.cut(cut);
            out.mailboxes.push(Arc::clone(mailbox));
        }
        let mailbox = Arc::clone(&part.mailbox);
        self.remember_ended(&mailbox);
        self.goal_is_over(thread_id, now, out);
        self.free_thread(thread_id, id);
        self.forget_goal(id, out);
    }

    /// Starts of the thread need not wait for the pause of its goal any more.
    fn goal_is_over(&mut self, thread_id: &str, now: Instant, out: &mut Effects) {
        let thread = self.threads.get_mut(thread_id);
        let held = thread.map(Thread::goal_is_paused);
        self.let_go(held.into_iter().flatten(), now, out);
    }

    /// The mailboxes of goals.
    pub(super) fn goal_mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.goals.values().flat_map(GoalPart::mailboxes)
    }

    /// The thread of a turn that runs for a goal.
    pub(super) fn thread_of_goals_turn(&self, turn_id: &str) -> Option<&Arc<str>> {
        let runs = |part: &&GoalPart| part.goal.running().is_some_and(|one| **one == *turn_id);
        let part = self.goals.values().find(runs);
        part.map(|part| &part.mailbox.thread_id)
    }

    /// What undoes the streams and goals that are owed, for a runtime that outlives this connection.
    pub(super) fn streams_to_undo(&self) -> Vec<Cleanup> {
        let mut due = Vec::new();
        for one in self.subscriptions.values() {
            if let Part::Stream { cleanup, debt, .. } = &one.part
                && *debt == Debt::Owed
                && !one.mailbox.is_over()
            {
                due.extend(cleanup.clone());
            }
        }
        for part in self.goals.values().filter(|part| part.owes()) {
            due.extend(part.cleanup.clone().filter(|_| part.goal.goes_on()));
            let running = part.goal.running();
            due.extend(running.map(|turn| Cleanup::interrupt(&part.mailbox.thread_id, turn)));
        }
        due
    }
}

impl GoalPart {
    fn owes(&self) -> bool {
        let goes_on = !self.mailbox.is_over() || self.mailbox.is_unheard();
        self.debt == Debt::Owed && self.cleanup.is_some() && goes_on
    }
}
