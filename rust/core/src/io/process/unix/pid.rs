//! The system calls on the child's id: wait, reap, signal its group. No state and no locks: `child`
//! decides when each may be called, since an id is safe to signal only while the child runs or its
//! zombie pins it.

use rustix::io::{Errno, Result};
use rustix::process::{
    Pid as RawPid, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, kill_process_group, waitid,
    waitpid,
};

use crate::io::process::outcome::ExitOutcome;

/// The signals that the shutdown sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: asks.
    Terminate,
    /// SIGKILL: does not ask.
    Kill,
}

/// The id of a child of this process that leads its own session and process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pid(pub RawPid);

impl Pid {
    /// How the child has ended; `None` while it runs. Leaves it a zombie, which pins its id and its group's.
    pub fn ended(self) -> Option<ExitOutcome> {
        match self.wait(WaitIdOptions::NOHANG) {
            Ok(status) => status.as_ref().map(outcome),
            Err(_) => Some(ExitOutcome::Unknown),
        }
    }

    /// Blocks until the child has ended, and leaves it a zombie.
    pub fn wait_ended(self) {
        while matches!(self.wait(WaitIdOptions::empty()), Err(Errno::INTR)) {}
    }

    /// Whether the child, running or zombie, is still there to be waited for; false once anybody
    /// has reaped it.
    pub fn is_waitable(self) -> bool {
        self.wait(WaitIdOptions::NOHANG).is_ok()
    }

    /// Takes an ended child's zombie away; from here on its id may belong to anybody.
    pub fn reap(self) {
        // Any other error: somebody was faster, and there is nothing left to take.
        while matches!(
            waitpid(Some(self.0), WaitOptions::empty()),
            Err(Errno::INTR)
        ) {}
    }

    /// Signals the child's group. Whether there was anybody to signal who may be signalled.
    pub fn signal_group(self, signal: Signal) -> bool {
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        kill_process_group(self.0, signal).is_ok()
    }

    fn wait(self, options: WaitIdOptions) -> Result<Option<WaitIdStatus>> {
        let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.0), options)
    }
}

fn outcome(status: &WaitIdStatus) -> ExitOutcome {
    let code = status.exit_status().map(ExitOutcome::Code);
    code.or_else(|| status.terminating_signal().map(ExitOutcome::Signal))
        .unwrap_or(ExitOutcome::Unknown)
}
