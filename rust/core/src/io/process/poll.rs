//! Waiting until a descriptor is readable. Used by the stderr drain and by the watch over leftover
//! processes.
#![allow(unsafe_code, reason = "poll has no safe interface")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// A descriptor to watch for bytes, end of file or an error.
pub(crate) fn readable(fd: &impl AsFd) -> libc::pollfd {
    libc::pollfd {
        fd: fd.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    }
}

/// A descriptor to watch for room to write, or an error.
pub(crate) fn writable(fd: &impl AsFd) -> libc::pollfd {
    libc::pollfd {
        events: libc::POLLOUT,
        ..readable(fd)
    }
}

/// Makes reads and writes of `fd` return instead of waiting.
pub(crate) fn set_nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let raw = fd.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open, and these two commands take and give plain flags.
    let done = unsafe {
        let flags = libc::fcntl(raw, libc::F_GETFL);
        flags >= 0 && libc::fcntl(raw, libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits until one of `watched` has something to report (in its `revents`), or the deadline has
/// passed: then none has.
pub(crate) fn poll(watched: &mut [libc::pollfd], deadline: Option<Instant>) -> io::Result<()> {
    loop {
        let timeout_ms = deadline.map_or(-1, |deadline| {
            round_up_to_ms(deadline.saturating_duration_since(Instant::now()))
        });
        let count = libc::nfds_t::try_from(watched.len()).map_err(io::Error::other)?;
        // SAFETY: the pointer and the count describe one exclusively borrowed slice.
        if unsafe { libc::poll(watched.as_mut_ptr(), count, timeout_ms) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Rounded up, since a timeout rounded down to 0 ms would spin through the last millisecond.
fn round_up_to_ms(left: Duration) -> libc::c_int {
    libc::c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
}
