//! A wait for a descriptor that another thread watches: who sleeps over descriptors anyway watches one more, as long as
//! somebody wants it, and tells who waits.
//!
//! So of two threads only one sleeps over descriptors, and needs something to be woken by; the other sleeps on a condvar,
//! which costs none.

use super::lock::{Condvar, Mutex};

/// One thread waits for a `T`; another watches it.
#[derive(Debug)]
pub struct Relay<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// What is waited for.
    wanted: Option<T>,
    stopped: bool,
}

impl<T> Default for Relay<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                wanted: None,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<T: Clone> Relay<T> {
    /// Waits until the watcher, which `wake` makes look up, has found it ready. False when it was stopped instead.
    pub fn wait(&self, wanted: T, wake: impl FnOnce()) -> bool {
        let mut state = self.state.lock();
        if state.stopped {
            return false;
        }
        state.wanted = Some(wanted);
        drop(state);
        wake();
        state = self.state.lock();
        while state.wanted.is_some() {
            state = self.changed.wait(state);
        }
        !state.stopped
    }

    /// What the watcher is to watch now.
    pub fn wanted(&self) -> Option<T> {
        self.state.lock().wanted.clone()
    }

    /// The watcher has found it ready.
    pub fn found(&self) {
        self.state.lock().wanted = None;
        self.changed.notify_all();
    }

    /// Ends the wait, and all that come.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        state.wanted = None;
        drop(state);
        self.changed.notify_all();
    }
}
