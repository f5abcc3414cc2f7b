//! What a shutdown of the child came to: how far it had to go, and what was left of the child's process group.

use crate::io::process::outcome::ExitOutcome;

/// The last step that the shutdown had to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// None: the child had ended before.
    AlreadyEnded,
    /// Its input was closed.
    EndOfInput,
    /// SIGTERM to its group.
    Terminate,
    /// SIGKILL to its group.
    Kill,
}

/// What was found in the child's process group after the child had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Nobody.
    None,
    /// Processes that ended within the grace after SIGTERM.
    Terminated,
    /// Processes that needed SIGKILL.
    Killed,
    /// This system does not show a group's members: whoever was there got SIGTERM and SIGKILL at
    /// once.
    Unseen,
    /// The zombie was taken by somebody else, so the group's id may belong to strangers: nothing
    /// was sent.
    Unpinned,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// The last step that was taken.
    pub step: Step,
    /// How the child ended; `None` when it still runs in spite of SIGKILL.
    pub outcome: Option<ExitOutcome>,
    /// What was left of its group; `None` when reaping was given up.
    pub leftovers: Option<Leftovers>,
}
