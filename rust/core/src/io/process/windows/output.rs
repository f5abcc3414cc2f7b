//! What comes from the child: messages on its stdout, words on its stderr, and its exit. The reader thread's.

use std::io;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::sync::Arc;
use std::time::Instant;

use super::overlapped::{Chunk, PipeReader};
use super::peer::ProcessPeer;
use super::wait::wait;
use crate::io::endpoint::{Read, Source};
use crate::io::process::last_words::{EXIT_WAIT, LAST_BYTES, LAST_STDERR_BYTES};
use crate::io::process::stderr_lines::StderrLines;
use crate::wire::framing::LineBuffer;

/// The child's stdout, stderr and exit.
pub(super) struct Output {
    /// Each is gone once it has ended.
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
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
        [stdout, stderr]: [PipeReader; 2],
        peer: Arc<ProcessPeer>,
        stderr_lines: Option<StderrLines>,
        max_message: usize,
    ) -> Self {
        Self {
            stdout: Some(stdout),
            stderr: Some(stderr),
            peer,
            stderr_lines,
            lines: LineBuffer::new(max_message),
            exited: false,
            left: LAST_BYTES,
        }
    }

    /// Sleeps until something has come, or `until`. Takes what stderr has, the exit and the bell.
    fn watch(&mut self, until: Option<Instant>) -> io::Result<()> {
        let pipes = [&mut self.stdout, &mut self.stderr].into_iter().flatten();
        let mut watched: Vec<BorrowedHandle<'_>> = pipes.map(PipeReader::listen).collect();
        watched.push(self.peer.child().ended());
        watched.push(self.peer.bell().as_handle());
        wait(&watched, until)?;
        // What a child wrote that has exited is in the pipes by now.
        self.exited = self.peer.exit().is_some() || self.peer.notes().is_gone();
        self.take_stderr();
        Ok(())
    }

    /// Takes one piece of what stderr has, so that a child that floods it slows its messages down by as little; all of it
    /// once the child has exited.
    fn take_stderr(&mut self) {
        let mut left = if self.exited { LAST_STDERR_BYTES } else { 1 };
        while left > 0
            && let Some(stderr) = &mut self.stderr
        {
            match stderr.take() {
                Ok(Chunk::Bytes(bytes)) => {
                    self.peer.notes().stderr().push(bytes);
                    if let Some(lines) = &mut self.stderr_lines {
                        lines.push(bytes);
                    }
                    left = spent(left, bytes);
                }
                Ok(Chunk::Nothing) => return,
                Ok(Chunk::End) | Err(_) => {
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
            self.watch(until)?;
        }
        let Some(stdout) = self.stdout.as_mut().filter(|_| self.left > 0) else {
            return Ok(Read::Ended(self.lines.rest()));
        };
        match stdout.take()? {
            Chunk::End => Ok(self.ended()),
            Chunk::Bytes(bytes) => {
                if self.exited {
                    self.left = spent(self.left, bytes);
                }
                self.lines
                    .add(bytes)
                    .inspect_err(|_| self.peer.notes().note_too_long())?;
                Ok(Read::Messages(self.lines.take_lines()))
            }
            // What the process wrote before it exited is read by now; what a child of it that holds the pipe may
            // still write is not the process's.
            Chunk::Nothing if self.exited => Ok(Read::Ended(self.lines.rest())),
            Chunk::Nothing => Ok(Read::Nothing),
        }
    }

    fn linger(&mut self) {
        while !self.exited {
            if self.watch(None).is_err() {
                return;
            }
            if let Some(stdout) = &mut self.stdout
                && matches!(stdout.take(), Ok(Chunk::End) | Err(_))
            {
                self.stdout = None;
            }
        }
    }
}

/// What may still be read after these bytes. No bytes count as one, or somebody who goes on to write nothing held us up.
fn spent(left: usize, bytes: &[u8]) -> usize {
    left.saturating_sub(bytes.len().max(1))
}
