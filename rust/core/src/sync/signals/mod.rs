//! The signals of a thread, on systems that have them.

#[cfg(unix)]
#[path = "unix.rs"]
mod system;

#[cfg(windows)]
#[path = "windows.rs"]
mod system;

pub use system::SignalsBlocked;
