//! `Decoder`: stored bytes to `Notification` objects. Flat models of strings and integers are built
//! here; everything else goes through the Python function that validates it.

use codex_core::inbox::segment::Event;
use codex_core::inbox::selection::Selection;
use codex_core::wire::envelope::{self, find_notification};
use codex_core::wire::protocol::NOTIFICATIONS;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyType};

use crate::fast::{Fast, Reuse, text_member};
use crate::shape::{Blank, Place};

/// Decodes events; see `_native.pyi`.
#[pyclass(frozen, name = "Decoder", module = "codex_app_server._native")]
pub struct PyDecoder {
    notification: Blank,
    method_place: Place,
    payload_place: Place,
    payload: Py<PyAny>,
    /// One per method of the schema, in its order.
    methods: Vec<Method>,
}

struct Method {
    name: Py<PyString>,
    fast: PyOnceLock<Fast>,
}

#[pymethods]
impl PyDecoder {
    #[new]
    fn new(py: Python<'_>, notification: &Bound<'_, PyType>, payload: Py<PyAny>) -> PyResult<Self> {
        let methods = NOTIFICATIONS
            .iter()
            .map(|spec| Method {
                name: PyString::intern(py, spec.method).unbind(),
                fast: PyOnceLock::new(),
            })
            .collect();
        Ok(Self {
            notification: Blank::of(notification)?,
            method_place: Place::of(notification, "method")?,
            payload_place: Place::of(notification, "payload")?,
            payload,
            methods,
        })
    }

    /// Lets `method`'s payload be built natively.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "what a Python argument is extracted into"
    )]
    fn add_fast(
        &self,
        method: &str,
        model: &Bound<'_, PyType>,
        fields: Vec<(String, String, Bound<'_, PyAny>)>,
    ) -> PyResult<()> {
        let Some(index) = find_notification(method) else {
            let message = format!("the schema has no notification {method:?}");
            return Err(PyValueError::new_err(message));
        };
        let fast = Fast::new(model, &fields)?;
        // Set once; a second registration of the same method changes nothing.
        let _ = self.methods[usize::from(index)].fast.set(model.py(), fast);
        Ok(())
    }

    /// Decodes events of one method that are at hand as bytes, in one batch.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "what a Python argument is extracted into"
    )]
    fn decode<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        params: Vec<PyBackedBytes>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let spec = find_notification(method);
        let mut batch = Batch::new(py, self, Selection::All, params.len());
        let events = params.iter().map(|params| Event {
            spec,
            method,
            params,
            shared: None,
        });
        events.map(|event| batch.decode(event)).collect()
    }
}

/// Every notification that the schema knows, sorted.
#[pyfunction]
pub fn notification_methods() -> Vec<&'static str> {
    NOTIFICATIONS.iter().map(|spec| spec.method).collect()
}

/// A copy of JSON that Python can hold; `None` if it is no JSON.
#[pyfunction]
pub fn plain<'py>(py: Python<'py>, json: &[u8]) -> Option<Bound<'py, PyBytes>> {
    envelope::plain(json).map(|copy| PyBytes::new(py, &copy))
}

/// Decodes events of one segment: what repeats from event to event is made once.
pub struct Batch<'py, 'd, 's> {
    py: Python<'py>,
    decoder: &'d PyDecoder,
    selection: Selection,
    /// `None` for one event: there is nothing to repeat.
    reuse: Option<Reuse<'py, 'd, 's>>,
}

impl<'py, 'd, 's> Batch<'py, 'd, 's> {
    pub fn new(
        py: Python<'py>,
        decoder: &'d PyDecoder,
        selection: Selection,
        count: usize,
    ) -> Self {
        Self {
            py,
            decoder,
            selection,
            reuse: (count > 1).then(Reuse::default),
        }
    }

    pub fn decode(&mut self, event: Event<'s>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        if self.selection == Selection::Text
            && event.method == "item/agentMessage/delta"
            && let Some(text) = text_member(py, event.params, "delta")
        {
            return Ok(text.into_any());
        }
        let known = event
            .spec
            .map(|index| &self.decoder.methods[usize::from(index)]);
        let fast = known.and_then(|method| method.fast.get(py));
        let built = match fast {
            Some(fast) => fast.build(py, event.params, self.reuse.as_mut())?,
            None => None,
        };
        let method = match known {
            Some(method) => method.name.bind(py).clone(),
            None => PyString::new(py, event.method),
        };
        let payload = if let Some(payload) = built {
            payload
        } else {
            let params = PyBytes::new(py, event.params);
            self.decoder.payload.bind(py).call1((&method, params))?
        };
        let notification = self.decoder.notification.make(py)?;
        self.decoder.method_place.set(&notification, &method)?;
        self.decoder.payload_place.set(&notification, &payload)?;
        Ok(notification)
    }
}
