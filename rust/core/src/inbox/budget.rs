//! How much memory a connection's mailboxes may hold, and what was dropped because of it.

use std::sync::Arc;

use crate::sync::lock::atomic::{AtomicUsize, Ordering};

/// Memory limits of a connection's mailboxes, in bytes of segment capacity.
#[derive(Debug)]
pub struct Budget {
    pub per_mailbox: usize,
    pub total: usize,
    held: AtomicUsize,
    /// Of these, what was dropped and will be freed in a moment.
    waste: AtomicUsize,
    /// What watches hold: counted by itself, because nothing of it can be dropped, and no reader is to lose deltas for it.
    /// None in that one.
    watches: Option<Arc<Self>>,
}

impl Budget {
    pub fn new(per_mailbox: usize, total: usize) -> Self {
        let watches = Self::of(usize::MAX, usize::MAX, None);
        Self::of(per_mailbox, total, Some(Arc::new(watches)))
    }

    fn of(per_mailbox: usize, total: usize, watches: Option<Arc<Self>>) -> Self {
        Self {
            per_mailbox,
            total,
            held: AtomicUsize::new(0),
            waste: AtomicUsize::new(0),
            watches,
        }
    }

    /// That of watches, which has no limit.
    pub(crate) fn of_watches(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self.watches.as_ref().unwrap_or(self))
    }

    /// What is held, by watches, too.
    pub fn held(&self) -> usize {
        let by_watches = self.watches.as_ref().map_or(0, |watches| watches.held());
        self.held.load(Ordering::Relaxed) + by_watches
    }

    /// What is held by mailboxes that may drop something, and not about to be freed.
    pub fn needed(&self) -> usize {
        let held = self.held.load(Ordering::Relaxed);
        held.saturating_sub(self.waste.load(Ordering::Relaxed))
    }

    pub(crate) fn discard(&self, bytes: usize) {
        self.waste.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was discarded is freed.
    pub(crate) fn free(&self, bytes: usize) {
        self.waste.fetch_sub(bytes, Ordering::Relaxed);
        self.give_back(bytes);
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What was dropped from one mailbox.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub events: u64,
    pub bytes: u64,
}

impl Loss {
    pub const NONE: Self = Self {
        events: 0,
        bytes: 0,
    };

    pub(crate) fn add(&mut self, more: Self) {
        self.events += more.events;
        self.bytes += more.bytes;
    }

    /// What is left of it without `part`, which is a part of it.
    pub(crate) fn without(self, part: Self) -> Self {
        Self {
            events: self.events - part.events,
            bytes: self.bytes - part.bytes,
        }
    }
}
