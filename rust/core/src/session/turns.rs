//! Turns, and who holds them.
//!
//! Each `turn/start` that is answered with a turn, begun or joined, has a *claim* on it. A claim is owned (its holder
//! wants the turn to stop when it gives up) or detached (the turn runs on, whatever becomes of its holder). Who follows
//! a turn that it did not start holds it as a *follower* while it follows. When an owner has given up, the turn is
//! stopped once no claim, no follower and no pending start that may join it is left. A turn that no owner gave up is
//! never stopped. All of it is counted: there is nothing to forget.
//!
//! How a turn is stopped is in `stopping`.

use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;

use super::Session;
use super::call::Call;
use super::cleanup::Cleanup;
use super::effects::Effects;
use super::stopping::{Interrupt, Stopping, no_active_turn};
use super::subscriptions::{Claim, Leave, Part, Subscribed, Subscription, SubscriptionId};
use crate::inbox::mailbox::{Cut, Mailbox};

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
pub(crate) struct Turn {
    /// A turn that is heard of again after it was forgotten has another.
    number: u64,
    pub thread_id: Arc<str>,
    /// Who gets its events: the mailboxes of its holders, of those who have left it but keep its result, and watches,
    /// which hold nothing.
    pub subscribers: Vec<Arc<Mailbox>>,
    pub(super) claims: usize,
    pub(super) followers: usize,
    /// Consumers that still have a hand on it, and so may give it up.
    holders: usize,
    /// An owner has given it up.
    pub(super) given_up: bool,
    /// A `turn/start` of this connection was answered with it.
    pub started_here: bool,
    /// Its `turn/started` has come, or an item of it where a client has opted out of that.
    pub begun: bool,
    /// Its events do not come, because this client has unsubscribed from its thread; nor has one come since it resumed
    /// that. It may be over.
    pub(super) unheard: bool,
    pub(super) stopping: Stopping,
    /// The program wants it to be interrupted, whoever holds it.
    pub(super) wished: bool,
    pub(super) interrupt: Interrupt,
    /// How often in a row the runtime was too busy to interrupt it, and when it is asked again.
    pub(super) busy: u32,
    pub(super) ask_at: Option<Instant>,
    /// It was refused once although the turn had begun.
    pub(super) asked_again: bool,
    /// The program's own interrupts, which wait for the answer.
    pub(super) interrupts: Vec<Arc<Call>>,
}

impl Turn {
    fn of(thread_id: &Arc<str>) -> Self {
        Self {
            number: 0,
            thread_id: Arc::clone(thread_id),
            subscribers: Vec::new(),
            claims: 0,
            followers: 0,
            holders: 0,
            given_up: false,
            started_here: false,
            begun: false,
            unheard: false,
            stopping: Stopping::No,
            wished: false,
            interrupt: Interrupt::default(),
            busy: 0,
            ask_at: None,
            asked_again: false,
            interrupts: Vec::new(),
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.claims > 0 || self.followers > 0
    }

    /// An owner has given it up, and nobody holds it.
    pub(super) fn is_unwanted(&self) -> bool {
        self.given_up && !self.is_held()
    }

    /// Nobody needs to know of it: no event, and nobody who could give it up, comes any more.
    fn is_nothing(&self) -> bool {
        let expects = self.started_here && !self.unheard;
        // What nobody wants is being stopped, or will be when a start is settled that may join it.
        let is_stopped = self.unheard && self.interrupt == Interrupt::Accepted;
        let waits = self.wished || (self.is_unwanted() && !is_stopped);
        self.holders == 0 && self.subscribers.is_empty() && !expects && !waits
    }
}

impl Session {
    /// Listens to a turn from now on, without having started it. Of one that is over nothing will come.
    pub fn follow_turn(&mut self, thread_id: &str, turn_id: &str, now: Instant) -> Subscription {
        if self.over.has(turn_id) {
            let budget = Arc::clone(&self.budget);
            let mailbox = Mailbox::missed(turn_id.into(), thread_id.into(), budget, now);
            return self.subscribe(Arc::new(mailbox), Part::NO_TURN);
        }
        let mailbox = Arc::new(self.mailbox_of(turn_id, thread_id, now));
        if let Some(reason) = &self.closed {
            mailbox.close(reason);
            return self.subscribe(mailbox, Part::NO_TURN);
        }
        let turn = self.turn(&mailbox.key, &mailbox.thread_id);
        turn.followers += 1;
        self.hold(mailbox, Claim::Following)
    }

