//! The child process against real programs: every rung of the shutdown, every reason not to start, and
//! what is left behind.
//!
//! An order is forced by what the scripts print, never by sleeping. Tests that change this whole
//! process, or count what it holds, run alone in a copy of this test binary (see `support::alone`). Those that ask `/proc`
//! are Linux's.
#![cfg(unix)]
#![allow(
    unsafe_code,
    reason = "the tests set dispositions, limits and masks, which have no safe interface"
)]

mod end;
mod endpoint;
mod fork;
#[cfg(target_os = "linux")]
mod no_pidfd;
#[cfg(target_os = "linux")]
mod others;
#[cfg(target_os = "linux")]
mod proc;
mod refusal;
#[cfg(target_os = "linux")]
mod sandbox;
mod shutdown;
mod start;
mod support;
