//! The program's own interrupts.

use std::sync::Arc;

use codex_core::session::call::{Call, Outcome};

use crate::desk::{COMPLETED, Desk, STARTED};

const INTERRUPT: [&str; 1] = ["turn/interrupt u"];

fn interrupt(desk: &mut Desk) -> Arc<Call> {
    desk.step(|session, now, out| session.interrupt("t", "u", now, out))
}

#[test]
fn a_turn_that_runs_is_interrupted_at_once_whoever_holds_it() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    let call = interrupt(&mut desk);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.answer(&call, "{}");
    assert!(matches!(call.take(), Some(Outcome::Result(_))));
}

fn refuse(desk: &mut Desk, call: &Call) {
    let id = call.id;
    desk.hear(&[&format!(
        r#"{{"id":{id},"error":{{"code":-32600,"message":"no active turn to interrupt"}}}}"#
    )]);
}

#[test]
fn a_turn_that_has_not_begun_is_interrupted_when_it_does_also_if_the_caller_has_gone() {
    for is_late in [false, true] {
        let mut desk = Desk::default();
        let _holder = desk.turn("u");
        desk.wrote();
        let call = interrupt(&mut desk);
        assert_eq!(desk.wrote(), INTERRUPT);
        desk.abandon(&call);
        if is_late {
            // It has begun while the refusal was on its way.
            desk.hear(&[STARTED]);
            refuse(&mut desk, &call);
        } else {
            refuse(&mut desk, &call);
            assert!(desk.wrote().is_empty());
            desk.hear(&[STARTED]);
        }
        assert_eq!(desk.wrote(), INTERRUPT);
        refuse(&mut desk, &call);
        assert!(desk.wrote().is_empty(), "it is not asked for ever");
        assert!(matches!(call.take(), Some(Outcome::Error { .. })));
    }
}

#[test]
fn a_turn_that_ends_before_it_begins_cannot_be_interrupted() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    let call = interrupt(&mut desk);
    desk.wrote();
    refuse(&mut desk, &call);
    assert!(call.take().is_none());
    desk.hear(&[COMPLETED]);
    let outcome = call.take();
    assert!(
        format!("{outcome:?}").contains("no active turn"),
        "{outcome:?}"
    );
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts().calls, 0);
}

#[test]
fn a_turn_of_somebody_else_is_interrupted_at_once() {
    let mut desk = Desk::default();
    let _follower = desk.follow("u");
    interrupt(&mut desk);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn an_interrupt_that_is_never_answered_gives_its_place_back_and_is_forgotten() {
    let mut desk = Desk::default();
    for _ in 0..2_000 {
        let call = interrupt(&mut desk);
        desk.wrote();
        desk.abandon(&call);
        desk.pass(std::time::Duration::from_secs(5));
    }
    let counts = desk.session.counts();
    assert!(counts.calls <= 1024, "{counts:?}");
    assert_eq!((counts.admitted, counts.waiting), (0, 0));
}
