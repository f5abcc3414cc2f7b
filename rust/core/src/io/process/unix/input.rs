//! What goes to the child: messages on its stdin. The writer thread's.

use std::io::{self, Write};
use std::sync::Arc;

use super::bell::Bell;
use super::pipe_end::PipeEnd;
use super::poll::{poll, readable, writable};
use crate::io::endpoint::Sink;

/// The child's stdin, which does not block. Dropping it is the end of the child's input.
pub(super) struct Input {
    stdin: PipeEnd,
    bell: Arc<Bell>,
}

impl Input {
    pub fn new(stdin: PipeEnd, bell: Arc<Bell>) -> Self {
        Self { stdin, bell }
    }
}

impl Sink for Input {
    fn write(&mut self, mut message: &[u8]) -> io::Result<bool> {
        while !message.is_empty() {
            match self.stdin.write(message) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => message = &message[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A ring that is meant for the reader is silenced by it in a moment; until then this does not sleep.
                    poll(&mut [writable(&self.stdin), readable(&*self.bell)], None)?;
                    if self.bell.is_stopped() {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
