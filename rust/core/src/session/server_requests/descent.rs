//! Which threads and turns descend from which: a sub-agent has a thread and turns of its own, and whoever follows the turn
//! at the root of them wants to know what they ask. Learned from what the runtime says of them; bounded, the oldest are
//! forgotten. The reader's alone, so without a lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

/// Threads, and turns, that are remembered: about half a megabyte.
const AT_MOST: usize = 4096;
/// No id is longer than this; what is, is not remembered.
const LONGEST_ID: usize = 256;
/// Nobody nests agents deeper. A circle, which no runtime says, ends sooner.
const DEEPEST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Descent {
    /// The parent of each thread.
    parents: Links,
    /// The turn at the root of each turn that is a child's, or that somebody has started in a child's thread.
    roots: Links,
}

impl Descent {
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty() && self.roots.is_empty()
    }

    /// One thread was made for another.
    pub fn note_child(&mut self, thread_id: &str, parent_id: &str) {
        if thread_id != parent_id {
            self.parents.add(thread_id, parent_id);
        }
    }

    /// A turn begins, and this is the root of its tree, perhaps itself.
    pub fn note_root(&mut self, thread_id: &str, turn_id: &str, root_id: &str) {
        if turn_id != root_id || self.parents.get(thread_id).is_some() {
            self.roots.add(turn_id, root_id);
        }
    }

    pub fn turn_is_over(&mut self, turn_id: &str) {
        self.roots.remove(turn_id);
    }

    pub fn thread_is_over(&mut self, thread_id: &str) {
        self.parents.remove(thread_id);
    }

    pub fn root(&self, turn_id: &str) -> Option<Arc<str>> {
        self.roots.get(turn_id).cloned()
    }

    /// The threads that one descends from, the nearest first.
    pub fn ancestors(&self, thread_id: &str) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        let mut next = self.parents.get(thread_id);
        while let Some(parent) = next
            && found.len() < DEEPEST
            && **parent != *thread_id
            && !found.contains(parent)
        {
            found.push(Arc::clone(parent));
            next = self.parents.get(parent);
        }
        found
    }
}

/// From one id to another.
#[derive(Debug, Default)]
struct Links {
    last: u64,
    to: HashMap<Arc<str>, (u64, Arc<str>)>,
    /// By their numbers, so the oldest first.
    order: BTreeMap<u64, Arc<str>>,
}

impl Links {
    fn is_empty(&self) -> bool {
        self.to.is_empty()
    }

    fn get(&self, id: &str) -> Option<&Arc<str>> {
        self.to.get(id).map(|(_, to)| to)
    }

    fn add(&mut self, id: &str, to: &str) {
        if id.len().max(to.len()) > LONGEST_ID {
            return;
        }
        self.remove(id);
        self.last += 1;
        let id: Arc<str> = id.into();
        self.order.insert(self.last, Arc::clone(&id));
        self.to.insert(id, (self.last, to.into()));
        if self.order.len() > AT_MOST
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.to.remove(&oldest);
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some((number, _)) = self.to.remove(id) {
            self.order.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestors(descent: &Descent, thread: &str) -> Vec<String> {
        let found = descent.ancestors(thread);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ancestors_are_told_from_the_nearest_to_the_root() {
        let mut descent = Descent::default();
        descent.note_child("b", "a");
        descent.note_child("c", "b");
        assert_eq!(ancestors(&descent, "c"), ["b", "a"]);
        assert_eq!(ancestors(&descent, "a"), [""; 0]);
        descent.thread_is_over("b");
        assert_eq!(ancestors(&descent, "c"), ["b"]);
        descent.thread_is_over("c");
        assert!(descent.is_empty());
    }

    #[test]
    fn a_circle_ends() {
        let mut descent = Descent::default();
        descent.note_child("a", "a");
        assert!(descent.is_empty());
        for (child, parent) in [("a", "b"), ("b", "c"), ("c", "b")] {
            descent.note_child(child, parent);
        }
        assert_eq!(ancestors(&descent, "a"), ["b", "c"]);
        assert_eq!(ancestors(&descent, "b"), ["c"]);
        for number in 0..1000 {
            descent.note_child(&number.to_string(), &(number + 1).to_string());
        }
        assert_eq!(ancestors(&descent, "0").len(), DEEPEST);
    }

    #[test]
    fn the_root_of_a_childs_turn_is_known_and_of_another_turn_nothing() {
        let mut descent = Descent::default();
        descent.note_root("a", "u", "u");
        assert!(descent.is_empty());
        descent.note_child("b", "a");
        descent.note_root("b", "v", "u");
        descent.note_root("b", "w", "w");
        assert_eq!(descent.root("v").as_deref(), Some("u"));
        assert_eq!(descent.root("w").as_deref(), Some("w"));
        descent.turn_is_over("v");
        assert_eq!(descent.root("v"), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut links = Links::default();
        links.add("long", &"x".repeat(LONGEST_ID + 1));
        assert!(links.is_empty());
        for number in 0..=AT_MOST {
            links.add(&number.to_string(), "a");
            links.add("again", "b");
        }
        assert_eq!((links.to.len(), links.order.len()), (AT_MOST, AT_MOST));
        assert!(links.get("0").is_none() && links.get("1").is_none());
        assert!(links.get("2").is_some() && links.get("again").is_some());
    }
}
