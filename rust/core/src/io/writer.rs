//! Lines to the peer, in order, by one thread: a sink that is full stops this thread and nobody else. Owns the queue of
//! lines; asks the session about each request in the moment before its line goes out.

use std::collections::VecDeque;
use std::io;

use super::endpoint::{Ending, Sink};
use super::line_log::Origin;
use super::link::Link;
use crate::session::effects::Line;
use crate::sync::lock::{Condvar, Mutex};
use crate::sync::thread::caught;

/// Bytes that may wait for the sink. Requests beyond it are refused: the peer has stopped reading, and memory is not the
/// place to wait. Answers and what is sent by itself are small and always taken.
const QUEUE_LIMIT: usize = 256 * 1024 * 1024;

/// The lines that wait for the sink.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    bytes: usize,
    /// No line goes in any more.
    closed: bool,
}

/// The queue is full: the peer does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull {
    pub queued_bytes: usize,
}

impl WriteQueue {
    /// Whether a line of so many bytes may be added. One always may, however long it is.
    pub fn admits(&self, bytes: usize) -> Result<(), QueueFull> {
        let queued_bytes = self.queued_bytes();
        if queued_bytes > 0 && queued_bytes + bytes > QUEUE_LIMIT {
            return Err(QueueFull { queued_bytes });
        }
        Ok(())
    }

    /// Queues lines. After the end they are dropped: the session has answered their calls.
    pub fn push(&self, lines: impl IntoIterator<Item = Line>) {
        let mut state = self.state.lock();
        if !state.closed {
            for line in lines {
                state.bytes += line.bytes.len();
                state.lines.push_back(line);
            }
            drop(state);
            self.changed.notify_one();
        }
    }

    pub fn queued_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Ends the writing: of what waits, and is dropped, nothing goes out any more, but for these `last` lines.
    pub fn close(&self, last: Vec<Line>) {
        let mut state = self.state.lock();
        state.closed = true;
        state.bytes = 0;
        state.lines = last.into();
        drop(state);
        self.changed.notify_one();
    }

    fn next(&self) -> Option<Line> {
        let mut state = self.state.lock();
        loop {
            if let Some(next) = state.lines.pop_front() {
                state.bytes = state.bytes.saturating_sub(next.bytes.len());
                return Some(next);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state);
        }
    }
}

/// The writer thread's work: lines until the queue is closed or the sink broken, then the shutdown.
pub(crate) fn run(link: &Link, sink: Box<dyn Sink>) {
    // Returning drops the sink, which is the first step of the shutdown.
    match caught(|| write_all(link, sink)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => link.sink_ended(&error.to_string()),
        Err(panic) => link.end(Ending::Failure, &panic),
    }
    link.shut_down();
}

fn write_all(link: &Link, mut sink: Box<dyn Sink>) -> io::Result<()> {
    while let Some(Line { bytes, call }) = link.queue.next() {
        let message = match &call {
            Some(call) => link.step(|session, now, out| session.write(call, bytes, now, out)),
            None => Some(bytes),
        };
        let Some(message) = message else {
            continue;
        };
        // Before it is written, so that its answer is logged behind it.
        if let Some(wire) = &link.wire
            && wire.is_on()
        {
            wire.line(Origin::Sent, message.trim_ascii_end());
        }
        if !sink.write(&message)? {
            break;
        }
    }
    Ok(())
}
