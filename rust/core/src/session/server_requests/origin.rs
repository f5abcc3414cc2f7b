//! Where a request of the runtime comes from: a turn or a thread, and what these descend from. Owns the rule which turns
//! and goals wait for its answer.

use std::sync::Arc;

use crate::inbox::mailbox::{About, Mailbox};
use crate::wire::envelope::id_in_answer;
use crate::wire::protocol::IdPath;

/// Which turn waits for the answer to a request, or the turns of which thread.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Origin {
    pub thread_id: Option<Box<str>>,
    pub turn_id: Option<Box<str>>,
    /// The turn at the root of the tree of turns that its turn belongs to, as far as that is known. It may be its turn.
    pub root: Option<Arc<str>>,
    /// The threads that its thread descends from, the nearest first, as far as they are known.
    pub ancestors: Vec<Arc<str>>,
}

impl Origin {
    pub(super) fn in_params(params: &[u8]) -> Self {
        let id = |name| id_in_answer(params, IdPath::Param(name)).map(Box::from);
        Self {
            // The two oldest requests name a conversation.
            thread_id: id("threadId").or_else(|| id("conversationId")),
            turn_id: id("turnId"),
            ..Self::default()
        }
    }

    /// The root of its turn's tree, if that is another turn.
    pub fn root_turn_id(&self) -> Option<&str> {
        let root = self.root.as_deref();
        root.filter(|root| self.turn_id.as_deref() != Some(root))
    }

    pub(super) fn is_of_turn(&self, turn_id: &str) -> bool {
        self.turn_id.as_deref() == Some(turn_id)
    }

    pub(super) fn is_of_thread(&self, thread_id: &str) -> bool {
        self.thread_id.as_deref() == Some(thread_id)
    }

    /// Whether what this mailbox is about waits for the answer to a request from here: a sub-agent's turn is one that the
    /// turn at the root of its tree waits for.
    pub fn is_of(&self, mailbox: &Mailbox) -> bool {
        let thread_id = &*mailbox.thread_id;
        let descends = || self.ancestors.iter().any(|one| **one == *thread_id);
        match mailbox.about {
            About::Turn => match (&self.turn_id, &self.root) {
                (Some(turn_id), _) if **turn_id == *mailbox.key => true,
                (_, Some(root)) => **root == *mailbox.key,
                (Some(_), None) => descends(),
                (None, None) => self.is_of_thread(thread_id) || descends(),
            },
            About::Goal => self.is_of_thread(thread_id) || descends(),
            About::Subject | About::Many => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::inbox::budget::Budget;

    /// Whether requests from here are of the turn "root" of the thread "parent", and of a goal there.
    fn is_of(origin: &Origin) -> [bool; 2] {
        let budget = Arc::new(Budget::new(1, 1));
        let now = Instant::now();
        let turn = Mailbox::of_turn("root".into(), "parent".into(), Arc::clone(&budget), now);
        let goal = Mailbox::of_goal("parent".into(), budget, now);
        [&turn, &goal].map(|mailbox| origin.is_of(mailbox))
    }

    #[test]
    fn a_request_of_a_sub_agent_is_one_of_the_turn_at_the_root() {
        let child = Origin::in_params(br#"{"threadId":"child","turnId":"u"}"#);
        assert_eq!(is_of(&child), [false, false]);
        let ancestors = vec!["middle".into(), "parent".into()];
        for (root, ancestors, expected) in [
            (None, ancestors.clone(), [true, true]),
            (Some("root".into()), ancestors.clone(), [true, true]),
            (Some("root".into()), vec![], [true, false]),
            (Some("other".into()), ancestors.clone(), [false, true]),
            // It was started by itself, and is nobody's child.
            (Some("u".into()), ancestors, [false, true]),
        ] {
            let origin = Origin {
                root,
                ancestors,
                ..child.clone()
            };
            assert_eq!(is_of(&origin), expected, "{origin:?}");
        }
    }

    #[test]
    fn a_root_that_is_the_turn_itself_is_no_other_turn() {
        let origin = |root: &str| Origin {
            root: Some(root.into()),
            ..Origin::in_params(br#"{"turnId":"u"}"#)
        };
        assert_eq!(origin("u").root_turn_id(), None);
        assert_eq!(origin("v").root_turn_id(), Some("v"));
    }
}