    /// A consumer gets its part in a turn, and the events from now on, if they come.
    fn hold(&mut self, mailbox: Arc<Mailbox>, claim: Claim) -> Subscription {
        let is_cut = self.unsubscribed.has(&mailbox.thread_id);
        let turn = self.turn(&mailbox.key, &mailbox.thread_id);
        turn.holders += 1;
        let of = turn.number;
        if is_cut {
            mailbox.cut(Cut::Unsubscribed);
            self.remember_ended(&mailbox);
        } else {
            turn.subscribers.push(Arc::clone(&mailbox));
        }
        self.subscribe(mailbox, Part::Turn { claim, of })
    }

    pub(super) fn mailbox_of(&self, turn_id: &str, thread_id: &str, now: Instant) -> Mailbox {
        let budget = Arc::clone(&self.budget);
        Mailbox::of_turn(turn_id.into(), thread_id.into(), budget, now)
    }

    /// What is known of a turn, from now on if nothing was.
    pub(super) fn turn(&mut self, turn_id: &Arc<str>, thread_id: &Arc<str>) -> &mut Turn {
        let unheard = self.unsubscribed.has(thread_id);
        let detached = self.detached.has(turn_id);
        let last = &mut self.last_turn;
        let turn = self.turns.entry(Arc::clone(turn_id));
        turn.or_insert_with(|| {
            *last += 1;
            Turn {
                number: *last,
                unheard,
                claims: usize::from(detached),
                ..Turn::of(thread_id)
            }
        })
    }

    /// A start was answered with a turn, whose events so far are in `mailbox`: a claim on it.
    pub(super) fn claim(&mut self, mailbox: Arc<Mailbox>, begun: bool) -> Subscription {
        // A turn is over already if all its events came before the answer, or were dropped with those of others.
        if mailbox.is_finished() || self.over.has(&mailbox.key) {
            mailbox.finish();
            self.remember_ended(&mailbox);
            return self.subscribe(mailbox, Part::NO_TURN);
        }
        let turn = self.turn(&mailbox.key, &mailbox.thread_id);
        turn.claims += 1;
        turn.started_here = true;
        turn.begun |= begun;
        self.hold(mailbox, Claim::Pending)
    }

    /// A start that was given up was answered with a turn: a claim on it that nobody wants.
    pub(super) fn claim_for_nobody(
        &mut self,
        thread_id: &Arc<str>,
        turn_id: &str,
        begun: bool,
        now: Instant,
        out: &mut Effects,
    ) {
        if self.over.has(turn_id) {
            return;
        }
        let turn = self.turn(&turn_id.into(), thread_id);
        turn.started_here = true;
        turn.begun |= begun;
        turn.given_up = true;
        self.stop_if_unheld(turn_id, now, out);
        self.forget_if_nothing(turn_id);
    }

    /// A turn that runs for a goal which was given up: nobody wants it but who follows or has joined it.
    pub(super) fn give_up_goals_turn(
        &mut self,
        thread_id: &Arc<str>,
        turn_id: &Arc<str>,
        now: Instant,
        out: &mut Effects,
    ) {
        // A goal whose thread was unsubscribed has not heard of its turn's end.
        if self.closed.is_some() || self.over.has(turn_id) {
            return;
        }
        let turn = self.turn(turn_id, thread_id);
        turn.begun = true;
        turn.given_up = true;
        self.stop_if_unheld(turn_id, now, out);
        self.forget_if_nothing(turn_id);
    }

