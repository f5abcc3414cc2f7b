//! What the session leaves to do after a step: lines for the writer, waiters to wake, a look at the clock. Whoever
//! took the step does it, once the session's lock is released.

use std::sync::Arc;

use super::call::{Call, Outcome};
use super::server_requests::{After, Reception};
use crate::inbox::buffer::Garbage;
use crate::inbox::mailbox::{Mailbox, Pushed};

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
    /// Whoever serves requests of the runtime finds something new.
    pub asked: bool,
    /// What is told to the runtime about requests that came.
    pub receptions: Vec<Reception>,
    /// Requests of the runtime that are settled.
    pub settled: Vec<After>,
    /// Mailboxes that have dropped events, to be tidied.
    pub untidy: Vec<Arc<Mailbox>>,
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
    /// What is to be done after a push.
    pub fn note(&mut self, pushed: Pushed, mailbox: &Arc<Mailbox>) {
        if pushed.wake {
            self.mailboxes.push(Arc::clone(mailbox));
        }
        if pushed.untidy {
            self.untidy.push(Arc::clone(mailbox));
        }
    }

    /// A consumer leaves: its events are kept for its result if they are recorded; else they go. Says if they are kept.
    pub fn retire(&mut self, mailbox: &Arc<Mailbox>) -> bool {
        let retired = mailbox.retire();
        match retired {
            Some(pushed) => self.note(pushed, mailbox),
            None => self.garbage.push(mailbox.abandon()),
        }
        retired.is_some()
    }

    /// Wakes who waits, then frees what was let go. The lines and the receptions are the caller's to hand on, before this.
    pub fn wake(&mut self) {
        for after in self.settled.drain(..) {
            after.wake();
        }
        for mailbox in self.mailboxes.drain(..) {
            mailbox.flush();
        }
        for call in self.calls.drain(..) {
            call.wake();
        }
        for mailbox in self.untidy.drain(..) {
            mailbox.tidy();
        }
        self.garbage.clear();
        self.outcomes.clear();
    }
}
