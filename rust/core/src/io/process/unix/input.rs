//! What goes to the child: messages on its stdin. The writer thread's.

use std::io::{self, Write};
use std::sync::Arc;

use super::peer::ProcessPeer;
use super::pipe_end::PipeEnd;
use crate::io::endpoint::Sink;

/// The child's stdin, which does not block. Dropping it is the end of the child's input.
pub(super) struct Input {
    /// Also the reader's while it watches for room.
    stdin: Arc<PipeEnd>,
    peer: Arc<ProcessPeer>,
}

impl Input {
    pub fn new(stdin: PipeEnd, peer: Arc<ProcessPeer>) -> Self {
        Self {
            stdin: Arc::new(stdin),
            peer,
        }
    }
}

impl Sink for Input {
    fn write(&mut self, mut message: &[u8]) -> io::Result<bool> {
        while !message.is_empty() {
            match (&*self.stdin).write(message) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => message = &message[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.peer.wait_for_room(&self.stdin) {
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
