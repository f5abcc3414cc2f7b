//! What each consumer of a turn must see: the turn's events from its own start on, in order, once.

use std::collections::VecDeque;

use codex_core::inbox::mailbox::Taken;
use codex_core::session::subscriptions::{Leave, Subscription};

use super::desk::text;
use super::turns::{Over, Turns};

/// What a consumer has to do with its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Owned, but nobody has heard of it yet.
    Pending,
    Owned,
    Detached,
    Following,
    None,
}

#[derive(Debug)]
pub struct Consumer {
    /// `None` while the answer that brings it was not taken.
    pub subscription: Option<Subscription>,
    pub turn: usize,
    pub claim: Claim,
    pub left: bool,
    /// The params of the events that it has not seen.
    pub expected: VecDeque<String>,
    /// Why nothing more comes.
    pub over: Option<Over>,
    pub closed: bool,
    /// Its turn was not heard when it came: nobody knows what it is told.
    pub is_vague: bool,
}

impl Consumer {
    pub fn new(turn: usize, claim: Claim, expected: VecDeque<String>, over: Option<Over>) -> Self {
        Self {
            subscription: None,
            turn,
            claim,
            left: false,
            expected,
            over,
            closed: false,
            is_vague: false,
        }
    }

    /// Whether it gets what is said now.
    pub fn listens(&self, turn: usize) -> bool {
        self.turn == turn && !self.left && self.over.is_none() && !self.closed
    }

    /// Reads everything that there is.
    pub fn read(&mut self) -> Result<(), String> {
        let Some(subscription) = &self.subscription else {
            return Ok(());
        };
        loop {
            let taken = subscription.mailbox.take();
            let Taken::Segment(segment) = taken else {
                return self.read_all(&taken);
            };
            if self.left {
                return Err(format!("an event for one that has left: {:?}", self.turn));
            }
            for event in segment.iter() {
                let expected = self.expected.pop_front();
                // Who has been told that it will not hear the end may hear it all the same.
                let is_cut = self.is_vague || self.over == Some(Over::Cut);
                let is_more = expected.is_none() && is_cut;
                let seen = text(event.params);
                if expected.as_ref() != Some(&seen) && !is_more && !self.is_vague {
                    return Err(format!("turn {}: {seen}, not {expected:?}", self.turn));
                }
            }
        }
    }

    fn read_all(&self, taken: &Taken) -> Result<(), String> {
        if self.left || self.is_vague {
            return Ok(());
        }
        if let Some(event) = self.expected.front() {
            return Err(format!("turn {}: {event} has not come", self.turn));
        }
        let right = match taken {
            Taken::Empty => self.over.is_none() && !self.closed,
            Taken::Finished => self.over == Some(Over::Finished),
            Taken::Cut(_) => self.over == Some(Over::Cut),
            Taken::Closed(_) => self.over.is_none() && self.closed,
            Taken::Segment(_) | Taken::Lost(_) | Taken::Partial(_) => false,
        };
        if right {
            Ok(())
        } else {
            Err(format!("{taken:?}, and not {:?}", (self.over, self.closed)))
        }
    }

    /// It leaves its turn; what that means for the turn is written down.
    pub fn leave(&mut self, leave: Leave, turns: &mut Turns) {
        self.left = true;
        self.expected.clear();
        let turn = &mut turns.all[self.turn];
        let is_over = turn.over.is_some();
        match (self.claim, leave) {
            _ if is_over => self.claim = Claim::None,
            // It may own the turn later on.
            (Claim::Pending | Claim::Detached, Leave::Close) => {
                self.claim = Claim::Detached;
                return;
            }
            (Claim::None, _) | (Claim::Owned, Leave::Close) => return,
            // It is counted until the turn is over.
            (Claim::Detached, Leave::Drop) => {}
            (Claim::Pending | Claim::Owned, _) | (Claim::Detached, Leave::GiveUp) => {
                turn.claims -= 1;
                turn.given_up = true;
            }
            (Claim::Following, _) => turn.followers -= 1,
        }
        self.claim = Claim::None;
    }

    pub fn own(&mut self, owned: bool) {
        if matches!(self.claim, Claim::Pending | Claim::Owned | Claim::Detached) {
            self.claim = if owned { Claim::Owned } else { Claim::Detached };
        }
    }
}
