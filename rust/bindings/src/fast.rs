//! Building Pydantic models without validation.
//!
//! A validated model is `__dict__` plus three slots; for a payload of strings and integers whose
//! types were checked here, building them directly skips that. So
//! it is with what is made of such models: nested ones, lists, and unions of which some variants are planned. Whatever is
//! not exactly as planned is left to validation. Python compares one instance per model with a validated one before it registers the model.
use std::ops::Range;

use codex_core::wire::envelope;
use jiter::{Jiter, JiterError, NumberInt, Peek};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple, PyType};

use crate::shape::Shape;

/// What a field's value has to be, to be built here.
enum Kind {
    Text,
    Integer,
    Null,
    /// A string that an enum lists, with its member.
    Member(Vec<(String, Py<PyAny>)>),
    Optional(Box<Kind>),
    /// Without a kind of its elements only an empty one.
    List(Option<Box<Kind>>),
    Model(Box<Fast>),
    Union(Box<Union>),
}

impl Kind {
    /// As `_native.pyi` has it for `Decoder.add_fast`.
    fn from_py(kind: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(members) = kind.cast::<PyDict>() {
            let members = members
                .iter()
                .map(|(text, member)| Ok((text.extract::<String>()?, member.unbind())));
            return Ok(Self::Member(members.collect::<PyResult<_>>()?));
        }
        if let Ok((kind,)) = kind.extract::<(Bound<'_, PyAny>,)>() {
            return Ok(Self::Optional(Box::new(Self::from_py(&kind)?)));
        }
        if let Ok(kinds) = kind.cast::<PyList>() {
            let kind = kinds.iter().next().map(|kind| Self::from_py(&kind));
            return Ok(Self::List(kind.transpose()?.map(Box::new)));
        }
        if let Ok((model, fields)) = kind.extract::<(Bound<'_, PyType>, Fields<'_>)>() {
            return Ok(Self::Model(Box::new(Fast::new(&model, &fields)?)));
        }
        if kind.is_instance_of::<PyTuple>() {
            return Ok(Self::Union(Box::new(Union::from_py(kind)?)));
        }
        match kind.extract::<&str>()? {
            "str" => Ok(Self::Text),
            "int" => Ok(Self::Integer),
            "null" => Ok(Self::Null),
            other => Err(PyValueError::new_err(format!(
                "{other:?} is no kind of field"
            ))),
        }
    }

    /// Whether a value of it is shared by nobody who could change it.
    fn is_plain(&self) -> bool {
        match self {
            Self::Text | Self::Integer | Self::Null | Self::Member(_) => true,
            Self::Optional(kind) => kind.is_plain(),
            Self::List(_) | Self::Model(_) | Self::Union(_) => false,
        }
    }

    fn read<'py>(
        &self,
        py: Python<'py>,
        json: &mut Jiter<'_>,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        Ok(match self {
            Self::Text => PyString::new(py, json.next_str()?).into_any(),
            Self::Integer => {
                // An integer beyond 64 bits is an error here, and left to validation.
                let NumberInt::Int(number) = json.next_int()?;
                PyInt::new(py, number).into_any()
            }
            Self::Null => {
                json.next_null()?;
                py.None().into_bound(py)
            }
            Self::Member(members) => {
                let text = json.next_str()?;
                let member = members.iter().find(|(listed, _)| listed == text);
                member.ok_or(Refusal::Undecided)?.1.bind(py).clone()
            }
            Self::Optional(_) if json.peek()? == Peek::Null => {
                json.known_null()?;
                py.None().into_bound(py)
            }
            Self::Optional(kind) => kind.read(py, json)?,
            Self::List(kind) => {
                let list = PyList::empty(py);
                let mut next = json.next_array()?;
                while next.is_some() {
                    let kind = kind.as_ref().ok_or(Refusal::Undecided)?;
                    list.append(kind.read(py, json)?)?;
                    next = json.array_step()?;
                }
                list.into_any()
            }
            Self::Model(model) => model.read_model(py, json)?,
            Self::Union(union) => union.read(py, json)?,
        })
    }
}

