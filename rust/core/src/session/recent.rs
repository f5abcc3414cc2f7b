//! The last few of many ids: what is remembered of what is over.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashSet;

#[derive(Debug, Default)]
pub(crate) struct Recent {
    order: VecDeque<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Recent {
    /// About a quarter of a megabyte.
    const AT_MOST: usize = 4096;

    pub fn add(&mut self, id: &str) {
        let id: Arc<str> = id.into();
        if self.known.insert(Arc::clone(&id)) {
            self.order.push_back(id);
        }
        if self.order.len() > Self::AT_MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub fn has(&self, id: &str) -> bool {
        !self.known.is_empty() && self.known.contains(id)
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All of them, the oldest first. None is known afterwards.
    pub fn take(&mut self) -> Vec<Arc<str>> {
        self.known.clear();
        self.order.drain(..).collect()
    }

    pub fn remove(&mut self, id: &str) {
        if self.known.remove(id) {
            self.order.retain(|known| **known != *id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut recent = Recent::default();
        for number in 0..=Recent::AT_MOST {
            recent.add(&number.to_string());
        }
        assert!(!recent.has("0") && recent.has("1"));
        recent.remove("1");
        assert!(!recent.has("1"));
        assert_eq!(recent.order.len(), Recent::AT_MOST - 1);
        recent.add("2");
        assert_eq!(recent.take()[..2], ["2", "3"].map(Into::into));
        assert!(recent.is_empty() && !recent.has("2"));
    }
}
