//! For how long nothing has arrived for a turn or a goal.

use std::time::Duration;

use codex_core::inbox::selection::Selection;
use codex_core::session::server_requests::ServerRequest;
use codex_core::session::server_requests::origin::Origin;
use codex_core::session::subscriptions::Subscription;

use crate::desk::{COMPLETED, DELTA, Desk, STARTED, started, subject};

const SECOND: Duration = Duration::from_secs(1);

fn idle(desk: &Desk, subscription: &Subscription) -> Option<u64> {
    let idle = subscription.mailbox.idle(desk.now);
    idle.map(|idle| idle.as_secs())
}

fn origin(params: &str) -> Origin {
    ServerRequest::new(b"0", "item/tool/call", params.as_bytes()).origin
}

#[test]
fn what_is_filtered_has_arrived_too() {
    let mut desk = Desk::default();
    desk.pass(SECOND);
    let turn = desk.follow("u");
    turn.mailbox.select(Selection::Result);
    desk.pass(5 * SECOND);
    assert_eq!(idle(&desk, &turn), Some(5));
    desk.hear(&[DELTA]);
    assert_eq!(idle(&desk, &turn), Some(0));
    desk.pass(SECOND);
    desk.hear(&[&started("v")]);
    assert_eq!(idle(&desk, &turn), Some(1), "that is another turn's");
    desk.hear(&[COMPLETED]);
    assert_eq!(idle(&desk, &turn), Some(0));
}

#[test]
fn a_turn_that_was_started_here_is_idle_since_the_answer_at_the_earliest() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.hear(&[STARTED]);
    desk.pass(5 * SECOND);
    desk.answer_turn(&call, "u");
    let turn = call.take_subscription().unwrap();
    desk.pass(SECOND);
    assert_eq!(idle(&desk, &turn), Some(1));
    desk.hear(&[DELTA]);
    assert_eq!(idle(&desk, &turn), Some(0));
}

#[test]
fn all_turns_of_its_thread_are_a_goals() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    for turn in [STARTED, COMPLETED, &started("v")] {
        desk.pass(SECOND);
        assert_eq!(idle(&desk, &goal), Some(1));
        desk.hear(&[turn]);
        assert_eq!(idle(&desk, &goal), Some(0));
    }
    desk.pass(SECOND);
    desk.hear(&[
        r#"{"method":"thread/name/updated","params":{"threadId":"t"}}"#,
        &started("w").replace(r#""t""#, r#""other""#),
    ]);
    assert_eq!(idle(&desk, &goal), Some(1));
}

#[test]
fn what_is_no_turns_and_no_goals_has_no_such_clock() {
    let mut desk = Desk::default();
    let stream = desk
        .session
        .subscribe_stream(&subject("watchId", "w"), None);
    desk.pass(SECOND);
    assert_eq!(idle(&desk, &stream), None);
}

#[test]
fn a_settled_request_is_an_arrival_for_whom_it_was_about() {
    let mut desk = Desk::default();
    let (turn, other) = (desk.follow("u"), desk.follow("v"));
    let goal = desk.goal().unwrap();
    let (of_turn, of_thread, of_none) = ([0, 5, 0], [0, 0, 0], [5, 5, 5]);
    for (params, expected) in [
        (r#"{"turnId":"u","threadId":"t"}"#, of_turn),
        (r#"{"threadId":"t"}"#, of_thread),
        (r#"{"threadId":"t","turnId":null}"#, of_thread),
        (r#"{"conversationId":"t"}"#, of_thread),
        (r#"{"threadId":"other"}"#, of_none),
        (r#"{"turnId":"w","threadId":"other"}"#, of_none),
        ("{}", of_none),
    ] {
        desk.session
            .note_settled(&origin(r#"{"threadId":"t"}"#), desk.now);
        desk.pass(5 * SECOND);
        desk.session.note_settled(&origin(params), desk.now);
        let found = [&turn, &other, &goal].map(|one| idle(&desk, one));
        assert_eq!(found, expected.map(Some), "{params}");
    }
}
