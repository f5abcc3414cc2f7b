//! Windows has no signals that could reach a thread.

pub struct SignalsBlocked;

impl SignalsBlocked {
    pub fn but_faults() -> Self {
        Self
    }
}
