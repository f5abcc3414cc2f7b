//! The one place where the core's failures become Python's exceptions. Their classes live in
//! `codex_app_server.errors`, and what they say in `codex_app_server._incoming.failures`; the stable ABI of
//! Python 3.10 cannot define them here.

use codex_core::connection::SendError;
use codex_core::inbox::budget::Loss;
use codex_core::inbox::mailbox::Cut;
use codex_core::io::process::{ProcessEnd, SpawnError};
use codex_core::session::call::Outcome;
use codex_core::sync::closing::CloseReason;
use pyo3::exceptions::{PyException, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Calls a factory of `codex_app_server._incoming.failures` and raises what it makes.
fn raise<'py>(py: Python<'py>, factory: &str, args: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let made = py
        .import("codex_app_server._incoming.failures")
        .and_then(|failures| failures.getattr(factory))
        .and_then(|factory| factory.call1(args));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// The connection has ended.
pub fn closed(py: Python<'_>, reason: &CloseReason) -> PyErr {
    let Some(end) = reason.get::<ProcessEnd>() else {
        return PyRuntimeError::new_err("the connection has ended");
    };
    let ProcessEnd {
        kind,
        exit_code,
        signal,
        stderr_tail,
        detail,
    } = end;
    raise(
        py,
        "transport_closed",
        (kind.name(), *exit_code, *signal, stderr_tail, detail),
    )
}

/// The end of a turn will not be heard.
pub fn turn_cut(py: Python<'_>, thread_id: &str, turn_id: &str, cut: Cut) -> PyErr {
    let why = match cut {
        Cut::Unsubscribed => "unsubscribed",
        Cut::ThreadClosed => "thread_closed",
    };
    raise(py, "turn_cut", (thread_id, turn_id, why))
}

/// A signal handler called what it has interrupted.
pub fn reentrant(py: Python<'_>) -> PyErr {
    raise(py, "reentrant", ())
}

/// Another thread drains a subscription at this moment.
pub fn drained_elsewhere(py: Python<'_>) -> PyErr {
    raise(py, "drained_elsewhere", ())
}

/// A connection was used in a forked child.
pub fn forked(py: Python<'_>) -> PyErr {
    raise(
        py,
        "transport_closed",
        ("forked", None::<i32>, None::<i32>, "", ""),
    )
}

/// Events of a turn were dropped.
pub fn turn_overflow(py: Python<'_>, thread_id: &str, turn_id: &str, loss: Loss) -> PyErr {
    raise(
        py,
        "turn_overflow",
        (thread_id, turn_id, loss.events, loss.bytes),
    )
}

/// Events that may be a turn's were dropped before its start was answered.
pub fn turn_partial(py: Python<'_>, thread_id: &str, turn_id: &str, loss: Loss) -> PyErr {
    raise(
        py,
        "turn_partial",
        (thread_id, turn_id, loss.events, loss.bytes),
    )
}

/// Events of another stream were dropped. `thread_id` is empty where it is no thread's.
pub fn stream_overflow(py: Python<'_>, stream: &str, thread_id: &str, loss: Loss) -> PyErr {
    raise(
        py,
        "stream_overflow",
        (stream, thread_id, loss.events, loss.bytes),
    )
}

/// The answer to a `turn/start` names no turn.
pub fn no_turn(py: Python<'_>) -> PyErr {
    let message = "the runtime's answer cannot be read: it names no turn";
    raise(py, "unreadable", (message,))
}

/// A request was not sent.
pub fn not_sent(py: Python<'_>, error: SendError) -> PyErr {
    match error {
        SendError::Closed(reason) => closed(py, &reason),
        SendError::NotAdmitted => {
            PyRuntimeError::new_err("the call holds no place: wait until it is admitted, send once")
        }
        SendError::QueueFull(full) => raise(py, "write_queue_full", (full.queued_bytes,)),
    }
}

/// What an answered call gives: the raw result, or the error it was answered with.
pub fn outcome(py: Python<'_>, outcome: Outcome) -> PyResult<Bound<'_, PyBytes>> {
    match outcome {
        Outcome::Result(result) => Ok(PyBytes::new(py, &result)),
        Outcome::Closed(reason) => Err(closed(py, &reason)),
        Outcome::Error {
            code,
            message,
            data,
        } => {
            let data = match data {
                Some(json) => loaded(py, &json)?,
                None => py.None(),
            };
            Err(raise(py, "map_jsonrpc_error", (code, message, data)))
        }
    }
}

/// What an error has along as Python has it; its text, if Python cannot hold it (nested too deep, a number too long).
fn loaded(py: Python<'_>, json: &[u8]) -> PyResult<Py<PyAny>> {
    let loads = py
        .import("json")
        .and_then(|json| json.getattr("loads"))
        .and_then(|loads| loads.call1((PyBytes::new(py, json),)));
    match loads {
        Ok(value) => Ok(value.unbind()),
        Err(error) if error.is_instance_of::<PyException>(py) => {
            let text = PyString::new(py, &String::from_utf8_lossy(json));
            Ok(text.into_any().unbind())
        }
        Err(error) => Err(error),
    }
}

/// A plain `OSError` (with its subclass by number) or `ValueError`; Python gives it its meaning. The number stands twice: on
/// Windows the last is taken and the first made of it, elsewhere the last is passed over.
pub fn not_spawned(error: &SpawnError) -> PyErr {
    match error.source.raw_os_error() {
        Some(number) => {
            let path = error.path.as_ref().map(|path| path.display().to_string());
            PyOSError::new_err((number, error.to_string(), path, number))
        }
        None => PyValueError::new_err(error.to_string()),
    }
}
