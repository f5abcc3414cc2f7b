//! What to launch, how long its shutdown may take, and what is kept of what it says.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::SpawnError;
use super::system::{self, ProcessPeer};
use crate::io::endpoint::Endpoint;
use crate::io::line_log::Tap;

/// A command to launch.
#[derive(Clone, Debug, Default)]
pub struct LaunchSpec {
    /// The program and its arguments. A program without a slash is looked for in the child's own
    /// `PATH`; on Windows with `.exe`, `.cmd` or `.bat` appended, too.
    pub argv: Vec<OsString>,
    /// The whole environment of the child; `None` hands on this process's.
    pub env: Option<Vec<(OsString, OsString)>>,
    /// The directory the child starts in (a relative program is resolved there); `None` stays here.
    pub cwd: Option<PathBuf>,
    /// Its soft limit of descriptors is raised to this, if it is lower and the hard limit allows it. Windows has none.
    pub open_files: u64,
}

/// How long each step of a shutdown may take before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// From the end of its input to SIGTERM; on Windows, which has none, to the end of its job.
    pub eof: Duration,
    /// From SIGTERM to SIGKILL; for the child, and again for what it leaves in its group. Without meaning on Windows.
    pub term: Duration,
    /// From SIGKILL, or the end of the job, to giving up: a process in an uninterruptible system call cannot be killed.
    pub kill: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self {
            eof: Duration::from_secs(2),
            term: Duration::from_secs(2),
            kill: Duration::from_secs(5),
        }
    }
}

/// A grace for what need not be treated gently.
const MOMENT: Duration = Duration::from_millis(100);

impl Graces {
    /// The same for whom nobody waits gladly: next to none.
    #[must_use]
    pub fn hurried(self) -> Self {
        Self {
            eof: MOMENT,
            term: MOMENT,
            ..self
        }
    }
}

/// How a process is started, and what is kept of what it says.
#[derive(Debug, Clone)]
pub struct Launch {
    pub spec: LaunchSpec,
    pub graces: Graces,
    /// Bytes of stderr that are kept.
    pub stderr_tail: usize,
    /// Who wants its stderr line by line.
    pub stderr_lines: Option<Tap>,
    /// Bytes that one message may have.
    pub max_message: usize,
}

impl Launch {
    /// Starts the process. The peer comes once more as what it is.
    pub fn start(&self) -> Result<(Endpoint, Arc<ProcessPeer>), SpawnError> {
        system::start(self)
    }
}
