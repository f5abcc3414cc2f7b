//! How a process ended. Made by whoever asks the system, read by everyone who reports the end of a connection.

use std::fmt;

/// How the child ended, as far as the system could still tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitOutcome {
    /// It exited with this code: 8 bits, on Windows 32.
    Code(u32),
    /// This signal killed it. Windows has none.
    Signal(i32),
    /// It is gone, but somebody else has its status: the program ignores SIGCHLD or waited for any child, or a debugger
    /// has not let go of it.
    Unknown,
}

impl ExitOutcome {
    /// The exit code, when it exited by itself.
    #[must_use]
    pub fn code(self) -> Option<u32> {
        match self {
            Self::Code(code) => Some(code),
            Self::Signal(_) | Self::Unknown => None,
        }
    }

    /// The number of the signal that killed it.
    #[must_use]
    pub fn signal(self) -> Option<i32> {
        match self {
            Self::Signal(signal) => Some(signal),
            Self::Code(_) | Self::Unknown => None,
        }
    }
}

impl fmt::Display for ExitOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => f.write_str("exit status unknown"),
        }
    }
}
