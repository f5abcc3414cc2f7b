//! The bridge to an event loop: one descriptor per loop, readable when some of its waits are ready.
//!
//! Anyone that makes something ready notes the wait's token and writes one byte per burst; the loop
//! reads it and takes the tokens. Both ends belong to the waker and are closed by its last owner, so
//! a number that the loop's thread reuses for a file is never written to.

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
    tokens: Vec<Token>,
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
        ready.tokens.push(token);
        if !ready.signalled {
            ready.signalled = true;
            // The only failure of a write to our own empty pair would be a closed read end, and
            // both ends live as long as `self`.
            let _ = (&self.write_end).write(&[1]);
        }
    }

    /// Empties the descriptor and returns what became ready.
    pub fn take(&self) -> Vec<Token> {
        // The byte goes before the flag: a notify between the two only adds a token that the lock
        // below sees; the other order could leave a token without a byte.
        // One byte, as a rule. One that is written late stays, and costs a wake-up for nothing.
        let _ = (&self.read_end).read(&mut [0; 16]);
        let mut ready = self.ready.lock();
        ready.signalled = false;
        std::mem::take(&mut ready.tokens)
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
        let mut bytes = [0; 8];
        assert_eq!((&waker.read_end).read(&mut bytes).unwrap(), 1);
        waker.notify(3);
        assert_eq!(waker.take(), [1, 2, 3]);
        assert!(!readable(&waker));
        waker.notify(4);
        assert!(readable(&waker));
        assert_eq!(waker.take(), [4]);
    }
}
