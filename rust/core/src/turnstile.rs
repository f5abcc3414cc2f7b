//! Fairness among threads that work one at a time, as Python's do: those that are woken go first.
//!
//! An interpreter is handed to any of the threads that want it. With a hundred of them busy, one that was woken
//! for an event has waited for seconds, by bad luck alone. So a thread that is busy makes way now and
//! then, until all that were woken have run. One turnstile per connection: its threads are those that meet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

#[derive(Debug, Default)]
pub struct Turnstile {
    /// Threads that were woken and do not run yet.
    woken: AtomicUsize,
    guard: Mutex<()>,
    all_run: Condvar,
}

impl Turnstile {
    /// The calling thread was woken, and wants to run.
    pub fn woken(&self) {
        self.woken.fetch_add(1, Ordering::AcqRel);
    }

    /// The thread that was `woken` runs.
    pub fn runs(&self) {
        if self.woken.fetch_sub(1, Ordering::AcqRel) == 1 {
            // With the lock, so that nobody looks before this and sleeps after it.
            let _guard = self.guard.lock();
            self.all_run.notify_all();
        }
    }

    pub fn is_crowded(&self) -> bool {
        self.woken.load(Ordering::Acquire) > 0
    }

    /// Sleeps until every thread that was woken has run, or for so long.
    pub fn make_way(&self, at_most: Duration) {
        let mut guard = self.guard.lock();
        if self.is_crowded() {
            self.all_run.wait_for(&mut guard, at_most);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn nobody_makes_way_for_nobody() {
        let turnstile = Turnstile::default();
        turnstile.make_way(LONG);
        turnstile.woken();
        assert!(turnstile.is_crowded());
        turnstile.runs();
        turnstile.make_way(LONG);
    }

    #[test]
    fn a_busy_thread_sleeps_until_the_last_that_was_woken_runs() {
        let turnstile = Turnstile::default();
        turnstile.woken();
        turnstile.woken();
        let (passed, seen) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                turnstile.make_way(LONG);
                passed.send(()).unwrap();
            });
            turnstile.runs();
            let early = seen.recv_timeout(Duration::from_millis(20));
            assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout));
            turnstile.runs();
            seen.recv_timeout(LONG).unwrap();
        });
    }

    #[test]
    fn a_thread_that_does_not_come_holds_nobody_up_for_long() {
        let turnstile = Turnstile::default();
        turnstile.woken();
        let begun = Instant::now();
        turnstile.make_way(Duration::from_millis(5));
        assert!(begun.elapsed() < LONG);
    }
}
