//! The interpreter's end, as daemon threads see it: not at all. Python leaves them where they are when it ends; one that was
//! told that its connection is closed would print what it raises in the midst of that, or be stopped by the interpreter with
//! frames of ours on its stack. So from the moment in which the program's connections are closed for that, a daemon thread
//! that comes to one, or waits in one, sleeps until the process is gone.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::prelude::*;

static EXITING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_DAEMON: Cell<Option<bool>> = const { Cell::new(None) };
}

/// The interpreter begins to end.
#[pyfunction]
pub fn interpreter_exits() {
    EXITING.store(true, Ordering::Release);
}

pub fn is_exiting() -> bool {
    EXITING.load(Ordering::Acquire)
}

/// Whether this thread is one that the interpreter does not wait for.
pub fn is_daemon(py: Python<'_>) -> PyResult<bool> {
    if let Some(is_daemon) = IS_DAEMON.get() {
        return Ok(is_daemon);
    }
    let thread = py.import("threading")?.call_method0("current_thread")?;
    let is_daemon = thread.getattr("daemon")?.extract()?;
    IS_DAEMON.set(Some(is_daemon));
    Ok(is_daemon)
}

/// Keeps a daemon thread from going on while the interpreter ends. Cheap before that.
pub fn hold(py: Python<'_>) -> PyResult<()> {
    if is_exiting() && is_daemon(py)? {
        py.detach(|| sleep_for_ever());
    }
    Ok(())
}

/// To be called without the interpreter, which may not be there any more.
pub fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
