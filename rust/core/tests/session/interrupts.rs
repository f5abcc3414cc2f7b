//! The program's own interrupts.

use std::sync::Arc;
use std::time::Duration;

use codex_core::session::call::{Call, Outcome};
use codex_core::session::subscriptions::Leave;

use crate::desk::{COMPLETED, Desk, STARTED, completed, started};

const INTERRUPT: [&str; 1] = ["turn/interrupt u"];

fn interrupt(desk: &mut Desk) -> Arc<Call> {
    desk.step(|session, now, out| session.interrupt("t", "u", now, out))
}

fn refusal(call: &Call) -> String {
    match call.take() {
        Some(Outcome::Error { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_turn_that_runs_is_interrupted_at_once_whoever_holds_it() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    let call = interrupt(&mut desk);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.accept_last();
    assert!(matches!(call.take(), Some(Outcome::Result(_))));
}

#[test]
fn what_was_interrupted_is_so_also_once_it_is_over() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    desk.hear(&[STARTED]);
    interrupt(&mut desk);
    desk.wrote();
    desk.accept_last();
    desk.hear(&[COMPLETED]);
    let again = interrupt(&mut desk);
    assert!(matches!(again.take(), Some(Outcome::Result(_))));
    assert!(desk.wrote().is_empty());
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
            desk.refuse_last();
        } else {
            desk.refuse_last();
            assert!(desk.wrote().is_empty());
            desk.hear(&[STARTED]);
        }
        assert_eq!(desk.wrote(), INTERRUPT);
    }
}

#[test]
fn a_refusal_that_names_the_threads_last_turn_comes_too_early_as_well() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    let call = interrupt(&mut desk);
    desk.wrote();
    let id = desk.last_id;
    desk.hear(&[&format!(
        r#"{{"id":{id},"error":{{"code":-32600,"message":"expected active turn id u but found old"}}}}"#
    )]);
    assert!(call.take().is_none());
    desk.hear(&[STARTED]);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.accept_last();
    assert!(matches!(call.take(), Some(Outcome::Result(_))));
}

#[test]
fn a_turn_that_cannot_be_interrupted_is_not_asked_for_ever() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    let call = interrupt(&mut desk);
    for _ in 0..2 {
        assert_eq!(desk.wrote(), INTERRUPT);
        desk.refuse_last();
    }
    assert!(desk.wrote().is_empty());
    assert!(refusal(&call).contains("no active turn"));
}

#[test]
fn a_turn_that_ends_before_it_begins_cannot_be_interrupted() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    let call = interrupt(&mut desk);
    desk.wrote();
    desk.refuse_last();
    assert!(call.take().is_none());
    desk.hear(&[COMPLETED]);
    assert!(refusal(&call).contains("no active turn"));
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts().calls, 0);
}

#[test]
fn a_turn_that_is_over_is_not_interrupted_for_that_would_meet_the_next_one() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    desk.hear(&[STARTED, COMPLETED, &started("next")]);
    desk.wrote();
    let call = interrupt(&mut desk);
    assert!(desk.wrote().is_empty());
    assert!(refusal(&call).contains("no active turn"));
}

#[test]
fn the_runtime_is_asked_once_for_all_who_interrupt_a_turn() {
    let mut desk = Desk::default();
    let owner = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    desk.give_up(&owner);
    let calls: Vec<_> = (0..3).map(|_| interrupt(&mut desk)).collect();
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.accept_last();
    for call in calls.iter().chain([&interrupt(&mut desk)]) {
        assert!(matches!(call.take(), Some(Outcome::Result(_))), "{call:?}");
    }
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_turn_of_somebody_else_is_interrupted_at_once() {
    let mut desk = Desk::default();
    let _follower = desk.follow("u");
    let call = interrupt(&mut desk);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.refuse_last();
    assert!(refusal(&call).contains("no active turn"));
}

#[test]
fn an_interrupt_has_its_deadline_whatever_else_is_answered_meanwhile() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    let call = interrupt(&mut desk);
    desk.wrote();
    desk.refuse_last();
    for _ in 0..3 {
        desk.pass(Duration::from_millis(900));
        let steer = desk.request("turn/steer", None);
        desk.answer(&steer, "{}");
    }
    assert!(desk.session.remaining(&call, 1.0, desk.now) <= 0.0);
}

