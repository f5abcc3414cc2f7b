//! The shutdown: end of input, SIGTERM, SIGKILL, each after the grace of the one before, until the
//! child is reaped. It asks the child only through [`Child`], reads nothing and closes only what
//! the caller's closure closes. The connection runs it on a native thread, since it waits.

use super::child::{Child, Graces};
use super::group::Leftovers;
use super::outcome::ExitOutcome;
use super::pid::Signal;

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

impl Child {
    /// Ends the child and its process group and reaps it; takes the sum of the graces at most, that
    /// of SIGTERM twice.
    ///
    /// `close_stdin` closes our end of its input and must not block. Should a forked copy of this
    /// process hold that end too, the end of input never comes and the next step does its work.
    ///
    /// When this returns with leftovers known, `on_exit` has returned and the reaper thread is
    /// gone. May be called again, also from two threads at once; not from `on_exit`.
    pub fn shut_down(&self, graces: Graces, close_stdin: impl FnOnce()) -> ShutdownReport {
        let step = self.climb(graces, close_stdin);
        let leftovers = self.wait_reaped(graces.term.saturating_add(graces.kill));
        ShutdownReport {
            step,
            outcome: self.exit(),
            leftovers,
        }
    }

    fn climb(&self, graces: Graces, close_stdin: impl FnOnce()) -> Step {
        let ended_before = self.exit().is_some();
        close_stdin();
        if ended_before {
            return Step::AlreadyEnded;
        }
        if self.wait_exit(graces.eof).is_some() {
            return Step::EndOfInput;
        }
        self.signal_group(Signal::Terminate);
        if self.wait_exit(graces.term).is_some() {
            return Step::Terminate;
        }
        self.signal_group(Signal::Kill);
        Step::Kill
    }
}
