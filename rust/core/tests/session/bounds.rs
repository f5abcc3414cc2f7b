//! Nothing grows without end.

use std::time::{Duration, Instant};

use codex_core::inbox::mailbox::{Cut, Taken};
use codex_core::session::Counts;
use codex_core::session::subscriptions::Leave;

use crate::desk::{Desk, STARTED, completed, started};

fn delta(turn: &str) -> String {
    crate::desk::DELTA.replace(r#""u""#, &format!("{turn:?}"))
}

#[test]
fn a_lost_answer_to_a_start_does_not_slow_down_the_turns_that_follow() {
    let mut desk = Desk::default();
    let lost = desk.start();
    desk.abandon(&lost);
    let time = |desk: &mut Desk, turns: std::ops::Range<usize>| {
        let begun = Instant::now();
        for number in turns {
            let turn = number.to_string();
            desk.hear(&[&started(&turn), &delta(&turn), &completed(&turn)]);
        }
        begun.elapsed()
    };
    let few = time(&mut desk, 0..2_000);
    time(&mut desk, 2_000..18_000);
    let many = time(&mut desk, 18_000..20_000);
    assert!(
        many < 5 * few + Duration::from_millis(20),
        "{few:?} {many:?}"
    );
}

#[test]
fn stray_turns_while_a_start_waits_cost_a_bounded_amount() {
    let mut desk = Desk::with_budget(1 << 20, 16 << 20);
    let _waiting = desk.start();
    let time = |desk: &mut Desk, turns: std::ops::Range<usize>| {
        let begun = Instant::now();
        for number in turns {
            desk.hear(&[&started(&number.to_string())]);
        }
        begun.elapsed()
    };
    let few = time(&mut desk, 0..2_000);
    time(&mut desk, 2_000..18_000);
    let many = time(&mut desk, 18_000..20_000);
    assert!(
        many < 5 * few + Duration::from_millis(20),
        "{few:?} {many:?}"
    );
    assert!(desk.budget.held() < 64 * 1024, "{}", desk.budget.held());
    assert_eq!(desk.stats.events_lost.get(), 20_000 - 16);
}

#[test]
fn a_given_up_turn_whose_thread_closes_leaves_nothing() {
    for method in ["thread/closed", "thread/archived", "thread/deleted"] {
        let mut desk = Desk::default();
        for begins in [false, true] {
            let turn = desk.turn("u");
            if begins {
                desk.hear(&[STARTED]);
            }
            desk.give_up(&turn);
            let line = format!(r#"{{"method":"{method}","params":{{"threadId":"t"}}}}"#);
            desk.hear(&[&line]);
            assert_eq!(desk.session.counts().turns, 0, "{method}");
        }
    }
}

#[test]
fn who_waits_for_a_turn_whose_thread_closes_is_told() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[r#"{"method":"thread/deleted","params":{"threadId":"t"}}"#]);
    assert!(matches!(turn.mailbox.take(), Taken::Cut(Cut::ThreadClosed)));
    assert_eq!(desk.woken.len(), 1);
    desk.leave(&turn, Leave::Drop);
    assert_eq!(desk.session.counts(), Counts::default());
}

fn unsubscribe(desk: &mut Desk) {
    let call = desk.open("thread/unsubscribe", None);
    desk.send_about(&call, Some("t"));
    desk.write();
    desk.answer(&call, "{}");
}

#[test]
fn who_waits_for_a_turn_whose_thread_is_unsubscribed_is_told() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    unsubscribe(&mut desk);
    assert!(matches!(turn.mailbox.take(), Taken::Cut(Cut::Unsubscribed)));
    let late = desk.turn("v");
    assert!(matches!(late.mailbox.take(), Taken::Cut(Cut::Unsubscribed)));
    let follower = desk.follow("v");
    assert!(matches!(
        follower.mailbox.take(),
        Taken::Cut(Cut::Unsubscribed)
    ));
    for one in [turn, late, follower] {
        desk.session.detach(one.id);
        desk.leave(&one, Leave::Drop);
    }
    assert_eq!(desk.session.counts(), Counts::default());
    let resume = desk.open("thread/resume", None);
    desk.send_about(&resume, Some("t"));
    desk.write();
    desk.answer(&resume, "{}");
    let heard = desk.turn("w");
    assert!(matches!(heard.mailbox.take(), Taken::Empty));
}

#[test]
fn a_turn_that_was_given_up_and_is_not_heard_of_any_more_is_interrupted_blindly() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    desk.wrote();
    unsubscribe(&mut desk);
    let wrote = desk.wrote();
    assert_eq!(wrote.last().map(String::as_str), Some("turn/interrupt u"));
    // It has not begun, so the runtime refuses; a little later it does not.
    desk.hear(&[r#"{"id":3,"error":{"code":-32600,"message":"no active turn"}}"#]);
    desk.pass(Duration::from_millis(100));
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.hear(&[r#"{"id":4,"result":{}}"#]);
    assert_eq!(desk.session.counts(), Counts::default());
    desk.pass(Duration::from_secs(60));
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_runtime_that_refuses_to_interrupt_an_unheard_turn_is_not_asked_for_ever() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    unsubscribe(&mut desk);
    desk.give_up(&turn);
    let mut asked = desk.wrote().len();
    for _ in 0..100 {
        desk.pass(Duration::from_secs(5));
        asked += desk.wrote().len();
    }
    assert!(asked < 12, "{asked}");
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn tombstones_are_bounded() {
    let mut desk = Desk::default();
    for _ in 0..2_000 {
        let call = desk.request("turn/start", Some("t"));
        desk.abandon(&call);
        desk.pass(Duration::from_secs(31));
    }
    let counts = desk.session.counts();
    assert!(counts.calls <= 1024, "{counts:?}");
    assert_eq!((counts.admitted, counts.waiting), (0, 0));
}

#[test]
fn threads_on_which_nothing_goes_on_are_not_remembered() {
    let mut desk = Desk::default();
    for number in 0..100 {
        let thread = number.to_string();
        let call = desk.request("turn/start", Some(&thread));
        desk.abandon(&call);
        desk.refuse(&call);
    }
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.session.counts(), Counts::default());
    assert_eq!(desk.session.next_look(), None);
}
