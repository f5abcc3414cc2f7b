//! Waiting and being woken: threads, event loops, and the reason that ends every wait.

pub mod closing;
pub mod gate;
pub mod waker;
