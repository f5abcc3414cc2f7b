//! `Connection`: one runtime as Python sees it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use codex_core::connection::{Connection, Settings};
use codex_core::io::line_log::Tap;
use codex_core::io::process::{ExitOutcome, Graces, Launch, LaunchSpec};
use codex_core::session::admission::Limits;
use codex_core::session::cleanup::Cleanup;
use codex_core::session::listeners::Filter;
use codex_core::session::subscriptions::{Subject, Subscription};
use codex_core::wire::framing::MAX_LINE;
use codex_core::wire::protocol::SUBJECTS;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::call::PyCall;
use crate::client::Client;
use crate::errors;
use crate::exiting;
use crate::line_log::PyLineLog;
use crate::server_requests::PyServerRequests;
use crate::subscription::PySubscription;
use crate::waiting;

/// One runtime; see `_native.pyi`.
#[pyclass(frozen, name = "Connection", module = "codex_app_server._native")]
pub struct PyConnection {
    connection: Arc<Client>,
}

/// In a forked child nothing of a connection may be touched: its threads do not exist there and its
/// locks may be held for ever. A daemon thread comes no further while the interpreter ends.
pub fn guard(py: Python<'_>, connection: &Connection) -> PyResult<()> {
    guard_release(py, connection)?;
    exiting::dismiss(py)
}

/// The same for what only lets go, and never waits. Finalizers call it when a daemon thread that was ended drops what
/// it had: what they raise is not heard by `threading`, but printed.
pub fn guard_release(py: Python<'_>, connection: &Connection) -> PyResult<()> {
    if connection.is_ours() {
        Ok(())
    } else {
        Err(errors::forked(py))
    }
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name} is not a time span: {value}")))
}

