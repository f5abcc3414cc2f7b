//! Sockets without an address.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

use super::SelfPipe;

pub use std::os::fd::RawFd as RawDescriptor;

pub(super) type Stream = UnixStream;

pub(super) fn pair() -> io::Result<(Stream, Stream)> {
    UnixStream::pair()
}

pub(super) fn raw(stream: &Stream) -> RawFd {
    stream.as_raw_fd()
}

impl AsFd for SelfPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }
}
