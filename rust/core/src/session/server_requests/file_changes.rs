//! File changes that are being made: the `item/started` of each, which has the paths and the differences. The request for
//! its approval, which comes right behind it, names only the item. Kept until the change, its turn or its thread is over,
//! whatever the program listens to; a thread runs one turn at a time, so one whose end was not heard is over with the next.
//! The reader's alone, so without a lock.
//!
//! A request that was handed out keeps its change for as long as the program has the request, settled or not. Such changes
//! count against the same budget, and to let go of them here would free nothing: they go last. A change that there is no
//! room for is not kept, and its request comes without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::sync::lock::atomic::{AtomicUsize, Ordering};

/// Bytes that are kept per connection, here and by requests.
const LIMIT: usize = 16 * 1024 * 1024;
/// What one takes besides its params, about.
const OVERHEAD: usize = 256;

/// What was said of a file change, shared with the requests about it. Counts until the last of them is dropped.
#[derive(Debug)]
pub struct FileChange {
    params: Arc<[u8]>,
    held: Arc<AtomicUsize>,
}

impl FileChange {
    fn new(params: Arc<[u8]>, held: &Arc<AtomicUsize>) -> Arc<Self> {
        held.fetch_add(params.len(), Ordering::Relaxed);
        Arc::new(Self {
            params,
            held: Arc::clone(held),
        })
    }

    /// The params of the `item/started`.
    pub fn params(&self) -> &[u8] {
        &self.params
    }
}

