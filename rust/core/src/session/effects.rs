//! What the session leaves to do after a step: lines for the writer, waiters to wake, a look at the clock. Whoever
//! took the step does it, once the session's lock is released.

use std::sync::Arc;

use super::call::{Call, Outcome};
use crate::inbox::buffer::Garbage;
use crate::inbox::mailbox::Mailbox;

/// A line on its way to the writer, and the request that it is.
#[derive(Debug)]
pub struct Line {
    pub bytes: Vec<u8>,
    pub call: Option<Arc<Call>>,
}

#[derive(Debug, Default)]
pub struct Effects {
    /// In the order in which they are to be written.
    pub lines: Vec<Line>,
    pub mailboxes: Vec<Arc<Mailbox>>,
    pub calls: Vec<Arc<Call>>,
    /// The session has something to look at earlier than it had.
    pub look: bool,
    /// What mailboxes have let go of, to be dropped without a lock.
    pub garbage: Vec<Garbage>,
    /// Answers that nobody takes, likewise.
    pub outcomes: Vec<Outcome>,
    /// Ids of answers to requests that nobody has made; `None` for one that is no number.
    pub orphans: Vec<Option<i64>>,
}

impl Effects {
    /// Wakes who waits. The lines are the caller's to hand on, before this.
    pub fn wake(&mut self) {
        for mailbox in self.mailboxes.drain(..) {
            mailbox.flush();
        }
        for call in self.calls.drain(..) {
            call.wake();
        }
        self.garbage.clear();
        self.outcomes.clear();
    }
}
