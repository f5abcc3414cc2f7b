//! A log that is turned on and off while lines come: one thread drains it at a time and never sleeps over a line, no line is
//! lost that is not counted, and none comes twice or out of order.

use std::sync::Arc;

use codex_core::io::line_log::{Entry, LineLog, Origin, Tap};
use codex_core::sync::lock::atomic::{AtomicUsize, Ordering};
use codex_core::sync::lock::{Condvar, Mutex};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::check;

const LINES: usize = 4;

struct Log {
    log: Arc<LineLog>,
    drainers: AtomicUsize,
    taken: Mutex<Vec<(u32, usize)>>,
    lost: Mutex<u64>,
    /// Some were taken.
    progress: Condvar,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Log {
    fn turn_on(self: &Arc<Self>) {
        if self.log.turn_on() {
            let log = Arc::clone(self);
            let drainer = thread::spawn(move || log.drain());
            self.threads.lock().push(drainer);
        }
    }

    fn drain(&self) {
        if !self.log.claim() {
            return;
        }
        // The place is free from the moment that `next` finds the log off, so who is in there does not count.
        while let Some(entries) = self.log.next() {
            assert_eq!(
                self.drainers.fetch_add(1, Ordering::SeqCst),
                0,
                "two drain it"
            );
            for entry in entries {
                match entry {
                    Entry::Line(line) => self.taken.lock().push((line.pid, line.length)),
                    Entry::Lost(count) => *self.lost.lock() += count,
                }
            }
            self.drainers.fetch_sub(1, Ordering::SeqCst);
            let _told = self.taken.lock();
            self.progress.notify_all();
        }
    }
}

/// Whether all was taken or counted, if the log was on all the time.
fn run(capacity: usize, turns_off: bool) {
    let log = Arc::new(Log {
        log: Arc::new(LineLog::new(capacity)),
        drainers: AtomicUsize::new(0),
        taken: Mutex::new(Vec::new()),
        lost: Mutex::new(0),
        progress: Condvar::new(),
        threads: Mutex::new(Vec::new()),
    });
    log.turn_on();
    let taps: Vec<_> = (1..=2)
        .map(|pid| Tap::new(Arc::clone(&log.log), pid))
        .collect();
    let seeing: Vec<_> = taps
        .iter()
        .cloned()
        .map(|tap| {
            thread::spawn(move || {
                for number in 1..=LINES {
                    tap.line(Origin::Sent, &b"xxxx"[..number]);
                }
            })
        })
        .collect();
    if turns_off {
        for _ in 0..3 {
            if thread_rng().gen_bool(0.5) {
                log.log.turn_off();
            }
            log.turn_on();
        }
    }
    for thread in seeing {
        thread.join().unwrap();
    }
    if turns_off {
        // On in the end, it has somebody who drains it.
        taps[0].line(Origin::Sent, b"xxxxx");
    }
    // Without an end that would wake whoever drains it.
    let mut taken = log.taken.lock();
    while *log.lost.lock() == 0
        && if turns_off {
            !taken.contains(&(1, LINES + 1))
        } else {
            taken.len() < 2 * LINES
        }
    {
        taken = log.progress.wait(taken);
    }
    drop(taken);
    log.log.end();
    loop {
        let Some(thread) = log.threads.lock().pop() else {
            break;
        };
        thread.join().unwrap();
    }
    let taken = log.taken.lock();
    let lost = *log.lost.lock();
    assert_eq!(lost, taps.iter().map(Tap::lost).sum::<u64>());
    for pid in 1..=2 {
        let numbers: Vec<_> = taken
            .iter()
            .filter(|(of, _)| *of == pid)
            .map(|(_, number)| *number)
            .collect();
        assert!(
            numbers.is_sorted_by(|one, next| one < next),
            "{pid}: {numbers:?}"
        );
    }
    if turns_off {
        assert!(lost > 0 || taken.contains(&(1, LINES + 1)));
    } else {
        assert_eq!(taken.len() as u64 + lost, 2 * LINES as u64);
    }
}

#[test]
fn lines_are_taken_or_counted() {
    check(|| {
        run(
            if thread_rng().gen_bool(0.5) {
                250
            } else {
                10_000
            },
            false,
        )
    });
}

#[test]
fn a_log_that_is_turned_off_and_on_has_one_that_drains_it() {
    check(|| run(10_000, true));
}

#[test]
fn who_gives_its_place_up_leaves_it_to_whoever_turns_the_log_on() {
    check(|| {
        let log = Arc::new(LineLog::new(10_000));
        assert!(log.turn_on() && log.claim());
        let resigning = thread::spawn({
            let log = Arc::clone(&log);
            move || log.resign()
        });
        let is_to_be_drained = log.turn_on();
        resigning.join().unwrap();
        assert!(is_to_be_drained || !log.is_on(), "on, and nobody drains it");
    });
}
