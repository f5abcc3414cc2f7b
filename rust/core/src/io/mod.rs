//! The threads and the process.

pub(crate) mod alarm;
pub mod process;
pub(crate) mod reader;
pub(crate) mod shared;
pub(crate) mod writer;
