//! Waiting in line, and for how long.

use std::time::Duration;

use codex_core::session::call::Lane;

use crate::desk::Desk;

#[test]
fn who_waits_in_line_waits_for_as_long_as_others_are_served() {
    let mut desk = Desk::default();
    let on_the_wire: Vec<_> = (0..32).map(|_| desk.request("thread/read", None)).collect();
    let waiting = [(); 3].map(|()| desk.open("thread/read", None));
    for (number, served) in on_the_wire[..2].iter().enumerate() {
        desk.pass(Duration::from_millis(900));
        assert!(desk.session.remaining(&waiting[2], 1.0, desk.now) > 0.0);
        desk.answer(served, "{}");
        assert!(waiting[number].is_admitted());
    }
    desk.pass(Duration::from_millis(999));
    assert!(desk.session.remaining(&waiting[2], 1.0, desk.now) > 0.0);
    desk.pass(Duration::from_millis(1));
    assert!(desk.session.remaining(&waiting[2], 1.0, desk.now) <= 0.0);
}

#[test]
fn once_nothing_is_answered_for_a_whole_deadline_who_waits_in_line_has_waited_for_long_enough() {
    let mut desk = Desk::default();
    let calls: Vec<_> = (0..200).map(|_| desk.open("thread/read", None)).collect();
    for call in calls.iter().filter(|call| call.is_admitted()) {
        desk.send(call);
    }
    desk.write();
    desk.pass(Duration::from_millis(999));
    let now = desk.now;
    assert!(
        calls
            .iter()
            .all(|call| desk.session.remaining(call, 1.0, now) > 0.0)
    );
    desk.pass(Duration::from_millis(1));
    let now = desk.now;
    assert!(
        calls
            .iter()
            .all(|call| desk.session.remaining(call, 1.0, now) <= 0.0)
    );
    for call in &calls {
        desk.abandon(call);
    }
    assert_eq!(desk.session.counts().waiting, 0);
    assert_eq!(desk.session.counts().calls, 32, "tombstones");
}

#[test]
fn the_deadline_of_an_admitted_request_has_not_begun() {
    let mut desk = Desk::default();
    let call = desk.open("thread/read", None);
    desk.pass(Duration::from_secs(9));
    let left = desk.session.remaining(&call, 5.0, desk.now);
    assert!((left - 5.0).abs() < 1e-9);
}

#[test]
fn a_place_that_was_given_up_on_the_wire_is_kept_for_a_while() {
    let mut desk = Desk::default();
    let calls: Vec<_> = (0..32).map(|_| desk.request("thread/read", None)).collect();
    for call in &calls {
        desk.abandon(call);
    }
    let waiting = desk.open("thread/read", None);
    desk.pass(Duration::from_secs(3));
    assert!(!waiting.is_admitted());
    desk.pass(Duration::from_secs(1));
    assert!(waiting.is_admitted());
    // A late answer gives nothing back once more.
    desk.answer(&calls[0], "{}");
    assert_eq!(desk.session.counts().admitted, 1);
    assert_eq!(desk.stats.late_responses.get(), 1);
}

#[test]
fn what_a_late_answer_made_is_undone() {
    for (method, result, undone) in [
        (
            "thread/start",
            r#"{"thread":{"id":"t"}}"#,
            "thread/unsubscribe",
        ),
        (
            "account/login/start",
            r#"{"loginId":"l"}"#,
            "account/login/cancel",
        ),
        ("thread/read", r#"{"thread":{"id":"t"}}"#, ""),
    ] {
        let mut desk = Desk::default();
        let call = desk.request(method, None);
        desk.wrote();
        desk.abandon(&call);
        desk.answer(&call, result);
        assert_eq!(desk.wrote().join(" "), undone);
    }
}

#[test]
fn what_is_slow_keeps_nobody_out_and_has_a_deadline_unless_its_work_has_no_bound() {
    let mut desk = Desk::default();
    for (method, lane, open_ended) in [
        ("command/exec", Lane::Long, true),
        ("mcpServerStatus/list", Lane::Long, false),
        ("thread/read", Lane::Short, false),
        ("future/method", Lane::Short, false),
    ] {
        let call = desk.open(method, None);
        assert_eq!((call.lane, call.open_ended), (lane, open_ended), "{method}");
    }
}
