//! The tests of the bindings' turnstile, which need no interpreter; a test binary of the bindings would.

#[path = "../../bindings/src/turnstile.rs"]
mod turnstile;