/// A model's fields as Python describes them: key, attribute, kind.
type Fields<'py> = Vec<(String, String, Bound<'py, PyAny>)>;

/// Tagged models in their wrapper: those variants of a union that are built here.
struct Union {
    wrapper: Shape,
    root: Py<PyString>,
    tag: String,
    variants: Vec<(String, Fast)>,
}

impl Union {
    fn from_py(union: &Bound<'_, PyAny>) -> PyResult<Self> {
        type Variant<'py> = (String, Bound<'py, PyType>, Fields<'py>);
        type Plan<'py> = (Bound<'py, PyType>, String, Vec<Variant<'py>>);
        let (wrapper, tag, variants) = union.extract::<Plan<'_>>()?;
        let root = PyString::intern(union.py(), "root");
        let variants = variants
            .into_iter()
            .map(|(value, model, fields)| Ok((value, Fast::new(&model, &fields)?)));
        Ok(Self {
            wrapper: Shape::new(&wrapper, std::iter::once(&root))?,
            root: root.unbind(),
            tag,
            variants: variants.collect::<PyResult<_>>()?,
        })
    }

    fn read<'py>(
        &self,
        py: Python<'py>,
        json: &mut Jiter<'_>,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        // The runtime writes the tag first; only then is it known what the rest has to be.
        if json.next_object()? != Some(&self.tag) {
            return Err(Refusal::Undecided);
        }
        let value = json.next_str()?;
        let variant = self.variants.iter().find(|(planned, _)| planned == value);
        let (value, model) = variant.ok_or(Refusal::Undecided)?;
        let mut values = Values::default();
        let tag = model.index_of(&self.tag)?;
        values[tag] = Some(PyString::new(py, value).into_any());
        let next = json
            .next_key()?
            .map(|key| model.index_of(key))
            .transpose()?;
        model.read(py, json, next, None, &mut values)?;
        let dict = PyDict::new(py);
        let fields = model.dict(py, &values)?;
        dict.set_item(self.root.bind(py), model.shape.make(py, &fields)?)?;
        Ok(self.wrapper.make(py, &dict)?)
    }
}

/// Why nothing was built: validation has to decide, or an exception was raised.
enum Refusal {
    Undecided,
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<JiterError> for Refusal {
    fn from(_: JiterError) -> Self {
        Self::Undecided
    }
}

struct Field {
    key: String,
    attribute: Py<PyString>,
    kind: Kind,
}

/// A model that is built here.
pub struct Fast {
    shape: Shape,
    fields: Vec<Field>,
}

/// What repeats from event to event in a batch, and is made once.
#[derive(Default)]
pub struct Reuse<'py, 'd, 's> {
    /// The last string of each field.
    last: Vec<Option<(&'s [u8], Bound<'py, PyAny>)>>,
    /// The last string of the event that is being read: its field, and where it stands.
    last_text: Option<(usize, Range<usize>)>,
    pattern: Option<Pattern<'py, 'd, 's>>,
}

/// An event that was built. Most differ from the one before in one string only: then a copy of its
/// fields is taken, and nothing else is read.
struct Pattern<'py, 'd, 's> {
    of: &'d Fast,
    /// What stands before and behind the string.
    around: (&'s [u8], &'s [u8]),
    field: usize,
    dict: Bound<'py, PyDict>,
}

impl<'py> Pattern<'py, '_, '_> {
    /// The fields of an event that differs in the string only.
    fn apply(&self, of: &Fast, params: &[u8]) -> Option<PyResult<Bound<'py, PyDict>>> {
        if !std::ptr::eq(self.of, of) {
            return None;
        }
        let (before, behind) = self.around;
        let rest = params.strip_prefix(before)?;
        let mut json = Jiter::new(rest);
        let text = PyString::new(self.dict.py(), json.next_str().ok()?);
        if rest[json.current_index()..] != *behind {
            return None;
        }
        let attribute = of.fields[self.field].attribute.bind(self.dict.py());
        let copied = self.dict.copy();
        Some(copied.and_then(|dict| dict.set_item(attribute, text).map(|()| dict)))
    }
}

