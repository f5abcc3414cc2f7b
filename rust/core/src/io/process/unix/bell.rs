//! How the reader thread is called out of its sleep over descriptors.
//!
//! An eventfd is one descriptor where a pair of sockets takes two.

#[cfg(target_os = "linux")]
pub(super) use linux::Bell;

#[cfg(not(target_os = "linux"))]
pub(super) use crate::sync::self_pipe::SelfPipe as Bell;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::event::{EventfdFlags, eventfd};

    /// Readable from its ringing until it is silenced.
    #[derive(Debug)]
    pub struct Bell(OwnedFd);

    impl Bell {
        pub fn new() -> io::Result<Self> {
            let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
            Ok(Self(eventfd(0, flags)?))
        }

        /// Never blocks.
        pub fn ring(&self) {
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }

        pub fn silence(&self) {
            let _ = rustix::io::read(&self.0, &mut [0; size_of::<u64>()]);
        }
    }

    impl AsFd for Bell {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::poll::{poll, readable, reports};
    use super::*;

    #[test]
    fn it_rings_until_it_is_silenced() {
        let bell = Bell::new().unwrap();
        let rings = || {
            let mut watched = [readable(&bell)];
            poll(&mut watched, Some(Instant::now())).unwrap();
            reports(&watched[0])
        };
        assert!(!rings());
        bell.ring();
        bell.ring();
        assert!(rings());
        bell.silence();
        assert!(!rings());
    }
}
