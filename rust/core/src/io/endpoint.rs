//! The seam between a connection and what it is a connection to: a source and a sink of whole messages, and a peer that
//! ends for a reason. No descriptor crosses it, and no exit code: a process has pipes with lines, a socket has frames,
//! and a test has neither.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::closing::CloseReason;
use crate::wire::framing::Messages;

/// What there was to read.
#[derive(Debug)]
pub enum Read<'s> {
    /// Whole messages, perhaps none: a part of one has come.
    Messages(Messages<'s>),
    /// The time is up, or somebody has asked the source to look up.
    Nothing,
    /// Nothing more will come. What stands after the last message is one that was cut off.
    Ended(&'s [u8]),
}

/// Where the peer's messages come from. The reader thread's.
pub trait Source: Send {
    /// Sleeps until there is something to read, `until` has passed, or [`Peer::wake_source`] was called.
    ///
    /// # Errors
    /// The messages cannot be read any more; the end that is told to everybody has this text.
    fn read(&mut self, until: Option<Instant>) -> io::Result<Read<'_>>;

    /// The connection has ended, and nobody wants what comes. Keeps the peer from being held up by that until it is gone.
    fn linger(&mut self);
}

/// Where messages to the peer go. The writer thread's; dropping it tells the peer that no more will come.
pub trait Sink: Send {
    /// Writes all of a message; false when [`Peer::stop_sink`] was called meanwhile.
    ///
    /// # Errors
    /// The peer takes no more messages.
    fn write(&mut self, message: &[u8]) -> io::Result<bool>;
}

/// What has ended a connection, as far as this side sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This side closed it.
    ByUs,
    /// The source has ended.
    Source,
    /// The sink has.
    Sink,
    /// A thread of this side has failed: a fault of the core.
    Failure,
}

/// Whoever is at the other end.
pub trait Peer: Send + Sync {
    /// Makes the source look up from its sleep. Never blocks.
    fn wake_source(&self);

    /// Makes a sink that is stuck in a write give up: at once, or after a `grace` in which last messages may go out.
    /// Never blocks.
    fn stop_sink(&self, grace: Duration);

    /// Whether the peer has ended by itself, so that its last messages may still be read. May wait a moment for that.
    fn has_ended(&self) -> bool;

    /// Why the connection has ended, for everybody who is told. May wait a moment for the peer's own word.
    fn reason(&self, ending: Ending, detail: &str) -> CloseReason;

    /// Sees the peer off once the sink is dropped, and returns when it is gone; then the source ends, too. In a `hurry`
    /// with next to no grace.
    fn shut_down(&self, hurry: bool);

    /// Whether what was begun goes on without this connection. Then it is undone before the end.
    fn outlives_connection(&self) -> bool;
}

/// One peer and the ways to and from it.
pub struct Endpoint {
    pub source: Box<dyn Source>,
    pub sink: Box<dyn Sink>,
    pub peer: Arc<dyn Peer>,
}
