//! Whose a message is and who waits for it: requests, admission, turns, goals, listeners, server requests.

pub mod admission;
pub mod call;
pub mod diagnostics;
pub mod errands;
pub(crate) mod goal;
pub(crate) mod holding;
pub mod listeners;
pub mod router;
mod routes;
pub(crate) mod routing;
pub mod server_requests;
pub mod stats;
