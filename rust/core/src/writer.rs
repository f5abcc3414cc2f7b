//! Lines to the runtime's stdin, in order, by one thread: a full pipe stops this thread and nobody
//! else. Owns the queue of lines; enters each request in the router in the moment before its line
//! goes out.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::call::{Call, Outcome};
use crate::closing::{CloseKind, CloseReason};
use crate::connection::Shared;
use crate::process::poll::{poll, readable, set_nonblocking, writable};

/// Bytes that may wait for the pipe. Requests beyond it are refused: the runtime has stopped
/// reading, and memory is not the place to wait. Answers and follow-ups are small and always taken.
const QUEUE_LIMIT: usize = 256 * 1024 * 1024;

/// A line and, for a request, its call.
struct Outgoing {
    line: Vec<u8>,
    call: Option<Arc<Call>>,
}

/// The lines that wait for the pipe.
pub(crate) struct WriteQueue {
    state: Mutex<State>,
    wake: Condvar,
    /// Written to, it makes a blocked write give up. Gone once the queue is closed.
    interrupt: Mutex<Option<UnixStream>>,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Outgoing>,
    bytes: usize,
    closed: bool,
}

/// The queue is full: the runtime does not read its stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull {
    pub queued_bytes: usize,
}

impl WriteQueue {
    /// The queue, and the end of it that its thread watches.
    pub fn new() -> io::Result<(Self, UnixStream)> {
        let (interrupt, interrupted) = UnixStream::pair()?;
        Ok((
            Self {
                state: Mutex::default(),
                wake: Condvar::new(),
                interrupt: Mutex::new(Some(interrupt)),
            },
            interrupted,
        ))
    }

    /// Queues a request's line. After the end it is dropped: the latch has answered the call.
    pub fn push_call(&self, line: Vec<u8>, call: Arc<Call>) -> Result<(), QueueFull> {
        let mut state = self.state.lock();
        let small = call.errand.is_some() || state.bytes == 0;
        if !small && state.bytes + line.len() > QUEUE_LIMIT {
            return Err(QueueFull {
                queued_bytes: state.bytes,
            });
        }
        let call = Some(call);
        self.push(&mut state, Outgoing { line, call });
        Ok(())
    }

    /// Queues a line that is no request.
    pub fn push_line(&self, line: Vec<u8>) {
        self.push(&mut self.state.lock(), Outgoing { line, call: None });
    }

    fn push(&self, state: &mut State, outgoing: Outgoing) {
        if !state.closed {
            state.bytes += outgoing.line.len();
            state.lines.push_back(outgoing);
            self.wake.notify_one();
        }
    }

    pub fn queued_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Ends the thread, which closes the runtime's stdin, also when it is blocked in a write.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.lines.clear();
        state.bytes = 0;
        drop(state);
        self.wake.notify_all();
        if let Some(mut interrupt) = self.interrupt.lock().take() {
            // Fails only when the thread is gone already. The byte does what closing would not do
            // while a forked copy of this process holds the descriptor.
            let _ = interrupt.write(&[1]);
        }
    }

    fn next(&self) -> Option<Outgoing> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.lines.pop_front() {
                state.bytes -= next.line.len();
                return Some(next);
            }
            self.wake.wait(&mut state);
        }
    }
}

/// The writer thread's work; returns, and so closes stdin, when the queue is closed or the pipe
/// broken.
pub(crate) fn run(shared: &Arc<Shared>, stdin: OwnedFd, interrupted: &UnixStream) {
    let mut stdin = File::from(stdin);
    if let Err(error) = set_nonblocking(&stdin) {
        return shared.fail(CloseKind::WriteFailed, &error.to_string());
    }
    while let Some(outgoing) = shared.writer.next() {
        if let Some(call) = &outgoing.call
            && !enter(shared, call)
        {
            continue;
        }
        match write_line(&mut stdin, interrupted, &outgoing.line) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                drop(stdin);
                return shared.fail(CloseKind::WriteFailed, &error.to_string());
            }
        }
    }
}

/// Enters a request in the router; false when it was given up or the connection is closed.
fn enter(shared: &Shared, call: &Arc<Call>) -> bool {
    if let Err(reason) = shared.router.begin(call) {
        finish(call, &reason);
        return false;
    }
    if !call.mark_written() {
        // Given up while it waited for the pipe: the line is never written, the place is free.
        shared.router.retract(call);
        shared.free(call.lane);
        return false;
    }
    shared.stats.requests_written.one();
    true
}

fn finish(call: &Call, reason: &Arc<CloseReason>) {
    if let Some(wake) = call.answer(Outcome::Closed(Arc::clone(reason)), None) {
        call.fire(wake);
    }
}

/// Writes all of `line`; false when the queue was closed meanwhile.
fn write_line(stdin: &mut File, interrupted: &UnixStream, mut line: &[u8]) -> io::Result<bool> {
    while !line.is_empty() {
        match stdin.write(line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut watched = [writable(stdin), readable(interrupted)];
                poll(&mut watched, None)?;
                if watched[1].revents != 0 {
                    return Ok(false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
