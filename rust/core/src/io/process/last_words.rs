//! How much is read of a child that has exited, and how long it is waited for that it has: its last words are whole, and
//! what it leaves behind holds nobody up.

use std::time::Duration;

/// How long the end of stdout waits for the exit that explains it.
pub const EXIT_WAIT: Duration = Duration::from_millis(500);
/// Still read of stdout after the exit: more than a pipe holds, so the process's last words are whole, while a
/// leftover process that never stops writing cannot hold us.
pub const LAST_BYTES: usize = 8 * 1024 * 1024;
/// The same of stderr: all that a pipe can hold by default limits.
pub const LAST_STDERR_BYTES: usize = 1024 * 1024;
