//! Bytes and messages: framing, the envelope of a line, the protocol's tables, and lines of our own.

pub mod encode;
pub mod envelope;
pub mod framing;
pub mod protocol;
