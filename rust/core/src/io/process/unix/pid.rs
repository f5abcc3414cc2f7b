//! The child's id, in what needs no more than that. No state and no locks: `child` decides when each may be called, since an
//! id is safe to signal only while the child runs or its zombie pins it.

use rustix::io::Errno;
use rustix::process::{Pid as RawPid, WaitId, WaitIdOptions, kill_process_group, waitid};

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
    /// Blocks until the child has ended, and leaves it a zombie.
    pub fn wait_ended(self) {
        self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    }

    /// Blocks until the child has ended, and takes its zombie away.
    pub fn reap(self) {
        self.wait(WaitIdOptions::EXITED);
    }

    fn wait(self, options: WaitIdOptions) {
        // Any other error: somebody else has reaped it.
        while matches!(waitid(WaitId::Pid(self.0), options), Err(Errno::INTR)) {}
    }

    /// Signals the child's group. Whether there was anybody to signal who may be signalled.
    pub fn signal_group(self, signal: Signal) -> bool {
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        kill_process_group(self.0, signal).is_ok()
    }
}
