//! `ServerRequests` and `ServerRequest`: what the runtime asks, for a program that answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::client::Client;
use codex_core::session::server_requests::{Asked, ServerRequest, Settlement};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::connection::guard;
use crate::errors;
use crate::waiting;

/// The runtime's requests; see `_native.pyi`.
#[pyclass(frozen, name = "ServerRequests", module = "codex_app_server._native")]
pub struct PyServerRequests {
    connection: Arc<Client>,
    stopped: AtomicBool,
}

impl PyServerRequests {
    pub fn begin(connection: Arc<Client>) -> PyResult<Self> {
        if connection.server_requests().serve() {
            Ok(Self {
                connection,
                stopped: AtomicBool::new(false),
            })
        } else {
            let message = "somebody answers the requests of this connection already";
            Err(PyRuntimeError::new_err(message))
        }
    }

    /// Once, because somebody else may serve by then.
    fn stop(&self) {
        if !self.stopped.swap(true, Ordering::AcqRel) {
            self.connection.stop_serving();
        }
    }
}

#[pymethods]
impl PyServerRequests {
    fn take(&self, py: Python<'_>) -> PyResult<Option<PyServerRequest>> {
        guard(py, &self.connection)?;
        match self.connection.server_requests().take() {
            Asked::Request(request) => Ok(Some(PyServerRequest {
                connection: Arc::clone(&self.connection),
                request,
            })),
            Asked::Nothing => Ok(None),
            Asked::Stopped => Err(PyRuntimeError::new_err(
                "the requests are not served any more",
            )),
            Asked::Closed(reason) => Err(errors::closed(py, &reason)),
        }
    }

    fn take_closed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        guard(py, &self.connection)?;
        let closed = self.connection.server_requests().take_closed();
        PyList::new(py, closed.iter().map(|thread_id| &**thread_id))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.stop();
        Ok(())
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        let gate = self.connection.server_requests().gate();
        let turnstile = self.connection.turnstile();
        waiting::wait(py, turnstile, timeout, |deadline| gate.wait(deadline))
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        let source = Source::Requests(Arc::clone(&self.connection));
        Ok(PyWait::new(source, waker, false))
    }
}

impl Drop for PyServerRequests {
    fn drop(&mut self) {
        if self.connection.is_ours() {
            self.stop();
        }
    }
}

/// One request; see `_native.pyi`.
#[pyclass(frozen, name = "ServerRequest", module = "codex_app_server._native")]
pub struct PyServerRequest {
    connection: Arc<Client>,
    request: Arc<ServerRequest>,
}

#[pymethods]
impl PyServerRequest {
    #[getter]
    fn method(&self) -> &str {
        &self.request.method
    }

    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.request.params)
    }

    #[getter]
    fn number(&self) -> u64 {
        self.request.number
    }

    #[getter]
    fn thread_id(&self) -> Option<&str> {
        self.request.origin.thread_id.as_deref()
    }

    #[getter]
    fn turn_id(&self) -> Option<&str> {
        self.request.origin.turn_id.as_deref()
    }

    #[getter]
    fn root_turn_id(&self) -> Option<&str> {
        self.request.origin.root_turn_id()
    }

    #[getter]
    fn ancestors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.request.origin.ancestors.iter().map(|id| &**id))
    }

    #[getter]
    fn item<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let item = self.request.item.as_deref();
        item.map(|change| PyBytes::new(py, change.params()))
    }

    fn answer(&self, py: Python<'_>, result: &[u8]) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.answer(&self.request, result))
    }

    fn fail(&self, py: Python<'_>, code: i64, message: &str) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.fail(&self.request, code, message))
    }

    fn refuse(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.refuse(&self.request))
    }

    #[getter]
    fn settlement(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        guard(py, &self.connection)?;
        Ok(self.request.settlement().map(Settlement::name))
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        let gate = self.request.gate();
        let turnstile = self.connection.turnstile();
        waiting::wait(py, turnstile, timeout, |deadline| gate.wait(deadline))
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        let source = Source::Request(Arc::clone(&self.request));
        Ok(PyWait::new(source, waker, false))
    }
}

/// A request whose handler is gone is refused: the runtime would wait for ever.
impl Drop for PyServerRequest {
    fn drop(&mut self) {
        if self.connection.is_ours() {
            self.connection.forsake(&self.request);
        }
    }
}
