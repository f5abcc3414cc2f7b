//! The end of the child's stderr: a thread that reads it all, so that the child never blocks on it,
//! and a bounded ring that keeps the last bytes for error messages. Interprets nothing and logs
//! nothing. The connection starts it with the child.

use crate::sync::thread::JoinHandle;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::owner::Owner;
use super::poll::{poll, readable};
use crate::sync::lock::Mutex;
use crate::sync::self_pipe::SelfPipe;
use crate::sync::thread::spawn_thread;

/// Read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Still read after the stop: all that a pipe can hold by default limits, so that an ended child's
/// last words are complete while a leftover process that never stops writing cannot hold us.
const LAST_BYTES: usize = 1024 * 1024;

/// Drains the child's stderr and keeps its last bytes.
///
/// Dropping it stops the thread; in a forked child of the owner it does nothing.
#[derive(Debug)]
pub struct StderrTail {
    ring: Arc<Mutex<Ring>>,
    /// Rung to stop the thread; gone after that.
    stop: Mutex<Option<Arc<SelfPipe>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    owner: Owner,
}

impl StderrTail {
    /// Kept when nothing else is asked for.
    pub const DEFAULT_BYTES: usize = 64 * 1024;

    /// Starts draining; `capacity` is the number of bytes kept.
    ///
    /// # Errors
    /// The system's, when there is no descriptor or no thread to be had.
    pub fn start(
        mut stderr: impl Read + AsFd + Send + 'static,
        capacity: usize,
    ) -> io::Result<Self> {
        let stop = Arc::new(SelfPipe::new()?);
        let ring = Arc::new(Mutex::new(Ring {
            bytes: VecDeque::new(),
            capacity,
            mid_line: false,
        }));
        let thread = spawn_thread("codex-stderr", {
            let (ring, stop) = (Arc::clone(&ring), Arc::clone(&stop));
            move || drain(&mut stderr, &stop, &ring)
        })?;
        Ok(Self {
            ring,
            stop: Mutex::new(Some(stop)),
            thread: Mutex::new(Some(thread)),
            owner: Owner::here(),
        })
    }

    /// The last bytes as text, from the start of a line on unless one line fills it all; what is
    /// not UTF-8 is replaced.
    #[must_use]
    pub fn tail(&self) -> String {
        self.ring.lock().text()
    }

    /// Reads what is in the pipe by now, then ends the thread, whoever still holds the other end.
    /// Idempotent.
    ///
    /// After the child has ended, everything that it wrote is in the tail when this returns.
    pub fn stop(&self) {
        if !self.owner.is_current() {
            return;
        }
        if let Some(stop) = self.stop.lock().take() {
            stop.ring();
        }
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for StderrTail {
    fn drop(&mut self) {
        if self.owner.is_current() {
            self.stop();
        } else {
            // Even detaching would touch the stack of a thread that does not exist here.
            mem::forget(self.thread.get_mut().take());
        }
    }
}

fn drain(stderr: &mut (impl Read + AsFd), stop: &SelfPipe, ring: &Mutex<Ring>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left_after_stop = LAST_BYTES;
    loop {
        let mut watched = [readable(stderr), readable(stop)];
        if poll(&mut watched, None).is_err() {
            return;
        }
        let [has_bytes, stopped] = watched.map(|watched| watched.revents != 0);
        if stopped && (!has_bytes || left_after_stop == 0) {
            return;
        }
        if !has_bytes {
            continue;
        }
        // Does not block: nobody else reads this pipe.
        match stderr.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                ring.lock().push(&chunk[..count]);
                if stopped {
                    left_after_stop = left_after_stop.saturating_sub(count);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[derive(Debug)]
struct Ring {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The byte before the first one was dropped and was not the end of a line.
    mid_line: bool,
}

impl Ring {
    fn push(&mut self, new: &[u8]) {
        self.bytes.extend(new);
        let excess = self.bytes.len().saturating_sub(self.capacity);
        if let Some(last) = self.bytes.drain(..excess).next_back() {
            self.mid_line = last != b'\n';
        }
    }

    fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let start = if self.mid_line { after_cut(&bytes) } else { 0 };
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }
}

/// Where to begin after a cut: at the next line, or, when there is none, at the next character.
fn after_cut(bytes: &[u8]) -> usize {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end + 1 < bytes.len() => end + 1,
        _ => bytes
            .iter()
            .position(|&byte| byte & 0xC0 != 0x80)
            .unwrap_or(bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    fn ring(capacity: usize, pieces: &[&[u8]]) -> String {
        let mut ring = Ring {
            bytes: VecDeque::new(),
            capacity,
            mid_line: false,
        };
        for piece in pieces {
            ring.push(piece);
        }
        ring.text()
    }

    /// Drains after the stop has come; the text kept.
    fn drained_after_stop(mut stderr: impl Read + AsFd) -> String {
        let stop = SelfPipe::new().expect("descriptors are to be had");
        stop.ring();
        let ring = Mutex::new(Ring {
            bytes: VecDeque::new(),
            capacity: 64,
            mid_line: false,
        });
        drain(&mut stderr, &stop, &ring);
        ring.lock().text()
    }

    #[test]
    fn what_was_written_before_the_stop_is_read_though_the_pipe_stays_open() {
        let (reader, mut writer) = io::pipe().expect("descriptors are to be had");
        writer
            .write_all(b"last words\n")
            .expect("the pipe has room");
        assert_eq!(drained_after_stop(reader), "last words\n");
    }

    #[test]
    fn a_writer_that_never_pauses_does_not_hold_the_stop() {
        let endless = File::open("/dev/zero").expect("every Unix has it");
        assert_eq!(drained_after_stop(endless), "\0".repeat(64));
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(ring(8, &[b"ab\n", b"cd\nef"]), "ab\ncd\nef");
    }

    #[test]
    fn a_cut_line_is_left_out() {
        assert_eq!(ring(7, &[b"abc\nde\n", b"fg\n"]), "de\nfg\n");
    }

    #[test]
    fn a_cut_at_the_end_of_a_line_loses_no_other() {
        assert_eq!(ring(6, &[b"abc\nde\nfg\n"]), "de\nfg\n");
    }

    #[test]
    fn a_line_longer_than_the_ring_begins_at_a_character() {
        assert_eq!(
            ring(5, &["ab\u{e4}\u{f6}\u{fc}".as_bytes()]),
            "\u{f6}\u{fc}"
        );
        assert_eq!(ring(4, &[b"abcdefg\n"]), "efg\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(ring(8, &[b"a\xff\n"]), "a\u{fffd}\n");
    }

    #[test]
    fn a_ring_of_nothing_keeps_nothing() {
        assert_eq!(ring(0, &[b"abc\n"]), "");
    }
}
