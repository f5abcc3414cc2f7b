//! Waiting for something to become ready: one lock around a state and the list of who waits for it, so that "nothing
//! there, I wait" is one step. Threads sleep on a condvar; event loops leave a token. Mailboxes, calls and the end of
//! a connection are the states.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use super::lock::{Condvar, Mutex, MutexGuard};
use super::waker::{LoopWaker, Token};

/// A state that one can wait for.
pub trait Ready {
    /// Whether a wait for it ends now.
    fn ready(&self) -> bool;
}

/// A state behind a lock, and who waits for it.
#[derive(Debug, Default)]
pub struct Gate<S> {
    inner: Mutex<Guarded<S>>,
    condvar: Condvar,
}

/// What the lock guards. Derefs to the state.
#[derive(Debug, Default)]
pub struct Guarded<S> {
    state: S,
    threads: usize,
    loops: Vec<(Arc<LoopWaker>, Token)>,
}

impl<S> Gate<S> {
    pub fn new(state: S) -> Self {
        let guarded = Guarded {
            state,
            threads: 0,
            loops: Vec::new(),
        };
        Self {
            inner: Mutex::new(guarded),
            condvar: Condvar::new(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Guarded<S>> {
        self.inner.lock()
    }

    /// Wakes everybody who waits. Threads that are not ready after all go back to sleep.
    pub fn wake(&self) {
        self.wake_all(self.inner.lock());
    }

    /// Releases the lock, then wakes everybody.
    pub fn wake_all(&self, mut guard: MutexGuard<'_, Guarded<S>>) {
        let threads = guard.threads > 0;
        let loops = std::mem::take(&mut guard.loops);
        drop(guard);
        if threads {
            self.condvar.notify_all();
        }
        for (waker, token) in loops {
            waker.notify(token);
        }
    }
}

impl<S: Ready> Gate<S> {
    pub fn is_ready(&self) -> bool {
        self.inner.lock().state.ready()
    }

    /// Blocks until ready. False when `deadline` passes first.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut guard = self.inner.lock();
        guard.threads += 1;
        let mut late = false;
        while !guard.state.ready() && !late {
            (guard, late) = match deadline {
                Some(at) => self.condvar.wait_until(guard, at),
                None => (self.condvar.wait(guard), false),
            };
        }
        guard.threads -= 1;
        guard.state.ready()
    }

    /// True when ready; else `token` is reported to `waker`, once, when it is.
    pub fn arm(&self, waker: &Arc<LoopWaker>, token: Token) -> bool {
        let mut guard = self.inner.lock();
        let ready = guard.state.ready();
        if !ready {
            guard.loops.push((Arc::clone(waker), token));
        }
        ready
    }

    /// A wait was cancelled: its token is not reported any more.
    pub fn disarm(&self, waker: &Arc<LoopWaker>, token: Token) {
        let mut guard = self.inner.lock();
        guard
            .loops
            .retain(|(owner, armed)| *armed != token || !Arc::ptr_eq(owner, waker));
    }
}

impl<S> Guarded<S> {
    pub fn has_waiters(&self) -> bool {
        self.threads > 0 || !self.loops.is_empty()
    }
}

impl<S> Deref for Guarded<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> DerefMut for Guarded<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Flag(bool);

    impl Ready for Flag {
        fn ready(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn a_thread_that_waits_is_woken() {
        let gate = Arc::new(Gate::new(Flag(false)));
        let waiting = std::thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.wait(None)
        });
        loop {
            let mut guard = gate.lock();
            if guard.has_waiters() {
                guard.0 = true;
                gate.wake_all(guard);
                break;
            }
            drop(guard);
            std::thread::yield_now();
        }
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_deadline_that_has_passed_ends_the_wait() {
        let gate = Gate::new(Flag(false));
        assert!(!gate.wait(Some(Instant::now())));
        assert!(!gate.lock().has_waiters());
    }

    #[test]
    fn a_cancelled_token_is_not_reported() {
        let gate = Gate::new(Flag(false));
        let waker = Arc::new(LoopWaker::new().unwrap());
        assert!(!gate.arm(&waker, 7));
        assert!(!gate.arm(&waker, 8));
        gate.disarm(&waker, 7);
        gate.wake();
        assert_eq!((waker.take(), waker.take()), (Some(8), None));
        gate.lock().0 = true;
        assert!(gate.arm(&waker, 9));
    }
}
