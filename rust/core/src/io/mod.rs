//! The threads that read and write, and what they read from and write to.

pub mod endpoint;
pub mod line_log;
pub(crate) mod link;
pub mod memory;
pub mod process;
pub(crate) mod reader;
pub mod writer;
