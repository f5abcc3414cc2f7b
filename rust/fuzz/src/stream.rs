//! Inputs for the framing: lines of all lengths, and the pieces in which they arrive.

use std::fmt::Write as _;

use crate::random::Random;

/// What is asked of the kernel at once; lengths around it are where a buffer is moved or grows.
const READ_SIZE: usize = 64 * 1024;

pub fn stream(random: &mut Random) -> Vec<u8> {
    let mut words = String::new();
    for _ in 0..random.below(6) {
        let _ = write!(words, "{} ", length(random));
    }
    if random.one_in(3) {
        let _ = write!(words, "/{} ", random.below(4));
    }
    if random.one_in(3) {
        let _ = write!(words, "<{} ", length(random));
    }
    if random.one_in(4) {
        words.push_str("+ ");
    }
    if random.one_in(100) {
        let _ = write!(words, "*{} ", 2 + random.below(100));
    }
    let mut input = words.into_bytes();
    input.push(b'\n');
    for _ in 0..random.below(12) {
        let fill = random.byte();
        // Bytes that differ from their neighbours, so that a line in the wrong place is another one.
        let bytes = (0..length(random)).map(|index| fill.wrapping_add(index.to_le_bytes()[0]));
        input.extend(bytes.map(|byte| if byte == b'\n' { b'x' } else { byte }));
        input.extend((!random.one_in(15)).then_some(b'\n'));
    }
    input
}

fn length(random: &mut Random) -> usize {
    match random.below(2000) {
        0 => random.below(5 * READ_SIZE),
        1..=3 => READ_SIZE - 6 + random.below(12),
        4..=100 => random.below(3000),
        101..=700 => 0,
        _ => random.below(20),
    }
}
