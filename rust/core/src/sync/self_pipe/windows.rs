//! Sockets of the loopback interface: Windows has no pairs.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::windows::io::{AsRawSocket, RawSocket};

pub use std::os::windows::io::RawSocket as RawDescriptor;

pub(super) type Stream = TcpStream;

/// Two sockets that are connected with each other, and not with somebody else who knocked at the same moment.
pub(super) fn pair() -> io::Result<(Stream, Stream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let write_end = TcpStream::connect(listener.local_addr()?)?;
    write_end.set_nodelay(true)?;
    loop {
        let (read_end, from) = listener.accept()?;
        if from == write_end.local_addr()? {
            return Ok((read_end, write_end));
        }
    }
}

pub(super) fn raw(stream: &Stream) -> RawSocket {
    stream.as_raw_socket()
}
