//! The system calls on the child's id: wait, reap, signal its group. No state and no locks: `child`
//! decides when each may be called, since an id is safe to signal only while the child runs or its
//! zombie pins it.
#![allow(
    unsafe_code,
    reason = "waitid and kill have no safe interface that keeps the zombie"
)]

use std::{io, mem, ptr};

use super::outcome::ExitOutcome;

/// The signals that the shutdown sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: asks.
    Terminate,
    /// SIGKILL: does not ask.
    Kill,
}

/// The id of a child of this process that leads its own session and process group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pid(pub libc::pid_t);

impl Pid {
    /// Blocks until the child has ended and leaves it a zombie, which pins its id and its group's.
    pub fn wait_ended(self) -> ExitOutcome {
        loop {
            match self.waitid(libc::WEXITED | libc::WNOWAIT) {
                Ok(info) => return outcome(&info),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return ExitOutcome::Unknown,
            }
        }
    }

    /// Whether the child, running or zombie, is still there to be waited for; false once anybody
    /// has reaped it.
    pub fn is_waitable(self) -> bool {
        self.waitid(libc::WEXITED | libc::WNOWAIT | libc::WNOHANG)
            .is_ok()
    }

    /// Takes an ended child's zombie away; from here on its id may belong to anybody.
    pub fn reap(self) {
        loop {
            // SAFETY: no status is asked for, so nothing is written.
            let reaped = unsafe { libc::waitpid(self.0, ptr::null_mut(), 0) };
            // ECHILD: somebody was faster, and there is nothing left to take.
            if reaped != -1 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }

    /// Signals the child's group. Whether there was anybody to signal who may be signalled.
    pub fn signal_group(self, signal: Signal) -> bool {
        let number = match signal {
            Signal::Terminate => libc::SIGTERM,
            Signal::Kill => libc::SIGKILL,
        };
        // SAFETY: kill touches no memory of ours.
        unsafe { libc::kill(-self.0, number) == 0 }
    }

    fn waitid(self, options: libc::c_int) -> io::Result<libc::siginfo_t> {
        let id = libc::id_t::try_from(self.0).map_err(io::Error::other)?;
        // SAFETY: siginfo_t is plain data, owned by this frame, and waitid writes it.
        unsafe {
            let mut info = mem::zeroed();
            if libc::waitid(libc::P_PID, id, &raw mut info, options) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(info)
        }
    }
}

fn outcome(info: &libc::siginfo_t) -> ExitOutcome {
    // SAFETY: waitid filled the SIGCHLD fields, of which the status is one.
    let status = unsafe { info.si_status() };
    if info.si_code == libc::CLD_EXITED {
        ExitOutcome::Code(status)
    } else {
        ExitOutcome::Signal(status)
    }
}
