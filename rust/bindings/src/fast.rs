//! Building flat Pydantic models without validation.
//!
//! A validated model is `__dict__` plus three slots; for a payload of strings and integers whose
//! types were checked here, building them directly skips that: 0.87 µs for a decoded delta against 1.59. Python
//! compares one instance per model with a validated one before it registers the model.
#![allow(
    unsafe_code,
    reason = "making an instance without its __init__ has no safe interface"
)]

use jiter::{Jiter, NumberInt, Peek};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PySet, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};

/// A type whose instances are made blank, by its own `tp_new`.
pub struct Blank {
    class: Py<PyType>,
    new: ffi::newfunc,
    no_args: Py<PyTuple>,
}

/// A blank instance whose attributes are being set.
pub struct Made<'py>(Bound<'py, PyAny>);

impl Blank {
    pub fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        // SAFETY: the slot of a living type object is asked for; null says that it has none.
        let slot = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_new) };
        if slot.is_null() {
            return Err(PyTypeError::new_err("the class cannot be instantiated"));
        }
        // SAFETY: Py_tp_new of a type holds a `newfunc`.
        let new = unsafe { std::mem::transmute::<*mut std::ffi::c_void, ffi::newfunc>(slot) };
        Ok(Self {
            class: class.clone().unbind(),
            new,
            no_args: PyTuple::empty(class.py()).unbind(),
        })
    }

    pub fn make<'py>(&self, py: Python<'py>) -> PyResult<Made<'py>> {
        let class = self.class.bind(py).as_type_ptr();
        // SAFETY: `new` is this class's own; it takes the class, an empty tuple and no keywords,
        // and returns a new reference or null with an exception set.
        let made = unsafe {
            let object = (self.new)(class, self.no_args.as_ptr(), std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, object)?
        };
        Ok(Made(made))
    }
}

impl<'py> Made<'py> {
    /// Sets an attribute past the class's own `__setattr__`.
    pub fn set(&self, name: &Bound<'py, PyString>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        // SAFETY: all three are living objects; the call takes no reference away.
        let status =
            unsafe { ffi::PyObject_GenericSetAttr(self.0.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if status == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(self.0.py()))
        }
    }

    pub fn into_any(self) -> Bound<'py, PyAny> {
        self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
}

struct Field {
    key: String,
    attribute: Py<PyString>,
    kind: Kind,
}

/// A flat model that is built here.
pub struct Fast {
    blank: Blank,
    fields: Vec<Field>,
    fields_set: Py<PySet>,
    /// Unknown fields are kept, in a dict of the instance's own.
    keeps_extra: bool,
}

/// The last string of each field: ids repeat all through a batch and are made once.
#[derive(Default)]
pub struct Reuse<'py, 's> {
    last: Vec<Option<(&'s [u8], Bound<'py, PyAny>)>>,
}

impl<'py, 's> Reuse<'py, 's> {
    fn text(
        &mut self,
        py: Python<'py>,
        params: &'s [u8],
        json: &mut Jiter<'s>,
        field: usize,
    ) -> Option<Bound<'py, PyAny>> {
        let peek = json.peek().ok()?;
        if peek != Peek::String {
            return None;
        }
        let start = json.current_index();
        // The last value ends with its closing quote, so a common prefix is the same string.
        if let Some((last, text)) = &self.last[field]
            && params[start..].starts_with(last)
        {
            json.known_skip(peek).ok()?;
            return Some(text.clone());
        }
        let text = PyString::new(py, json.known_str().ok()?).into_any();
        self.last[field] = Some((&params[start..json.current_index()], text.clone()));
        Some(text)
    }
}

/// Fields of a model that is built here, at most; the values stand on the stack.
const MOST_FIELDS: usize = 8;

