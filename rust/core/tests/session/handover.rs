//! What a request has made is undone until the program has it.

use std::sync::Arc;

use codex_core::session::call::{Call, Outcome};

use crate::desk::Desk;

const MADE: [(&str, &str, &str); 3] = [
    (
        "thread/start",
        r#"{"thread":{"id":"t"}}"#,
        "thread/unsubscribe",
    ),
    (
        "thread/fork",
        r#"{"thread":{"id":"t"}}"#,
        "thread/unsubscribe",
    ),
    (
        "account/login/start",
        r#"{"loginId":"l"}"#,
        "account/login/cancel",
    ),
];

/// A request whose answer was taken.
fn taken(method: &str, result: &str) -> (Desk, Arc<Call>) {
    let mut desk = Desk::default();
    let call = desk.request(method, None);
    desk.wrote();
    desk.answer(&call, result);
    assert!(matches!(call.take(), Some(Outcome::Result(_))));
    (desk, call)
}

fn release(desk: &mut Desk, call: &Arc<Call>) {
    desk.step(|session, now, out| session.release(call, now, out));
}

#[test]
fn what_was_taken_and_not_handed_over_is_undone_once() {
    for (method, result, undone) in MADE {
        let (mut desk, call) = taken(method, result);
        release(&mut desk, &call);
        assert_eq!(desk.wrote(), [undone], "{method}");
        let (mut desk, call) = taken(method, result);
        desk.abandon(&call);
        release(&mut desk, &call);
        assert_eq!(desk.wrote(), [undone], "{method}");
    }
}

#[test]
fn what_was_handed_over_is_the_programs() {
    for (method, result, _) in MADE {
        let (mut desk, call) = taken(method, result);
        call.hand_over();
        release(&mut desk, &call);
        assert!(desk.wrote().is_empty(), "{method}");
    }
}

#[test]
fn what_was_handed_over_to_nobody_is_undone_when_the_request_is_given_up() {
    for (method, result, undone) in MADE {
        let (mut desk, call) = taken(method, result);
        call.hand_over();
        desk.abandon(&call);
        release(&mut desk, &call);
        assert_eq!(desk.wrote(), [undone], "{method}");
    }
}

#[test]
fn what_made_nothing_has_nothing_to_undo() {
    let (mut desk, call) = taken("thread/read", r#"{"thread":{"id":"t"}}"#);
    release(&mut desk, &call);
    assert!(desk.wrote().is_empty());
}

#[test]
fn an_answer_that_nobody_took_is_undone_once() {
    for (method, result, undone) in MADE {
        for is_late in [false, true] {
            let mut desk = Desk::default();
            let call = desk.request(method, None);
            desk.wrote();
            if is_late {
                desk.abandon(&call);
            }
            desk.answer(&call, result);
            desk.abandon(&call);
            release(&mut desk, &call);
            assert_eq!(desk.wrote(), [undone], "{method}");
        }
    }
}
