//! Why a connection ended: a latch that every present and later caller reads.

use std::sync::{Arc, OnceLock};

/// What ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseKind {
    /// `close()` was called on this side.
    ClosedByClient,
    /// The runtime's process ended.
    ProcessExited,
    /// The runtime closed its stdout but its process lived on.
    StdoutClosed,
    /// The runtime closed its stdin.
    WriteFailed,
}

impl CloseKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::ClosedByClient => "closed_by_client",
            Self::ProcessExited => "process_exited",
            Self::StdoutClosed => "stdout_closed",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// The reason with what is known of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    pub kind: CloseKind,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub stderr_tail: String,
    /// More words on the cause; empty when the rest says it all.
    pub detail: String,
}

impl CloseReason {
    pub fn by_client() -> Self {
        Self {
            kind: CloseKind::ClosedByClient,
            exit_code: None,
            signal: None,
            stderr_tail: String::new(),
            detail: String::new(),
        }
    }
}

/// Set once; the first reason stays.
#[derive(Debug, Default)]
pub struct Latch(OnceLock<Arc<CloseReason>>);

impl Latch {
    /// True when this call set it.
    pub fn set(&self, reason: CloseReason) -> bool {
        self.0.set(Arc::new(reason)).is_ok()
    }

    pub fn get(&self) -> Option<&Arc<CloseReason>> {
        self.0.get()
    }
}
