//! Waiting and being woken: locks, gates, event loops, and the reason that ends every wait.

pub mod closing;
pub mod gate;
pub mod lock;
pub mod relay;
pub mod self_pipe;
pub mod signals;
pub mod thread;
pub mod waker;
