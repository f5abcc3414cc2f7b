//! Replays the corpus of each target, then gives it inputs made at random: on stable Rust, the same ones from the
//! same seed. Ends with 1 at the first disagreement, and shows its input.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use codex_core_fuzz::corpus::{inputs, trees};
use codex_core_fuzz::random::Random;
use codex_core_fuzz::shrink::shrink;
use codex_core_fuzz::target::{TARGETS, Target, keep_panics};

const USAGE: &str = "\
corpus [--seconds N] [--executions N] [--seed N] [TARGET ...]

  --seconds N      how long each target gets inputs made at random (5); 0 only replays the corpus
  --executions N   how many it gets at most
  --seed N         where the random numbers begin (1)";

struct Options {
    seconds: u64,
    executions: u64,
    seed: u64,
    targets: Vec<&'static Target>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            seconds: 5,
            executions: u64::MAX,
            seed: 1,
            targets: Vec::new(),
        };
        while let Some(word) = words.next() {
            let number = match word.as_str() {
                "--seconds" => &mut options.seconds,
                "--executions" => &mut options.executions,
                "--seed" => &mut options.seed,
                name => {
                    let target = TARGETS.iter().find(|target| target.name == name)?;
                    options.targets.push(target);
                    continue;
                }
            };
            *number = words.next()?.parse().ok()?;
        }
        if options.targets.is_empty() {
            options.targets.extend(&TARGETS);
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    keep_panics();
    for target in &options.targets {
        match run(target, &options) {
            Ok(done) => println!("{}: {done}", target.name),
            Err(finding) => {
                eprintln!("{}: {finding}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// What was done, or what was found.
fn run(target: &Target, options: &Options) -> Result<String, String> {
    let kept =
        inputs(target.name).map_err(|error| format!("the corpus cannot be read: {error}"))?;
    for (path, input) in &kept {
        let name = path.file_name().unwrap_or_default().display();
        check(target, input).map_err(|finding| format!("corpus file {name}: {finding}"))?;
    }
    let recorded = trees(&kept);
    let mut random = Random::new(options.seed);
    let limit = Duration::from_secs(options.seconds);
    let begun = Instant::now();
    let mut executions = 0;
    let mut digest = Digest::default();
    while executions < options.executions && begun.elapsed() < limit {
        let input = target.make(&mut random, &recorded);
        executions += 1;
        digest.add(&input);
        check(target, &input).map_err(|finding| {
            format!("execution {executions} of seed {}: {finding}", options.seed)
        })?;
    }
    Ok(format!(
        "{} corpus files and {executions} executions in {:.1} s, seed {}, digest {:016x}",
        kept.len(),
        begun.elapsed().as_secs_f64(),
        options.seed,
        digest.0,
    ))
}

/// Tells whether two runs had the same inputs (FNV-1a).
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, input: &[u8]) {
        for byte in input.iter().chain(b"\n") {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn check(target: &Target, input: &[u8]) -> Result<(), String> {
    if target.check(input).is_ok() {
        return Ok(());
    }
    let small = shrink(input, |tried| target.check(tried).is_err());
    let why = target.check(&small).err().unwrap_or_default();
    let hex = small.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let text = String::from_utf8_lossy(&small);
    Err(format!("{why}\n  text:   {text}\n  hex:    {hex}"))
}
