//! How the threads of a connection are called out of their sleep over descriptors.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use wire::Wire;

/// Readable while it rings.
///
/// It calls two threads. The reader, which sleeps over it all the time, is asked to look up, and silences it. The writer
/// sleeps over it only while the child's stdin is full, and is asked to stop; so once it has rung to [`stop`](Bell::stop)
/// it is never silent again, and the reader sleeps without it.
#[derive(Debug)]
pub(super) struct Bell {
    wire: Wire,
    stopped: AtomicBool,
}

impl Bell {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            wire: Wire::new()?,
            stopped: AtomicBool::new(false),
        })
    }

    /// Asks the reader to look up. Never blocks.
    pub fn ring(&self) {
        self.wire.ring();
    }

    /// Asks both to stop. Never blocks.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wire.ring();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// The reader has heard it. Whether it is to stop.
    pub fn heard(&self) -> bool {
        self.wire.silence();
        // Looked at afterwards: a stop that rang before it was silenced is seen here, one that rings later is heard.
        let stopped = self.is_stopped();
        if stopped {
            self.wire.ring();
        }
        stopped
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

#[cfg(target_os = "linux")]
mod wire {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::event::{EventfdFlags, eventfd};

    /// An eventfd: one descriptor, where a pipe takes two.
    #[derive(Debug)]
    pub struct Wire(OwnedFd);

    impl Wire {
        pub fn new() -> io::Result<Self> {
            let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
            Ok(Self(eventfd(0, flags)?))
        }

        pub fn ring(&self) {
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }

        pub fn silence(&self) {
            let _ = rustix::io::read(&self.0, &mut [0; size_of::<u64>()]);
        }
    }

    impl AsFd for Wire {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod wire {
    pub use crate::sync::self_pipe::SelfPipe as Wire;
}

#[cfg(test)]
mod tests {
    use super::super::poll::{poll, readable, reports};
    use super::*;
    use std::time::Instant;

    fn rings(bell: &Bell) -> bool {
        let mut watched = [readable(bell)];
        poll(&mut watched, Some(Instant::now())).unwrap();
        reports(&watched[0])
    }

    #[test]
    fn it_rings_until_it_is_heard_and_after_a_stop_for_ever() {
        let bell = Bell::new().unwrap();
        assert!(!rings(&bell));
        bell.ring();
        bell.ring();
        assert!(rings(&bell));
        assert!(!bell.heard());
        assert!(!rings(&bell));
        bell.stop();
        assert!(rings(&bell));
        assert!(bell.heard());
        assert!(rings(&bell));
    }
}
