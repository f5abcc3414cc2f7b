//! The process that made an object. A forked child inherits copies of everything but none of the
//! threads behind it, so whoever holds threads, locks or a child process asks here before touching
//! them. Costs one `getpid`.

/// Remembers the process it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// The calling process.
    #[must_use]
    pub fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether the calling process is the one that made this value; false in a forked child.
    #[must_use]
    pub fn is_current(self) -> bool {
        self == Self::here()
    }
}
