//! Waiting from asyncio: one waker per event loop, and one future of our own per wait.
//!
//! asyncio's future tells its loop to call the task in the next round, by a handle that is made in Python:
//! a second look at all descriptors, and some ten functions, for each event that comes alone. A [`PyWait`] runs
//! its task in the round that saw the waker's byte. For a task it is a future: it has what `asyncio.Task` asks of one.
//!
//! A waker and its waits belong to one loop, and its thread alone drives them. The locks are for the borrow checker
//! and keep a misuse from other threads harmless; none is held while Python runs. The garbage collector comes from any
//! thread, but finds no lock taken: it runs when all threads are between two steps of Python. If one were taken, an
//! object that it does not see is one that it does not free.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::client::Client;
use crate::gate::Flag;
use codex_core::inbox::mailbox::Mailbox;
use codex_core::io::process::Owner;
use codex_core::session::call::Call;
use codex_core::session::server_requests::ServerRequest;
use codex_core::sync::gate::Gate;
use codex_core::sync::lock::Mutex;
use codex_core::sync::self_pipe::RawDescriptor;
use codex_core::sync::waker::{LoopWaker, Token};
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};
use pyo3::{import_exception, intern};

use crate::errors;

import_exception!(asyncio, CancelledError);
import_exception!(asyncio, InvalidStateError);

/// What can be waited for.
pub enum Source {
    Stream(Arc<Mailbox>),
    Call(Arc<Call>),
    Requests(Arc<Client>),
    Request(Arc<ServerRequest>),
    Gate(Arc<Gate<Flag>>),
    Ending(Arc<Client>),
}

impl Source {
    fn arm(&self, waker: &Arc<LoopWaker>, token: Token) -> bool {
        match self {
            Self::Stream(mailbox) => mailbox.gate().arm(waker, token),
            Self::Call(call) => call.gate().arm(waker, token),
            Self::Requests(connection) => connection.server_requests().gate().arm(waker, token),
            Self::Request(request) => request.gate().arm(waker, token),
            Self::Gate(gate) => gate.arm(waker, token),
            Self::Ending(connection) => connection.ending().arm(waker, token),
        }
    }

    fn disarm(&self, waker: &Arc<LoopWaker>, token: Token) {
        match self {
            Self::Stream(mailbox) => mailbox.gate().disarm(waker, token),
            Self::Call(call) => call.gate().disarm(waker, token),
            Self::Requests(connection) => {
                connection.server_requests().gate().disarm(waker, token);
            }
            Self::Request(request) => request.gate().disarm(waker, token),
            Self::Gate(gate) => gate.disarm(waker, token),
            Self::Ending(connection) => connection.ending().disarm(waker, token),
        }
    }
}

/// One event loop's descriptor and its waits; see `_native.pyi`.
#[pyclass(frozen, name = "LoopWaker", module = "codex_app_server._native")]
pub struct PyLoopWaker {
    waker: Arc<LoopWaker>,
    owner: Owner,
    /// Weak: whatever waits here is the loop's.
    event_loop: Py<PyWeakrefReference>,
    tokens: AtomicU64,
    armed: Mutex<HashMap<Token, Py<PyWait>>>,
    /// When it was last seen that the loop lets other tasks run.
    turned: Mutex<Instant>,
}

#[pymethods]
impl PyLoopWaker {
    #[new]
    fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            waker: Arc::new(LoopWaker::new()?),
            owner: Owner::here(),
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            tokens: AtomicU64::new(0),
            armed: Mutex::default(),
            turned: Mutex::new(Instant::now()),
        })
    }

    fn fileno(&self) -> RawDescriptor {
        self.waker.fd()
    }

    #[getter]
    fn pending(&self) -> bool {
        self.owner.is_current() && self.waker.count() > 0
    }

    #[getter]
    fn idle(&self) -> bool {
        self.armed.lock().is_empty()
    }

    fn wake(&self, py: Python<'_>) -> PyResult<usize> {
        // A forked child shares the descriptor: reading there would steal the parent's byte.
        if !self.owner.is_current() {
            return Ok(0);
        }
        // Those of now: others have their turn after the loop's other work. If a task ends the loop (Ctrl-C),
        // the rest is still there, and the descriptor readable; so it is for a loop that is run inside of one.
        let count = self.waker.count();
        for _ in 0..count {
            let Some(token) = self.waker.take() else {
                break;
            };
            // One that is gone was cancelled meanwhile. What made it ready is there for whoever waits next.
            let wait = self.armed.lock().remove(&token);
            if let Some(wait) = wait {
                self.note_turn();
                PyWait::end(wait.bind(py), State::Done(true))?;
            }
        }
        Ok(count)
    }

    fn note_turn(&self) {
        *self.turned.lock() = Instant::now();
    }

    fn since_turn(&self) -> f64 {
        self.turned.lock().elapsed().as_secs_f64()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        for wait in self
            .armed
            .try_lock()
            .iter()
            .flat_map(|armed| armed.values())
        {
            visit.call(wait)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let armed = std::mem::take(&mut *self.armed.lock());
        drop(armed);
    }
}

impl PyLoopWaker {
    fn forget(&self, wait: &PyWait) {
        if self.owner.is_current() {
            wait.source.disarm(&self.waker, wait.token);
        }
        let armed = self.armed.lock().remove(&wait.token);
        drop(armed);
    }
}

