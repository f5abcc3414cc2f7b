//! What there is to fuzz: for each target its check, and how inputs are made from its corpus.

use std::cell::RefCell;
use std::panic::{catch_unwind, set_hook};

use crate::random::Random;
use crate::tree::Node;
use crate::{envelope, framing, mutation, session, stream};

/// A target; its name is that of its corpus and of its program under libFuzzer.
pub struct Target {
    pub name: &'static str,
    check: fn(&[u8]) -> Result<(), String>,
    make: fn(&mut Random, &[Node]) -> Vec<u8>,
}

pub static TARGETS: [Target; 3] = [
    Target {
        name: "framing",
        check: framing::check,
        make: |random, _| stream::stream(random),
    },
    Target {
        name: "envelope",
        check: envelope::check,
        make: mutation::lines,
    },
    Target {
        name: "session",
        check: session::check,
        make: |random, _| session::steps::make(random),
    },
];

thread_local! {
    /// What the last panic said, and where.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics for the finding: while an input is made smaller there are hundreds of them.
pub fn keep_panics() {
    set_hook(Box::new(|panic| PANIC.set(panic.to_string())));
}

impl Target {
    /// Gives the target one input; what it panics with is a finding as well.
    pub fn check(&self, input: &[u8]) -> Result<(), String> {
        catch_unwind(|| (self.check)(input)).unwrap_or_else(|_| Err(PANIC.take()))
    }

    /// The next input that is made at random.
    pub fn make(&self, random: &mut Random, recorded: &[Node]) -> Vec<u8> {
        (self.make)(random, recorded)
    }
}
