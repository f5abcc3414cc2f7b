//! The bridge to an event loop: one descriptor per loop, readable when some of its waits are ready.
//!
//! Anyone that makes something ready notes the wait's token and writes one byte per burst; the loop
//! takes the tokens, and with the last of them the byte. Both ends belong to the waker and are
//! closed by its last owner, so a number that the loop's thread reuses for a file is never written to.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use parking_lot::Mutex;

/// Names one wait of one loop. The loop chooses it.
pub type Token = u64;

/// A loop's readable descriptor and the tokens behind it.
#[derive(Debug)]
pub struct LoopWaker {
    ready: Mutex<Ready>,
    read_end: UnixStream,
    write_end: UnixStream,
}

#[derive(Debug, Default)]
struct Ready {
    tokens: VecDeque<Token>,
    /// A byte is on its way that the loop has not taken: a burst is one write.
    signalled: bool,
}

impl LoopWaker {
    pub fn new() -> std::io::Result<Self> {
        // A socket pair and not an eventfd: loops without `add_reader` wait with `sock_recv`.
        let (read_end, write_end) = UnixStream::pair()?;
        read_end.set_nonblocking(true)?;
        write_end.set_nonblocking(true)?;
        Ok(Self {
            ready: Mutex::default(),
            read_end,
            write_end,
        })
    }

    /// The descriptor that the loop watches for reading.
    pub fn fd(&self) -> RawFd {
        self.read_end.as_raw_fd()
    }

    /// Marks `token` ready and makes the descriptor readable if it is not yet.
    pub fn notify(&self, token: Token) {
        let mut ready = self.ready.lock();
        ready.tokens.push_back(token);
        if !ready.signalled {
            ready.signalled = true;
            // The only failure of a write to our own empty pair would be a closed read end, and
            // both ends live as long as `self`.
            let _ = (&self.write_end).write(&[1]);
        }
    }

    /// How many waits are ready.
    pub fn count(&self) -> usize {
        self.ready.lock().tokens.len()
    }

    /// The next wait that is ready. The descriptor stays readable until there is none.
    pub fn take(&self) -> Option<Token> {
        let mut ready = self.ready.lock();
        let token = ready.tokens.pop_front();
        if ready.tokens.is_empty() && ready.signalled {
            ready.signalled = false;
            let _ = (&self.read_end).read(&mut [0; 1]);
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn readable(waker: &LoopWaker) -> bool {
        let mut byte = 0_u8;
        // SAFETY: the buffer is one byte long and lives through the call.
        let count = unsafe { libc::recv(waker.fd(), (&raw mut byte).cast(), 1, libc::MSG_PEEK) };
        count == 1
    }

    #[test]
    fn a_burst_is_one_byte_and_every_token() {
        let waker = LoopWaker::new().unwrap();
        assert!(!readable(&waker));
        waker.notify(1);
        waker.notify(2);
        assert_eq!(waker.count(), 2);
        assert_eq!(waker.take(), Some(1));
        assert!(readable(&waker));
        waker.notify(3);
        assert_eq!((waker.take(), waker.take()), (Some(2), Some(3)));
        assert!(!readable(&waker));
        waker.notify(4);
        assert!(readable(&waker));
        assert_eq!((waker.take(), waker.take()), (Some(4), None));
    }
}
