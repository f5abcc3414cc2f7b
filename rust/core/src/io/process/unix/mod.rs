//! The child process on Linux and macOS: pipes, signals, a process group.
//!
//! Two threads look after it, and nothing is shared between connections. The reader thread (`output`) watches stdout,
//! stderr, the child's exit and a bell, and stdin while that is full; the writer thread (`input`) writes to stdin, and at the
//! end shuts the child down and reaps it. On Linux that makes five descriptors: three pipes, the pidfd and the bell's
//! eventfd.
//!
//! All `unsafe` stands in `vfork`, `posix_spawn`, `pipe_end` and, for kqueues, `exit_watch`, each a thin layer over a few
//! system calls.

mod bell;
mod child;
mod command;
mod exit_watch;
mod group;
mod input;
mod output;
mod peer;
mod pid;
mod pipe_end;
mod poll;
mod shutdown;
mod spawn;

// Elsewhere it is only tested: as far as glibc has what it needs, it is the same.
#[cfg(any(target_vendor = "apple", all(test, target_env = "gnu")))]
mod posix_spawn;

#[cfg(target_os = "linux")]
mod vfork;

pub use child::Child;
pub use peer::ProcessPeer;
pub(super) use peer::start;
pub use pid::Signal;
pub use pipe_end::PipeEnd;
pub use shutdown::{Leftovers, ShutdownReport, Step};
pub use spawn::Pipes;
