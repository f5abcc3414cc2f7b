//! Waiting from threads: they sleep without the interpreter and stay open to Ctrl-C.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How often the main thread looks for Ctrl-C. Only it does: other threads never see signals.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Waits through `step`, which returns true when ready and false when its deadline passes.
pub fn wait(
    py: Python<'_>,
    timeout: Option<f64>,
    step: impl Fn(Option<Instant>) -> bool + Sync,
) -> PyResult<bool> {
    let deadline = timeout.map(deadline_in).transpose()?;
    if !on_main_thread(py)? {
        return Ok(py.detach(|| step(deadline)));
    }
    loop {
        let slice = Instant::now() + SIGNAL_POLL;
        let until = deadline.map_or(slice, |at| at.min(slice));
        if py.detach(|| step(Some(until))) {
            return Ok(true);
        }
        py.check_signals()?;
        if deadline.is_some_and(|at| at <= Instant::now()) {
            return Ok(false);
        }
    }
}

fn deadline_in(seconds: f64) -> PyResult<Instant> {
    // What is too far away for the clock, infinity included, is as good as a year.
    const YEAR_S: f64 = 366.0 * 24.0 * 3600.0;
    let timeout = Duration::try_from_secs_f64(seconds.clamp(0.0, YEAR_S))
        .map_err(|_| PyValueError::new_err(format!("timeout is not a time span: {seconds}")))?;
    Ok(Instant::now() + timeout)
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    static THREADING: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (main_thread, get_ident) = THREADING.get_or_try_init(py, || {
        let threading = py.import("threading")?;
        PyResult::Ok((
            threading.getattr("main_thread")?.unbind(),
            threading.getattr("get_ident")?.unbind(),
        ))
    })?;
    let main = main_thread.bind(py).call0()?.getattr("ident")?;
    main.eq(get_ident.bind(py).call0()?)
}
