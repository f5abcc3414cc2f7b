//! How a process ended.
#![allow(unsafe_code, reason = "a process's exit code has no safe interface")]

use std::os::windows::io::{AsRawHandle, OwnedHandle};

use windows_sys::Win32::System::Threading::GetExitCodeProcess;

use crate::io::process::outcome::ExitOutcome;

/// Of a process that has ended.
pub(super) fn outcome(process: &OwnedHandle) -> ExitOutcome {
    let mut code = 0;
    // SAFETY: the handle is open, and the code is this frame's.
    let is_told = unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut code) };
    if is_told == 0 {
        return ExitOutcome::Unknown;
    }
    ExitOutcome::Code(code)
}
