//! Something that threads wait for, beside other handles.
#![allow(unsafe_code, reason = "events have no safe interface")]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent};

#[derive(Debug)]
pub(super) struct Event(OwnedHandle);

impl Event {
    /// One that stays signalled.
    pub fn latch() -> io::Result<Self> {
        Self::new(true)
    }

    /// One that is silent again once somebody has waited for it.
    pub fn bell() -> io::Result<Self> {
        Self::new(false)
    }

    fn new(stays: bool) -> io::Result<Self> {
        // SAFETY: neither attributes nor a name are given.
        let handle = unsafe { CreateEventW(ptr::null(), stays.into(), 0, ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was made just now, and is nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Never blocks.
    pub fn set(&self) {
        // SAFETY: the handle is open as long as this value is there. It fails for no event that is open.
        unsafe { SetEvent(self.0.as_raw_handle()) };
    }
}

impl AsHandle for Event {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::wait::wait;
    use super::*;

    fn is_set(event: &Event) -> bool {
        wait(&[event.as_handle()], Some(Instant::now())).unwrap()
    }

    #[test]
    fn a_bell_is_heard_once_and_a_latch_for_ever() {
        let (bell, latch) = (Event::bell().unwrap(), Event::latch().unwrap());
        assert!(!is_set(&bell) && !is_set(&latch));
        bell.set();
        bell.set();
        latch.set();
        assert!(is_set(&bell) && is_set(&latch));
        assert!(!is_set(&bell) && is_set(&latch));
    }
}
