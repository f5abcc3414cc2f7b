//! Which thread was made for which: a forest of threads. A thread that is over hands its children on to its own parent, so
//! whoever follows the root hears of what lives below. Bounded: of too many threads the oldest without children is
//! forgotten, since with one in the middle all below it would be lost. The reader's alone, so without a lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

/// Nobody nests agents deeper.
pub(super) const DEEPEST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Lineage {
    last: u64,
    /// Every thread that has a parent or children.
    threads: HashMap<Arc<str>, Thread>,
    /// How many have a parent.
    children: usize,
    /// Those of them that have no children, by their numbers, so the oldest first.
    leaves: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug, Default)]
struct Thread {
    /// When it was last said whose child it is.
    number: u64,
    parent: Option<Arc<str>>,
    children: HashSet<Arc<str>>,
}

impl Lineage {
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    pub fn is_child(&self, thread_id: &str) -> bool {
        self.parent(thread_id).is_some()
    }

    /// The threads that one descends from, the nearest first.
    pub fn ancestors(&self, thread_id: &str) -> Vec<Arc<str>> {
        let parents = std::iter::successors(self.parent(thread_id), |one| self.parent(one));
        parents.take(DEEPEST).cloned().collect()
    }

    /// Notes whose child a thread is. Returns how many threads are forgotten, because there are more than `at_most`.
    #[must_use]
    pub fn add(&mut self, thread_id: &str, parent_id: &str, at_most: usize) -> u64 {
        if self.is_in_circle(thread_id, parent_id) {
            return 0;
        }
        self.detach(thread_id);
        self.last += 1;
        let thread_id: Arc<str> = thread_id.into();
        let parent = self.threads.entry(parent_id.into());
        let parent_id = Arc::clone(parent.key());
        let parent = parent.or_default();
        parent.children.insert(Arc::clone(&thread_id));
        self.leaves.remove(&parent.number);
        let thread = self.threads.entry(Arc::clone(&thread_id)).or_default();
        thread.number = self.last;
        thread.parent = Some(parent_id);
        if thread.children.is_empty() {
            self.leaves.insert(self.last, thread_id);
        }
        self.children += 1;
        if self.children <= at_most {
            return 0;
        }
        let oldest = self.leaves.first_key_value();
        oldest
            .map(|(_, oldest)| Arc::clone(oldest))
            .map_or(0, |oldest| {
                self.detach(&oldest);
                1
            })
    }

    /// The thread is over. Its children are its parent's from now on; those of a root stay that root's, which may be
    /// resumed.
    pub fn remove(&mut self, thread_id: &str) {
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        let Some(parent_id) = thread.parent.clone() else {
            return;
        };
        let children = std::mem::take(&mut thread.children);
        for child in &children {
            if let Some(child) = self.threads.get_mut(child) {
                child.parent = Some(Arc::clone(&parent_id));
            }
        }
        if let Some(parent) = self.threads.get_mut(&parent_id) {
            parent.children.extend(children);
        }
        self.detach(thread_id);
    }

    fn parent(&self, thread_id: &str) -> Option<&Arc<str>> {
        self.threads.get(thread_id)?.parent.as_ref()
    }

    /// Whether the parent descends from its child, which no runtime says.
    fn is_in_circle(&self, thread_id: &str, parent_id: &str) -> bool {
        let thread = self.threads.get(thread_id);
        let has_children = thread.is_some_and(|thread| !thread.children.is_empty());
        let parents = std::iter::successors(self.parent(parent_id), |one| self.parent(one));
        thread_id == parent_id
            || (has_children && parents.into_iter().any(|parent| **parent == *thread_id))
    }

