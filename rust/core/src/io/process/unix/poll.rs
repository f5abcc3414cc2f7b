//! Waiting until descriptors have something to report.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// A descriptor to watch for bytes, end of file or an error.
pub(super) fn readable<Fd: AsFd>(fd: &Fd) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::IN)
}

/// A descriptor to watch for room to write, or an error.
pub(super) fn writable<Fd: AsFd>(fd: &Fd) -> PollFd<'_> {
    PollFd::new(fd, PollFlags::OUT)
}

/// Makes reads and writes of `fd` return instead of waiting.
pub(super) fn set_nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(fd)?;
    Ok(fcntl_setfl(fd, flags | OFlags::NONBLOCK)?)
}

/// The longest sleep: macOS takes none that is longer than 24 days.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Waits until one of `watched` has something to report (see [`reports`]), or the deadline has passed: then none has.
pub(super) fn poll(watched: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<()> {
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let sleep = left.map(|left| left.min(LONGEST));
        let timeout = sleep.map(Timespec::try_from).transpose();
        let timeout = timeout.map_err(io::Error::other)?;
        match rustix::event::poll(watched, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Ok(0) if left > sleep => {}
            polled => return Ok(polled.map(drop)?),
        }
    }
}

/// Whether a descriptor had something to report.
pub(super) fn reports(watched: &PollFd<'_>) -> bool {
    !watched.revents().is_empty()
}
