//! Lines on their way to a log: a ring between the native threads that see them and the one thread that writes them
//! down. Who pushes never waits for the log: where it is too slow the oldest lines go, and their loss is told where they
//! stood. While the log is off, a line costs one load of an atomic.
//!
//! Lines are cut to [`LONGEST`]. What they hold is not looked at here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use crate::session::stats::Counter;
use crate::sync::gate::{Gate, Ready};
use crate::sync::lock::atomic::{AtomicBool, Ordering};

/// Bytes of a line that are kept.
pub const LONGEST: usize = 16 * 1024;

/// Lines that are taken out at once, under one hold of the lock.
const BATCH: usize = 256;

/// Where a line was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Written to the peer.
    Sent,
    /// Read from it.
    Received,
    /// On the stderr of a process.
    Stderr,
}

/// One line.
#[derive(Debug)]
pub struct Line {
    pub origin: Origin,
    /// Whose it is: the id of the process.
    pub pid: u32,
    pub at: SystemTime,
    /// The beginning of it, or all.
    pub text: Box<[u8]>,
    /// Bytes that it had.
    pub length: usize,
    lost: Arc<Counter>,
}

impl Line {
    /// What it takes of the capacity.
    fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

/// What is taken out.
#[derive(Debug)]
pub enum Entry {
    Line(Line),
    /// So many lines were dropped here, because nobody took them in time.
    Lost(u64),
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    bytes: usize,
    /// Lines that were dropped since the last were taken. They stood before those that are kept.
    lost: u64,
    on: bool,
    /// A thread drains it.
    drained: bool,
    ended: bool,
}

impl State {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

impl Ready for State {
    fn ready(&self) -> bool {
        !self.on || !self.is_empty()
    }
}

/// The ring, its switch, and the place of the thread that drains it.
#[derive(Debug)]
pub struct LineLog {
    capacity: usize,
    /// The same as in the state, for whoever only looks.
    on: AtomicBool,
    state: Gate<State>,
}

impl LineLog {
    /// A log that is off. Lines that wait take no more than `capacity` bytes, with what it costs to keep them.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            on: AtomicBool::new(false),
            state: Gate::default(),
        }
    }

    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Lines are kept from now on. True if nobody drains them: the caller has to see to it that a thread does, which
    /// begins with [`LineLog::claim`]. Where it does not come to that, the caller turns it off again.
    #[must_use]
    pub fn turn_on(&self) -> bool {
        let mut state = self.state.lock();
        if state.ended {
            return false;
        }
        state.on = true;
        self.on.store(true, Ordering::Relaxed);
        !state.drained
    }

    /// The caller drains it from now on, until [`LineLog::next`] has no more. False if another thread does.
    ///
    /// Whoever turns it on cannot say so for a thread that is yet to be started: it may be interrupted in between.
    #[must_use]
    pub fn claim(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().drained, true)
    }

    /// No line is kept any more. Those that wait are still to be taken.
    pub fn turn_off(&self) {
        self.turn_off_and(|_| {});
    }

    fn turn_off_and(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        state.on = false;
        self.on.store(false, Ordering::Relaxed);
        change(&mut state);
        self.state.wake_all(state);
    }

    /// The same for ever.
    pub fn end(&self) {
        self.turn_off_and(|state| state.ended = true);
    }

    /// Whoever drained it does not any more, for a reason of its own. Lines are not kept until it is turned on again, and
    /// those that wait for whoever comes then.
    pub fn resign(&self) {
        // In one step: who turns it on from here on is told to drain it.
        self.turn_off_and(|state| state.drained = false);
    }

    /// The next lines, in the order in which they were seen; sleeps until there are some. `None` when the log is off and
    /// all were taken: then the caller drains it no more.
    pub fn next(&self) -> Option<Vec<Entry>> {
        loop {
            self.state.wait(None);
            let mut state = self.state.lock();
            if state.is_empty() {
                if state.on {
                    continue;
                }
                // In one step with the look at the switch: who turns it on from here on is told to drain it.
                state.drained = false;
                return None;
            }
            let lost = std::mem::take(&mut state.lost);
            let count = state.lines.len().min(BATCH);
            let mut entries = Vec::with_capacity(count + 1);
            if lost > 0 {
                entries.push(Entry::Lost(lost));
            }
            let mut bytes = 0;
            entries.extend(state.lines.drain(..count).map(|line| {
                bytes += line.cost();
                Entry::Line(line)
            }));
            state.bytes -= bytes;
            return Some(entries);
        }
    }

    fn push(&self, line: Line) {
        let cost = line.cost();
        let mut state = self.state.lock();
        if !state.on {
            return;
        }
        let was_empty = state.is_empty();
        state.bytes += cost;
        state.lines.push_back(line);
        while state.bytes > self.capacity
            && let Some(oldest) = state.lines.pop_front()
        {
            state.bytes -= oldest.cost();
            state.lost += 1;
            oldest.lost.one();
        }
        // Once for all that come before somebody takes them.
        if was_empty {
            self.state.wake_all(state);
        }
    }
}

/// A place where lines are seen, and the log that they go to.
#[derive(Debug, Clone)]
pub struct Tap {
    log: Arc<LineLog>,
    pid: u32,
    lost: Arc<Counter>,
}

impl Tap {
    pub fn new(log: Arc<LineLog>, pid: u32) -> Self {
        Self {
            log,
            pid,
            lost: Arc::default(),
        }
    }

    pub fn is_on(&self) -> bool {
        self.log.is_on()
    }

    /// How many lines from here were dropped.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// A line was seen.
    pub fn line(&self, origin: Origin, text: &[u8]) {
        self.beginning(origin, text, text.len());
    }

