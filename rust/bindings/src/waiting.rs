//! Waiting from threads: they sleep without the interpreter and stay open to Ctrl-C.

use std::cell::Cell;
use std::time::{Duration, Instant};

use codex_core::io::process::Owner;

use crate::errors;
use crate::turnstile::Turnstile;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// How often the main thread looks for Ctrl-C. Only it does: other threads never see signals.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Waits through `step`, which returns true when ready and false when its deadline passes.
pub fn wait(
    py: Python<'_>,
    turnstile: &Turnstile,
    timeout: Option<f64>,
    step: impl Fn(Option<Instant>) -> bool + Sync,
) -> PyResult<bool> {
    wait_until(py, turnstile, timeout.map(deadline_in).transpose()?, step)
}

/// The same with a deadline, for whoever waits more than once for one thing.
pub fn wait_until(
    py: Python<'_>,
    turnstile: &Turnstile,
    deadline: Option<Instant>,
    step: impl Fn(Option<Instant>) -> bool + Sync,
) -> PyResult<bool> {
    let owner = Owner::here();
    if !on_main_thread(py)? {
        return Ok(sleep(py, turnstile, || step(deadline)));
    }
    loop {
        let slice = Instant::now() + SIGNAL_POLL;
        let until = deadline.map_or(slice, |at| at.min(slice));
        if sleep(py, turnstile, || step(Some(until))) {
            return Ok(true);
        }
        py.check_signals()?;
        if !owner.is_current() {
            // A signal's handler has forked, and this is the child: nobody wakes it here.
            return Err(errors::forked(py));
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            return Ok(false);
        }
    }
}

fn sleep(py: Python<'_>, turnstile: &Turnstile, step: impl FnOnce() -> bool + Send) -> bool {
    let ready = py.detach(|| {
        let ready = step();
        if ready {
            turnstile.woken();
        }
        ready
    });
    if ready {
        turnstile.runs();
    }
    RESTED.set(Some((Instant::now(), Duration::ZERO)));
    ready
}

/// How long a thread runs that has events always at hand; a loop's task does as long.
const BREATH: Duration = Duration::from_millis(1);
/// A thread that has made way for longer runs longer, up to this: the interpreter's own switch interval.
const LONGEST_BREATH: Duration = Duration::from_millis(5);
/// For how long it lets others run, at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

thread_local! {
    /// When this thread last slept, and for how long it then made way.
    static RESTED: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Lets the threads run that were woken, if this one has run for a breath: a longer one after a longer pause, since
/// threads of the program's own take their part of that.
///
/// Beside 99 threads with events always at hand, one that was woken had waited for up to 2.4 s.
pub fn make_way(py: Python<'_>, turnstile: &Turnstile) {
    let Some((since, pause)) = RESTED.get() else {
        RESTED.set(Some((Instant::now(), Duration::ZERO)));
        return;
    };
    if turnstile.is_crowded() && since.elapsed() >= BREATH.max(pause.min(LONGEST_BREATH)) {
        let begun = Instant::now();
        py.detach(|| turnstile.make_way(LONGEST_PAUSE));
        RESTED.set(Some((Instant::now(), begun.elapsed())));
    }
}

/// The end of a timeout of so many seconds.
pub fn deadline_in(seconds: f64) -> PyResult<Instant> {
    // What is too far away for the clock, infinity included, is as good as a year.
    const YEAR_S: f64 = 366.0 * 24.0 * 3600.0;
    let timeout = Duration::try_from_secs_f64(seconds.clamp(0.0, YEAR_S))
        .map_err(|_| PyValueError::new_err(format!("timeout is not a time span: {seconds}")))?;
    Ok(Instant::now() + timeout)
}

pub fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
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
