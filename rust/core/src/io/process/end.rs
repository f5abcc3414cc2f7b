//! Why a connection to a process has ended.

use super::outcome::ExitOutcome;
use crate::io::endpoint::Ending;

/// What ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndKind {
    /// This side closed it.
    ClosedByClient,
    /// The process ended.
    ProcessExited,
    /// The process closed its stdout but lived on, or what it wrote cannot be read any more.
    StdoutClosed,
    /// A message was longer than allowed.
    MessageTooLong,
    /// The process closed its stdin.
    WriteFailed,
    /// A thread of this side has panicked.
    Failed,
}

impl EndKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::ClosedByClient => "closed_by_client",
            Self::ProcessExited => "process_exited",
            Self::StdoutClosed => "stdout_closed",
            Self::MessageTooLong => "message_too_long",
            Self::WriteFailed => "write_failed",
            Self::Failed => "failed",
        }
    }
}

/// The reason, with what is known of the process. What a [`crate::sync::closing::CloseReason`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessEnd {
    pub kind: EndKind,
    pub exit_code: Option<u32>,
    pub signal: Option<i32>,
    pub stderr_tail: String,
    /// More words on the cause; empty when the rest says it all.
    pub detail: String,
}

impl ProcessEnd {
    /// Out of what has ended it, and how the process has exited if that is the cause.
    pub fn new(
        ending: Ending,
        exit: Option<ExitOutcome>,
        is_too_long: bool,
        stderr_tail: impl FnOnce() -> String,
        detail: &str,
    ) -> Self {
        let kind = match ending {
            Ending::ByUs => EndKind::ClosedByClient,
            Ending::Sink => EndKind::WriteFailed,
            Ending::Failure => EndKind::Failed,
            Ending::Source if is_too_long => EndKind::MessageTooLong,
            Ending::Source if exit.is_some() => EndKind::ProcessExited,
            Ending::Source => EndKind::StdoutClosed,
        };
        let stderr_tail = match ending {
            Ending::ByUs => String::new(),
            Ending::Source | Ending::Sink | Ending::Failure => stderr_tail(),
        };
        Self {
            kind,
            exit_code: exit.and_then(ExitOutcome::code),
            signal: exit.and_then(ExitOutcome::signal),
            stderr_tail,
            detail: detail.to_owned(),
        }
    }
}
