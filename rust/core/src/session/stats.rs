//! Counters of one connection. The reader and writer add to them without locks; anyone may read.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened on a connection since it was opened.
        #[derive(Debug, Default)]
        pub struct Stats { $($(#[$doc])* pub $name: Counter,)* }

        impl Stats {
            /// Every counter with its name, in the order of their declaration.
            pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

counters! {
    /// Lines read from the runtime, blank ones aside.
    lines_read,
    /// Bytes read from the runtime's stdout.
    bytes_read,
    /// Lines that are not JSON.
    malformed_lines,
    /// JSON that is neither a notification, a request, nor a response.
    unknown_shapes,
    /// Responses whose id no request of this connection carries.
    orphan_responses,
    /// Responses to requests that were given up before.
    late_responses,
    /// Notifications that reached at least one mailbox.
    events_delivered,
    /// Notifications that a mailbox's consumer did not ask for.
    events_filtered,
    /// Notifications that nobody listens to.
    events_unclaimed,
    /// Notifications dropped because a budget was exceeded.
    events_lost,
    /// Bytes of the dropped notifications.
    bytes_lost,
    /// Notifications whose method the pinned schema does not have.
    unknown_notifications,
    /// Server requests that were refused because nobody handles them.
    server_requests_refused,
    /// Requests for the approval of a file change that were handed out without the change: all together were too large, or
    /// the client has opted out of hearing of it.
    file_changes_missing,
    /// Threads and turns of sub-agents of which it was forgotten what they descend from, because there were too many.
    descents_forgotten,
    /// Requests written to the runtime.
    requests_written,
    /// Requests given up (deadline or cancellation).
    requests_abandoned,
    /// Requests sent to undo what nobody waits for any more: interrupts, unsubscribes, ends of streams.
    errands_sent,
}

/// A relaxed counter: it orders nothing, it only counts.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub fn one(&self) {
        self.add(1);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
