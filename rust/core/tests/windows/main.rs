//! The child process on Windows against real programs: its messages, every step of the shutdown, every reason not to start,
//! and what is left behind.
//!
//! The programs are copies of this test binary that play a role (see `roles`). An order is forced by what they print, never
//! by sleeping.
#![cfg(windows)]
#![allow(
    unsafe_code,
    reason = "the tests ask for handles and processes, which have no safe interface"
)]

mod endpoint;
mod refusal;
mod roles;
mod shutdown;
mod start;
mod support;
