//! `LineLog`: lines that native threads have seen, for the Python thread that writes them down.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use codex_core::io::line_log::{Entry, LineLog, Origin};
use codex_core::io::process::Owner;
use pyo3::prelude::*;

use crate::errors;

/// An entry as Python gets it: origin, pid, time, text, length, whether it was cut.
type Told = (&'static str, u32, f64, String, u64, bool);

/// See `_native.pyi`.
#[pyclass(frozen, name = "LineLog", module = "codex_app_server._native")]
pub struct PyLineLog {
    log: Arc<LineLog>,
    owner: Owner,
}

impl PyLineLog {
    pub fn log(&self) -> Arc<LineLog> {
        Arc::clone(&self.log)
    }

    /// In a forked child its lock may be held for ever. Nothing is said of the interpreter's end: the last lines are
    /// written down while it comes, and whoever waits here is woken before.
    fn guard(&self, py: Python<'_>) -> PyResult<()> {
        if self.owner.is_current() {
            Ok(())
        } else {
            Err(errors::forked(py))
        }
    }
}

#[pymethods]
impl PyLineLog {
    #[new]
    #[pyo3(signature = (capacity=8 << 20))]
    fn new(capacity: usize) -> Self {
        Self {
            log: Arc::new(LineLog::new(capacity)),
            owner: Owner::here(),
        }
    }

    #[getter]
    fn is_on(&self) -> bool {
        self.log.is_on()
    }

    fn turn_on(&self, py: Python<'_>) -> PyResult<bool> {
        self.guard(py)?;
        Ok(self.log.turn_on())
    }

    fn claim(&self, py: Python<'_>) -> PyResult<bool> {
        self.guard(py)?;
        Ok(self.log.claim())
    }

    fn turn_off(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?;
        self.log.turn_off();
        Ok(())
    }

    fn end(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?;
        self.log.end();
        Ok(())
    }

    fn resign(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?;
        self.log.resign();
        Ok(())
    }

    fn next(&self, py: Python<'_>) -> PyResult<Option<Vec<Told>>> {
        self.guard(py)?;
        let told = py.detach(|| {
            let entries = self.log.next()?;
            Some(entries.into_iter().map(told).collect())
        });
        Ok(told)
    }
}

fn told(entry: Entry) -> Told {
    match entry {
        Entry::Lost(count) => ("lost", 0, 0.0, String::new(), count, false),
        Entry::Line(line) => {
            let origin = match line.origin {
                Origin::Sent => "sent",
                Origin::Received => "received",
                Origin::Stderr => "stderr",
            };
            let at = line.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let text = String::from_utf8_lossy(&line.text).into_owned();
            // What is no UTF-8 is longer in `text`, so Python cannot tell.
            let is_cut = line.text.len() < line.length;
            let length = line.length as u64;
            (origin, line.pid, at.as_secs_f64(), text, length, is_cut)
        }
    }
}

impl Drop for PyLineLog {
    fn drop(&mut self) {
        if !self.owner.is_current() {
            // A thread of the parent may have been in the midst of a change.
            std::mem::forget(Arc::clone(&self.log));
        }
    }
}
