//! File changes that are being made: the `item/started` of each, which has the paths and the differences. The request for
//! its approval, which comes right behind it, names only the item. Kept until the change, its turn or its thread is over,
//! whatever the program listens to; a thread runs one turn at a time, so one whose end was not heard is over with the next.
//! The reader's alone, so without a lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

/// Bytes that are kept per connection.
const LIMIT: usize = 16 * 1024 * 1024;
/// What one takes besides its params, about.
const OVERHEAD: usize = 256;

#[derive(Debug)]
struct FileChange {
    thread_id: Arc<str>,
    turn_id: Box<str>,
    item_id: Arc<str>,
    params: Arc<[u8]>,
}

#[derive(Debug, Default)]
pub(super) struct FileChanges {
    last: u64,
    /// By their numbers, so the oldest first.
    kept: BTreeMap<u64, FileChange>,
    /// The numbers of each thread's, by their items.
    of_thread: HashMap<Arc<str>, HashMap<Arc<str>, u64>>,
    bytes: usize,
}

impl FileChanges {
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Keeps one. Returns how many were dropped because all together are too large.
    #[must_use]
    pub fn add(&mut self, thread_id: &str, turn_id: &str, item_id: &str, params: Arc<[u8]>) -> u64 {
        self.remove(thread_id, item_id);
        let size = OVERHEAD + params.len();
        if size > LIMIT {
            return 1;
        }
        let mut dropped = 0;
        while self.bytes + size > LIMIT
            && let Some(oldest) = self.kept.keys().next().copied()
        {
            self.take(oldest);
            dropped += 1;
        }
        self.last += 1;
        let change = FileChange {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            item_id: item_id.into(),
            params,
        };
        let items = self.of_thread.entry(Arc::clone(&change.thread_id));
        let item_id = Arc::clone(&change.item_id);
        items.or_default().insert(item_id, self.last);
        self.kept.insert(self.last, change);
        self.bytes += size;
        dropped
    }

    pub fn find(&self, thread_id: &str, item_id: &str) -> Option<&Arc<[u8]>> {
        let number = self.of_thread.get(thread_id)?.get(item_id)?;
        self.kept.get(number).map(|change| &change.params)
    }

    /// The change is made, or given up.
    pub fn remove(&mut self, thread_id: &str, item_id: &str) {
        let items = self.of_thread.get(thread_id);
        if let Some(number) = items.and_then(|items| items.get(item_id)).copied() {
            self.take(number);
        }
    }

    pub fn turn_is_over(&mut self, thread_id: &str, turn_id: &str) {
        self.remove_all(thread_id, |one| *one.turn_id == *turn_id);
    }

    /// Another turn of the thread begins.
    pub fn turn_begins(&mut self, thread_id: &str, turn_id: &str) {
        self.remove_all(thread_id, |one| *one.turn_id != *turn_id);
    }

    pub fn thread_is_over(&mut self, thread_id: &str) {
        self.remove_all(thread_id, |_| true);
    }

    fn remove_all(&mut self, thread_id: &str, is_over: impl Fn(&FileChange) -> bool) {
        let numbers = self.of_thread.get(thread_id).into_iter().flatten();
        let is_due = |number: &u64| self.kept.get(number).is_some_and(&is_over);
        let due: Vec<u64> = numbers.map(|(_, number)| *number).filter(is_due).collect();
        for number in due {
            self.take(number);
        }
    }

    fn take(&mut self, number: u64) {
        let Some(change) = self.kept.remove(&number) else {
            return;
        };
        self.bytes -= OVERHEAD + change.params.len();
        if let Some(items) = self.of_thread.get_mut(&change.thread_id) {
            items.remove(&change.item_id);
            if items.is_empty() {
                self.of_thread.remove(&change.thread_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(changes: &mut FileChanges, thread: &str, turn: &str, item: &str, size: usize) -> u64 {
        changes.add(thread, turn, item, vec![b' '; size].into())
    }

    fn found(changes: &FileChanges, thread: &str) -> Vec<&'static str> {
        let items = ["a", "b", "c"];
        let is_known = |item: &&str| changes.find(thread, item).is_some();
        items.into_iter().filter(is_known).collect()
    }

    #[test]
    fn a_change_is_kept_until_it_or_its_turn_or_its_thread_is_over() {
        let mut changes = FileChanges::default();
        for (thread, turn, item) in [
            ("t", "u", "a"),
            ("t", "u", "b"),
            ("t", "v", "c"),
            ("x", "y", "a"),
        ] {
            assert_eq!(add(&mut changes, thread, turn, item, 1), 0);
        }
        assert_eq!(found(&changes, "t"), ["a", "b", "c"]);
        changes.remove("t", "a");
        assert_eq!(found(&changes, "t"), ["b", "c"]);
        changes.turn_is_over("t", "u");
        assert_eq!(found(&changes, "t"), ["c"]);
        changes.turn_begins("t", "v");
        assert_eq!(found(&changes, "t"), ["c"]);
        changes.turn_begins("t", "w");
        assert_eq!(found(&changes, "t"), [""; 0]);
        assert_eq!(found(&changes, "x"), ["a"]);
        changes.thread_is_over("x");
        assert!(changes.is_empty() && changes.of_thread.is_empty());
        assert_eq!(changes.bytes, 0);
    }

    #[test]
    fn an_item_that_begins_again_is_one_change() {
        let mut changes = FileChanges::default();
        assert_eq!(add(&mut changes, "t", "u", "a", 1), 0);
        assert_eq!(add(&mut changes, "t", "u", "a", 2), 0);
        assert_eq!(changes.find("t", "a").map(|params| params.len()), Some(2));
        assert_eq!((changes.kept.len(), changes.bytes), (1, OVERHEAD + 2));
    }

    #[test]
    fn the_oldest_go_when_all_together_are_too_large() {
        let mut changes = FileChanges::default();
        assert_eq!(add(&mut changes, "t", "u", "a", LIMIT / 2), 0);
        let held = Arc::clone(changes.find("t", "a").unwrap());
        assert_eq!(add(&mut changes, "t", "u", "b", LIMIT / 3), 0);
        assert_eq!(add(&mut changes, "x", "u", "c", LIMIT / 3), 1);
        assert_eq!(found(&changes, "t"), ["b"]);
        assert_eq!(held.len(), LIMIT / 2, "who has it keeps it");
        assert_eq!(add(&mut changes, "t", "u", "b", LIMIT), 1);
        assert_eq!(
            (found(&changes, "t"), found(&changes, "x")),
            (vec![], vec!["c"])
        );
    }
}