impl Fast {
    pub fn new(model: &Bound<'_, PyType>, fields: &[(String, String, String)]) -> PyResult<Self> {
        let py = model.py();
        if fields.is_empty() || fields.len() > MOST_FIELDS {
            return Err(PyValueError::new_err(format!(
                "1 to {MOST_FIELDS} fields are built natively"
            )));
        }
        let fields_set = PySet::empty(py)?;
        let fields = fields
            .iter()
            .map(|(key, attribute, kind)| {
                let attribute = PyString::intern(py, attribute);
                fields_set.add(&attribute)?;
                let kind = match kind.as_str() {
                    "str" => Kind::Text,
                    "int" => Kind::Integer,
                    other => {
                        let message = format!("a field is 'str' or 'int', not {other:?}");
                        return Err(PyValueError::new_err(message));
                    }
                };
                Ok(Field {
                    key: key.clone(),
                    attribute: attribute.unbind(),
                    kind,
                })
            })
            .collect::<PyResult<_>>()?;
        let extra = model
            .getattr("model_config")?
            .call_method1("get", ("extra",))?;
        let keeps_extra = extra.eq("allow")?;
        Ok(Self {
            blank: Blank::of(model)?,
            fields,
            fields_set: fields_set.unbind(),
            keeps_extra,
        })
    }

    /// The model, or `None` when `params` is not exactly its fields: then validation decides.
    pub fn build<'py, 's>(
        &self,
        py: Python<'py>,
        params: &'s [u8],
        reuse: &mut Reuse<'py, 's>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        reuse
            .last
            .resize_with(self.fields.len().max(reuse.last.len()), || None);
        let mut values: [Option<Bound<'py, PyAny>>; MOST_FIELDS] = Default::default();
        if self.read(py, params, reuse, &mut values).is_none() {
            return Ok(None);
        }
        let dict = PyDict::new(py);
        for (field, value) in self.fields.iter().zip(&values) {
            let Some(value) = value else { return Ok(None) };
            dict.set_item(field.attribute.bind(py), value)?;
        }
        let model = self.blank.make(py)?;
        model.set(intern!(py, "__dict__"), &dict)?;
        // SAFETY: a living set is copied into a new one; null comes with an exception set.
        let fields_set =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PySet_New(self.fields_set.as_ptr()))? };
        model.set(intern!(py, "__pydantic_fields_set__"), &fields_set)?;
        let none = py.None().into_bound(py);
        if self.keeps_extra {
            model.set(intern!(py, "__pydantic_extra__"), &PyDict::new(py))?;
        } else {
            model.set(intern!(py, "__pydantic_extra__"), &none)?;
        }
        model.set(intern!(py, "__pydantic_private__"), &none)?;
        Ok(Some(model.into_any()))
    }

    fn read<'py, 's>(
        &self,
        py: Python<'py>,
        params: &'s [u8],
        reuse: &mut Reuse<'py, 's>,
        values: &mut [Option<Bound<'py, PyAny>>; MOST_FIELDS],
    ) -> Option<()> {
        let mut json = Jiter::new(params);
        let mut index = json.next_object().ok()?.map(|key| self.index_of(key));
        while let Some(found) = index {
            let index_of_field = found?;
            let slot = &mut values[index_of_field];
            // A key that comes twice is validation's business.
            if slot.is_some() {
                return None;
            }
            *slot = Some(match self.fields[index_of_field].kind {
                Kind::Text => reuse.text(py, params, &mut json, index_of_field)?,
                Kind::Integer => {
                    // An integer beyond 64 bits is an error here, and left to validation.
                    let NumberInt::Int(number) = json.next_int().ok()?;
                    PyInt::new(py, number).into_any()
                }
            });
            index = json.next_key().ok()?.map(|key| self.index_of(key));
        }
        json.finish().ok()
    }

    fn index_of(&self, key: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.key == key)
    }
}

/// The text of one string member of an object.
pub fn text_member<'py>(
    py: Python<'py>,
    params: &[u8],
    name: &str,
) -> Option<Bound<'py, PyString>> {
    let mut json = Jiter::new(params);
    let mut wanted = json.next_object().ok()?.map(|key| key == name);
    while let Some(hit) = wanted {
        if hit {
            return json.next_str().ok().map(|text| PyString::new(py, text));
        }
        json.next_skip().ok()?;
        wanted = json.next_key().ok()?.map(|key| key == name);
    }
    None
}
