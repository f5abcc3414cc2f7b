//! A connection to a process as the classes of this module share it, and where threads that read and wait meet.

use std::ops::Deref;
use std::sync::Arc;

use codex_core::connection::{Connection, Settings};
use codex_core::io::line_log::{LineLog, Tap};
use codex_core::io::process::{Launch, ProcessPeer, SpawnError};

use crate::turnstile::Turnstile;

pub struct Client {
    connection: Connection,
    process: Arc<ProcessPeer>,
    turnstile: Arc<Turnstile>,
    /// The lines of its stderr, if somebody wants them.
    stderr_lines: Option<Tap>,
}

impl Client {
    /// Starts a process and the threads that talk to it.
    pub fn start(
        launch: &Launch,
        mut settings: Settings,
        wire: Option<Arc<LineLog>>,
    ) -> Result<Self, SpawnError> {
        let (endpoint, process) = launch.start()?;
        settings.wire = wire.map(|log| Tap::new(log, process.pid()));
        let connection = Connection::open(endpoint, &settings).map_err(SpawnError::resources)?;
        Ok(Self {
            connection,
            process,
            turnstile: Turnstile::of_process(),
            stderr_lines: launch.stderr_lines.clone(),
        })
    }

    pub fn process(&self) -> &ProcessPeer {
        &self.process
    }

    pub fn stderr_lines(&self) -> Option<&Tap> {
        self.stderr_lines.as_ref()
    }

    pub fn turnstile(&self) -> &Turnstile {
        &self.turnstile
    }
}

impl Deref for Client {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
