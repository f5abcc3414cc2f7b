//! Making instances of Python classes without their `__init__`: events and Pydantic models.
#![allow(
    unsafe_code,
    reason = "making an instance without its __init__ has no safe interface"
)]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyTuple, PyType};
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

/// A class of models and what all instances that are built here have in common.
pub struct Shape {
    blank: Blank,
    fields_set: Py<PySet>,
    /// A wrapper of a root value has no other slots than these.
    is_wrapper: bool,
    /// Unknown fields are kept, in a dict of the instance's own.
    keeps_extra: bool,
}

impl Shape {
    pub fn new<'a, 'py: 'a>(
        model: &Bound<'py, PyType>,
        attributes: impl Iterator<Item = &'a Bound<'py, PyString>>,
    ) -> PyResult<Self> {
        let fields_set = PySet::empty(model.py())?;
        for attribute in attributes {
            fields_set.add(attribute)?;
        }
        let config = model.getattr("model_config")?;
        Ok(Self {
            blank: Blank::of(model)?,
            fields_set: fields_set.unbind(),
            is_wrapper: model.getattr("__pydantic_root_model__")?.is_truthy()?,
            keeps_extra: config.call_method1("get", ("extra",))?.eq("allow")?,
        })
    }

    pub fn make<'py>(
        &self,
        py: Python<'py>,
        dict: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.blank.make(py)?;
        model.set(intern!(py, "__dict__"), dict)?;
        // SAFETY: a living set is copied into a new one; null comes with an exception set.
        let fields_set =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PySet_New(self.fields_set.as_ptr()))? };
        model.set(intern!(py, "__pydantic_fields_set__"), &fields_set)?;
        if self.is_wrapper {
            return Ok(model.into_any());
        }
        let none = py.None().into_bound(py);
        if self.keeps_extra {
            model.set(intern!(py, "__pydantic_extra__"), &PyDict::new(py))?;
        } else {
            model.set(intern!(py, "__pydantic_extra__"), &none)?;
        }
        model.set(intern!(py, "__pydantic_private__"), &none)?;
        Ok(model.into_any())
    }
}
