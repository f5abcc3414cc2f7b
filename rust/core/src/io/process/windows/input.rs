//! What goes to the child: messages on its stdin. The writer thread's.

use std::io;
use std::os::windows::io::OwnedHandle;
use std::sync::Arc;

use super::overlapped::PipeWriter;
use super::peer::ProcessPeer;
use crate::io::endpoint::Sink;

/// The child's stdin. Dropping it is the end of the child's input.
pub(super) struct Input {
    stdin: PipeWriter,
    peer: Arc<ProcessPeer>,
}

impl Input {
    pub fn new(stdin: OwnedHandle, peer: Arc<ProcessPeer>) -> io::Result<Self> {
        Ok(Self {
            stdin: PipeWriter::new(stdin)?,
            peer,
        })
    }
}

impl Sink for Input {
    fn write(&mut self, mut message: &[u8]) -> io::Result<bool> {
        while !message.is_empty() {
            match self.stdin.write(message, self.peer.stopped())? {
                Some(count) => message = &message[count..],
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
