//! The runtime's child process: starting it, watching it end, keeping the end of its stderr and
//! shutting it down.
//!
//! Everything here is plain threads and descriptors; what flows through stdin and stdout belongs to
//! the caller. The connection calls [`Child::spawn`] once, reads and writes the [`Pipes`], and runs
//! [`Child::shut_down`] on a native thread when it closes. All `unsafe` stands in `fork`, `pid`,
//! `pipe_end` and `poll`, each a thin layer over a few system calls.

mod child;
mod end;
mod error;
mod fork;
mod group;
mod ladder;
mod launch;
mod outcome;
mod owner;
mod pid;
mod pipe_end;
mod pipes;
mod poll;
mod stderr;

pub use child::{Child, Graces};
pub use end::{EndKind, ProcessEnd};
pub use error::{SpawnError, SpawnStage};
pub use fork::Pipes;
pub use group::Leftovers;
pub use ladder::{ShutdownReport, Step};
pub use launch::LaunchSpec;
pub use outcome::ExitOutcome;
pub use owner::Owner;
pub use pid::Signal;
pub use pipe_end::PipeEnd;
pub use pipes::{Launch, ProcessPeer};
pub use stderr::StderrTail;
