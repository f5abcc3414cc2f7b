//! A pair of connected sockets that makes a descriptor readable: how a thread that sleeps over descriptors, or an event
//! loop, is woken by another thread. Both ends belong to one value and are closed by its last owner, so a number that
//! is reused for somebody's file is never written to.
//!
//! Sockets and not an eventfd: loops without `add_reader` wait with `sock_recv`, and Windows' loops for sockets only.

use std::io::{Read, Write};

#[cfg(unix)]
#[path = "unix.rs"]
mod system;

#[cfg(windows)]
#[path = "windows.rs"]
mod system;

pub use system::RawDescriptor;
use system::{Stream, pair, raw};

/// Its two ends.
#[derive(Debug)]
pub struct SelfPipe {
    read_end: Stream,
    write_end: Stream,
}

impl SelfPipe {
    pub fn new() -> std::io::Result<Self> {
        let (read_end, write_end) = pair()?;
        read_end.set_nonblocking(true)?;
        write_end.set_nonblocking(true)?;
        Ok(Self {
            read_end,
            write_end,
        })
    }

    /// Makes it readable. Never blocks: when there is no room for another byte, there are bytes enough.
    pub fn ring(&self) {
        let _ = (&self.write_end).write(&[1]);
    }

    /// Takes one byte, if there is one.
    pub fn take_one(&self) -> bool {
        matches!((&self.read_end).read(&mut [0; 1]), Ok(1))
    }

    /// Takes all bytes.
    pub fn silence(&self) {
        let mut sink = [0; 256];
        while matches!((&self.read_end).read(&mut sink), Ok(count) if count > 0) {}
    }

    /// What a loop watches for reading.
    pub fn raw(&self) -> RawDescriptor {
        raw(&self.read_end)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn ringing_too_often_does_not_block_and_is_heard() {
        let pipe = SelfPipe::new().unwrap();
        for _ in 0..100_000 {
            pipe.ring();
        }
        assert!((&pipe.read_end).read(&mut [0; 1]).is_ok());
        pipe.silence();
        let nothing = (&pipe.read_end).read(&mut [0; 1]).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }
}
