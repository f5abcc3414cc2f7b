//! The interpreter's end, as daemon threads see it. Clients are closed before the interpreter joins its other threads. A
//! daemon thread that was told so would print what it raises in the midst of the end, and nobody has asked: it ends without
//! a word. It does not sleep, for somebody may wait for it: an `atexit` callback, or a thread that is being joined. One that
//! runs an event loop must not end, for somebody may wait for a future of that: it has a moment in which the process mostly
//! ends, and is told then what everybody is told.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;

use crate::waiting::on_main_thread;

const MOMENT: Duration = Duration::from_secs(1);

static EXITING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static HAD_ITS_MOMENT: Cell<bool> = const { Cell::new(false) };
}

/// The interpreter begins to end.
#[pyfunction]
pub fn interpreter_exits() {
    EXITING.store(true, Ordering::Release);
}

/// Whether it has begun to.
pub fn has_begun() -> bool {
    EXITING.load(Ordering::Acquire)
}

/// Ends a daemon thread that comes here while the interpreter ends: `threading` says nothing of a `SystemExit`.
///
/// A forked child's only thread may be one that was a daemon before.
pub fn dismiss(py: Python<'_>) -> PyResult<()> {
    if !has_begun() || on_main_thread(py)? || !is_daemon(py)? {
        return Ok(());
    }
    if !runs_a_loop(py)? {
        return Err(PySystemExit::new_err(()));
    }
    if !HAD_ITS_MOMENT.replace(true) {
        py.detach(|| std::thread::sleep(MOMENT));
    }
    Ok(())
}

fn runs_a_loop(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import("sys")?.getattr("modules")?;
    // A program that has not imported it has no loop.
    let asyncio = modules.call_method1("get", ("asyncio",))?;
    Ok(!asyncio.is_none() && !asyncio.call_method0("_get_running_loop")?.is_none())
}

fn is_daemon(py: Python<'_>) -> PyResult<bool> {
    let thread = py.import("threading")?.call_method0("current_thread")?;
    thread.getattr("daemon")?.extract()
}
