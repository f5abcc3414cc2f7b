//! The transport of codex-app-server-sdk without an interpreter: messages in, messages out, and whose they are.
//!
//! The modules are floors: each uses those above it in this list, never those below. The bindings crate is the
//! only caller; nothing here knows Python.
#![deny(unsafe_code)]

pub mod wire;

pub mod sync;

pub mod inbox;

pub mod session;

pub mod io;

pub mod connection;
