//! Why a connection ended, as every present and later caller is told.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What the end of a connection is like depends on what it is a connection to, and so does what this holds: whoever
/// made it looks inside again. Everybody else passes it on.
#[derive(Clone)]
pub struct CloseReason(Arc<dyn Any + Send + Sync>);

impl CloseReason {
    pub fn new(reason: impl Any + Send + Sync) -> Self {
        Self(Arc::new(reason))
    }

    /// What it holds, if that is of this type.
    pub fn get<R: Any>(&self) -> Option<&R> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CloseReason")
    }
}
