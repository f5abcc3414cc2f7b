//! Where a consumer's events wait for it: segments, the budget, the overflow policy, the mailbox.

pub mod budget;
pub mod mailbox;
mod queue;
pub mod segment;
