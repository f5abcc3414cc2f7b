//! The session target under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Err(finding) = codex_core_fuzz::session::check(input) {
        panic!("{finding}");
    }
});
