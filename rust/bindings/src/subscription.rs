//! `Subscription`: one consumer's mailbox, drained in batches of decoded events.

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Instant;

use codex_core::inbox::budget::Loss;
use codex_core::inbox::buffer::Held;
use codex_core::inbox::mailbox::{About, Mailbox, Taken};
use codex_core::inbox::selection::Selection;
use codex_core::session::goal::Goal;
use codex_core::session::subscriptions::{Leave, Subscription, SubscriptionId};
use codex_core::sync::lock::Mutex;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::awaiting::{PyLoopWaker, PyWait, Source};
use crate::client::Client;
use crate::connection::{guard, guard_release};
use crate::decode::{Batch, PyDecoder};
use crate::errors;
use crate::waiting;

/// To copy more bytes than these takes a millisecond: other threads of Python run meanwhile.
const LONG_COPY: usize = 1 << 20;

/// One consumer's mailbox; see `_native.pyi`.
#[pyclass(frozen, name = "Subscription", module = "codex_app_server._native")]
pub struct PySubscription {
    connection: Arc<Client>,
    id: SubscriptionId,
    mailbox: Arc<Mailbox>,
    /// The property that names the stream, if it is one.
    subject: Option<&'static str>,
    /// The subscription that this is a watch of, if it is one.
    watched: Option<SubscriptionId>,
    cursor: Mutex<Cursor>,
}

/// Where the consumer stands. The lock is never held while Python code runs.
#[derive(Default)]
struct Cursor {
    /// A segment that is drained in part, and the index of its next event.
    segment: Option<(Held, usize)>,
    selection: Selection,
    finished: bool,
    /// Who drains it at this moment.
    draining: Option<ThreadId>,
    closed: bool,
}

impl PySubscription {
    pub fn new(
        connection: Arc<Client>,
        subscription: Subscription,
        subject: Option<&'static str>,
    ) -> Self {
        let Subscription { id, mailbox } = subscription;
        Self {
            connection,
            id,
            mailbox,
            subject,
            watched: None,
            cursor: Mutex::default(),
        }
    }

    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    fn leave(&self, leave: Leave) {
        let segment = {
            let mut cursor = self.cursor.lock();
            cursor.closed = true;
            cursor.segment.take()
        };
        drop(segment);
        self.connection.leave(self.id, leave);
    }

    fn begin_watch(&self) -> Option<Subscription> {
        let mut draft = self.mailbox.draft()?;
        if let Some((segment, next)) = &self.cursor.lock().segment
            && !self.mailbox.is_recorded()
        {
            // It was taken, and nobody has seen this part of it.
            draft.add(segment, *next);
        }
        self.connection.watch(self.id, &self.mailbox, draft)
    }

