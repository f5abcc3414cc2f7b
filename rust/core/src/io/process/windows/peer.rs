//! A child process as an endpoint: how it is started, how its end is told, and how it is seen off.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::child::Child;
use super::create::{Pipes, create};
use super::event::Event;
use super::input::Input;
use super::output::Output;
use super::overlapped::PipeReader;
use crate::io::endpoint::{Ending, Endpoint, Peer};
use crate::io::process::error::SpawnError;
use crate::io::process::last_words::EXIT_WAIT;
use crate::io::process::launch::Launch;
use crate::io::process::notes::Notes;
use crate::io::process::outcome::ExitOutcome;
use crate::io::process::stderr_lines::StderrLines;
use crate::sync::closing::CloseReason;

/// Starts the process. The peer comes once more as what it is.
pub fn start(launch: &Launch) -> Result<(Endpoint, Arc<ProcessPeer>), SpawnError> {
    let events = [Event::bell(), Event::latch()];
    let [bell, stopped] = events.map(|event| event.map_err(SpawnError::resources));
    let (created, pipes) = create(&launch.spec)?;
    let peer = Arc::new(ProcessPeer {
        child: Child::new(created, launch.graces),
        notes: Notes::new(launch.stderr_tail),
        bell: bell?,
        stopped: stopped?,
    });
    // Should it fail, the peer is dropped, and with it the child ends.
    let endpoint = endpoint(launch, pipes, &peer).map_err(SpawnError::resources)?;
    Ok((endpoint, peer))
}

fn endpoint(launch: &Launch, pipes: Pipes, peer: &Arc<ProcessPeer>) -> io::Result<Endpoint> {
    let output = Output::new(
        [
            PipeReader::new(pipes.stdout)?,
            PipeReader::new(pipes.stderr)?,
        ],
        Arc::clone(peer),
        launch.stderr_lines.clone().map(StderrLines::new),
        launch.max_message,
    );
    Ok(Endpoint {
        source: Box::new(output),
        sink: Box::new(Input::new(pipes.stdin, Arc::clone(peer))?),
        peer: Arc::clone(peer) as Arc<dyn Peer>,
    })
}

/// The process at the other end, which is this connection's alone.
#[derive(Debug)]
pub struct ProcessPeer {
    child: Child,
    notes: Notes,
    /// Makes the reader look up.
    bell: Event,
    /// The writer is to give up.
    stopped: Event,
}

impl ProcessPeer {
    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The end of what it wrote to its stderr.
    pub fn stderr_tail(&self) -> String {
        self.notes.stderr().text()
    }

    /// How it ended; None while it runs.
    pub fn exit(&self) -> Option<ExitOutcome> {
        self.child.exit()
    }

    pub(super) fn child(&self) -> &Child {
        &self.child
    }

    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    pub(super) fn bell(&self) -> &Event {
        &self.bell
    }

    pub(super) fn stopped(&self) -> &Event {
        &self.stopped
    }
}

impl Peer for ProcessPeer {
    fn wake_source(&self) {
        self.bell.set();
    }

    /// At once: there is nothing to be said to a process that ends with the connection.
    fn stop_sink(&self, _grace: Duration) {
        self.stopped.set();
    }

    fn has_ended(&self) -> bool {
        self.child.wait_exit(EXIT_WAIT).is_some()
    }

    fn reason(&self, ending: Ending, detail: &str) -> CloseReason {
        self.notes.reason(ending, || self.child.exit(), detail)
    }

    fn shut_down(&self, hurry: bool) {
        let graces = self.child.graces();
        let _gone = Gone(self);
        self.child
            .shut_down(if hurry { graces.hurried() } else { graces });
    }

    fn outlives_connection(&self) -> bool {
        false
    }
}

/// The reader ends when this is dropped, so also after a panic.
struct Gone<'p>(&'p ProcessPeer);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.notes.note_gone();
        self.0.wake_source();
    }
}
