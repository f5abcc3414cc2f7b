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

use crate::io::process::poll::{poll, readable, set_nonblocking, writable};
use crate::io::shared::Shared;
use crate::session::call::{Call, Outcome};
use crate::session::router::Begun;
use crate::sync::closing::CloseReason;

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

impl State {
    /// One line always goes in, however long it is.
    fn admits(&self, line: &[u8]) -> Result<(), QueueFull> {
        if self.bytes > 0 && self.bytes + line.len() > QUEUE_LIMIT {
            return Err(QueueFull {
                queued_bytes: self.bytes,
            });
        }
        Ok(())
    }
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
        if call.errand.is_none() {
            state.admits(&line)?;
        }
        let call = Some(call);
        self.push(&mut state, Outgoing { line, call });
        Ok(())
    }

    /// Queues the line of a request that was held back. It was taken once.
    pub fn push_again(&self, line: Vec<u8>, call: Arc<Call>) {
        let call = Some(call);
        self.push(&mut self.state.lock(), Outgoing { line, call });
    }

    /// Queues a notification's line.
    pub fn push_notification(&self, line: Vec<u8>) -> Result<(), QueueFull> {
        let mut state = self.state.lock();
        state.admits(&line)?;
        self.push(&mut state, Outgoing { line, call: None });
        Ok(())
    }

    /// Queues an answer to a request of the runtime, which never has to wait.
    pub fn push_answer(&self, line: Vec<u8>) {
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

    /// Ends the writing, also when it is blocked in the pipe, and every call that was not written.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        let unwritten = {
            let mut state = self.state.lock();
            state.closed = true;
            state.bytes = 0;
            std::mem::take(&mut state.lines)
        };
        // The latch has ended the calls that the router knows; these it has not met yet.
        for call in unwritten.into_iter().filter_map(|one| one.call) {
            finish(&call, Outcome::Closed(Arc::clone(reason)));
        }
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

/// The writer thread's work: lines until the queue is closed or the pipe broken, then the shutdown.
pub(crate) fn run(shared: &Shared, stdin: OwnedFd, interrupted: &UnixStream) {
    // Returning closes the runtime's stdin, which is the first step of the shutdown.
    if let Err(error) = write_all(shared, File::from(stdin), interrupted) {
        shared.stdin_ended(&error.to_string());
    }
    shared.shut_down();
}

fn write_all(shared: &Shared, mut stdin: File, interrupted: &UnixStream) -> io::Result<()> {
    set_nonblocking(&stdin)?;
    while let Some(outgoing) = shared.writer.next() {
        let line = match &outgoing.call {
            Some(call) => enter(shared, call, outgoing.line),
            None => Some(outgoing.line),
        };
        if let Some(line) = line
            && !write_line(&mut stdin, interrupted, &line)?
        {
            break;
        }
    }
    Ok(())
}

/// Enters a request in the router; `None` when it has to wait, was given up, or the connection is closed.
fn enter(shared: &Shared, call: &Arc<Call>, line: Vec<u8>) -> Option<Vec<u8>> {
    let line = match shared.router.begin(call, line) {
        Begun::Due(line) => line,
        Begun::Held => {
            shared.wake_reader();
            return None;
        }
        Begun::Over(outcome) => {
            finish(call, outcome);
            shared.free(call);
            return None;
        }
    };
    let opened = call.stream.as_ref().map(|stream| &stream.mailbox);
    // Before the call is marked: whoever leaves from now on undoes what this line does.
    let left = opened.and_then(|mailbox| mailbox.owe());
    if !call.mark_written() {
        // Given up while it waited for the pipe: the line is never written.
        if let Some(mailbox) = opened {
            shared.router.refused(mailbox);
        }
        shared.router.retract(call);
        shared.free(call);
        return None;
    }
    shared.stats.requests_written.one();
    if let Some(errand) = left {
        shared.run(errand);
    }
    Some(line)
}

fn finish(call: &Call, outcome: Outcome) {
    if let Some(wake) = call.answer(outcome, None) {
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
