//! A child process as an endpoint: lines on its stdout and stdin, and how it ends.

use std::io::{self, Read as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::child::{Child, Graces};
use super::end::{EndKind, ProcessEnd};
use super::error::SpawnError;
use super::fork::Pipes;
use super::launch::LaunchSpec;
use super::outcome::ExitOutcome;
use super::pipe_end::PipeEnd;
use super::poll::{poll, readable, set_nonblocking, writable};
use super::stderr::StderrTail;
use crate::io::endpoint::{Ending, Endpoint, Peer, Read, Sink, Source};
use crate::sync::closing::CloseReason;
use crate::sync::lock::Mutex;
use crate::sync::self_pipe::SelfPipe;
use crate::wire::framing::LineBuffer;

/// How long the end of stdout waits for the exit status that explains it.
const EXIT_WAIT: Duration = Duration::from_millis(500);
/// A grace for what need not be treated gently.
const MOMENT: Duration = Duration::from_millis(100);
/// Still read after the exit: more than a pipe holds, so the process's last words are whole, while a
/// leftover process that never stops writing cannot hold us.
const LAST_BYTES: usize = 8 * 1024 * 1024;

/// How a process is started, and what is kept of what it says.
#[derive(Debug, Clone)]
pub struct Launch {
    pub spec: LaunchSpec,
    pub graces: Graces,
    /// Bytes of stderr that are kept.
    pub stderr_tail: usize,
    /// Bytes that one message may have.
    pub max_message: usize,
}

impl Launch {
    /// Starts the process. The peer comes once more as what it is.
    pub fn start(&self) -> Result<(Endpoint, Arc<ProcessPeer>), SpawnError> {
        let resources = SpawnError::resources;
        let reading = Arc::new(Bell::new().map_err(resources)?);
        let writing = Arc::new(Bell::new().map_err(resources)?);
        let on_exit = Arc::clone(&reading);
        let (child, pipes) = Child::spawn(&self.spec, self.graces, move |_| on_exit.stop())?;
        let Pipes {
            stdin,
            stdout,
            stderr,
        } = pipes;
        let stderr = StderrTail::start(stderr, self.stderr_tail).map_err(resources)?;
        set_nonblocking(&stdin).map_err(resources)?;
        set_nonblocking(&stdout).map_err(resources)?;
        let peer = Arc::new(ProcessPeer {
            child,
            stderr,
            reading: Mutex::new(Some(Arc::clone(&reading))),
            writing: Mutex::new(Some(Arc::clone(&writing))),
            too_long: AtomicBool::new(false),
        });
        let source = Stdout {
            pipe: stdout,
            lines: LineBuffer::new(self.max_message),
            bell: reading,
            exited: false,
            left: LAST_BYTES,
            peer: Arc::clone(&peer),
        };
        let sink = Stdin {
            pipe: stdin,
            bell: writing,
        };
        let endpoint = Endpoint {
            source: Box::new(source),
            sink: Box::new(sink),
            peer: Arc::clone(&peer) as Arc<dyn Peer>,
        };
        Ok((endpoint, peer))
    }
}

/// What a thread watches besides its pipe.
#[derive(Debug)]
struct Bell {
    pipe: SelfPipe,
    stopped: AtomicBool,
}

impl Bell {
    fn new() -> io::Result<Self> {
        Ok(Self {
            pipe: SelfPipe::new()?,
            stopped: AtomicBool::new(false),
        })
    }

    /// The thread is to stop. A flag says so, since a byte may find no room.
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.pipe.ring();
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

struct Stdout {
    pipe: PipeEnd,
    lines: LineBuffer,
    /// Also tells of the process's exit: while something else holds the pipe open, there is no end of file.
    bell: Arc<Bell>,
    exited: bool,
    /// Bytes that are still read after that.
    left: usize,
    peer: Arc<ProcessPeer>,
}

impl Source for Stdout {
    fn read(&mut self, until: Option<Instant>) -> io::Result<Read<'_>> {
        if !self.exited {
            let mut watched = [readable(&self.pipe), readable(&self.bell.pipe)];
            poll(&mut watched, until)?;
            if watched[1].revents != 0 {
                self.bell.pipe.silence();
                self.exited = self.bell.is_stopped();
            }
            if !self.exited && watched[0].revents == 0 {
                return Ok(Read::Nothing);
            }
        }
        if self.left == 0 {
            return Ok(Read::Ended(self.lines.rest()));
        }
        let space = self.lines.space().inspect_err(|_| {
            self.peer.too_long.store(true, Ordering::Release);
        })?;
        match self.pipe.read(space) {
            Ok(0) => Ok(Read::Ended(self.lines.rest())),
            Ok(count) => {
                self.lines.filled(count);
                if self.exited {
                    self.left = self.left.saturating_sub(count);
                }
                Ok(Read::Messages(self.lines.take_lines()))
            }
            // What the process wrote before it exited is read by now; what a child of it that holds the pipe may
            // still write is not the process's.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(if self.exited {
                Read::Ended(self.lines.rest())
            } else {
                Read::Nothing
            }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Read::Nothing),
            Err(error) => Err(error),
        }
    }
}

