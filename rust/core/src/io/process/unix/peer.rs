//! A child process as an endpoint: how it is started, how its end is told, and how it is seen off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bell::Bell;
use super::child::Child;
use super::input::Input;
use super::output::Output;
use super::pipe_end::PipeEnd;
use super::poll::set_nonblocking;
use super::spawn::Pipes;
use crate::io::endpoint::{Ending, Endpoint, Peer};
use crate::io::process::error::SpawnError;
use crate::io::process::last_words::EXIT_WAIT;
use crate::io::process::launch::Launch;
use crate::io::process::notes::Notes;
use crate::io::process::outcome::ExitOutcome;
use crate::io::process::stderr_lines::StderrLines;
use crate::sync::closing::CloseReason;
use crate::sync::lock::Mutex;
use crate::sync::relay::Relay;

/// Starts the process. The peer comes once more as what it is.
pub fn start(launch: &Launch) -> Result<(Endpoint, Arc<ProcessPeer>), SpawnError> {
    let resources = SpawnError::resources;
    let bell = Arc::new(Bell::new().map_err(resources)?);
    let (child, pipes, exit) = Child::spawn_watched(&launch.spec, launch.graces)?;
    let Pipes {
        stdin,
        stdout,
        stderr,
    } = pipes;
    for pipe in [&stdin, &stdout, &stderr] {
        set_nonblocking(pipe).map_err(resources)?;
    }
    let peer = Arc::new(ProcessPeer {
        child,
        notes: Notes::new(launch.stderr_tail),
        bell: Mutex::new(Some(Arc::clone(&bell))),
        room: Relay::default(),
        exited: AtomicBool::new(false),
    });
    let output = Output::new(
        [stdout, stderr],
        exit,
        bell,
        Arc::clone(&peer),
        launch.stderr_lines.clone().map(StderrLines::new),
        launch.max_message,
    );
    let endpoint = Endpoint {
        source: Box::new(output),
        sink: Box::new(Input::new(stdin, Arc::clone(&peer))),
        peer: Arc::clone(&peer) as Arc<dyn Peer>,
    };
    Ok((endpoint, peer))
}

/// The process at the other end, which is this connection's alone.
#[derive(Debug)]
pub struct ProcessPeer {
    child: Child,
    notes: Notes,
    /// The reader's; gone once the connection has ended, with its descriptor.
    bell: Mutex<Option<Arc<Bell>>>,
    /// The writer waits here while stdin is full, and the reader watches it.
    room: Relay<Arc<PipeEnd>>,
    /// The exit was seen, whether or not it was told how the child ended.
    exited: AtomicBool,
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

    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Waits for room in a full stdin; false when the connection has ended instead.
    pub(super) fn wait_for_room(&self, stdin: &Arc<PipeEnd>) -> bool {
        self.room.wait(Arc::clone(stdin), || self.wake_source())
    }

    /// The stdin that the writer waits for.
    pub(super) fn full_stdin(&self) -> Option<Arc<PipeEnd>> {
        self.room.wanted()
    }

    /// There is room in it.
    pub(super) fn note_room(&self) {
        self.room.found();
    }

    /// The exit was seen. How the child ended is asked now and kept; it is waited for a moment if it is not told yet.
    pub(super) fn note_exit(&self) {
        self.exited.store(true, Ordering::Release);
        let _ = self.child.wait_exit(EXIT_WAIT);
    }
}

impl Peer for ProcessPeer {
    fn wake_source(&self) {
        if let Some(bell) = &*self.bell.lock() {
            bell.ring();
        }
    }

    /// At once: there is nothing to be said to a process that ends with the connection.
    fn stop_sink(&self, _grace: Duration) {
        self.room.stop();
        // The reader lets go of stdin.
        self.wake_source();
    }

    fn has_ended(&self) -> bool {
        self.child.wait_exit(EXIT_WAIT).is_some()
    }

    fn reason(&self, ending: Ending, detail: &str) -> CloseReason {
        let exit = || {
            // Of an exit that was seen and not told, no more is known.
            self.child.exit().or_else(|| {
                let exited = self.exited.load(Ordering::Acquire);
                exited.then_some(ExitOutcome::Unknown)
            })
        };
        self.notes.reason(ending, exit, detail)
    }

    fn shut_down(&self, hurry: bool) {
        let graces = self.child.graces();
        let _gone = Gone(self);
        self.child
            .shut_down(if hurry { graces.hurried() } else { graces }, || ());
    }

    fn outlives_connection(&self) -> bool {
        false
    }
}

/// The reader ends when this is dropped, so also after a panic, and the bell's descriptor goes with it.
struct Gone<'p>(&'p ProcessPeer);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.notes.note_gone();
        self.0.wake_source();
        self.0.bell.lock().take();
    }
}
