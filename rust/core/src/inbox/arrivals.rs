//! When something last arrived for a turn or a goal, whether its consumer wanted it or not. Owns that one time; the
//! reader notes it per event without a lock, by the clock that it reads once per batch.

// Like a counter: no step of another thread depends on it, so the models need not try its orders.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Arrivals {
    since: Instant,
    /// Nanoseconds from then until the last arrival.
    last: AtomicU64,
}

impl Arrivals {
    /// Whoever asks before anything has arrived is told the time since `now`.
    pub fn since(now: Instant) -> Self {
        Self {
            since: now,
            last: AtomicU64::new(0),
        }
    }

    /// The same times in a place of their own.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            since: self.since,
            last: AtomicU64::new(self.last.load(Ordering::Relaxed)),
        }
    }

    /// Something has arrived.
    pub fn note(&self, now: Instant) {
        let last = now.saturating_duration_since(self.since).as_nanos();
        let last = u64::try_from(last).unwrap_or(u64::MAX);
        self.last.store(last, Ordering::Relaxed);
    }

    /// For how long nothing has arrived.
    pub fn idle(&self, now: Instant) -> Duration {
        let last = Duration::from_nanos(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.since)
            .saturating_sub(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_arrival_counts_and_the_making_before_the_first() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let arrivals = Arrivals::since(at(5));
        assert_eq!(arrivals.idle(at(7)), Duration::from_secs(2));
        arrivals.note(at(60));
        assert_eq!(arrivals.idle(at(63)), Duration::from_secs(3));
        assert_eq!(arrivals.idle(at(59)), Duration::ZERO);
        // A batch may have begun before.
        arrivals.note(at(1));
        assert_eq!(arrivals.idle(at(7)), Duration::from_secs(2));
    }
}
