//! A watch: a second subscription to a turn or a goal, which keeps what its result is folded from, whatever becomes of
//! the first. It is one more mailbox that gets the events, and it holds nothing: a turn that nobody wants is stopped
//! although it is watched, and the watch sees the end. For as long as there is one, the turn stays known until it is over.

use std::sync::Arc;

use super::Session;
use super::subscriptions::{Claim, Part, Subscription, SubscriptionId};
use crate::inbox::mailbox::draft::Draft;
use crate::inbox::mailbox::{About, Mailbox};

impl Session {
    /// Watches the turn or the goal of a subscription: `draft`, what its mailbox has besides of the result, and whatever
    /// comes. `None` if its consumer has left and has not recorded it.
    pub fn watch(
        &mut self,
        id: SubscriptionId,
        mailbox: &Mailbox,
        draft: Draft,
    ) -> Option<Subscription> {
        let watch = Arc::new(mailbox.watch(draft)?);
        let part = match self.subscriptions.get(&id).map(|one| &one.part) {
            Some(&Part::GoalsWatch(of)) => Part::GoalsWatch(of),
            Some(&Part::Turn { of, .. }) if !watch.is_over() => {
                let turn = self.turns.get_mut(&watch.key)?;
                turn.subscribers.push(Arc::clone(&watch));
                let claim = Claim::None;
                Part::Turn { claim, of }
            }
            // Its consumer may have left it.
            _ if watch.about == About::Goal => Part::GoalsWatch(id),
            // One that is over is not known any more.
            _ => Part::NO_TURN,
        };
        let part = match part {
            Part::GoalsWatch(of) if !self.watch_goal(of, &watch) => Part::NO_TURN,
            part => part,
        };
        Some(self.subscribe(watch, part))
    }
}
