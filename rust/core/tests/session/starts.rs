//! Starts on a thread where something was given up.

use std::time::Duration;

use codex_core::session::Counts;

use crate::desk::{COMPLETED, Desk, STARTED, completed, methods};

#[test]
fn a_start_waits_until_the_turn_that_was_given_up_is_over() {
    let mut desk = Desk::default();
    let first = desk.turn("u");
    desk.hear(&[STARTED]);
    // One in the writer's hands in that moment, and one that has not stood in line yet.
    let sent = desk.open("turn/start", Some("t"));
    desk.send(&sent);
    desk.give_up(&first);
    desk.wrote();
    let new = desk.open("turn/start", Some("t"));
    let elsewhere = desk.open("turn/start", Some("other"));
    assert!(!new.is_admitted() && elsewhere.is_admitted());
    assert_eq!(desk.session.counts().waiting, 2);
    assert!(desk.goal().is_none(), "turns wait");
    desk.hear(&[COMPLETED]);
    assert!(new.is_admitted());
    assert_eq!(desk.wrote(), ["turn/start"]);
}

#[test]
fn a_held_start_that_is_given_up_keeps_no_place() {
    let mut desk = Desk::default();
    let first = desk.turn("u");
    desk.hear(&[STARTED]);
    let sent = desk.open("turn/start", Some("t"));
    desk.send(&sent);
    desk.give_up(&first);
    desk.wrote();
    let new = desk.open("turn/start", Some("t"));
    desk.abandon(&sent);
    desk.abandon(&new);
    desk.hear(&[COMPLETED]);
    assert!(desk.wrote().is_empty());
    let interrupt = Counts {
        calls: 1,
        admitted: 1,
        ..Counts::default()
    };
    assert_eq!(desk.session.counts(), interrupt);
}

#[test]
fn a_start_waits_for_one_that_was_given_up_and_for_its_turn() {
    let mut desk = Desk::default();
    let first = desk.start();
    desk.abandon(&first);
    let second = desk.open("turn/start", Some("t"));
    desk.answer_turn(&first, "u");
    assert!(!second.is_admitted(), "that was a turn, which has to end");
    desk.hear(&[STARTED, COMPLETED]);
    assert!(second.is_admitted());
}

#[test]
fn a_start_waits_no_longer_than_half_a_minute() {
    let mut desk = Desk::default();
    let first = desk.start();
    desk.abandon(&first);
    let second = desk.open("turn/start", Some("t"));
    desk.pass(Duration::from_secs(29));
    assert!(!second.is_admitted());
    desk.pass(Duration::from_secs(1));
    assert!(second.is_admitted());
}

#[test]
fn a_turn_whose_interrupt_is_answered_is_waited_for_a_moment() {
    let mut desk = Desk::default();
    let first = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.give_up(&first);
    desk.wrote();
    let second = desk.open("turn/start", Some("t"));
    desk.hear(&[r#"{"id":2,"result":{}}"#]);
    desk.pass(Duration::from_secs(1));
    assert!(!second.is_admitted());
    desk.pass(Duration::from_secs(1));
    assert!(second.is_admitted());
}

#[test]
fn events_before_the_answer_are_the_turns_that_it_names() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.hear(&[&completed("v"), STARTED]);
    desk.answer_turn(&call, "u");
    desk.hear(&[COMPLETED]);
    let turn = call.take_subscription().unwrap();
    assert_eq!(methods(&turn.mailbox), ["turn/started", "turn/completed"]);
    assert_eq!(desk.session.counts().turns, 0);
    assert_eq!(desk.session.counts().starting, 0);
}

#[test]
fn a_goal_keeps_starts_off_its_thread_and_they_it() {
    let mut desk = Desk::default();
    let call = desk.start();
    assert!(desk.goal().is_none(), "starting");
    desk.answer_turn(&call, "u");
    assert!(desk.goal().is_none(), "running");
    desk.hear(&[STARTED, COMPLETED]);
    let goal = desk.goal().unwrap();
    desk.wrote();
    let refused = desk.open("turn/start", Some("t"));
    desk.send(&refused);
    assert!(desk.wrote().is_empty());
    let outcome = refused.take();
    assert!(
        format!("{outcome:?}").contains("active goal"),
        "{outcome:?}"
    );
    desk.leave(&goal, codex_core::session::subscriptions::Leave::Close);
    desk.start();
    assert_eq!(desk.wrote(), ["turn/start"]);
}