impl<'py, 's> Reuse<'py, '_, 's> {
    fn text(
        &mut self,
        py: Python<'py>,
        params: &'s [u8],
        json: &mut Jiter<'s>,
        field: usize,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let peek = json.peek()?;
        if peek != Peek::String {
            return Err(Refusal::Undecided);
        }
        let start = json.current_index();
        let text = self.last_or_new(py, params, json, field, peek)?;
        self.last_text = Some((field, start..json.current_index()));
        Ok(text)
    }

    fn last_or_new(
        &mut self,
        py: Python<'py>,
        params: &'s [u8],
        json: &mut Jiter<'s>,
        field: usize,
        peek: Peek,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let start = json.current_index();
        // The last value ends with its closing quote, so a common prefix is the same string.
        if let Some((last, text)) = &self.last[field]
            && params[start..].starts_with(last)
        {
            json.known_skip(peek)?;
            return Ok(text.clone());
        }
        let text = PyString::new(py, json.known_str()?).into_any();
        self.last[field] = Some((&params[start..json.current_index()], text.clone()));
        Ok(text)
    }
}

/// Fields of a model that is built here, at most; the values stand on the stack.
const MOST_FIELDS: usize = 12;

type Values<'py> = [Option<Bound<'py, PyAny>>; MOST_FIELDS];

impl Fast {
    pub fn new(model: &Bound<'_, PyType>, fields: &Fields<'_>) -> PyResult<Self> {
        let py = model.py();
        if fields.is_empty() || fields.len() > MOST_FIELDS {
            return Err(PyValueError::new_err(format!(
                "1 to {MOST_FIELDS} fields are built natively"
            )));
        }
        let attributes: Vec<_> = fields
            .iter()
            .map(|(_, attribute, _)| PyString::intern(py, attribute))
            .collect();
        let shape = Shape::new(model, attributes.iter())?;
        let fields = fields
            .iter()
            .zip(attributes)
            .map(|((key, _, kind), attribute)| {
                Ok(Field {
                    key: key.clone(),
                    attribute: attribute.unbind(),
                    kind: Kind::from_py(kind)?,
                })
            })
            .collect::<PyResult<_>>()?;
        Ok(Self { shape, fields })
    }

