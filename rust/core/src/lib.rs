//! The transport of codex-app-server-sdk without an interpreter: one child process, one reader
//! thread, one writer thread, a router that knows turns, and mailboxes with budgets.
//!
//! The bindings crate is the only caller; nothing here knows Python.
#![deny(unsafe_code)]

pub mod admission;
mod alarm;
pub mod budget;
pub mod call;
pub mod closing;
pub mod connection;
pub mod diagnostics;
pub mod envelope;
pub mod errands;
pub mod framing;
mod goal;
mod holding;
mod lines;
pub mod listeners;
pub mod mailbox;
pub mod process;
pub mod protocol;
mod queue;
mod reader;
pub mod router;
mod routes;
mod routing;
pub mod segment;
pub mod server_requests;
mod shared;
pub mod signal;
pub mod stats;
pub mod turnstile;
pub mod waker;
mod writer;
