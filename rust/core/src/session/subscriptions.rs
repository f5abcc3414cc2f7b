//! What a consumer holds: its mailbox, and its part in what the mailbox is about. Owns the kinds of parts; what they
//! mean for a turn is in `turns`, for a stream or a goal in `streams`.

use std::sync::Arc;

use hashbrown::Equivalent;

use super::cleanup::Cleanup;
use super::listeners::Filter;
use crate::inbox::mailbox::Mailbox;

/// Names one subscription of a session.
pub type SubscriptionId = u64;

/// A consumer's hold on its events. It ends with [`super::Session::leave`].
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub mailbox: Arc<Mailbox>,
}

/// How a consumer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It stops to read. Of a turn it keeps what it owns. Of a turn or a goal it keeps what is recorded for its result.
    Close,
    /// It wants what it follows to stop. What is recorded is kept.
    GiveUp,
    /// It is gone. What it owned, nobody wants.
    Drop,
}

/// What a consumer has to do with a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It started the turn or joined it, and may not have heard of that yet: if it is gone, nobody wants the turn.
    Pending,
    /// The turn is to stop when it gives up, unless somebody else holds it.
    Owned,
    /// The turn runs on without it.
    Detached,
    /// The turn does not stop while it follows.
    Following,
    /// It has left the turn, of which it may keep the result, or the turn was over before, or it only watches.
    None,
}

/// Whether what a request has begun is to be undone when its consumer leaves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Debt {
    /// Nothing is begun.
    #[default]
    None,
    /// The request is in the writer's hands: it may still be withdrawn.
    Sent,
    Owed,
    /// Its consumer has let it go on.
    Waived,
}

/// A consumer's part in what its mailbox is about.
#[derive(Debug)]
pub(crate) enum Part {
    Turn {
        claim: Claim,
        /// The number of the turn that it is a claim on.
        of: u64,
    },
    Stream {
        subject: Subject,
        /// Undoes the request that opened the stream, unless that was done.
        cleanup: Option<Cleanup>,
        debt: Debt,
    },
    /// More of it is kept for as long as the goal lives.
    Goal,
    /// It watches the goal of this subscription.
    GoalsWatch(SubscriptionId),
    Notifications(Filter),
}

impl Part {
    /// Of who asked for a turn that was over.
    pub const NO_TURN: Self = Self::Turn {
        claim: Claim::None,
        of: 0,
    };
}

#[derive(Debug)]
pub(crate) struct Subscribed {
    pub mailbox: Arc<Mailbox>,
    pub part: Part,
}

/// A stream that is no turn: which property of its notifications names it, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub name: &'static str,
    pub id: Arc<str>,
}

/// [`Subject`] as a notification has it.
#[derive(Hash)]
pub(crate) struct SubjectRef<'e> {
    pub name: &'static str,
    pub id: &'e str,
}

impl Equivalent<Subject> for SubjectRef<'_> {
    fn equivalent(&self, key: &Subject) -> bool {
        self.name == key.name && *self.id == *key.id
    }
}