    /// The same for one of which only the beginning is at hand.
    pub fn beginning(&self, origin: Origin, text: &[u8], length: usize) {
        if !self.is_on() {
            return;
        }
        self.log.push(Line {
            origin,
            pid: self.pid,
            at: SystemTime::now(),
            text: cut(text).into(),
            length,
            lost: Arc::clone(&self.lost),
        });
    }

    /// No line will come: whoever drains the log ends.
    pub fn end(&self) {
        self.log.end();
    }
}

/// No more than [`LONGEST`] bytes, and no part of a character.
fn cut(text: &[u8]) -> &[u8] {
    let mut end = text.len().min(LONGEST);
    if end < text.len() {
        // A character has four bytes at most; what is not UTF-8 is cut anywhere.
        for _ in 0..3 {
            if text[end] & 0xC0 == 0x80 {
                end -= 1;
            }
        }
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(capacity: usize) -> (Arc<LineLog>, Tap) {
        let log = Arc::new(LineLog::new(capacity));
        let tap = Tap::new(Arc::clone(&log), 7);
        (log, tap)
    }

    fn texts(entries: Option<Vec<Entry>>) -> Vec<String> {
        let text = |entry| match entry {
            Entry::Line(line) => String::from_utf8(line.text.into()).unwrap(),
            Entry::Lost(count) => format!("{count} lost"),
        };
        entries.unwrap().into_iter().map(text).collect()
    }

    #[test]
    fn nothing_is_kept_while_it_is_off() {
        let (log, tap) = log(10_000);
        tap.line(Origin::Sent, b"a");
        assert!(log.next().is_none());
        assert_eq!(tap.lost(), 0);
    }

    #[test]
    fn lines_come_in_order_and_those_that_wait_also_after_it_was_turned_off() {
        let (log, tap) = log(10_000);
        assert!(log.turn_on());
        tap.line(Origin::Sent, b"a");
        tap.line(Origin::Received, b"b");
        log.turn_off();
        tap.line(Origin::Sent, b"c");
        assert_eq!(texts(log.next()), ["a", "b"]);
        assert!(log.next().is_none());
    }

    #[test]
    fn one_drains_it_until_it_has_found_it_off() {
        let (log, _) = log(10_000);
        assert!(log.turn_on());
        assert!(log.turn_on(), "who was to drain it has not begun");
        assert!(log.claim());
        assert!(!log.claim());
        assert!(!log.turn_on());
        log.turn_off();
        assert!(!log.turn_on(), "who drains it has not seen that it was off");
        log.turn_off();
        assert!(log.next().is_none());
        assert!(log.turn_on());
        assert!(log.claim());
        log.resign();
        assert!(log.turn_on());
        log.end();
        assert!(log.next().is_none());
        assert!(!log.turn_on());
    }

    #[test]
    fn the_oldest_go_where_there_is_no_room_and_are_counted() {
        let line = size_of::<Line>() + 1;
        let (log, tap) = log(2 * line);
        assert!(log.turn_on());
        for text in [b"a", b"b", b"c", b"d", b"e"] {
            tap.line(Origin::Sent, text);
        }
        assert_eq!(texts(log.next()), ["3 lost", "d", "e"]);
        assert_eq!(tap.lost(), 3);
        for text in [b"f", b"g"] {
            tap.line(Origin::Sent, text);
        }
        assert_eq!(texts(log.next()), ["f", "g"]);
    }

    #[test]
    fn a_line_without_any_room_is_a_loss() {
        let (log, tap) = log(10);
        assert!(log.turn_on());
        tap.line(Origin::Sent, b"a");
        assert_eq!(texts(log.next()), ["1 lost"]);
    }

    #[test]
    fn long_lines_are_cut_at_a_character_and_tell_their_length() {
        let (log, tap) = log(1_000_000);
        assert!(log.turn_on());
        let text = "x".repeat(LONGEST - 1) + "\u{1f980}y";
        tap.line(Origin::Sent, text.as_bytes());
        tap.line(Origin::Sent, &vec![0x80; LONGEST + 1]);
        tap.line(Origin::Sent, &vec![b'x'; LONGEST]);
        let lengths: Vec<_> = log
            .next()
            .unwrap()
            .iter()
            .map(|entry| match entry {
                Entry::Line(line) => (line.text.len(), line.length),
                Entry::Lost(_) => (0, 0),
            })
            .collect();
        let expected = [
            (LONGEST - 1, LONGEST + 4),
            (LONGEST - 3, LONGEST + 1),
            (LONGEST, LONGEST),
        ];
        assert_eq!(lengths, expected);
    }

    #[test]
    fn no_more_is_taken_at_once_than_a_batch() {
        let (log, tap) = log(1_000_000);
        assert!(log.turn_on());
        for _ in 0..=BATCH {
            tap.line(Origin::Sent, b"a");
        }
        assert_eq!(texts(log.next()).len(), BATCH);
        assert_eq!(texts(log.next()).len(), 1);
        assert_eq!(log.state.lock().bytes, 0);
    }

    #[test]
    fn whoever_waits_for_lines_is_woken_by_one_and_by_the_end() {
        let (log, tap) = log(10_000);
        assert!(log.turn_on());
        let draining = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                let first = texts(log.next());
                (first, log.next().is_none())
            }
        });
        while !log.state.lock().has_waiters() {
            std::thread::yield_now();
        }
        tap.line(Origin::Stderr, b"a");
        tap.end();
        assert_eq!(draining.join().unwrap(), (vec!["a".to_owned()], true));
    }
}
