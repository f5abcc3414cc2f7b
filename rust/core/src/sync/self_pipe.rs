//! A pair of connected sockets that makes a descriptor readable: how a thread that sleeps in `poll`, or an event
//! loop, is woken by another thread. Both ends belong to one value and are closed by its last owner, so a number that
//! is reused for somebody's file is never written to.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

#[derive(Debug)]
pub struct SelfPipe {
    read_end: UnixStream,
    write_end: UnixStream,
}

impl SelfPipe {
    pub fn new() -> io::Result<Self> {
        // A socket pair and not an eventfd: loops without `add_reader` wait with `sock_recv`.
        let (read_end, write_end) = UnixStream::pair()?;
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

    /// Takes one byte.
    pub fn take_one(&self) {
        let _ = (&self.read_end).read(&mut [0; 1]);
    }

    /// Takes all bytes.
    pub fn silence(&self) {
        let mut sink = [0; 256];
        while matches!((&self.read_end).read(&mut sink), Ok(count) if count > 0) {}
    }

    pub fn raw_fd(&self) -> RawFd {
        self.read_end.as_raw_fd()
    }
}

impl AsFd for SelfPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }
}

#[cfg(test)]
mod tests {
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