    /// The thread is nobody's child any more.
    fn detach(&mut self, thread_id: &str) {
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        let Some(parent_id) = thread.parent.take() else {
            return;
        };
        self.children -= 1;
        self.leaves.remove(&thread.number);
        if thread.children.is_empty() {
            self.threads.remove(thread_id);
        }
        let Some(parent) = self.threads.get_mut(&parent_id) else {
            return;
        };
        parent.children.remove(thread_id);
        if parent.children.is_empty() {
            if parent.parent.is_some() {
                self.leaves.insert(parent.number, parent_id);
            } else {
                self.threads.remove(&parent_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(lineage: &mut Lineage, thread: &str, parent: &str) {
        assert_eq!(lineage.add(thread, parent, 1000), 0);
    }

    fn ancestors(lineage: &Lineage, thread: &str) -> Vec<String> {
        let found = lineage.ancestors(thread);
        found.iter().map(ToString::to_string).collect()
    }

    fn assert_empty(lineage: &Lineage) {
        assert!(lineage.is_empty() && lineage.leaves.is_empty());
        assert_eq!(lineage.children, 0);
    }

    #[test]
    fn ancestors_are_told_from_the_nearest_to_the_root() {
        let mut lineage = Lineage::default();
        add(&mut lineage, "b", "a");
        add(&mut lineage, "c", "b");
        assert_eq!(ancestors(&lineage, "c"), ["b", "a"]);
        assert_eq!(ancestors(&lineage, "a"), [""; 0]);
        assert!(lineage.is_child("b") && !lineage.is_child("a"));
        lineage.remove("c");
        lineage.remove("b");
        assert_empty(&lineage);
    }

    #[test]
    fn the_children_of_a_thread_that_is_over_are_its_parents() {
        let mut lineage = Lineage::default();
        for (child, parent) in [("b", "a"), ("c", "b"), ("d", "b"), ("e", "c")] {
            add(&mut lineage, child, parent);
        }
        lineage.remove("b");
        assert_eq!(ancestors(&lineage, "c"), ["a"]);
        assert_eq!(ancestors(&lineage, "d"), ["a"]);
        assert_eq!(ancestors(&lineage, "e"), ["c", "a"]);
        lineage.remove("c");
        assert_eq!(ancestors(&lineage, "e"), ["a"]);
        // It may be resumed, and has its children then.
        lineage.remove("a");
        assert_eq!(ancestors(&lineage, "e"), ["a"]);
        add(&mut lineage, "a", "z");
        assert_eq!(ancestors(&lineage, "e"), ["a", "z"]);
        for thread in ["d", "a", "e"] {
            lineage.remove(thread);
        }
        assert_empty(&lineage);
    }

    #[test]
    fn a_thread_has_one_parent_and_is_not_its_own() {
        let mut lineage = Lineage::default();
        add(&mut lineage, "a", "a");
        assert_empty(&lineage);
        for (child, parent) in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "a")] {
            add(&mut lineage, child, parent);
        }
        assert_eq!(ancestors(&lineage, "a"), ["b", "c"]);
        assert_eq!(ancestors(&lineage, "c"), [""; 0]);
        add(&mut lineage, "a", "x");
        assert_eq!(ancestors(&lineage, "a"), ["x"]);
        for number in 0..1000 {
            let parent = (number + 1).to_string();
            let _ = lineage.add(&number.to_string(), &parent, 10_000);
        }
        assert_eq!(lineage.ancestors("0").len(), DEEPEST);
    }

    #[test]
    fn the_oldest_without_children_is_forgotten() {
        let mut lineage = Lineage::default();
        for (child, parent) in [("b", "a"), ("c", "b"), ("d", "a"), ("e", "c")] {
            assert_eq!(lineage.add(child, parent, 4), 0);
        }
        assert_eq!(lineage.add("f", "a", 4), 1);
        assert_eq!(ancestors(&lineage, "d"), [""; 0]);
        assert_eq!(lineage.add("g", "f", 4), 1);
        assert_eq!(ancestors(&lineage, "e"), [""; 0]);
        // Said again, it is the newest.
        assert_eq!(lineage.add("c", "b", 4), 0);
        assert_eq!(lineage.add("h", "a", 4), 1);
        assert_eq!(ancestors(&lineage, "g"), [""; 0]);
        assert_eq!(ancestors(&lineage, "c"), ["b", "a"]);
        for thread in ["f", "c", "b", "h"] {
            assert!(lineage.is_child(thread));
            lineage.remove(thread);
        }
        assert_empty(&lineage);
    }
}
