//! Where a consumer's events wait for it: segments, the budget, the overflow policy, the mailbox.

pub mod arrivals;
pub mod budget;
pub mod buffer;
pub mod mailbox;
pub mod segment;
pub mod selection;