#[test]
fn a_wish_to_interrupt_survives_its_caller_and_costs_nothing() {
    let mut desk = Desk::default();
    let _holder = desk.turn("u");
    for _ in 0..2_000 {
        let call = interrupt(&mut desk);
        desk.wrote();
        desk.abandon(&call);
    }
    desk.refuse_last();
    assert_eq!(desk.session.counts().calls, 0);
    for _ in 0..1_100 {
        let other = desk.request("thread/read", None);
        desk.abandon(&other);
        desk.pass(Duration::from_secs(5));
    }
    desk.wrote();
    desk.hear(&[STARTED]);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn an_interrupt_that_is_never_answered_gives_its_place_back_and_is_forgotten() {
    let mut desk = Desk::default();
    for number in 0..2_000 {
        let turn = number.to_string();
        desk.step(|session, now, out| session.interrupt("t", &turn, now, out));
        desk.wrote();
        desk.hear(&[&completed(&turn)]);
        desk.pass(Duration::from_secs(5));
    }
    let counts = desk.session.counts();
    assert!(counts.calls <= 1024, "{counts:?}");
    assert_eq!((counts.admitted, counts.waiting), (0, 0));
}

#[test]
fn what_was_accepted_stays_so_whatever_becomes_of_another_interrupt() {
    let mut desk = Desk::default();
    // It goes out before anything is known of the turn.
    let first = interrupt(&mut desk);
    desk.wrote();
    let owner = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    desk.give_up(&owner);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.answer(&first, "{}");
    desk.refuse_last();
    assert!(desk.wrote().is_empty());
    let later = interrupt(&mut desk);
    assert!(matches!(later.take(), Some(Outcome::Result(_))));
}

#[test]
fn a_runtime_that_is_too_busy_is_asked_again_in_pauses() {
    for wished in [true, false] {
        let mut desk = Desk::default();
        let turn = desk.turn("u");
        desk.session.own(turn.id);
        desk.hear(&[STARTED]);
        desk.wrote();
        let call =
            wished.then(|| desk.step(|session, now, out| session.interrupt("t", "u", now, out)));
        if !wished {
            desk.give_up(&turn);
        }
        for pause_ms in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_eq!(desk.wrote(), ["turn/interrupt u"]);
            desk.overload_last();
            desk.pass(Duration::from_millis(pause_ms - 1));
            assert!(desk.wrote().is_empty(), "{pause_ms}");
            desk.pass(Duration::from_millis(1));
        }
        assert_eq!(desk.wrote(), ["turn/interrupt u"]);
        desk.accept_last();
        if let Some(call) = call {
            assert!(matches!(call.take(), Some(Outcome::Result(_))));
        }
        desk.hear(&[COMPLETED]);
        desk.pass(Duration::from_secs(60));
        assert!(desk.wrote().is_empty());
    }
}

#[test]
fn a_refused_interrupt_does_not_let_starts_go() {
    let mut desk = Desk::default();
    let owner = desk.turn("u");
    desk.session.own(owner.id);
    desk.give_up(&owner);
    let start = desk.open("turn/start", Some("t"));
    for _ in 0..299 {
        desk.pass(Duration::from_millis(100));
        if !desk.wrote().is_empty() {
            desk.refuse_last();
        }
        assert!(!start.is_admitted(), "the turn is not over");
    }
    desk.pass(Duration::from_secs(1));
    assert!(start.is_admitted());
}

#[test]
fn a_start_is_not_held_for_a_turn_that_is_not_stopped_after_all() {
    let mut desk = Desk::default();
    let owner = desk.turn("u");
    desk.session.own(owner.id);
    desk.give_up(&owner);
    let start = desk.open("turn/start", Some("t"));
    assert!(!start.is_admitted());
    let _follower = desk.follow("u");
    desk.hear(&[STARTED]);
    assert!(start.is_admitted());
    assert_eq!(desk.wrote(), ["turn/start"]);
}

#[test]
fn an_interrupt_in_line_does_not_meet_a_turn_that_is_followed_by_then() {
    let mut desk = Desk::default();
    let turns: Vec<_> = (0..9)
        .map(|number| {
            let (thread, turn) = (format!("t{number}"), format!("u{number}"));
            let call = desk.request("turn/start", Some(&thread));
            desk.answer_turn(&call, &turn);
            let part = call.take_subscription().unwrap();
            desk.session.own(part.id);
            let started = STARTED.replace(r#""t""#, &format!("{thread:?}"));
            desk.hear(&[&started.replace(r#""u""#, &format!("{turn:?}"))]);
            part
        })
        .collect();
    desk.wrote();
    for turn in &turns {
        desk.give_up(turn);
    }
    assert_eq!(desk.wrote().len(), 8, "one waits for a place");
    let follower = desk.session.follow_turn("t8", "u8", desk.now);
    desk.accept_last();
    assert!(desk.wrote().is_empty());
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), ["turn/interrupt u8"]);
}

#[test]
fn the_program_does_not_hurry_a_runtime_that_is_too_busy() {
    let mut desk = Desk::default();
    let _turn = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    let _first = interrupt(&mut desk);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.overload_last();
    let _second = interrupt(&mut desk);
    assert!(desk.wrote().is_empty());
}
