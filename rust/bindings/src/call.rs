//! `Call`: one request as Python drives it.

use std::sync::Arc;

use crate::client::Client;
use codex_core::session::call::Call;
use codex_core::session::subscriptions::Subscription;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::connection::guard;
use crate::errors;
use crate::subscription::PySubscription;
use crate::waiting;

/// One request; see `_native.pyi`.
#[pyclass(frozen, name = "Call", module = "codex_app_server._native")]
pub struct PyCall {
    connection: Arc<Client>,
    call: Arc<Call>,
}

impl PyCall {
    pub fn new(connection: Arc<Client>, call: Arc<Call>) -> Self {
        Self { connection, call }
    }
}

/// A call that its owner lost between two steps (a Ctrl-C in the wrong moment) is given up, and so is the turn that it
/// has started, unless the answer was taken. What else it has made is undone until it was handed over.
impl Drop for PyCall {
    fn drop(&mut self) {
        if self.connection.is_ours() {
            self.connection.release(&self.call);
        }
    }
}

#[pymethods]
impl PyCall {
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        let turnstile = self.connection.turnstile();
        waiting::wait(py, turnstile, timeout, |deadline| {
            self.call.gate().wait(deadline)
        })
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        Ok(PyWait::new(
            Source::Call(Arc::clone(&self.call)),
            waker,
            false,
        ))
    }

    #[getter]
    fn admitted(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.call.is_admitted())
    }

    #[getter]
    fn open_ended(&self) -> bool {
        self.call.open_ended
    }

    fn send(&self, py: Python<'_>, params: Option<&[u8]>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection
            .send(&self.call, params)
            .map_err(|error| errors::not_sent(py, error))
    }

    fn remaining(&self, py: Python<'_>, timeout: f64) -> PyResult<f64> {
        guard(py, &self.connection)?;
        Ok(self.connection.remaining(&self.call, timeout))
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(py, &self.connection)?;
        match self.call.take() {
            Some(outcome) => errors::outcome(py, outcome),
            None => Err(PyRuntimeError::new_err(
                "the call has no answer, or it was taken before",
            )),
        }
    }

    fn hand_over<'py>(
        &self,
        py: Python<'py>,
        value: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(py, &self.connection)?;
        // A Ctrl-C that is due comes now: raised later, it would pass by what nobody undoes any more.
        py.check_signals()?;
        self.call.hand_over();
        Ok(value)
    }

    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.abandon(&self.call);
        Ok(())
    }

    fn take_subscription(&self, py: Python<'_>) -> PyResult<PySubscription> {
        guard(py, &self.connection)?;
        match self.call.take_subscription() {
            Some(subscription) => Ok(self.subscription(subscription)),
            None => Err(PyRuntimeError::new_err(
                "no subscription: the call is not an answered turn/start, or it was taken before",
            )),
        }
    }

    fn take_turn<'py>(&self, py: Python<'py>) -> PyResult<(PySubscription, Bound<'py, PyBytes>)> {
        guard(py, &self.connection)?;
        // Taken first: while it is in the call, a turn is not lost.
        let held = self.call.take_subscription();
        let held = held.map(|subscription| self.subscription(subscription));
        let result = self.take(py)?;
        match held {
            Some(subscription) => Ok((subscription, result)),
            None => Err(errors::no_turn(py)),
        }
    }
}

impl PyCall {
    fn subscription(&self, subscription: Subscription) -> PySubscription {
        PySubscription::new(Arc::clone(&self.connection), subscription, None)
    }
}
