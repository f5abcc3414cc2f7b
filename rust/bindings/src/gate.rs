//! `Gate`: an event that threads and the tasks of any loop can wait for, and that Python sets. It is no connection's, so it
//! has the guards of one itself.

use std::sync::Arc;

use codex_core::io::process::Owner;
use codex_core::sync::gate::{Gate, Ready};
use pyo3::prelude::*;

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::errors;
use crate::exiting;
use crate::turnstile::Turnstile;
use crate::waiting;

/// What is set or not.
#[derive(Debug, Default)]
pub struct Flag(bool);

impl Ready for Flag {
    fn ready(&self) -> bool {
        self.0
    }
}

/// See `_native.pyi`.
#[pyclass(frozen, name = "Gate", module = "codex_app_server._native")]
pub struct PyGate {
    gate: Arc<Gate<Flag>>,
    owner: Owner,
    turnstile: Arc<Turnstile>,
}

impl PyGate {
    /// In a forked child its lock may be held for ever, and who waits there is in the parent.
    fn guard(&self, py: Python<'_>) -> PyResult<()> {
        if !self.owner.is_current() {
            return Err(errors::forked(py));
        }
        exiting::dismiss(py)
    }
}

#[pymethods]
impl PyGate {
    #[new]
    fn new() -> Self {
        Self {
            gate: Arc::default(),
            owner: Owner::here(),
            turnstile: Turnstile::of_process(),
        }
    }

    fn set(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?;
        let mut flag = self.gate.lock();
        flag.0 = true;
        self.gate.wake_all(flag);
        Ok(())
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?;
        self.gate.lock().0 = false;
        Ok(())
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.guard(py)?;
        waiting::wait(py, &self.turnstile, timeout, |deadline| {
            self.gate.wait(deadline)
        })
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        self.guard(waker.py())?;
        let source = Source::Gate(Arc::clone(&self.gate));
        Ok(PyWait::new(source, waker, false))
    }
}