/// One wait of one task; see `_native.pyi`.
#[pyclass(frozen, name = "Wait", module = "codex_app_server._native")]
pub struct PyWait {
    source: Source,
    waker: Py<PyLoopWaker>,
    token: Token,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    /// The task's protocol: set by whoever yields the future, cleared by the task.
    blocking: bool,
    /// What the task wants to be called, and in which context.
    callback: Option<(Py<PyAny>, Py<PyAny>)>,
}

enum State {
    New,
    Armed,
    /// Ready, or else its time is over.
    Done(bool),
    /// With the message of the cancellation.
    Cancelled(Option<Py<PyAny>>),
}

impl PyWait {
    /// A wait of `waker`'s loop. One that is `ready` does not look at the source.
    pub fn new(source: Source, waker: &Bound<'_, PyLoopWaker>, ready: bool) -> Self {
        let token = waker.get().tokens.fetch_add(1, Ordering::Relaxed);
        let state = if ready { State::Done(true) } else { State::New };
        Self {
            source,
            waker: waker.clone().unbind(),
            token,
            inner: Mutex::new(Inner {
                state,
                blocking: false,
                callback: None,
            }),
        }
    }

    /// Ends an armed wait and runs its task.
    fn end(slf: &Bound<'_, Self>, state: State) -> PyResult<()> {
        let callback = {
            let mut inner = slf.get().inner.lock();
            inner.state = state;
            inner.callback.take()
        };
        if let Some((callback, context)) = callback {
            let context = context.bind(slf.py());
            context.call_method1(intern!(slf.py(), "run"), (callback, slf))?;
        }
        Ok(())
    }

    /// Ends the wait in `state`, and leaves the task to the caller; false if it was over before.
    fn stop(&self, state: State) -> bool {
        let armed = {
            let mut inner = self.inner.lock();
            if matches!(inner.state, State::Done(_) | State::Cancelled(_)) {
                return false;
            }
            matches!(std::mem::replace(&mut inner.state, state), State::Armed)
        };
        if armed {
            self.waker.get().forget(self);
        }
        true
    }
}

#[pymethods]
impl PyWait {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Py<Self>> {
        let (this, py) = (slf.get(), slf.py());
        let new = matches!(this.inner.lock().state, State::New);
        if new {
            let waker = this.waker.get();
            if !waker.owner.is_current() {
                return Err(errors::forked(py));
            }
            if this.source.arm(&waker.waker, this.token) {
                this.inner.lock().state = State::Done(true);
            } else {
                let mut inner = this.inner.lock();
                inner.state = State::Armed;
                inner.blocking = true;
                drop(inner);
                waker.armed.lock().insert(this.token, slf.clone().unbind());
                return Ok(slf.clone().unbind());
            }
        }
        Err(PyStopIteration::new_err((this.result(py)?,)))
    }

    /// Left in the middle: its coroutine is closed.
    fn close(&self) {
        self.stop(State::Cancelled(None));
    }

    fn expire(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().stop(State::Done(false)) {
            Self::end(slf, State::Done(false))?;
        }
        Ok(())
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let this = slf.get();
        if !this.stop(State::Cancelled(msg)) {
            return Ok(false);
        }
        let callback = this.inner.lock().callback.take();
        let event_loop = this.waker.get().event_loop.bind(slf.py()).upgrade();
        // Not at once: some other task is running.
        if let (Some((callback, context)), Some(event_loop)) = (callback, event_loop) {
            let options = PyDict::new(slf.py());
            options.set_item(intern!(slf.py(), "context"), context)?;
            event_loop.call_method(
                intern!(slf.py(), "call_soon"),
                (callback, slf),
                Some(&options),
            )?;
        }
        Ok(true)
    }

    fn done(&self) -> bool {
        matches!(
            self.inner.lock().state,
            State::Done(_) | State::Cancelled(_)
        )
    }

    fn result(&self, py: Python<'_>) -> PyResult<bool> {
        let message = match &self.inner.lock().state {
            State::Done(ready) => return Ok(*ready),
            State::New | State::Armed => {
                return Err(InvalidStateError::new_err("the wait is not over"));
            }
            State::Cancelled(message) => message.as_ref().map(|message| message.clone_ref(py)),
        };
        Err(match message {
            Some(message) => CancelledError::new_err((message,)),
            None => CancelledError::new_err(()),
        })
    }

    /// `None` unless it is armed: then `asyncio` takes it for no future, and wraps it in a task where it wants one.
    #[getter(_asyncio_future_blocking)]
    fn blocking(&self) -> Option<bool> {
        let inner = self.inner.lock();
        matches!(inner.state, State::Armed).then_some(inner.blocking)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, blocking: bool) {
        self.inner.lock().blocking = blocking;
    }

    fn get_loop(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let event_loop = self.waker.get().event_loop.bind(py).upgrade();
        event_loop.map(Bound::unbind)
    }

    #[pyo3(signature = (callback, *, context))]
    fn add_done_callback(&self, callback: Py<PyAny>, context: Py<PyAny>) -> PyResult<()> {
        let mut inner = self.inner.lock();
        if inner.callback.is_some() {
            return Err(PyRuntimeError::new_err("another task awaits this already"));
        }
        inner.callback = Some((callback, context));
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.waker)?;
        if let Some(inner) = self.inner.try_lock() {
            if let Some((callback, context)) = &inner.callback {
                visit.call(callback)?;
                visit.call(context)?;
            }
            if let State::Cancelled(Some(message)) = &inner.state {
                visit.call(message)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let callback = self.inner.lock().callback.take();
        drop(callback);
    }
}
