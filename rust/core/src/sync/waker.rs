//! The bridge to an event loop: one descriptor per loop, readable when some of its waits are ready.
//!
//! Anyone that makes something ready notes the wait's token and writes one byte per burst; the loop takes the tokens,
//! and with the last of them the byte.

use std::collections::VecDeque;

use super::lock::Mutex;
use super::self_pipe::{RawDescriptor, SelfPipe};

/// Names one wait of one loop. The loop chooses it.
pub type Token = u64;

/// A loop's readable descriptor and the tokens behind it.
#[derive(Debug)]
pub struct LoopWaker {
    pending: Mutex<Pending>,
    pipe: SelfPipe,
}

#[derive(Debug, Default)]
struct Pending {
    tokens: VecDeque<Token>,
    /// A byte is on its way that the loop has not taken: a burst is one write.
    signalled: bool,
}

impl LoopWaker {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            pending: Mutex::default(),
            pipe: SelfPipe::new()?,
        })
    }

    /// The descriptor that the loop watches for reading.
    pub fn fd(&self) -> RawDescriptor {
        self.pipe.raw()
    }

    /// Marks `token` ready and makes the descriptor readable if it is not yet.
    pub fn notify(&self, token: Token) {
        let mut pending = self.pending.lock();
        pending.tokens.push_back(token);
        if !pending.signalled {
            pending.signalled = true;
            self.pipe.ring();
        }
    }

    /// How many waits are ready.
    pub fn count(&self) -> usize {
        self.pending.lock().tokens.len()
    }

    /// The next wait that is ready. The descriptor stays readable until there is none.
    pub fn take(&self) -> Option<Token> {
        let mut pending = self.pending.lock();
        let token = pending.tokens.pop_front();
        if pending.tokens.is_empty() && pending.signalled {
            pending.signalled = false;
            self.pipe.take_one();
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes every byte and puts one back if there was any; how many there were.
    fn bytes(waker: &LoopWaker) -> usize {
        let count = std::iter::from_fn(|| waker.pipe.take_one().then_some(())).count();
        if count > 0 {
            waker.pipe.ring();
        }
        count
    }

    #[test]
    fn a_burst_is_one_byte_and_every_token() {
        let waker = LoopWaker::new().unwrap();
        assert_eq!(bytes(&waker), 0);
        waker.notify(1);
        waker.notify(2);
        assert_eq!(waker.count(), 2);
        assert_eq!(waker.take(), Some(1));
        assert_eq!(bytes(&waker), 1);
        waker.notify(3);
        assert_eq!((waker.take(), waker.take()), (Some(2), Some(3)));
        assert_eq!(bytes(&waker), 0);
        waker.notify(4);
        assert_eq!(bytes(&waker), 1);
        assert_eq!((waker.take(), waker.take()), (Some(4), None));
    }
}
