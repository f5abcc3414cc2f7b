//! `codex_app_server._native`: what Python sees of the core. Lists its modules and nothing else.
//!
//! Nothing here relies on the interpreter's lock (`gil_used = false`): on a free-threaded interpreter several threads
//! may be in any of these functions at once. Every class is frozen and has locks or atomics inside. While one of these
//! locks is held, no Python object is made, called or dropped, so its owner never waits for the interpreter: a thread
//! that waits for the lock is attached, and the pauses in which the interpreter stops all threads (the garbage
//! collector's, `os.fork`'s) wait for it. docs/design/free-threading.md has the whole argument.

#![deny(unsafe_code)]

mod awaiting;
mod call;
mod client;
mod connection;
mod decode;
mod errors;
mod exiting;
mod fast;
mod gate;
mod line_log;
mod server_requests;
mod shape;
mod subscription;
mod turnstile;
mod waiting;

use pyo3::prelude::*;

#[pymodule(name = "_native", gil_used = false)]
mod native {
    #[pymodule_export]
    use crate::awaiting::PyLoopWaker;
    #[pymodule_export]
    use crate::awaiting::PyWait;
    #[pymodule_export]
    use crate::call::PyCall;
    #[pymodule_export]
    use crate::connection::PyConnection;
    #[pymodule_export]
    use crate::decode::PyDecoder;
    #[pymodule_export]
    use crate::decode::notification_methods;
    #[pymodule_export]
    use crate::decode::plain;
    #[pymodule_export]
    use crate::exiting::interpreter_exits;
    #[pymodule_export]
    use crate::gate::PyGate;
    #[pymodule_export]
    use crate::line_log::PyLineLog;
    #[pymodule_export]
    use crate::server_requests::PyServerRequest;
    #[pymodule_export]
    use crate::server_requests::PyServerRequests;
    #[pymodule_export]
    use crate::subscription::PySubscription;

    /// Benchmarks say so when they run on anything else than a release build.
    #[pymodule_export]
    const RELEASE: bool = !cfg!(debug_assertions);
}
