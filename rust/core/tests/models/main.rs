//! The core under a scheduler that tries the orders in which its threads may run: everything is the product's own, but
//! for the locks and threads (feature `shuttle`) and the runtime at the other end.
//!
//! `MODEL_ORDERS` says how many orders are tried (2,000 by default), `MODEL_SEED` which comes first. An order that
//! fails names its seed; with that and `MODEL_ORDERS=1` it comes again.

mod inbox;
mod line_log;
mod ownership;
mod relay;
mod requests;
mod runtime;

use shuttle::Runner;
use shuttle::scheduler::RandomScheduler;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Tries orders of `model`, each with a seed of its own.
fn check(model: impl Fn() + Send + Sync + Clone + 'static) {
    let first = number("MODEL_SEED", 0);
    for seed in first..first + number("MODEL_ORDERS", 2_000) {
        let model = model.clone();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let scheduler = RandomScheduler::new_from_seed(seed, 1);
            Runner::new(scheduler, shuttle::Config::default()).run(model);
        }));
        assert!(
            outcome.is_ok(),
            "fails with MODEL_SEED={seed} MODEL_ORDERS=1"
        );
    }
}
