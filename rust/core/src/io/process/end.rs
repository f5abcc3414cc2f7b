//! Why a connection to a process has ended.

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
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub stderr_tail: String,
    /// More words on the cause; empty when the rest says it all.
    pub detail: String,
}