struct Stdin {
    pipe: PipeEnd,
    bell: Arc<Bell>,
}

impl Sink for Stdin {
    fn write(&mut self, mut message: &[u8]) -> io::Result<bool> {
        while !message.is_empty() {
            match self.pipe.write(message) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => message = &message[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut watched = [writable(&self.pipe), readable(&self.bell.pipe)];
                    poll(&mut watched, None)?;
                    if watched[1].revents != 0 {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The process at the other end, which is this connection's alone.
#[derive(Debug)]
pub struct ProcessPeer {
    child: Child,
    stderr: StderrTail,
    /// The threads' bells; gone once the connection has ended, with their descriptors.
    reading: Mutex<Option<Arc<Bell>>>,
    writing: Mutex<Option<Arc<Bell>>>,
    too_long: AtomicBool,
}

impl ProcessPeer {
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub fn stderr_tail(&self) -> String {
        self.stderr.tail()
    }
}

impl Peer for ProcessPeer {
    fn wake_source(&self) {
        if let Some(bell) = &*self.reading.lock() {
            bell.pipe.ring();
        }
    }

    /// At once: there is nothing to be said to a process that ends with the connection.
    fn stop_sink(&self, _grace: Duration) {
        if let Some(bell) = &*self.writing.lock() {
            bell.pipe.ring();
        }
    }

    fn has_ended(&self) -> bool {
        self.child.wait_exit(EXIT_WAIT).is_some()
    }

    fn reason(&self, ending: Ending, detail: &str) -> CloseReason {
        let exit = match ending {
            Ending::ByUs | Ending::Sink | Ending::Failure => None,
            Ending::Source => self.child.wait_exit(EXIT_WAIT),
        };
        if exit.is_some() {
            // Now everything that the process wrote there is in the tail.
            self.stderr.stop();
        }
        let kind = match ending {
            Ending::ByUs => EndKind::ClosedByClient,
            Ending::Sink => EndKind::WriteFailed,
            Ending::Failure => EndKind::Failed,
            Ending::Source if self.too_long.load(Ordering::Acquire) => EndKind::MessageTooLong,
            Ending::Source if exit.is_some() => EndKind::ProcessExited,
            Ending::Source => EndKind::StdoutClosed,
        };
        let stderr_tail = if ending == Ending::ByUs {
            String::new()
        } else {
            self.stderr.tail()
        };
        CloseReason::new(ProcessEnd {
            kind,
            exit_code: exit.and_then(ExitOutcome::code),
            signal: exit.and_then(ExitOutcome::signal),
            stderr_tail,
            detail: detail.to_owned(),
        })
    }

    fn shut_down(&self, hurry: bool) {
        let mut graces = self.child.graces();
        if hurry {
            graces = Graces {
                eof: MOMENT,
                term: MOMENT,
                ..graces
            };
        }
        self.child.shut_down(graces, || ());
        self.stderr.stop();
        self.writing.lock().take();
        if let Some(bell) = self.reading.lock().take() {
            bell.stop();
        }
    }

    fn outlives_connection(&self) -> bool {
        false
    }
}
