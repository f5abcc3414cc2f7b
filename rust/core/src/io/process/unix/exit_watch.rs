//! The exit of a child as a descriptor: readable, for everybody who polls it, from the moment that the child has ended.
//!
//! Linux has pidfds, macOS has kqueues. Where neither can be had (Linux before 5.3, a sandbox that forbids it, an emulator)
//! a thread waits for the child and writes into a pipe.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use super::pid::Pid;
use super::poll::{poll, readable, reports};
use crate::sync::thread::spawn_thread;

/// Readable once its child has ended. Does not reap it.
#[derive(Debug)]
pub(super) struct ExitWatch(OwnedFd);

impl ExitWatch {
    pub fn new(pid: Pid) -> io::Result<Self> {
        match kernel::watch(pid) {
            Ok(watch) => Ok(Self(watch)),
            Err(_) => Self::by_waiting(pid),
        }
    }

    fn by_waiting(pid: Pid) -> io::Result<Self> {
        let (watch, mut told) = io::pipe()?;
        // Not joined: it ends with the child, or with the first wait after somebody has reaped it.
        spawn_thread("codex-waiter", move || {
            pid.wait_ended();
            // Closing alone would not do: a fork of the program may have a copy of this end.
            let _ = told.write_all(&[1]);
        })?;
        Ok(Self(watch.into()))
    }

    /// Waits for the exit; false when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut watched = [readable(self)];
        poll(&mut watched, deadline).is_ok() && reports(&watched[0])
    }
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::os::fd::OwnedFd;

    use rustix::io::Result;
    use rustix::process::{PidfdFlags, pidfd_open};

    use super::Pid;

    pub fn watch(pid: Pid) -> Result<OwnedFd> {
        pidfd_open(pid.0, PidfdFlags::empty())
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
    use rustix::io::Result;

    use super::Pid;

    /// Fails for a child that has ended before.
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
        Ok(queue)
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
            assert!(pid.is_waitable());
            assert!(child.wait().unwrap().success());
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
