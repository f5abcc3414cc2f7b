//! Inputs of the session target: steps of three bytes, a letter and two numbers (`0` is 0, `1` is 1, and so on). What
//! stands where a letter should and is none is passed over, so that a step can be a word on a line of its own.

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub letter: u8,
    pub first: usize,
    pub second: usize,
}

/// The letters, each as often as it is to be drawn.
const LETTERS: &[u8] =
    b"oosssssddddddwwwwwwwwwwaaaaaarrbbbbiiieecgggxttttttllllllnmffpvzzqyYYOXLLNGSSUUMu";

/// So many of them are about requests and turns.
const TURNS_ONLY: usize = 66;

pub fn steps(input: &[u8]) -> impl Iterator<Item = Step> {
    let mut bytes = input.iter().copied();
    std::iter::from_fn(move || {
        let letter = bytes.find(|byte| LETTERS.contains(byte))?;
        let mut number = || {
            bytes
                .next()
                .map_or(0, |byte| byte.wrapping_sub(b'0').into())
        };
        Some(Step {
            letter,
            first: number(),
            second: number(),
        })
    })
}

/// Steps that are drawn at random.
pub fn make(random: &mut Random) -> Vec<u8> {
    let mut input = Vec::new();
    // Few turns meet often.
    let turns = random.pick(&[1, 2, 4, 16]);
    // Goals and what is no turn's meet the rest in one input of two: they make the law of turns vaguer.
    let letters = if random.one_in(2) {
        LETTERS
    } else {
        &LETTERS[..TURNS_ONLY]
    };
    for _ in 0..random.pick(&[5, 10, 20, 40, 80]) {
        let letter = random.pick(letters);
        if letter == b'q' && !random.one_in(4) {
            continue;
        }
        let small = random.byte() % turns;
        let any = random.byte() % 16;
        let (first, second) = match letter {
            b'b' | b'i' | b'e' | b'f' | b'p' => (small, any),
            b'a' | b's' => (any, small),
            _ => (any, any),
        };
        input.extend([letter, b'0' + first, b'0' + second, b'\n']);
    }
    input
}