impl Drop for FileChange {
    fn drop(&mut self) {
        self.held.fetch_sub(self.params.len(), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Kept {
    thread_id: Arc<str>,
    turn_id: Box<str>,
    item_id: Arc<str>,
    change: Arc<FileChange>,
}

impl Kept {
    /// Whether a request has it, too.
    fn is_shared(&self) -> bool {
        Arc::strong_count(&self.change) > 1
    }
}

#[derive(Debug, Default)]
pub(super) struct FileChanges {
    last: u64,
    /// By their numbers, so the oldest first.
    kept: BTreeMap<u64, Kept>,
    /// The numbers of each thread's, by their items.
    of_thread: HashMap<Arc<str>, HashMap<Arc<str>, u64>>,
    /// Bytes of the params that are kept here or by requests.
    held: Arc<AtomicUsize>,
}

impl FileChanges {
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Keeps one, if there is room for it.
    pub fn add(&mut self, thread_id: &str, turn_id: &str, item_id: &str, params: Arc<[u8]>) {
        self.remove(thread_id, item_id);
        if !self.make_room(OVERHEAD + params.len()) {
            return;
        }
        self.last += 1;
        let kept = Kept {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            item_id: item_id.into(),
            change: FileChange::new(params, &self.held),
        };
        let items = self.of_thread.entry(Arc::clone(&kept.thread_id));
        let item_id = Arc::clone(&kept.item_id);
        items.or_default().insert(item_id, self.last);
        self.kept.insert(self.last, kept);
    }

    /// Drops the oldest that no request has, unless there is not enough of them.
    fn make_room(&mut self, size: usize) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        let mut over = (self.kept.len() * OVERHEAD + held + size).saturating_sub(LIMIT);
        let mut due = Vec::new();
        for (number, kept) in &self.kept {
            if over == 0 {
                break;
            }
            if !kept.is_shared() {
                over = over.saturating_sub(OVERHEAD + kept.change.params.len());
                due.push(*number);
            }
        }
        if over == 0 {
            for number in due {
                self.take(number);
            }
        }
        over == 0
    }

    pub fn find(&self, thread_id: &str, item_id: &str) -> Option<&Arc<FileChange>> {
        let number = self.of_thread.get(thread_id)?.get(item_id)?;
        self.kept.get(number).map(|kept| &kept.change)
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

    fn remove_all(&mut self, thread_id: &str, is_over: impl Fn(&Kept) -> bool) {
        let numbers = self.of_thread.get(thread_id).into_iter().flatten();
        let is_due = |number: &u64| self.kept.get(number).is_some_and(&is_over);
        let due: Vec<u64> = numbers.map(|(_, number)| *number).filter(is_due).collect();
        for number in due {
            self.take(number);
        }
    }

    fn take(&mut self, number: u64) {
        let Some(kept) = self.kept.remove(&number) else {
            return;
        };
        if let Some(items) = self.of_thread.get_mut(&kept.thread_id) {
            items.remove(&kept.item_id);
            if items.is_empty() {
                self.of_thread.remove(&kept.thread_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(changes: &mut FileChanges, thread: &str, turn: &str, item: &str, size: usize) {
        changes.add(thread, turn, item, vec![b' '; size].into());
    }

    fn found(changes: &FileChanges, thread: &str) -> Vec<&'static str> {
        let items = ["a", "b", "c"];
        let is_known = |item: &&str| changes.find(thread, item).is_some();
        items.into_iter().filter(is_known).collect()
    }

    fn held(changes: &FileChanges) -> usize {
        changes.held.load(Ordering::Relaxed)
    }

    /// As a request has it.
    fn shared(changes: &FileChanges, thread: &str, item: &str) -> Arc<FileChange> {
        Arc::clone(changes.find(thread, item).unwrap())
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
            add(&mut changes, thread, turn, item, 1);
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
        assert_eq!(held(&changes), 0);
    }

    #[test]
    fn an_item_that_begins_again_is_one_change() {
        let mut changes = FileChanges::default();
        add(&mut changes, "t", "u", "a", 1);
        add(&mut changes, "t", "u", "a", 2);
        let change = changes.find("t", "a").unwrap();
        assert_eq!(change.params().len(), 2);
        assert_eq!((changes.kept.len(), held(&changes)), (1, 2));
    }

    #[test]
    fn the_oldest_that_no_request_has_go_when_all_together_are_too_large() {
        let mut changes = FileChanges::default();
        add(&mut changes, "t", "u", "a", LIMIT / 4);
        add(&mut changes, "t", "u", "b", LIMIT / 4);
        let request = shared(&changes, "t", "a");
        add(&mut changes, "x", "u", "a", LIMIT / 4);
        add(&mut changes, "x", "u", "b", LIMIT / 2 - 4 * OVERHEAD);
        assert_eq!(
            (found(&changes, "t"), found(&changes, "x")),
            (vec!["a"], vec!["a", "b"]),
            "the oldest is a request's"
        );
        // There is not enough to drop, so nothing is.
        add(&mut changes, "x", "u", "c", LIMIT - LIMIT / 4);
        assert_eq!(found(&changes, "x"), ["a", "b"]);
        drop(request);
        add(&mut changes, "x", "u", "c", LIMIT - OVERHEAD);
        assert_eq!(
            (found(&changes, "t"), found(&changes, "x")),
            (vec![], vec!["c"])
        );
        add(&mut changes, "t", "u", "a", LIMIT);
        assert_eq!(found(&changes, "x"), ["c"], "that is too large by itself");
    }

    #[test]
    fn what_requests_have_counts_until_they_are_dropped() {
        let mut changes = FileChanges::default();
        let mut requests = Vec::new();
        for item in 0..3 {
            let item = item.to_string();
            add(&mut changes, "t", "u", &item, LIMIT / 3);
            requests.extend(changes.find("t", &item).cloned());
        }
        assert_eq!(requests.len(), 2);
        changes.thread_is_over("t");
        assert_eq!(held(&changes), 2 * (LIMIT / 3));
        add(&mut changes, "t", "u", "a", LIMIT / 2);
        assert_eq!(found(&changes, "t"), [""; 0]);
        assert_eq!(requests[0].params().len(), LIMIT / 3);
        drop(requests.pop());
        add(&mut changes, "t", "u", "a", LIMIT / 2);
        assert_eq!(found(&changes, "t"), ["a"]);
    }
}
