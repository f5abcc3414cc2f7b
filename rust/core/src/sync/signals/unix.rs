//! The signal mask of a thread.
#![allow(unsafe_code, reason = "the signal mask has no safe interface")]

use std::{mem, ptr};

/// The signals that a thread's own fault sends to it.
const FAULTS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

/// Blocks signals in the calling thread until dropped.
pub struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    pub fn all() -> Self {
        Self::but(&[])
    }

    /// All but those of the thread's own faults.
    pub fn but_faults() -> Self {
        Self::but(&FAULTS)
    }

    fn but(open: &[libc::c_int]) -> Self {
        // SAFETY: both sets are owned by this frame, and a signal set is plain data that sigfillset
        // and pthread_sigmask write whole. pthread_sigmask fails only for an unknown `how`.
        unsafe {
            let mut blocked = mem::zeroed();
            let mut before = mem::zeroed();
            libc::sigfillset(&raw mut blocked);
            for &signal in open {
                libc::sigdelset(&raw mut blocked, signal);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const blocked, &raw mut before);
            Self { before }
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` was written by pthread_sigmask in `but`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}
