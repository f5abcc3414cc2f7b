//! Waking a thread that sleeps in `poll`, and telling it to stop. Both ends are kept by whoever uses
//! them; ringing never blocks, so a thread may ring for itself.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end that rings.
#[derive(Debug)]
pub struct Alarm {
    bell: UnixStream,
    stop: Arc<AtomicBool>,
}

/// The end that the sleeping thread watches.
#[derive(Debug)]
pub struct Listener {
    bell: UnixStream,
    stop: Arc<AtomicBool>,
}

pub fn pair() -> io::Result<(Alarm, Listener)> {
    let (alarm, listener) = UnixStream::pair()?;
    alarm.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    let stop = Arc::new(AtomicBool::new(false));
    let listener = Listener {
        bell: listener,
        stop: Arc::clone(&stop),
    };
    Ok((Alarm { bell: alarm, stop }, listener))
}

impl Alarm {
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            bell: self.bell.try_clone()?,
            stop: Arc::clone(&self.stop),
        })
    }

    pub fn ring(&self) {
        // When there is no room, there are bytes enough to wake up for.
        let _ = (&self.bell).write(&[1]);
    }

    /// The thread is to stop. A flag says so, since a byte may find no room.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.ring();
    }
}

impl Listener {
    /// Silences the bell; true when the thread is to stop.
    pub fn answer(&self) -> bool {
        let mut sink = [0; 256];
        while matches!((&self.bell).read(&mut sink), Ok(count) if count > 0) {}
        self.stop.load(Ordering::Acquire)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ringing_too_often_neither_blocks_nor_loses_the_stop() {
        let (alarm, listener) = pair().unwrap();
        assert!(!listener.answer());
        for _ in 0..100_000 {
            alarm.ring();
        }
        assert!(!listener.answer());
        for _ in 0..100_000 {
            alarm.ring();
        }
        alarm.stop();
        assert!(listener.answer());
    }
}
