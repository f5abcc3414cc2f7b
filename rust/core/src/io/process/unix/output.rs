//! What comes from the child: messages on its stdout, words on its stderr, and its exit. The reader thread's.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use super::bell::Bell;
use super::exit_watch::ExitWatch;
use super::peer::ProcessPeer;
use super::pipe_end::PipeEnd;
use super::poll::{poll, readable, reports, writable};
use crate::io::endpoint::{Read, Source};
use crate::io::process::last_words::{EXIT_WAIT, LAST_BYTES, LAST_STDERR_BYTES};
use crate::io::process::stderr_lines::StderrLines;
use crate::wire::framing::LineBuffer;

/// Read of stderr at once, between two reads of stdout: a child that floods it slows its messages down by as little.
const STDERR_BYTES: usize = 16 * 1024;

/// The child's stdout, stderr and exit. The pipes do not block.
pub(super) struct Output {
    /// Each is gone once it has ended.
    stdout: Option<PipeEnd>,
    stderr: Option<PipeEnd>,
    exit: Arc<ExitWatch>,
    bell: Arc<Bell>,
    peer: Arc<ProcessPeer>,
    /// For whoever wants the stderr line by line.
    stderr_lines: Option<StderrLines>,
    lines: LineBuffer,
    /// The child has exited, or is given up.
    exited: bool,
    /// Bytes of stdout that may still be read once it has.
    left: usize,
}

impl Output {
    pub fn new(
        [stdout, stderr]: [PipeEnd; 2],
        exit: Arc<ExitWatch>,
        bell: Arc<Bell>,
        peer: Arc<ProcessPeer>,
        stderr_lines: Option<StderrLines>,
        max_message: usize,
    ) -> Self {
        Self {
            stdout: Some(stdout),
            stderr: Some(stderr),
            exit,
            bell,
            peer,
            stderr_lines,
            lines: LineBuffer::new(max_message),
            exited: false,
            left: LAST_BYTES,
        }
    }

    /// Sleeps until something has come, or `until`. Takes what stderr has, the exit and the bell, and tells the writer of
    /// room in stdin if it waits for that; whether stdout is readable.
    fn watch(&mut self, until: Option<Instant>) -> io::Result<bool> {
        let stdin = self.peer.full_stdin();
        // Where there is nothing to watch, the array has the bell once more, with no events to be reported.
        let unwatched = || PollFd::new(&*self.bell, PollFlags::empty());
        let mut watched = [
            self.stdout.as_ref().map_or_else(unwatched, readable),
            self.stderr.as_ref().map_or_else(unwatched, readable),
            stdin.as_deref().map_or_else(unwatched, writable),
            readable(&*self.exit),
            readable(&*self.bell),
        ];
        poll(&mut watched, until)?;
        let [stdout, stderr, room, exit, bell] = watched.map(|watched| reports(&watched));
        drop(stdin);
        if bell {
            self.bell.silence();
        }
        if room {
            self.peer.note_room();
        }
        if exit {
            // First of all, or a program that reaps every child is there before us.
            self.peer.note_exit();
        }
        // What a child wrote that has exited is in the pipes by now.
        self.exited = exit || self.peer.notes().is_gone();
        if self.exited {
            self.take_stderr(LAST_STDERR_BYTES);
        } else if stderr {
            self.take_stderr(STDERR_BYTES);
        }
        Ok(stdout)
    }

    /// Reads stderr until it is empty or so many bytes are read.
    fn take_stderr(&mut self, bytes: usize) {
        let mut chunk = [0; STDERR_BYTES];
        let mut left = bytes;
        while left > 0
            && let Some(stderr) = &mut self.stderr
        {
            match stderr.read(&mut chunk) {
                Ok(count) if count > 0 => {
                    self.peer.notes().stderr().push(&chunk[..count]);
                    if let Some(lines) = &mut self.stderr_lines {
                        lines.push(&chunk[..count]);
                    }
                    left = left.saturating_sub(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.stderr = None;
                    self.stderr_lines = None;
                }
            }
        }
    }

    /// Stdout has ended: if it is because the process has exited, that is known in a moment.
    fn ended(&mut self) -> Read<'_> {
        self.stdout = None;
        let until = Instant::now() + EXIT_WAIT;
        while !self.exited && Instant::now() < until {
            if self.watch(Some(until)).is_err() {
                break;
            }
        }
        Read::Ended(self.lines.rest())
    }
}

impl Source for Output {
    fn read(&mut self, until: Option<Instant>) -> io::Result<Read<'_>> {
        if !self.exited {
            let has_come = self.watch(until)?;
            if !self.exited && !has_come {
                return Ok(Read::Nothing);
            }
        }
        let Some(stdout) = &mut self.stdout else {
            return Ok(Read::Ended(self.lines.rest()));
        };
        if self.left == 0 {
            return Ok(Read::Ended(self.lines.rest()));
        }
        let space = self.lines.space().inspect_err(|_| {
            self.peer.notes().note_too_long();
        })?;
        match stdout.read(space) {
            Ok(0) => Ok(self.ended()),
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

    fn linger(&mut self) {
        let mut unread = vec![0; STDERR_BYTES];
        while !self.exited {
            let Ok(has_come) = self.watch(None) else {
                return;
            };
            if has_come && let Some(stdout) = &mut self.stdout {
                match stdout.read(&mut unread) {
                    Ok(count) if count > 0 => {}
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                        ) => {}
                    Ok(_) | Err(_) => self.stdout = None,
                }
            }
        }
    }
}
