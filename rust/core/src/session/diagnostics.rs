//! What the native threads have to complain of, kept for a consumer to log. The reader never calls a
//! logger: it leaves a record here, and whoever next comes by with the interpreter takes it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::lock::Mutex;

/// Records kept; beyond it the oldest goes and the loss is counted in the next record taken.
const KEEP: usize = 256;
/// Characters of the runtime's text that a record quotes.
const QUOTE: usize = 200;

/// A bounded queue of records.
#[derive(Debug, Default)]
pub struct Diagnostics {
    waiting: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<String>,
    dropped: u64,
}

impl Diagnostics {
    pub fn record(&self, message: String) {
        let mut kept = self.kept.lock();
        if kept.records.len() == KEEP {
            kept.records.pop_front();
            kept.dropped += 1;
        }
        kept.records.push_back(message);
        self.waiting.store(true, Ordering::Release);
    }

    /// Everything recorded since the last call, oldest first. One atomic load when there is nothing.
    pub fn take(&self) -> Vec<String> {
        if !self.waiting.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut kept = self.kept.lock();
        self.waiting.store(false, Ordering::Release);
        let dropped = std::mem::take(&mut kept.dropped);
        let mut records: Vec<_> = kept.records.drain(..).collect();
        if dropped > 0 {
            records.insert(0, format!("{dropped} earlier records were dropped"));
        }
        records
    }
}

/// The start of `text`, printable, for a message.
pub fn quote(text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(&text[..text.len().min(QUOTE * 4)]);
    let mut quoted: String = lossy
        .chars()
        .take(QUOTE)
        .flat_map(char::escape_debug)
        .collect();
    if lossy.chars().nth(QUOTE).is_some() || text.len() > QUOTE * 4 {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_records_go_and_are_counted() {
        let diagnostics = Diagnostics::default();
        assert!(diagnostics.take().is_empty());
        for number in 0..KEEP + 3 {
            diagnostics.record(number.to_string());
        }
        let records = diagnostics.take();
        assert_eq!(records.len(), KEEP + 1);
        assert_eq!(records[0], "3 earlier records were dropped");
        assert_eq!(records[1], "3");
        assert!(diagnostics.take().is_empty());
    }

    #[test]
    fn quotes_are_short_and_printable() {
        assert_eq!(quote(b"a\tb\xff"), "a\\tb\u{fffd}");
        assert!(quote(&[b'x'; 5000]).ends_with('…'));
    }
}
