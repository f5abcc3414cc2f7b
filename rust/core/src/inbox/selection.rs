//! Which of its events a consumer wants to see.

use super::segment::Event;
use crate::wire::protocol::NOTIFICATIONS;

/// What a consumer wants to see of its events. What belongs to each is a column of the generated table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    All,
    /// What a turn's result is folded from; wakes for errors, and when the turn is over.
    Result,
    /// Agent message deltas, and what ends the turn.
    Text,
    /// The last word only.
    End,
}

impl Selection {
    pub fn keeps(self, event: &Event<'_>) -> bool {
        let spec = event.spec.map(|index| &NOTIFICATIONS[usize::from(index)]);
        match self {
            Self::All => true,
            Self::Result => spec.is_some_and(|spec| spec.result),
            Self::Text => spec.is_some_and(|spec| spec.text),
            Self::End => spec.is_some_and(|spec| spec.ends),
        }
    }
}
