//! `Subscription`: one consumer's mailbox, drained in batches of decoded events.

use std::sync::Arc;

use crate::client::Client;
use codex_core::inbox::budget::Loss;
use codex_core::inbox::mailbox::{About, Mailbox, Selection, Taken};
use codex_core::inbox::segment::Segment;
use codex_core::session::router::Topic;
use parking_lot::Mutex;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::connection::guard;
use crate::decode::{Batch, PyDecoder};
use crate::errors;
use crate::waiting;

/// One consumer's mailbox; see `_native.pyi`.
#[pyclass(frozen, name = "Subscription", module = "codex_app_server._native")]
pub struct PySubscription {
    connection: Arc<Client>,
    mailbox: Arc<Mailbox>,
    /// `None`: a turn's own.
    topic: Option<Topic>,
    cursor: Mutex<Cursor>,
}

/// Where the consumer stands. The lock is never held while Python code runs.
#[derive(Default)]
struct Cursor {
    /// A segment that is drained in part, and the index of its next event.
    segment: Option<(Segment, usize)>,
    selection: Selection,
    finished: bool,
    draining: bool,
    closed: bool,
}

impl PySubscription {
    pub fn of_turn(connection: Arc<Client>, mailbox: Arc<Mailbox>) -> Self {
        Self {
            connection,
            mailbox,
            topic: None,
            cursor: Mutex::default(),
        }
    }

    pub fn of_topic(connection: Arc<Client>, mailbox: Arc<Mailbox>, topic: Topic) -> Self {
        Self {
            connection,
            mailbox,
            topic: Some(topic),
            cursor: Mutex::default(),
        }
    }

    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    fn leave(&self, give_up: bool) {
        let already = std::mem::replace(&mut self.cursor.lock().closed, true);
        if already {
            return;
        }
        match &self.topic {
            None if give_up => self.connection.give_up_turn(&self.mailbox),
            None => self.connection.router().leave_turn(&self.mailbox),
            Some(topic) => {
                if give_up {
                    // Returns the errand to who left before; nobody leaves twice.
                    let _ = self.mailbox.owe();
                }
                self.connection.leave(topic, &self.mailbox);
            }
        }
    }

    fn has_more(&self) -> bool {
        self.cursor.lock().segment.is_some()
    }

    fn overflow(&self, py: Python<'_>, loss: Loss) -> PyErr {
        let Mailbox { key, thread_id, .. } = &*self.mailbox;
        match &self.topic {
            None => errors::turn_overflow(py, thread_id, key, loss),
            Some(Topic::Subject(subject)) => {
                errors::stream_overflow(py, &format!("{} {key}", subject.name), thread_id, loss)
            }
            Some(Topic::Goal(_)) => {
                let first = self.mailbox.first_turn().unwrap_or_default();
                errors::turn_overflow(py, thread_id, &first, loss)
            }
            Some(Topic::Notifications(_)) => {
                errors::stream_overflow(py, "notifications", thread_id, loss)
            }
        }
    }

