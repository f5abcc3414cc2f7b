//! A connection to a child process: what is launched, how it is started, how its end is seen and told, and how it is shut
//! down.
//!
//! What a launch, an end and an error are is the same everywhere. Pipes, signals and handles are not: each system has a
//! module of its own, with a `start` that makes the endpoint. Nothing outside of these modules asks which system it is.

mod end;
mod error;
mod last_words;
mod launch;
mod notes;
mod outcome;
mod owner;
mod stderr_lines;
mod tail;

#[cfg(unix)]
#[path = "unix/mod.rs"]
mod system;

#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

pub use end::{EndKind, ProcessEnd};
pub use error::{SpawnError, SpawnStage};
pub use launch::{Graces, Launch, LaunchSpec};
pub use outcome::ExitOutcome;
pub use owner::Owner;
pub use system::ProcessPeer;
#[cfg(unix)]
pub use system::{Child, Leftovers, PipeEnd, Pipes, ShutdownReport, Signal, Step};
pub use tail::Tail;
