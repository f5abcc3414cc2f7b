//! Native threads that no signal ever reaches but those of their own faults. Every thread of the core is made by
//! [`spawn_thread`]: a signal handled on a foreign thread would interrupt its system calls, and the interpreter expects to
//! see signals on its own threads. A fault (SIGSEGV and its like) that is blocked ends the program without a word; left
//! open, it is told by `faulthandler`.
//!
//! In the model that tries orders (feature `shuttle`) they are the model's.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::signals::SignalsBlocked;

#[cfg(not(feature = "shuttle"))]
pub use std::thread::{JoinHandle, current};

#[cfg(feature = "shuttle")]
pub use shuttle::thread::{JoinHandle, current};

/// Starts a named thread in which all signals but those of faults are blocked from its first instruction.
///
/// The name is cut by Linux after 15 bytes.
///
/// # Errors
/// The system's, when it cannot make a thread (EAGAIN).
pub fn spawn_thread<T: Send + 'static>(
    name: &str,
    f: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    #[cfg(not(feature = "shuttle"))]
    use std::thread::Builder;

    #[cfg(feature = "shuttle")]
    use shuttle::thread::Builder;

    // A thread starts with its maker's mask: blocking here leaves no moment in which the new thread
    // could take a signal.
    let _blocked = SignalsBlocked::but_faults();
    Builder::new().name(name.to_owned()).spawn(f)
}

/// What `work` returns, or the text of its panic. The thread goes on, and has to end what it was for.
///
/// # Errors
/// It has panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    if cfg!(feature = "shuttle") {
        // The model is to see it.
        return Ok(work());
    }
    // What was left half-done is behind locks that do not mind, and is ended next.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    })
}