    pub(super) fn own_turn(&mut self, id: SubscriptionId, owned: bool) {
        if let Some(Subscribed {
            part:
                Part::Turn {
                    claim: claim @ (Claim::Pending | Claim::Owned | Claim::Detached),
                    ..
                },
            ..
        }) = self.subscriptions.get_mut(&id)
        {
            *claim = if owned { Claim::Owned } else { Claim::Detached };
        }
    }

    /// Whether somebody holds a turn beside this consumer, so that it goes on when this one gives it up.
    pub fn is_held_by_others(&self, id: SubscriptionId) -> bool {
        let Some(Subscribed {
            mailbox,
            part: Part::Turn { claim, of },
        }) = self.subscriptions.get(&id)
        else {
            return false;
        };
        let turn = self.turns.get(&mailbox.key);
        let turn = turn.filter(|turn| turn.number == *of);
        let own = usize::from(*claim != Claim::None);
        // What was not started here is held by whoever did that.
        let is_elsewheres = |turn: &Turn| *claim == Claim::Following && !turn.given_up;
        turn.is_some_and(|turn| turn.claims + turn.followers > own || is_elsewheres(turn))
    }

    /// A turn's consumer leaves; `claim` is what it has, of the turn with this number. Returns what it still has after
    /// that, if it is to leave once more: no claim if only its result is kept.
    pub(super) fn leave_turn(
        &mut self,
        mailbox: &Arc<Mailbox>,
        claim: Claim,
        of: u64,
        leave: Leave,
        now: Instant,
        out: &mut Effects,
    ) -> Option<Claim> {
        let is_kept = leave != Leave::Drop && out.retire(mailbox);
        if leave == Leave::Drop {
            out.garbage.push(mailbox.abandon());
        }
        let turn = self.turns.get_mut(&mailbox.key);
        let turn = turn.filter(|turn| turn.number == of)?;
        if !is_kept {
            turn.subscribers
                .retain(|other| !Arc::ptr_eq(other, mailbox));
        }
        // To close a stream changes no claim; what was on its way to its owner is detached.
        match (claim, leave) {
            (Claim::Owned, Leave::Close) => return Some(Claim::Owned),
            (Claim::Pending | Claim::Detached, Leave::Close) => return Some(Claim::Detached),
            _ => {}
        }
        turn.holders -= usize::from(claim != Claim::None);
        match (claim, leave) {
            // A detached claim is counted until the turn is over: the turn runs on.
            (Claim::None, _) | (Claim::Detached, Leave::Close | Leave::Drop) => {}
            (Claim::Pending | Claim::Owned, _) | (Claim::Detached, Leave::GiveUp) => {
                turn.claims -= 1;
                turn.given_up = true;
                self.stop_if_unheld(&mailbox.key, now, out);
            }
            (Claim::Following, _) => {
                turn.followers -= 1;
                self.stop_if_unheld(&mailbox.key, now, out);
            }
        }
        self.forget_if_nothing(&mailbox.key);
        is_kept.then_some(Claim::None)
    }

    /// Forgets a turn that nobody needs to know of, but for a detached claim: who joins the turn again must not stop it.
    pub(super) fn forget_if_nothing(&mut self, turn_id: &str) {
        if self.turns.get(turn_id).is_some_and(Turn::is_nothing)
            && let Some(turn) = self.turns.remove(turn_id)
            && turn.claims > 0
        {
            self.detached.add(turn_id);
        }
    }

    /// A turn is over, or as good as that: its interrupt was accepted, or its thread is gone.
    pub(super) fn end_turn(
        &mut self,
        thread_id: &str,
        turn_id: &str,
        now: Instant,
        out: &mut Effects,
    ) {
        self.over.add(turn_id);
        if let Some(turn) = self.turns.remove(turn_id) {
            for mailbox in &turn.subscribers {
                self.remember_ended(mailbox);
            }
            self.settle_interrupts(turn.interrupts, &no_active_turn(), out);
        }
        if let Some(thread) = self.threads.get_mut(thread_id) {
            let held = thread.turn_is_over(turn_id);
            self.let_go(held, now, out);
            self.drop_if_idle(thread_id);
        }
    }

