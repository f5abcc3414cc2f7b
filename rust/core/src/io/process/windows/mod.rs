//! The child process on Windows: overlapped pipes, a process handle, a job.
//!
//! The same two threads look after it as elsewhere, and nothing is shared between connections. The reader thread (`output`)
//! waits for its reads of stdout and stderr, the child's exit and a bell; the writer thread (`input`) for its write to stdin
//! or a word to stop, and at the end it shuts the child down. No read and no write holds a thread that has to look at
//! something else, because all are overlapped: begun, waited for beside other things, and cancelled.
//!
//! The job holds the child and all that it starts. It is ended with the connection, and by the system when this process
//! ends in whatever way.
//!
//! All `unsafe` stands in `create`, `event`, `exit`, `job`, `overlapped`, `pipe` and `wait`, each a thin layer over a few
//! system calls.

mod child;
mod command;
mod create;
mod event;
mod exit;
mod input;
mod job;
mod output;
mod overlapped;
mod peer;
mod pipe;
mod wait;

pub use peer::ProcessPeer;
pub(super) use peer::start;
