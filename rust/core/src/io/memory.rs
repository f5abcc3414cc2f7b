//! An endpoint without a process or a descriptor: what a test says is what the runtime says.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::endpoint::{Ending, Endpoint, Peer, Read, Sink, Source};
use crate::sync::closing::CloseReason;
use crate::sync::lock::{Condvar, Mutex};
use crate::wire::framing::LineBuffer;

/// The other end of a connection in memory.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
    changed: Condvar,
    outlives: bool,
}

#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state machine"
)]
struct State {
    /// Bytes to the connection.
    incoming: VecDeque<Vec<u8>>,
    /// Messages of the connection.
    outgoing: VecDeque<Vec<u8>>,
    awake: bool,
    ended: bool,
    sink_dropped: bool,
    /// When the sink gives up.
    sink_until: Option<Instant>,
    /// Writes wait while this is set, as for a pipe that is full.
    blocked: bool,
}

/// Why such a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryEnd {
    pub ending: Ending,
    pub detail: String,
}

impl Memory {
    /// The other end, and the endpoint for a connection. With `outlives`, what the connection began goes on without it.
    pub fn pair(outlives: bool) -> (Arc<Self>, Endpoint) {
        let memory = Arc::new(Self {
            outlives,
            ..Self::default()
        });
        let endpoint = Endpoint {
            source: Box::new(MemorySource {
                memory: Arc::clone(&memory),
                lines: LineBuffer::default(),
            }),
            sink: Box::new(MemorySink(Arc::clone(&memory))),
            peer: Arc::new(MemoryPeer(Arc::clone(&memory))),
        };
        (memory, endpoint)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.changed.notify_all();
        changed
    }

    /// Says these bytes, which need not be whole lines.
    pub fn say(&self, bytes: &[u8]) {
        self.change(|state| state.incoming.push_back(bytes.to_vec()));
    }

    /// The next message of the connection; `None` when no more will come.
    pub fn hear(&self) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        loop {
            if let Some(message) = state.outgoing.pop_front() {
                return Some(message);
            }
            if state.sink_dropped {
                return None;
            }
            state = self.changed.wait(state);
        }
    }

    /// The next message of the connection, if there is one now.
    pub fn try_hear(&self) -> Option<Vec<u8>> {
        self.state.lock().outgoing.pop_front()
    }

    /// From now on writes wait, or no longer.
    pub fn block(&self, blocked: bool) {
        self.change(|state| state.blocked = blocked);
    }

    /// Nothing more comes from here.
    pub fn end(&self) {
        self.change(|state| state.ended = true);
    }
}

struct MemorySource {
    memory: Arc<Memory>,
    lines: LineBuffer,
}

impl Source for MemorySource {
    fn read(&mut self, until: Option<Instant>) -> io::Result<Read<'_>> {
        let mut state = self.memory.state.lock();
        loop {
            if let Some(bytes) = state.incoming.pop_front() {
                drop(state);
                self.lines.add(&bytes)?;
                return Ok(Read::Messages(self.lines.take_lines()));
            }
            if state.ended {
                return Ok(Read::Ended(self.lines.rest()));
            }
            if std::mem::take(&mut state.awake) || until.is_some_and(|at| at <= Instant::now()) {
                return Ok(Read::Nothing);
            }
            state = match until {
                Some(at) => self.memory.changed.wait_until(state, at).0,
                None => self.memory.changed.wait(state),
            };
        }
    }

    fn linger(&mut self) {}
}

struct MemorySink(Arc<Memory>);

impl Sink for MemorySink {
    fn write(&mut self, message: &[u8]) -> io::Result<bool> {
        let mut state = self.0.state.lock();
        while state.blocked {
            state = match state.sink_until {
                Some(at) if at <= Instant::now() => return Ok(false),
                Some(at) => self.0.changed.wait_until(state, at).0,
                None => self.0.changed.wait(state),
            };
        }
        state.outgoing.push_back(message.to_vec());
        drop(state);
        self.0.changed.notify_all();
        Ok(true)
    }
}

impl Drop for MemorySink {
    fn drop(&mut self) {
        self.0.change(|state| state.sink_dropped = true);
    }
}

struct MemoryPeer(Arc<Memory>);

impl Peer for MemoryPeer {
    fn wake_source(&self) {
        self.0.change(|state| state.awake = true);
    }

    fn stop_sink(&self, grace: Duration) {
        self.0
            .change(|state| state.sink_until = Some(Instant::now() + grace));
    }

    fn has_ended(&self) -> bool {
        self.0.state.lock().ended
    }

    fn reason(&self, ending: Ending, detail: &str) -> CloseReason {
        CloseReason::new(MemoryEnd {
            ending,
            detail: detail.to_owned(),
        })
    }

    fn shut_down(&self, _hurry: bool) {
        self.0.end();
    }

    fn outlives_connection(&self) -> bool {
        self.0.outlives
    }
}