    fn wait_until(&self, py: Python<'_>, deadline: Option<Instant>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        if self.has_more() || self.mailbox.gate().is_ready() {
            return Ok(true);
        }
        let turnstile = self.connection.turnstile();
        waiting::wait_until(py, turnstile, deadline, |deadline| {
            self.mailbox.gate().wait(deadline)
        })
    }

    fn has_more(&self) -> bool {
        self.cursor.lock().segment.is_some()
    }

    fn overflow(&self, py: Python<'_>, loss: Loss) -> PyErr {
        let Mailbox { key, thread_id, .. } = &*self.mailbox;
        match self.mailbox.about {
            About::Turn => errors::turn_overflow(py, thread_id, key, loss),
            About::Subject => {
                let name = self.subject.unwrap_or_default();
                errors::stream_overflow(py, &format!("{name} {key}"), thread_id, loss)
            }
            About::Goal => {
                let first = self.goal(Goal::first_turn).unwrap_or_default();
                errors::turn_overflow(py, thread_id, &first, loss)
            }
            About::Many => errors::stream_overflow(py, "notifications", thread_id, loss),
        }
    }

    /// Looks at the goal that this is about; at nothing if it is about something else.
    fn goal<T>(&self, look: impl FnOnce(&Goal) -> Option<T>) -> Option<T> {
        let id = self.watched.unwrap_or(self.id);
        self.connection.look_at_goal(id, look).flatten()
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
                    Taken::Partial(loss) => {
                        let Mailbox { key, thread_id, .. } = &*self.mailbox;
                        return Err(errors::turn_partial(py, thread_id, key, loss));
                    }
                    Taken::Cut(cut) => {
                        let Mailbox { key, thread_id, .. } = &*self.mailbox;
                        let first = self.goal(Goal::first_turn);
                        let turn_id = first.as_ref().unwrap_or(key);
                        return Err(errors::turn_cut(py, thread_id, turn_id, cut));
                    }
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
            let mut cursor = self.cursor.lock();
            // Not into one that was closed meanwhile: it would hold it until it is dropped.
            if next < segment.len() && !cursor.closed {
                cursor.segment = Some((segment, next));
            }
            drop(cursor);
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
        Ok(self.goal(Goal::first_turn).map(|id| PyString::new(py, &id)))
    }

    #[getter]
    fn running_turn<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        guard(py, &self.connection)?;
        if self.mailbox.is_closed() {
            return Ok(None);
        }
        Ok(self
            .goal(Goal::running_turn)
            .map(|id| PyString::new(py, &id)))
    }

    #[getter]
    fn over(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.is_over())
    }

    #[getter]
    fn latest_goal<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        guard(py, &self.connection)?;
        let latest = self.goal(|goal| goal.latest().map(Box::<[u8]>::from));
        Ok(latest.map(|params| PyBytes::new(py, &params)))
    }

    #[getter]
    fn goes_on(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        let goes_on = self.goal(|goal| Some(goal.goes_on())).unwrap_or(false);
        Ok(goes_on && !self.mailbox.is_closed())
    }

    #[getter]
    fn missed(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.mailbox.missed)
    }

    fn idle_s(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        guard(py, &self.connection)?;
        let idle = self.connection.idle(&self.mailbox);
        Ok(idle.map(|idle| idle.as_secs_f64()))
    }

    #[getter]
    fn held_by_others(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.is_held_by_others(self.id))
    }

    fn own(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.own(self.id);
        Ok(())
    }

    fn keep(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.detach(self.id);
        Ok(())
    }

    fn hand_over<'py>(
        &self,
        py: Python<'py>,
        handle: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // A Ctrl-C that is due comes now: raised later, it would pass by what nobody gives up any more.
        py.check_signals()?;
        self.keep(py)?;
        Ok(handle)
    }

    #[getter]
    fn owes(&self, py: Python<'_>) -> PyResult<bool> {
        guard(py, &self.connection)?;
        Ok(self.connection.owes(self.id))
    }

    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.settle(self.id);
        Ok(())
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        if self.connection.stop_goal(self.id) {
            Ok(())
        } else {
            let message = "only a goal is stopped: interrupt a turn, give up any other stream";
            Err(PyRuntimeError::new_err(message))
        }
    }

    fn watch(&self, py: Python<'_>) -> PyResult<Self> {
        guard(py, &self.connection)?;
        let watch = if self.mailbox.held() > LONG_COPY {
            py.detach(|| self.begin_watch())
        } else {
            self.begin_watch()
        };
        let Some(Subscription { id, mailbox }) = watch else {
            let message =
                "only a turn's or a goal's subscription is watched, and before it is closed";
            return Err(PyRuntimeError::new_err(message));
        };
        let cursor = Cursor {
            selection: Selection::Result,
            ..Cursor::default()
        };
        Ok(Self {
            connection: Arc::clone(&self.connection),
            id,
            mailbox,
            subject: None,
            watched: Some(self.watched.unwrap_or(self.id)),
            cursor: Mutex::new(cursor),
        })
    }

    fn record(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        let cursor = self.cursor.lock();
        let taken = cursor.segment.as_ref();
        if self
            .mailbox
            .record(taken.map(|(held, next)| (&**held, *next)))
        {
            Ok(())
        } else {
            let message = "only a turn's or a goal's events are recorded, and before it is closed";
            Err(PyRuntimeError::new_err(message))
        }
    }

    fn forget(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.connection.forget(self.id, &self.mailbox);
        Ok(())
    }

    #[getter]
    fn finished(&self) -> bool {
        self.cursor.lock().finished
    }

    fn select(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        guard(py, &self.connection)?;
        if self.watched.is_some() {
            return Err(PyRuntimeError::new_err("a watch is for the result only"));
        }
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

    #[pyo3(signature = (decoder, limit=128, into=None))]
    fn drain<'py>(
        &self,
        py: Python<'py>,
        decoder: &PyDecoder,
        limit: usize,
        into: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        guard(py, &self.connection)?;
        // Looked up first: what fails here has taken nothing out.
        let extend = into.map(|into| into.getattr(intern!(py, "extend")));
        let extend = extend.transpose()?;
        let list = PyList::empty(py);
        let here = thread::current().id();
        let before = {
            let mut cursor = self.cursor.lock();
            if cursor.closed {
                return Err(PyRuntimeError::new_err("the subscription is closed"));
            }
            let before = cursor.draining;
            cursor.draining = before.or(Some(here));
            before
        };
        match before {
            None => {}
            Some(other) if other == here => return Err(errors::reentrant(py)),
            Some(_) => return Err(errors::drained_elsewhere(py)),
        }
        let filled = self.fill(&list, decoder, limit.max(1)).and_then(|()| {
            // No line of Python runs since the last event was decoded, so no signal's handler does either.
            extend.map_or(Ok(()), |extend| extend.call1((&list,)).map(drop))
        });
        // Whoever drains next puts its events behind these.
        self.cursor.lock().draining = None;
        filled.map(|()| list)
    }

    #[pyo3(signature = (decoder, limit, timeout=None, into=None))]
    fn drain_ready<'py>(
        &self,
        py: Python<'py>,
        decoder: &PyDecoder,
        limit: usize,
        timeout: Option<f64>,
        into: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let deadline = timeout.map(waiting::deadline_in).transpose()?;
        loop {
            if !self.wait_until(py, deadline)? {
                return Ok(PyList::empty(py));
            }
            waiting::make_way(py, self.connection.turnstile());
            // A Ctrl-C is raised before anything is taken out: what an exception passes by is lost.
            py.check_signals()?;
            let list = self.drain(py, decoder, limit, into)?;
            // Nothing is there after all if the consumer wants none of what was stored.
            if !list.is_empty() || self.finished() {
                return Ok(list);
            }
        }
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.wait_until(py, timeout.map(waiting::deadline_in).transpose()?)
    }

    fn ready(&self, waker: &Bound<'_, PyLoopWaker>) -> PyResult<PyWait> {
        guard(waker.py(), &self.connection)?;
        let source = Source::Stream(Arc::clone(&self.mailbox));
        Ok(PyWait::new(source, waker, self.has_more()))
    }

    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, &self.connection)?;
        self.leave(Leave::GiveUp);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard_release(py, &self.connection)?;
        self.leave(Leave::Close);
        Ok(())
    }
}

impl Drop for PySubscription {
    fn drop(&mut self) {
        if self.connection.is_ours() {
            self.leave(Leave::Drop);
            // The session knows nothing of a turn that is over, and a loop's last wait may keep the mailbox for a while.
            drop(self.mailbox.abandon());
        }
    }
}
