//! The child as long as it is there: whether it has ended, its shutdown, and what is left of its job.
//!
//! A handle names its process for ever, so nothing here needs a lock: ids are reused, handles are not. Reads and writes none
//! of the child's pipes. The writer thread runs the shutdown; [`ProcessPeer`](super::ProcessPeer) holds the child.

use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::time::{Duration, Instant};

use super::create::Created;
use super::exit::outcome;
use super::wait::wait;
use crate::io::process::launch::Graces;
use crate::io::process::outcome::ExitOutcome;

/// A running or ended child process in a job of its own. Dropping it ends all who are in the job.
#[derive(Debug)]
pub(super) struct Child {
    created: Created,
    graces: Graces,
}

impl Child {
    pub fn new(created: Created, graces: Graces) -> Self {
        Self { created, graces }
    }

    /// The process id. Names the child as long as this value is there.
    pub fn pid(&self) -> u32 {
        self.created.pid
    }

    /// The graces it was started with.
    pub fn graces(&self) -> Graces {
        self.graces
    }

    /// Signalled once the child has ended.
    pub fn ended(&self) -> BorrowedHandle<'_> {
        self.created.process.as_handle()
    }

    /// How the child ended; `None` while it runs.
    pub fn exit(&self) -> Option<ExitOutcome> {
        self.wait_exit(Duration::ZERO)
    }

    /// Waits until the child has ended; `None` when it still runs after `timeout`.
    pub fn wait_exit(&self, timeout: Duration) -> Option<ExitOutcome> {
        // What is too far away for the clock is as good as for ever.
        let deadline = Instant::now().checked_add(timeout);
        let has_ended = wait(&[self.ended()], deadline).unwrap_or(false);
        has_ended.then(|| outcome(&self.created.process))
    }

    /// Ends the child and its job, and returns when both are gone; takes the graces `eof` and `kill` at most. The end of its
    /// input, for which the sink was dropped before, is all that it is told: Windows has no signal for a program without a
    /// window and a console of ours.
    pub fn shut_down(&self, graces: Graces) {
        self.wait_exit(graces.eof);
        if self.created.job.end(graces.kill) {
            // Who has left the job has all but ended.
            self.wait_exit(graces.kill);
        }
    }
}