    /// Nothing more will be heard of this thread: who waits for its turns or its goal is told, and what is to be stopped
    /// is stopped without waiting for its beginning.
    pub(super) fn cut_thread(
        &mut self,
        thread_id: &str,
        cut: Cut,
        now: Instant,
        out: &mut Effects,
    ) {
        let of_thread = |turn: &Turn| *turn.thread_id == *thread_id;
        let turns = self.turns.iter().filter(|(_, turn)| of_thread(turn));
        let turns: Vec<Arc<str>> = turns.map(|(turn_id, _)| Arc::clone(turn_id)).collect();
        for turn_id in turns {
            self.cut_turn(&turn_id, cut, out);
            let turn = self.turns.get(&turn_id);
            let is_interrupted = turn.is_some_and(|turn| turn.interrupt == Interrupt::Accepted);
            match cut {
                // Its last word would have come soon.
                Cut::Unsubscribed if is_interrupted => {
                    self.end_turn(thread_id, &turn_id, now, out);
                }
                Cut::ThreadClosed => self.end_turn(thread_id, &turn_id, now, out),
                Cut::Unsubscribed => {
                    self.go_on_unheard(&turn_id, now, out);
                    self.forget_if_nothing(&turn_id);
                }
            }
        }
        self.cut_goal(thread_id, cut, now, out);
    }

    /// The last word of a turn will not be heard: who waits for it is told.
    pub(super) fn cut_turn(&mut self, turn_id: &str, cut: Cut, out: &mut Effects) {
        if let Some(turn) = self.turns.get_mut(turn_id) {
            turn.unheard = true;
            for mailbox in std::mem::take(&mut turn.subscribers) {
                mailbox.cut(cut);
                self.remember_ended(&mailbox);
                out.mailboxes.push(mailbox);
            }
        }
    }

    /// Whether a turn that was started or is followed here runs on this thread, or one is about to, or one that was given
    /// up is not over.
    pub(super) fn is_busy(&self, thread_id: &str, now: Instant) -> bool {
        let thread = self.threads.get(thread_id);
        let runs = |turn: &Turn| {
            let expected = turn.started_here && !turn.unheard;
            let heard = !turn.subscribers.is_empty();
            let followed = turn.begun && turn.followers > 0 && heard;
            (expected || followed) && *turn.thread_id == *thread_id
        };
        thread.is_some_and(|thread| thread.is_starting() || thread.is_holding(now))
            || self.turns.values().any(runs)
    }

    /// Whether the `turn/started` of a turn that was started here has come; `None` for any other turn.
    pub fn has_begun(&self, turn_id: &str) -> Option<bool> {
        let turn = self.turns.get(turn_id);
        turn.filter(|turn| turn.started_here).map(|turn| turn.begun)
    }

    /// Whether the end of a turn has come, of the last few thousand.
    pub fn turn_is_over(&self, turn_id: &str) -> bool {
        self.over.has(turn_id)
    }

    /// What undoes the turns that are owned or being stopped, for a runtime that outlives this connection. Owners and
    /// followers leave with the connection; what was detached runs on.
    pub(super) fn turns_to_undo(&self) -> Vec<Cleanup> {
        let mut owners = HashMap::<&str, usize>::new();
        for one in self.subscriptions.values() {
            let claim = match one.part {
                Part::Turn { claim, .. } => claim,
                _ => Claim::None,
            };
            if matches!(claim, Claim::Pending | Claim::Owned) {
                *owners.entry(&one.mailbox.key).or_default() += 1;
            }
        }
        let is_due = |(turn_id, turn): &(&Arc<str>, &Turn)| {
            let owners = owners.get(&***turn_id).copied().unwrap_or_default();
            let unwanted = (turn.given_up || owners > 0) && turn.claims == owners;
            (turn.wished || unwanted) && turn.interrupt == Interrupt::NotAsked
        };
        let mut due: Vec<_> = self.turns.iter().filter(is_due).collect();
        due.sort_by_key(|(turn_id, _)| Arc::clone(turn_id));
        due.iter()
            .map(|(turn_id, turn)| Cleanup::interrupt(&turn.thread_id, turn_id))
            .collect()
    }
}
