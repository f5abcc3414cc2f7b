//! What is noted of a process while it runs, for the end of its connection and whoever asks afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use super::end::ProcessEnd;
use super::outcome::ExitOutcome;
use super::tail::Tail;
use crate::io::endpoint::Ending;
use crate::sync::closing::CloseReason;

#[derive(Debug)]
pub struct Notes {
    stderr: Tail,
    too_long: AtomicBool,
    gone: AtomicBool,
}

impl Notes {
    /// Keeps so many bytes of stderr.
    pub fn new(stderr_tail: usize) -> Self {
        Self {
            stderr: Tail::new(stderr_tail),
            too_long: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// The end of what it wrote to its stderr.
    pub fn stderr(&self) -> &Tail {
        &self.stderr
    }

    /// A message was longer than allowed.
    pub fn note_too_long(&self) {
        self.too_long.store(true, Ordering::Release);
    }

    /// The shutdown is over: the process has ended, or was given up.
    pub fn note_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Why the connection has ended. `exit` says how the process did, if that may be the cause.
    pub fn reason(
        &self,
        ending: Ending,
        exit: impl FnOnce() -> Option<ExitOutcome>,
        detail: &str,
    ) -> CloseReason {
        let exit = match ending {
            Ending::ByUs | Ending::Sink | Ending::Failure => None,
            Ending::Source => exit(),
        };
        let is_too_long = self.too_long.load(Ordering::Acquire);
        let stderr_tail = || self.stderr.text();
        CloseReason::new(ProcessEnd::new(
            ending,
            exit,
            is_too_long,
            stderr_tail,
            detail,
        ))
    }
}