#[pymethods]
impl PyConnection {
    #[new]
    #[pyo3(signature = (argv, *, env=None, cwd=None, turn_budget=256 << 20, total_budget=1 << 30,
        stderr_tail=64 << 10, max_message=MAX_LINE, open_files=0, eof_grace_s=2.0, term_grace_s=2.0,
        wire_log=None, stderr_log=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword-only in Python, where it is called once"
    )]
    fn new(
        py: Python<'_>,
        argv: Vec<OsString>,
        env: Option<Vec<(OsString, OsString)>>,
        cwd: Option<PathBuf>,
        turn_budget: usize,
        total_budget: usize,
        stderr_tail: usize,
        max_message: usize,
        open_files: u64,
        eof_grace_s: f64,
        term_grace_s: f64,
        wire_log: Option<&PyLineLog>,
        stderr_log: Option<&PyLineLog>,
    ) -> PyResult<Self> {
        let launch = Launch {
            spec: LaunchSpec {
                argv,
                env,
                cwd,
                open_files,
            },
            graces: Graces {
                eof: seconds("eof_grace_s", eof_grace_s)?,
                term: seconds("term_grace_s", term_grace_s)?,
                ..Graces::default()
            },
            stderr_tail,
            stderr_lines: stderr_log.map(|lines| Tap::new(lines.log(), 0)),
            max_message,
        };
        let settings = Settings {
            limits: Limits::default(),
            mailbox_budget: turn_budget,
            total_budget,
            wire: None,
        };
        let wire_log = wire_log.map(PyLineLog::log);
        let started = py.detach(|| Client::start(&launch, settings, wire_log));
        let connection = started.map_err(|error| errors::not_spawned(&error))?;
        Ok(Self {
            connection: Arc::new(connection),
        })
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.connection.process().pid()
    }

    #[getter]
    fn exit_code(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        guard_release(py, &self.connection)?;
        let exit = self.connection.process().exit();
        let killed_by = |exit: ExitOutcome| exit.signal().map(|signal| -i64::from(signal));
        Ok(exit.and_then(|exit| exit.code().map(i64::from).or_else(|| killed_by(exit))))
    }

    #[pyo3(signature = (method, *, thread_id=None, stream=None, until_answer=false))]
    fn open_call(
        &self,
        py: Python<'_>,
        method: &str,
        thread_id: Option<&str>,
        stream: Option<&PySubscription>,
        until_answer: bool,
    ) -> PyResult<PyCall> {
        guard(py, &self.connection)?;
        let stream = stream.map(|subscription| (subscription.id(), until_answer));
        let call = self.connection.open_call(method, thread_id, stream);
        Ok(PyCall::new(Arc::clone(&self.connection), call))
    }

    fn notify(&self, py: Python<'_>, method: &str, params: Option<&[u8]>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection
            .notify(method, params)
            .map_err(|error| errors::not_sent(py, error))
    }

    fn subscribe_turn(
        &self,
        py: Python<'_>,
        thread_id: &str,
        turn_id: &str,
    ) -> PyResult<PySubscription> {
        guard(py, &self.connection)?;
        let subscription = self.connection.follow_turn(thread_id, turn_id);
        Ok(self.subscription(subscription, None))
    }

    fn interrupt(&self, py: Python<'_>, thread_id: &str, turn_id: &str) -> PyResult<PyCall> {
        guard(py, &self.connection)?;
        let call = self.connection.interrupt(thread_id, turn_id);
        Ok(PyCall::new(Arc::clone(&self.connection), call))
    }

    #[pyo3(signature = (thread_id, *, errand))]
    fn own_thread(
        &self,
        py: Python<'_>,
        thread_id: &str,
        errand: (&str, Vec<u8>),
    ) -> PyResult<Option<PySubscription>> {
        guard(py, &self.connection)?;
        let thread_id = thread_id.into();
        let pause = Cleanup::new(errand.0, errand.1);
        let subscription = self.connection.own_thread(&thread_id, pause);
        Ok(subscription.map(|subscription| self.subscription(subscription, None)))
    }

    fn has_begun(&self, py: Python<'_>, turn_id: &str) -> PyResult<Option<bool>> {
        guard(py, &self.connection)?;
        Ok(self.connection.has_begun(turn_id))
    }

    fn turn_is_over(&self, py: Python<'_>, turn_id: &str) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.turn_is_over(turn_id))
    }

    fn serve(&self, py: Python<'_>) -> PyResult<PyServerRequests> {
        guard(py, &self.connection)?;
        PyServerRequests::begin(Arc::clone(&self.connection))
    }

    #[pyo3(signature = (name, subject_id, *, errand=None))]
    fn subscribe_subject(
        &self,
        py: Python<'_>,
        name: &str,
        subject_id: &str,
        errand: Option<(&str, Vec<u8>)>,
    ) -> PyResult<PySubscription> {
        let Some(name) = SUBJECTS.into_iter().find(|known| *known == name) else {
            let message = format!("{name:?} names no stream; these do: {SUBJECTS:?}");
            return Err(PyValueError::new_err(message));
        };
        let id = subject_id.into();
        let cleanup = errand.map(|(method, params)| Cleanup::new(method, params));
        guard(py, &self.connection)?;
        let subject = Subject { name, id };
        let subscription = self.connection.subscribe_stream(&subject, cleanup);
        Ok(self.subscription(subscription, Some(name)))
    }

    #[pyo3(signature = (methods=None, *, thread_id=None))]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "what a Python argument is extracted into"
    )]
    fn subscribe_notifications(
        &self,
        py: Python<'_>,
        methods: Option<Vec<String>>,
        thread_id: Option<&str>,
    ) -> PyResult<PySubscription> {
        let filter = Filter {
            thread: thread_id.map(Arc::from),
            methods: methods.map(|names| names.iter().map(String::as_str).collect()),
        };
        guard(py, &self.connection)?;
        let subscription = self.connection.subscribe_notifications(&filter);
        Ok(self.subscription(subscription, None))
    }

    fn keep_backlog(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.keep_backlog();
        Ok(())
    }

    fn subscribe_backlog(&self, py: Python<'_>) -> PyResult<PySubscription> {
        guard(py, &self.connection)?;
        let subscription = self.connection.subscribe_backlog();
        Ok(self.subscription(subscription, None))
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guard(py, &self.connection)?;
        let stats = PyDict::new(py);
        for (name, value) in self.connection.stats() {
            stats.set_item(name, value)?;
        }
        let stderr = self.connection.stderr_lines();
        stats.set_item("stderr_lines_lost", stderr.map_or(0, Tap::lost))?;
        Ok(stats)
    }

    fn take_diagnostics(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        guard(py, &self.connection)?;
        Ok(self.connection.diagnostics().take())
    }

    #[pyo3(signature = (*, hurry=false))]
    fn close(&self, py: Python<'_>, hurry: bool) -> PyResult<()> {
        guard_release(py, &self.connection)?;
        py.detach(|| self.connection.close(hurry));
        if let Some(stderr) = self.connection.stderr_lines()
            && exiting::has_begun()
        {
            // Whoever waits for its lines is not to be woken when the interpreter is no more.
            stderr.end();
        }
        Ok(())
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        let turnstile = self.connection.turnstile();
        waiting::wait(py, turnstile, timeout, |deadline| {
            self.connection.wait(deadline)
        })
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        let source = Source::Ending(Arc::clone(&self.connection));
        Ok(PyWait::new(source, waker, false))
    }

    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        guard_release(py, &self.connection)?;
        Ok(self.connection.closed().is_some())
    }

    #[getter]
    fn stderr_tail(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, &self.connection)?;
        Ok(self.connection.process().stderr_tail())
    }
}

impl PyConnection {
    fn subscription(
        &self,
        subscription: Subscription,
        subject: Option<&'static str>,
    ) -> PySubscription {
        PySubscription::new(Arc::clone(&self.connection), subscription, subject)
    }
}
