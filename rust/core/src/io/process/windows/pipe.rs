//! A pipe between this process and a child: our end overlapped, the child's end as programs expect it.
//!
//! Anonymous pipes cannot be read with anything else beside, so these have a name: one that nobody can guess, for one
//! connection, from this machine, and taken before it is told to anybody.
#![allow(unsafe_code, reason = "named pipes have no safe interface")]

use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{
    HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
    SECURITY_ANONYMOUS,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
};

/// Bytes that the system keeps for whoever does not read: as many as Linux.
const CAPACITY: u32 = 64 * 1024;

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToChild,
    FromChild,
}

/// Our end and the child's, which is inherited by a child that is started with it.
pub(super) fn pipe(direction: Direction) -> io::Result<(OwnedHandle, OwnedHandle)> {
    let name = name();
    let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let access = match direction {
        Direction::ToChild => PIPE_ACCESS_OUTBOUND,
        Direction::FromChild => PIPE_ACCESS_INBOUND,
    };
    // SAFETY: the name ends with NUL, and no attributes are given: the pipe is this user's, and not inherited.
    let ours = unsafe {
        CreateNamedPipeW(
            wide.as_ptr(),
            access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            CAPACITY,
            CAPACITY,
            0,
            ptr::null(),
        )
    };
    if ours == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was made just now, and is nobody else's.
    let ours = unsafe { OwnedHandle::from_raw_handle(ours) };
    let theirs = OpenOptions::new()
        .read(direction == Direction::ToChild)
        .write(direction == Direction::FromChild)
        // Whoever might hold the other end cannot act in this user's name.
        .security_qos_flags(SECURITY_ANONYMOUS)
        .open(&name)?;
    // SAFETY: the handle is open.
    let marked = unsafe {
        SetHandleInformation(
            theirs.as_raw_handle(),
            HANDLE_FLAG_INHERIT,
            HANDLE_FLAG_INHERIT,
        )
    };
    if marked == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((ours, theirs.into()))
}

fn name() -> String {
    // Each has random keys of its own.
    let random = || RandomState::new().hash_one(0);
    let pid = std::process::id();
    format!(
        r"\\.\pipe\codex-app-server-sdk.{pid}.{:016x}{:016x}",
        random(),
        random()
    )
}
