//! Fuzzing of the core: each target is a function of bytes that says where the core and an independent reading
//! of the same bytes disagree, or breaks a rule. The programs in `fuzz_targets` run them under libFuzzer, `bin/corpus.rs` on stable Rust.

pub mod corpus;
pub mod envelope;
pub mod framing;
pub mod json;
pub mod mutation;
pub mod oracle;
pub mod random;
pub mod reading;
pub mod session;
pub mod shrink;
pub mod stream;
pub mod target;
pub mod tree;