    /// Decodes from one segment after the other until there is something to give, or nothing left.
    fn fill(&self, list: &Bound<'_, PyList>, decoder: &PyDecoder, limit: usize) -> PyResult<()> {
        let py = list.py();
        let (mut held, selection) = {
            let mut cursor = self.cursor.lock();
            (cursor.segment.take(), cursor.selection)
        };
        while list.is_empty() {
            let (segment, start) = match held.take() {
                Some(held) => held,
                None => match self.mailbox.take() {
                    Taken::Segment(segment) => (segment, 0),
                    Taken::Lost(loss) => return Err(self.overflow(py, loss)),
                    Taken::Closed(reason) => return Err(errors::closed(py, &reason)),
                    Taken::Empty => return Ok(()),
                    Taken::Finished => {
                        self.cursor.lock().finished = true;
                        return Ok(());
                    }
                },
            };
            let mut batch = Batch::new(py, decoder, selection, segment.len() - start);
            let mut next = start;
            let mut failed = None;
            while next < segment.len() && list.len() < limit {
                let event = segment.get(next);
                next += 1;
                if !self.mailbox.wants(selection, &event) {
                    continue;
                }
                match batch.decode(event) {
                    Ok(object) => list.append(object)?,
                    // A Ctrl-C while Python validates: nothing was given yet, so all of it comes again.
                    Err(error) if !error.is_instance_of::<PyException>(py) => {
                        next = start;
                        failed = Some(error);
                        break;
                    }
                    // What came before it is given first; this event fails again next time.
                    Err(_) if !list.is_empty() => {
                        next -= 1;
                        break;
                    }
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
                if self.mailbox.ends_with(&event) {
                    self.cursor.lock().finished = true;
                }
            }
            drop(batch);
            if next < segment.len() {
                self.cursor.lock().segment = Some((segment, next));
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[pymethods]
impl PySubscription {
    #[getter]
    fn thread_id(&self) -> &str {
        &self.mailbox.thread_id
    }

    /// Empty for what is no turn's.
    #[getter]
    fn turn_id(&self) -> &str {
        match self.mailbox.about {
            About::Turn => &self.mailbox.key,
            About::Goal | About::Subject | About::Many => "",
        }
    }

    #[getter]
    fn first_turn<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.first_turn().map(|id| PyString::new(py, &id)))
    }

    #[getter]
    fn running_turn<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.running_turn().map(|id| PyString::new(py, &id)))
    }

    #[getter]
    fn over(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.is_over())
    }

    #[getter]
    fn latest_goal<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        guard(py, &self.connection)?;
        let latest = self.mailbox.latest_goal();
        Ok(latest.map(|params| PyBytes::new(py, &params)))
    }

    #[getter]
    fn goes_on(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.goal_goes_on())
    }

    #[getter]
    fn missed(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.missed)
    }

    fn keep(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.mailbox.owe_nothing();
        Ok(())
    }

    #[getter]
    fn owes(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.owes())
    }

    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.mailbox.settle();
        Ok(())
    }

    #[getter]
    fn finished(&self) -> bool {
        self.cursor.lock().finished
    }

    fn select(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        guard(py, &self.connection)?;
        let selection = match what {
            "all" => Selection::All,
            "result" => Selection::Result,
            "text" => Selection::Text,
            "end" => Selection::End,
            other => {
                let message =
                    format!("select takes 'all', 'result', 'text' or 'end', not {other:?}");
                return Err(PyValueError::new_err(message));
            }
        };
        self.cursor.lock().selection = selection;
        self.mailbox.select(selection);
        Ok(())
    }

    #[pyo3(signature = (decoder, limit=128))]
    fn drain<'py>(
        &self,
        py: Python<'py>,
        decoder: &PyDecoder,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        guard(py, &self.connection)?;
        let list = PyList::empty(py);
        {
            let mut cursor = self.cursor.lock();
            if cursor.closed {
                return Err(PyRuntimeError::new_err("the subscription is closed"));
            }
            if std::mem::replace(&mut cursor.draining, true) {
                return Err(PyRuntimeError::new_err(
                    "another thread drains this subscription: one consumer at a time",
                ));
            }
        }
        let filled = self.fill(&list, decoder, limit.max(1));
        self.cursor.lock().draining = false;
        filled?;
        Ok(list)
    }

    fn drain_ready<'py>(
        &self,
        py: Python<'py>,
        decoder: &PyDecoder,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        self.wait(py, None)?;
        waiting::make_way(py, self.connection.turnstile());
        // A Ctrl-C is raised before anything is taken out: what an exception passes by is lost.
        py.check_signals()?;
        self.drain(py, decoder, limit)
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        if self.has_more() || self.mailbox.gate().is_ready() {
            return Ok(true);
        }
        let turnstile = self.connection.turnstile();
        waiting::wait(py, turnstile, timeout, |deadline| {
            self.mailbox.gate().wait(deadline)
        })
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        let source = Source::Stream(Arc::clone(&self.mailbox));
        Ok(PyWait::new(source, waker, self.has_more()))
    }

    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.leave(true);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.leave(false);
        Ok(())
    }
}

impl Drop for PySubscription {
    fn drop(&mut self) {
        if self.connection.is_ours() {
            self.leave(false);
        }
    }
}
