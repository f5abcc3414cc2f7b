//! The child process on Windows, which this version cannot start yet.

use std::io;
use std::sync::Arc;

use super::error::SpawnError;
use super::launch::Launch;
use super::outcome::ExitOutcome;
use crate::io::endpoint::Endpoint;

/// The process at the other end. There is none.
#[derive(Debug)]
pub enum ProcessPeer {}

impl ProcessPeer {
    /// The process's id.
    pub fn pid(&self) -> u32 {
        match *self {}
    }

    /// How it ended.
    pub fn exit(&self) -> Option<ExitOutcome> {
        match *self {}
    }

    /// The end of what it wrote to its stderr.
    pub fn stderr_tail(&self) -> String {
        match *self {}
    }
}

pub(super) fn start(_launch: &Launch) -> Result<(Endpoint, Arc<ProcessPeer>), SpawnError> {
    let reason = "this version cannot start the runtime on Windows yet; it can under WSL";
    Err(SpawnError::resources(io::Error::new(
        io::ErrorKind::Unsupported,
        reason,
    )))
}
