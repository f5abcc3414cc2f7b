//! Waiting until handles are signalled.
#![allow(unsafe_code, reason = "waiting for handles has no safe interface")]

use std::io;
use std::os::windows::io::BorrowedHandle;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{WAIT_FAILED, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::WaitForMultipleObjects;

/// The longest sleep in one call; `u32::MAX` milliseconds mean for ever.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Waits until one of `handles`, 64 at most, is signalled, or the deadline has passed: then it is false.
///
/// Which one is not told: of several only the first would be, and the others would starve.
pub(super) fn wait(handles: &[BorrowedHandle<'_>], deadline: Option<Instant>) -> io::Result<bool> {
    let count = u32::try_from(handles.len()).map_err(io::Error::other)?;
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let sleep = left.unwrap_or(LONGEST).min(LONGEST);
        // The last millisecond is waited for whole.
        let millis = u32::try_from(sleep.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX - 1);
        // SAFETY: a borrowed handle is a raw one by its layout, and they are open as long as they are borrowed.
        let waited = unsafe { WaitForMultipleObjects(count, handles.as_ptr().cast(), 0, millis) };
        match waited {
            WAIT_FAILED => return Err(io::Error::last_os_error()),
            // The system counts in ticks of its clock, and may be early by a part of one.
            WAIT_TIMEOUT if deadline.is_none_or(|at| Instant::now() < at) => {}
            WAIT_TIMEOUT => return Ok(false),
            _ => return Ok(true),
        }
    }
}
