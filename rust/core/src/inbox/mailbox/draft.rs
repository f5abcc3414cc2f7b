//! A second mailbox in the making, for the result of a turn or a goal. What a mailbox stores of that is copied, which may
//! be much: in steps of one segment, so that nobody waits for the mailbox's lock, and only the last step is taken under
//! the session's. (Of 256 MB in one step: 100 to 160 ms.)
//!
//! The draft is its maker's alone, so no lock of it is taken inside the mailbox's.

use std::sync::Arc;

use super::{About, Inbox, Mailbox};
use crate::inbox::buffer::Buffer;
use crate::inbox::segment::Segment;
use crate::inbox::selection::Selection;
use crate::sync::gate::Gate;
use crate::sync::lock::atomic::AtomicU8;

#[derive(Debug)]
pub struct Draft {
    about: About,
    buffer: Buffer,
    has_error: bool,
    /// The number of the last segment that was copied.
    copied: u64,
}

impl Draft {
    /// Copies what belongs to a result, of the events of `segment` from the one of this index on.
    pub fn add(&mut self, segment: &Segment, from: usize) {
        for index in from..segment.len() {
            let event = segment.get(index);
            if self.about.wants(Selection::Result, &event) {
                self.has_error |= event.method == "error";
                self.buffer.push(event, false);
            }
        }
    }

    /// Copies the next segment of a mailbox, of those that are recorded first; false when there is none but the last, to
    /// which more may be added.
    fn step(&mut self, of: &Inbox) -> bool {
        let record = of.record.as_ref();
        if let Some(segment) = record.and_then(|record| record.behind(self.copied)) {
            self.add(segment, 0);
            self.copied = segment.number;
            return true;
        }
        match of.buffer.behind(self.copied) {
            Some((segment, false)) => {
                self.add(segment, 0);
                self.copied = segment.number;
                true
            }
            Some((_, true)) | None => false,
        }
    }
}

impl Mailbox {
    /// Begins a second mailbox. `None` for what is no turn's and no goal's.
    pub fn draft(&self) -> Option<Draft> {
        let is_timed = self.arrivals.is_some();
        is_timed.then(|| Draft {
            about: self.about,
            buffer: self.gate.lock().buffer.of_watch(),
            has_error: false,
            copied: 0,
        })
    }

    /// Copies what is stored, but for the last segment.
    pub fn copy_to(&self, draft: &mut Draft) {
        while draft.step(&self.gate.lock()) {}
    }

    /// The second mailbox: with what the draft has not copied yet, and how this one has ended. `None` if its consumer has
    /// left and nothing was recorded, for then part of it is gone.
    pub fn watch(&self, mut draft: Draft) -> Option<Self> {
        let arrivals = self.arrivals.as_ref()?.copy();
        let inbox = self.gate.lock();
        if inbox.abandoned {
            return None;
        }
        while draft.step(&inbox) {}
        if let Some((last, _)) = inbox.buffer.behind(draft.copied) {
            draft.add(last, 0);
        }
        Some(Self {
            about: self.about,
            key: Arc::clone(&self.key),
            thread_id: Arc::clone(&self.thread_id),
            missed: self.missed,
            arrivals: Some(arrivals),
            selected: AtomicU8::new(Selection::Result as u8),
            gate: Gate::new(Inbox {
                selection: Selection::Result,
                missing: inbox.missing,
                has_error: draft.has_error,
                end: inbox.end.clone(),
                ..Inbox::of(draft.buffer)
            }),
        })
    }
}
