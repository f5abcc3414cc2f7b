//! Which threads and turns descend from which: a sub-agent has a thread and turns of its own, and whoever follows the turn
//! at the root of them wants to know what they ask. Learned from what the runtime says of them; bounded, and what is
//! forgotten is counted. The reader's alone, so without a lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::lineage::Lineage;

/// Threads, and turns, that are remembered: about a megabyte.
const AT_MOST: usize = 4096;
/// No id is longer than this; what is, is not remembered.
const LONGEST_ID: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Descent {
    threads: Lineage,
    /// The turn at the root of each turn that is a child's, or that somebody has started in a child's thread.
    roots: Roots,
}

impl Descent {
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.roots.is_empty()
    }

    /// One thread was made for another. Returns how many threads are forgotten for it.
    #[must_use]
    pub fn note_child(&mut self, thread_id: &str, parent_id: &str) -> u64 {
        if thread_id.len().max(parent_id.len()) > LONGEST_ID {
            return 0;
        }
        self.threads.add(thread_id, parent_id, AT_MOST)
    }

    /// A turn begins, and this is the root of its tree, perhaps itself. Returns how many turns are forgotten for it.
    #[must_use]
    pub fn note_root(&mut self, thread_id: &str, turn_id: &str, root_id: &str) -> u64 {
        if turn_id != root_id || self.threads.is_child(thread_id) {
            self.roots.add(turn_id, root_id)
        } else {
            0
        }
    }

    pub fn turn_is_over(&mut self, turn_id: &str) {
        self.roots.remove(turn_id);
    }

    pub fn thread_is_over(&mut self, thread_id: &str) {
        self.threads.remove(thread_id);
    }

    pub fn root(&self, turn_id: &str) -> Option<Arc<str>> {
        self.roots.get(turn_id).cloned()
    }

    /// The threads that one descends from, the nearest first.
    pub fn ancestors(&self, thread_id: &str) -> Vec<Arc<str>> {
        self.threads.ancestors(thread_id)
    }
}

/// From turns to those at the roots of their trees.
#[derive(Debug, Default)]
struct Roots {
    last: u64,
    of: HashMap<Arc<str>, (u64, Arc<str>)>,
    /// By their numbers, so the oldest first.
    order: BTreeMap<u64, Arc<str>>,
}

impl Roots {
    fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    fn get(&self, turn_id: &str) -> Option<&Arc<str>> {
        self.of.get(turn_id).map(|(_, root)| root)
    }

    fn add(&mut self, turn_id: &str, root_id: &str) -> u64 {
        if turn_id.len().max(root_id.len()) > LONGEST_ID {
            return 0;
        }
        self.remove(turn_id);
        self.last += 1;
        let turn_id: Arc<str> = turn_id.into();
        self.order.insert(self.last, Arc::clone(&turn_id));
        self.of.insert(turn_id, (self.last, root_id.into()));
        if self.order.len() > AT_MOST
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.of.remove(&oldest);
            return 1;
        }
        0
    }

    fn remove(&mut self, turn_id: &str) {
        if let Some((number, _)) = self.of.remove(turn_id) {
            self.order.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_childs_turn_is_known_and_of_another_turn_nothing() {
        let mut descent = Descent::default();
        assert_eq!(descent.note_root("a", "u", "u"), 0);
        assert!(descent.is_empty());
        assert_eq!(descent.note_child("b", "a"), 0);
        assert_eq!(descent.note_root("b", "v", "u"), 0);
        assert_eq!(descent.note_root("b", "w", "w"), 0);
        assert_eq!(descent.root("v").as_deref(), Some("u"));
        assert_eq!(descent.root("w").as_deref(), Some("w"));
        descent.turn_is_over("v");
        assert_eq!(descent.root("v"), None);
    }

    #[test]
    fn the_oldest_turns_are_forgotten() {
        let mut roots = Roots::default();
        assert_eq!(roots.add("long", &"x".repeat(LONGEST_ID + 1)), 0);
        assert!(roots.is_empty());
        let mut forgotten = 0;
        for number in 0..=AT_MOST {
            forgotten += roots.add(&number.to_string(), "a");
            forgotten += roots.add("again", "b");
        }
        assert_eq!(forgotten, 2);
        assert_eq!((roots.of.len(), roots.order.len()), (AT_MOST, AT_MOST));
        assert!(roots.get("0").is_none() && roots.get("1").is_none());
        assert!(roots.get("2").is_some() && roots.get("again").is_some());
    }

    #[test]
    fn of_too_many_threads_one_in_the_middle_is_kept() {
        let mut descent = Descent::default();
        assert_eq!(descent.note_child("long", &"x".repeat(LONGEST_ID + 1)), 0);
        assert!(descent.is_empty());
        assert_eq!(descent.note_child("b", "a"), 0);
        assert_eq!(descent.note_child("c", "b"), 0);
        let more = (0..AT_MOST).map(|number| descent.note_child(&number.to_string(), "c"));
        assert_eq!(more.sum::<u64>(), 2);
        assert!(descent.ancestors("1").is_empty());
        assert_eq!(descent.ancestors("2"), ["c", "b", "a"].map(Into::into));
    }
}
