//! The session target: a program, a runtime and a clock that do what the input says, in any order, against a model that
//! knows only counts and rules.
//!
//! | step | |
//! |---|---|
//! | `o1` `s01` | opens a request; a `turn/start` on thread 1 |
//! | `d0` `w` | hands the first admitted request to the writer; the writer writes a line |
//! | `a05` `r0` | the runtime accepts the first request on the wire, a start with turn 5 of its thread; refuses it |
//! | `b5` `i5` `e5` | turn 5 starts, has a delta, is completed |
//! | `c1` | thread 1 is closed |
//! | `g0` `x0` `t0` | the first request is given up, released, its answer taken, with the part in the turn that it brings |
//! | `l01` | the first consumer leaves: closes (0), gives up (1), is dropped (2) |
//! | `n0` `m0` | it owns its turn; lets it run on |
//! | `f5` `p5` `v0` | turn 5 is followed; interrupted; the first consumer reads |
//! | `y0` `Y00` `O0` `X0` | a stream of process 0 is followed; a request opens it, and its answer ends it; output; exit |
//! | `L00` `N00` | the first stream's consumer leaves; owns it, lets it go on (1), has undone it (2) |
//! | `G0` `S0` `U01` `M00` | a goal gets thread 0; is set; is complete; its consumer leaves |
//! | `u0` | opens a request that unsubscribes from thread 0 |
//! | `z2` `q` | time passes; the connection ends |

mod check;
mod consumers;
mod desk;
mod program;
mod requests;
mod runtime;
pub mod steps;
mod streams;
mod turns;
mod world;

/// Says where the session breaks a rule.
pub fn check(input: &[u8]) -> Result<(), String> {
    let mut world = world::World::default();
    for step in steps::steps(input).take(MOST_STEPS) {
        world.step(step)?;
    }
    world.finish()
}

const MOST_STEPS: usize = 400;
