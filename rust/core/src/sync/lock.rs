//! The locks and atomics of the core: the system's, or those of a model that tries the orders in which threads may
//! run (feature `shuttle`). Nothing else in the core knows which.
//!
//! A lock whose holder panicked is taken as it is: the core's own panics are bugs, and to refuse everybody after one
//! would hang what waits for a close.

use std::sync::PoisonError;
use std::time::Instant;

#[cfg(not(feature = "shuttle"))]
use std::sync as system;

#[cfg(feature = "shuttle")]
use shuttle::sync as system;

pub use system::atomic;

pub type MutexGuard<'m, T> = system::MutexGuard<'m, T>;

/// A lock around a value.
#[derive(Debug, Default)]
pub struct Mutex<T>(system::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self(system::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value without a lock, for the last owner.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, if nobody holds it now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(system::TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(system::TryLockError::WouldBlock) => None,
        }
    }
}

/// Where threads sleep until they are notified.
#[derive(Debug, Default)]
pub struct Condvar(system::Condvar);

impl Condvar {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn wait<'m, T>(&self, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Also says whether `deadline` has passed.
    pub fn wait_until<'m, T>(
        &self,
        guard: MutexGuard<'m, T>,
        deadline: Instant,
    ) -> (MutexGuard<'m, T>, bool) {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.0.wait_timeout(guard, left);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (guard, Instant::now() >= deadline)
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
