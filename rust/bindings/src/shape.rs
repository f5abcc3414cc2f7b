//! Making instances of Python classes without their `__init__`: events and Pydantic models.
#![allow(
    unsafe_code,
    reason = "making an instance without its __init__ has no safe interface"
)]

use std::ffi::{c_int, c_void};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet, PyString, PyTuple, PyType};

/// A type whose instances are made blank, by its own `tp_new`.
pub struct Blank {
    class: Py<PyType>,
    new: ffi::newfunc,
    no_args: Py<PyTuple>,
}

impl Blank {
    pub fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let slot = slot_of(class, ffi::Py_tp_new)
            .ok_or_else(|| PyTypeError::new_err("the class cannot be instantiated"))?;
        // SAFETY: Py_tp_new of a type holds a `newfunc`.
        let new = unsafe { std::mem::transmute::<*mut c_void, ffi::newfunc>(slot) };
        Ok(Self {
            class: class.clone().unbind(),
            new,
            no_args: PyTuple::empty(class.py()).unbind(),
        })
    }

    pub fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let class = self.class.bind(py).as_type_ptr();
        // SAFETY: `new` is this class's own; it takes the class, an empty tuple and no keywords,
        // and returns a new reference or null with an exception set.
        unsafe {
            let object = (self.new)(class, self.no_args.as_ptr(), std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, object)
        }
    }
}

/// Where the instances of a class keep an attribute. Setting it bypasses the class's own `__setattr__`,
/// and a lookup of the name, which would take as long as all the rest of making an event.
pub struct Place {
    descriptor: Py<PyAny>,
    set: ffi::descrsetfunc,
}

impl Place {
    pub fn of(class: &Bound<'_, PyType>, name: &str) -> PyResult<Self> {
        for base in class.mro() {
            let Ok(descriptor) = base.getattr("__dict__")?.get_item(name) else {
                continue;
            };
            let slot = slot_of(&descriptor.get_type(), ffi::Py_tp_descr_set)
                .ok_or_else(|| PyTypeError::new_err(format!("{name} cannot be set")))?;
            // SAFETY: Py_tp_descr_set of a type holds a `descrsetfunc`.
            let set = unsafe { std::mem::transmute::<*mut c_void, ffi::descrsetfunc>(slot) };
            return Ok(Self {
                descriptor: descriptor.unbind(),
                set,
            });
        }
        Err(PyTypeError::new_err(format!("there is no {name}")))
    }

    pub fn set(&self, object: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        // SAFETY: all three are living objects, and the function is the descriptor's own. It checks
        // that the object is of its class, and takes no reference away.
        let status =
            unsafe { (self.set)(self.descriptor.as_ptr(), object.as_ptr(), value.as_ptr()) };
        if status == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(object.py()))
        }
    }
}

fn slot_of(class: &Bound<'_, PyType>, slot: c_int) -> Option<*mut c_void> {
    // SAFETY: a slot of a living type object is asked for; null says that it has none.
    let found = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), slot) };
    (!found.is_null()).then_some(found)
}

/// A class of models and what all instances that are built here have in common.
pub struct Shape {
    blank: Blank,
    fields_set: Py<PySet>,
    dict_place: Place,
    fields_set_place: Place,
    /// A wrapper of a root value has none of these.
    others: Option<Others>,
}

struct Others {
    /// Unknown fields are kept, in a dict of the instance's own.
    keeps_extra: bool,
    extra: Place,
    private: Place,
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
        let is_wrapper = model.getattr("__pydantic_root_model__")?.is_truthy()?;
        let others = if is_wrapper {
            None
        } else {
            Some(Others {
                keeps_extra: config.call_method1("get", ("extra",))?.eq("allow")?,
                extra: Place::of(model, "__pydantic_extra__")?,
                private: Place::of(model, "__pydantic_private__")?,
            })
        };
        Ok(Self {
            blank: Blank::of(model)?,
            fields_set: fields_set.unbind(),
            dict_place: Place::of(model, "__dict__")?,
            fields_set_place: Place::of(model, "__pydantic_fields_set__")?,
            others,
        })
    }

    pub fn make<'py>(
        &self,
        py: Python<'py>,
        dict: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.blank.make(py)?;
        self.dict_place.set(&model, dict)?;
        // SAFETY: a living set is copied into a new one; null comes with an exception set.
        let fields_set =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PySet_New(self.fields_set.as_ptr()))? };
        self.fields_set_place.set(&model, &fields_set)?;
        if let Some(others) = &self.others {
            let none = py.None().into_bound(py);
            if others.keeps_extra {
                others.extra.set(&model, &PyDict::new(py))?;
            } else {
                others.extra.set(&model, &none)?;
            }
            others.private.set(&model, &none)?;
        }
        Ok(model)
    }
}
