//! The exit of a child: as a descriptor, and how it ended.
//!
//! Linux has pidfds, macOS has kqueues. Where neither can be had (Linux before 5.3, a sandbox that forbids it, an emulator)
//! a thread waits for the child and writes into a pipe.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::pid::Pid;
use super::poll::{poll, readable, reports};
use crate::io::process::outcome::ExitOutcome;
use crate::sync::thread::spawn_thread;

/// Readable, for everybody who polls it, from the moment that its child has ended.
#[derive(Debug)]
pub(super) struct ExitWatch {
    fd: OwnedFd,
    pid: Pid,
    /// The child can be waited for by the descriptor. By its id it always can, but once somebody else has reaped it that
    /// may be the id of another child of this program.
    waits_by_fd: bool,
}

impl ExitWatch {
    pub fn new(pid: Pid) -> io::Result<Self> {
        let Ok(fd) = kernel::watch(pid) else {
            return Self::by_waiting(pid);
        };
        let found = kernel::named(&fd).map(look);
        let waits_by_fd = matches!(found, Some(Ok(_) | Err(Errno::CHILD)));
        Ok(Self {
            fd,
            pid,
            waits_by_fd,
        })
    }

    fn by_waiting(pid: Pid) -> io::Result<Self> {
        let (fd, mut told) = io::pipe()?;
        // Not joined: it ends with the child, or with the first wait after somebody has reaped it.
        spawn_thread("codex-waiter", move || {
            pid.wait_ended();
            // Closing alone would not do: a fork of the program may have a copy of this end.
            let _ = told.write_all(&[1]);
        })?;
        Ok(Self {
            fd: fd.into(),
            pid,
            waits_by_fd: false,
        })
    }

    /// Waits for the exit; false when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut watched = [readable(self)];
        poll(&mut watched, deadline).is_ok() && reports(&watched[0])
    }

    /// How the child has ended; `None` while it runs, and for as long after that as it is not told: while a debugger has
    /// it, and for a moment on macOS. Leaves it a zombie, which pins its id and its group's.
    pub fn ended(&self) -> Option<ExitOutcome> {
        match look(self.child()) {
            Ok(status) => status.as_ref().map(outcome),
            Err(Errno::CHILD) => Some(ExitOutcome::Unknown),
            Err(_) => None,
        }
    }

    /// Whether the child, running or zombie, is still there to be waited for; false once anybody has reaped it.
    pub fn is_waitable(&self) -> bool {
        look(self.child()).is_ok()
    }

    /// Takes an ended child's zombie away; from here on its id may belong to anybody.
    pub fn reap(&self) {
        // Without waiting, also if somebody was faster: then there is nothing to take, or a child that runs.
        let _ = waitid(self.child(), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }

    fn child(&self) -> WaitId<'_> {
        kernel::named(&self.fd)
            .filter(|_| self.waits_by_fd)
            .unwrap_or(WaitId::Pid(self.pid.0))
    }
}

fn look(child: WaitId<'_>) -> rustix::io::Result<Option<WaitIdStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    waitid(child, options)
}

fn outcome(status: &WaitIdStatus) -> ExitOutcome {
    let code = status
        .exit_status()
        .map(|code| ExitOutcome::Code(code.cast_unsigned()));
    code.or_else(|| status.terminating_signal().map(ExitOutcome::Signal))
        .unwrap_or(ExitOutcome::Unknown)
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::os::fd::OwnedFd;

    use std::os::fd::AsFd;

    use rustix::io::Result;
    use rustix::process::{PidfdFlags, WaitId, pidfd_open};

    use super::Pid;

    pub fn watch(pid: Pid) -> Result<OwnedFd> {
        pidfd_open(pid.0, PidfdFlags::empty())
    }

    /// The child of a descriptor; since Linux 5.4 it can be waited for.
    #[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
    pub fn named(fd: &OwnedFd) -> Option<WaitId<'_>> {
        Some(WaitId::PidFd(fd.as_fd()))
    }
}

#[cfg(target_vendor = "apple")]
#[allow(
    unsafe_code,
    reason = "a kqueue could be told of descriptors that are closed"
)]
mod kernel {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
    use rustix::io::{Errno, Result};
    use rustix::process::WaitId;

    use super::{Pid, look};

    /// Fails for a child that has ended before: some versions of the system take it and never tell.
    pub fn watch(pid: Pid) -> Result<OwnedFd> {
        let queue = kqueue()?;
        let exit = EventFilter::Proc {
            pid: pid.0,
            flags: ProcessEvents::EXIT,
        };
        let change = [Event::new(exit, EventFlags::ADD, std::ptr::null_mut())];
        let mut none: [Event; 0] = [];
        // SAFETY: the change names a process and no descriptor.
        unsafe { kevent(&queue, &change, &mut none[..], Some(Duration::ZERO))? };
        match look(WaitId::Pid(pid.0))? {
            None => Ok(queue),
            Some(_) => Err(Errno::SRCH),
        }
    }

    pub fn named(_fd: &OwnedFd) -> Option<WaitId<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn cat() -> (Child, Pid) {
        let mut command = Command::new("cat");
        let child = command.stdin(Stdio::piped()).spawn().unwrap();
        let id = i32::try_from(child.id()).unwrap();
        (child, Pid(rustix::process::Pid::from_raw(id).unwrap()))
    }

    #[test]
    fn the_exit_is_seen_by_everybody_who_looks_and_the_child_is_left_a_zombie() {
        for watch in [ExitWatch::new, ExitWatch::by_waiting] {
            let (mut child, pid) = cat();
            let watch = watch(pid).unwrap();
            assert!(!watch.wait(Some(Instant::now())));
            drop(child.stdin.take());
            assert!(watch.wait(None));
            assert!(watch.wait(None));
            assert!(watch.is_waitable());
            assert_eq!(watch.ended(), Some(ExitOutcome::Code(0)));
            assert!(child.wait().unwrap().success());
            assert!(!watch.is_waitable());
            assert_eq!(watch.ended(), Some(ExitOutcome::Unknown));
        }
    }

    #[test]
    fn the_exit_of_one_that_has_ended_before_is_seen() {
        for watch in [ExitWatch::new, ExitWatch::by_waiting] {
            let (mut child, pid) = cat();
            drop(child.stdin.take());
            pid.wait_ended();
            assert!(watch(pid).unwrap().wait(None));
            assert!(child.wait().unwrap().success());
            assert!(watch(pid).is_ok_and(|gone| gone.wait(None)));
        }
    }
}
