//! Fairness among threads that work one at a time, as Python's mostly do: those that are woken go first. On a
//! free-threaded interpreter they run at once, so a busy one hardly ever finds somebody to make way for.
//!
//! An interpreter is handed to any of the threads that want it. With a hundred of them busy, one that was woken
//! for an event has waited for seconds, by bad luck alone. So a thread that is busy makes way now and
//! then. There is one turnstile per process, as there is one interpreter; a forked child, whose copy counts
//! threads that it does not have, gets another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use codex_core::sync::lock::{Condvar, Mutex};

use codex_core::io::process::Owner;

#[derive(Debug, Default)]
pub struct Turnstile {
    /// Threads that were woken and do not run yet.
    woken: AtomicUsize,
    guard: Mutex<()>,
    all_run: Condvar,
}

static LATEST: Mutex<Option<(Owner, Arc<Turnstile>)>> = Mutex::new(None);

impl Turnstile {
    /// This process' own. Called by threads that are attached to the interpreter, which forks when it has the lock or
    /// has stopped all attached threads: so no forked child finds the lock taken.
    pub fn of_process() -> Arc<Self> {
        let mut latest = LATEST.lock();
        match &*latest {
            Some((owner, turnstile)) if owner.is_current() => Arc::clone(turnstile),
            _ => {
                let turnstile = Arc::<Self>::default();
                *latest = Some((Owner::here(), Arc::clone(&turnstile)));
                turnstile
            }
        }
    }

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

    /// Sleeps until no thread that was woken waits to run (true), or for so long (false).
    pub fn make_way(&self, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        let mut guard = self.guard.lock();
        let mut late = false;
        while self.is_crowded() && !late {
            (guard, late) = self.all_run.wait_until(guard, deadline);
        }
        !late
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn nobody_makes_way_for_nobody() {
        let turnstile = Turnstile::default();
        assert!(turnstile.make_way(LONG));
        turnstile.woken();
        turnstile.runs();
        assert!(turnstile.make_way(LONG));
    }

    #[test]
    fn a_busy_thread_sleeps_until_the_last_that_was_woken_runs() {
        let turnstile = Turnstile::default();
        turnstile.woken();
        turnstile.woken();
        let (passed, seen) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| passed.send(turnstile.make_way(LONG)).unwrap());
            turnstile.runs();
            let early = seen.recv_timeout(4 * SHORT);
            assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout));
            turnstile.runs();
            assert_eq!(seen.recv(), Ok(true));
        });
    }

    #[test]
    fn a_thread_that_does_not_come_holds_nobody_up_for_long() {
        let turnstile = Turnstile::default();
        turnstile.woken();
        assert!(!turnstile.make_way(SHORT));
    }

    #[test]
    fn a_process_has_one() {
        assert!(Arc::ptr_eq(
            &Turnstile::of_process(),
            &Turnstile::of_process()
        ));
    }
}