    /// The model, or `None` when `params` is not exactly its fields: then validation decides.
    pub fn build<'py, 'd, 's>(
        &'d self,
        py: Python<'py>,
        params: &'s [u8],
        reuse: Option<&mut Reuse<'py, 'd, 's>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let built = match reuse {
            Some(reuse) => self.build_again(py, params, reuse),
            None => self.build_once(py, params, None).map(|(model, _)| model),
        };
        match built {
            Ok(model) => Ok(Some(model)),
            Err(Refusal::Undecided) => Ok(None),
            Err(Refusal::Raised(error)) => Err(error),
        }
    }

    fn build_again<'py, 'd, 's>(
        &'d self,
        py: Python<'py>,
        params: &'s [u8],
        reuse: &mut Reuse<'py, 'd, 's>,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        if let Some(pattern) = &reuse.pattern
            && let Some(dict) = pattern.apply(self, params)
        {
            return Ok(self.shape.make(py, &dict?)?);
        }
        reuse.last_text = None;
        reuse
            .last
            .resize_with(self.fields.len().max(reuse.last.len()), || None);
        let (model, dict) = self.build_once(py, params, Some(reuse))?;
        // A nested model is no event's but its own. No other thread, and no Python code, has the dict before the
        // batch is handed over, so it need not be copied for this.
        reuse.pattern = reuse
            .last_text
            .take()
            .filter(|_| self.is_flat())
            .map(|(field, text)| Pattern {
                of: self,
                around: (&params[..text.start], &params[text.end..]),
                field,
                dict,
            });
        Ok(model)
    }

    fn build_once<'py, 's>(
        &self,
        py: Python<'py>,
        params: &'s [u8],
        reuse: Option<&mut Reuse<'py, '_, 's>>,
    ) -> Result<(Bound<'py, PyAny>, Bound<'py, PyDict>), Refusal> {
        let mut values = Values::default();
        let mut json = Jiter::new(params);
        let first = json
            .next_object()?
            .map(|key| self.index_of(key))
            .transpose()?;
        let reuse = reuse.map(|reuse| (params, reuse));
        self.read(py, &mut json, first, reuse, &mut values)?;
        json.finish()?;
        let dict = self.dict(py, &values)?;
        Ok((self.shape.make(py, &dict)?, dict))
    }

    /// One that is part of another.
    fn read_model<'py>(
        &self,
        py: Python<'py>,
        json: &mut Jiter<'_>,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let mut values = Values::default();
        let first = json
            .next_object()?
            .map(|key| self.index_of(key))
            .transpose()?;
        self.read(py, json, first, None, &mut values)?;
        Ok(self.shape.make(py, &self.dict(py, &values)?)?)
    }

    /// Reads an object from behind its first key on; `next` is that key's field.
    fn read<'py, 's>(
        &self,
        py: Python<'py>,
        json: &mut Jiter<'s>,
        mut next: Option<usize>,
        mut reuse: Option<(&'s [u8], &mut Reuse<'py, '_, 's>)>,
        values: &mut Values<'py>,
    ) -> Result<(), Refusal> {
        while let Some(found) = next {
            // A key that comes twice is validation's business.
            if values[found].is_some() {
                return Err(Refusal::Undecided);
            }
            let kind = &self.fields[found].kind;
            values[found] = Some(match (kind, &mut reuse) {
                (Kind::Text, Some((params, reuse))) => reuse.text(py, params, json, found)?,
                _ => kind.read(py, json)?,
            });
            next = json.next_key()?.map(|key| self.index_of(key)).transpose()?;
        }
        Ok(())
    }

    fn dict<'py>(
        &self,
        py: Python<'py>,
        values: &Values<'py>,
    ) -> Result<Bound<'py, PyDict>, Refusal> {
        let dict = PyDict::new(py);
        for (field, value) in self.fields.iter().zip(values) {
            // What is left out has a default, which validation knows.
            let value = value.as_ref().ok_or(Refusal::Undecided)?;
            dict.set_item(field.attribute.bind(py), value)?;
        }
        Ok(dict)
    }

    fn is_flat(&self) -> bool {
        self.fields.iter().all(|field| field.kind.is_plain())
    }

    fn index_of(&self, key: &str) -> Result<usize, Refusal> {
        let found = self.fields.iter().position(|field| field.key == key);
        found.ok_or(Refusal::Undecided)
    }
}

/// The text of one string member of an object; of two that have the name, the last, as it is for validation. What is no
/// text in it is U+FFFD.
pub fn text_member<'py>(
    py: Python<'py>,
    params: &[u8],
    name: &str,
) -> Option<Bound<'py, PyString>> {
    // Nearly always; it refuses half of a surrogate pair, wherever that stands.
    if let Ok(text) = whole_text_member(py, params, name) {
        return text;
    }
    envelope::text_member(params, name).map(|text| PyString::new(py, &text))
}

fn whole_text_member<'py>(
    py: Python<'py>,
    params: &[u8],
    name: &str,
) -> Result<Option<Bound<'py, PyString>>, JiterError> {
    let mut json = Jiter::new(params);
    let mut text = None;
    let mut wanted = json.next_object()?.map(|key| key == name);
    while let Some(hit) = wanted {
        if hit {
            text = Some(PyString::new(py, json.next_str()?));
        } else {
            json.next_skip()?;
        }
        wanted = json.next_key()?.map(|key| key == name);
    }
    Ok(text)
}
