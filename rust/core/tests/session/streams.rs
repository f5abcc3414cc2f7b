//! Whose notifications of no turn are, and what a stream's consumer leaves to be undone.

use std::sync::Arc;
use std::time::Duration;

use codex_core::inbox::mailbox::Taken;
use codex_core::session::Counts;
use codex_core::session::call::Call;
use codex_core::session::cleanup::Cleanup;
use codex_core::session::listeners::Filter;
use codex_core::session::subscriptions::{Leave, Subscription};

use crate::desk::{Desk, methods};

const EXITED: &str = r#"{"method":"process/exited","params":{"processHandle":"p"}}"#;
const OUTPUT: &str = r#"{"method":"process/outputDelta","params":{"processHandle":"p"}}"#;

fn kill() -> Cleanup {
    Cleanup::new("process/kill", b"{}".to_vec())
}

/// A stream and the request that opens it, written to the runtime.
fn opened(until_answer: bool) -> (Desk, Subscription, Arc<Call>) {
    let mut desk = Desk::default();
    let stream = desk.stream("processHandle", "p", Some(kill()));
    let call = desk.open_stream("process/spawn", None, Some((stream.id, until_answer)));
    desk.send(&call);
    desk.wrote();
    (desk, stream, call)
}

#[test]
fn a_streams_events_reach_who_follows_it_until_its_last_word() {
    let mut desk = Desk::default();
    let stream = desk.stream("processHandle", "p", None);
    let other = desk.stream("processHandle", "other", None);
    let namesake = desk.stream("processId", "p", None);
    assert_eq!(desk.session.counts().streams, 3);
    desk.hear(&[OUTPUT, EXITED, OUTPUT]);
    assert_eq!(
        methods(&stream.mailbox),
        ["process/outputDelta", "process/exited"]
    );
    assert!(matches!(stream.mailbox.take(), Taken::Finished));
    assert!(matches!(other.mailbox.take(), Taken::Empty));
    assert!(matches!(namesake.mailbox.take(), Taken::Empty));
    assert_eq!(desk.session.counts().streams, 2);
    desk.give_up(&stream);
    assert!(desk.wrote().is_empty());
}

#[test]
fn an_item_of_a_turn_is_no_streams() {
    let mut desk = Desk::default();
    let stream = desk.stream("processId", "p", None);
    let world = desk.session.subscribe_notifications(&Filter::default());
    desk.hear(&[
        r#"{"method":"item/commandExecution/terminalInteraction","params":{"threadId":"t","turnId":"u","processId":"p"}}"#,
        r#"{"method":"item/future/delta","params":{"threadId":"t","turnId":"u","processId":"p"}}"#,
    ]);
    assert!(matches!(stream.mailbox.take(), Taken::Empty));
    assert!(matches!(world.mailbox.take(), Taken::Empty));
}

#[test]
fn a_newer_runtimes_events_reach_their_stream_and_who_listens_to_everything() {
    let mut desk = Desk::default();
    let stream = desk.stream("watchId", "w", None);
    let world = desk.session.subscribe_notifications(&Filter::default());
    let picky = Filter {
        methods: Some(["future/event"].into_iter().collect()),
        ..Filter::default()
    };
    let picky = desk.session.subscribe_notifications(&picky);
    desk.hear(&[r#"{"method":"future/event","params":{"watchId":"w"}}"#]);
    for consumer in [stream, world, picky] {
        assert_eq!(methods(&consumer.mailbox), ["future/event"]);
    }
}

#[test]
fn what_nobody_listens_to_is_counted_and_not_kept() {
    let mut desk = Desk::default();
    desk.hear(&[OUTPUT, EXITED]);
    let world = desk.session.subscribe_notifications(&Filter::default());
    assert!(matches!(world.mailbox.take(), Taken::Empty));
    assert_eq!(desk.stats.events_unclaimed.get(), 2);
    desk.hear(&[OUTPUT]);
    assert_eq!(methods(&world.mailbox), ["process/outputDelta"]);
}

#[test]
fn what_a_consumer_leaves_in_the_middle_is_undone_once() {
    for leave in [Leave::Close, Leave::Drop, Leave::GiveUp] {
        let (mut desk, stream, call) = opened(false);
        desk.answer(&call, "{}");
        desk.hear(&[OUTPUT]);
        assert!(desk.session.owes(stream.id));
        desk.leave(&stream, leave);
        desk.leave(&stream, leave);
        assert_eq!(desk.wrote(), ["process/kill"]);
        assert_eq!(desk.session.counts().streams, 0);
    }
}

#[test]
fn a_stream_that_is_over_leaves_nothing_to_undo() {
    let (mut desk, stream, call) = opened(false);
    desk.hear(&[EXITED]);
    desk.answer(&call, "{}");
    assert!(!desk.session.owes(stream.id));
    desk.give_up(&stream);
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts(), Counts::default());
}

#[test]
fn an_answer_that_ends_its_stream_leaves_what_came_before() {
    let (mut desk, stream, call) = opened(true);
    desk.hear(&[OUTPUT]);
    desk.answer(&call, "{}");
    assert!(
        desk.woken
            .iter()
            .any(|one| Arc::ptr_eq(one, &stream.mailbox))
    );
    assert_eq!(methods(&stream.mailbox), ["process/outputDelta"]);
    assert!(matches!(stream.mailbox.take(), Taken::Finished));
    desk.leave(&stream, Leave::Close);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_refusal_has_begun_nothing() {
    let (mut desk, stream, call) = opened(false);
    desk.refuse(&call);
    assert!(
        !stream.mailbox.is_finished(),
        "the request may be sent again"
    );
    desk.leave(&stream, Leave::Close);
    assert!(desk.wrote().is_empty());
}

#[test]
fn what_was_never_written_is_not_undone_and_what_is_written_later_is() {
    for given_up in [true, false] {
        let mut desk = Desk::default();
        let stream = desk.stream("processHandle", "p", Some(kill()));
        let call = desk.open_stream("process/spawn", None, Some((stream.id, false)));
        desk.send(&call);
        desk.leave(&stream, Leave::Close);
        if given_up {
            desk.abandon(&call);
        }
        let expected: &[&str] = if given_up {
            &[]
        } else {
            &["process/spawn", "process/kill"]
        };
        assert_eq!(desk.wrote(), expected);
    }
}

#[test]
fn a_stream_owes_as_soon_as_its_request_is_sent_unless_that_is_withdrawn() {
    for withdrawn in [true, false] {
        let mut desk = Desk::default();
        let stream = desk.stream("processHandle", "p", Some(kill()));
        let call = desk.open_stream("process/spawn", None, Some((stream.id, false)));
        assert!(!desk.session.owes(stream.id));
        desk.send(&call);
        // Whoever leaves in an orderly way asks this, and sends what undoes it behind the request.
        assert!(desk.session.owes(stream.id));
        if withdrawn {
            desk.abandon(&call);
        } else {
            assert_eq!(desk.wrote(), ["process/spawn"]);
        }
        assert_eq!(desk.session.owes(stream.id), !withdrawn);
        desk.leave(&stream, Leave::Close);
        let undone: &[&str] = if withdrawn { &[] } else { &["process/kill"] };
        assert_eq!(desk.wrote(), undone);
    }
}

#[test]
fn what_the_consumer_undid_or_lets_go_on_is_not_undone() {
    let (mut desk, stream, _call) = opened(false);
    desk.session.settle(stream.id);
    desk.give_up(&stream);
    let (mut other, kept, _call) = opened(false);
    other.session.detach(kept.id);
    assert!(!other.session.owes(kept.id));
    other.leave(&kept, Leave::Close);
    assert!(desk.wrote().is_empty() && other.wrote().is_empty());
}

#[test]
fn what_is_let_go_on_before_it_is_written_is_not_undone() {
    let mut desk = Desk::default();
    let stream = desk.stream("processHandle", "p", Some(kill()));
    let call = desk.open_stream("process/spawn", None, Some((stream.id, false)));
    desk.send(&call);
    desk.session.detach(stream.id);
    assert_eq!(desk.wrote(), ["process/spawn"]);
    desk.leave(&stream, Leave::Drop);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_kill_that_was_put_off_does_not_meet_the_next_process_of_that_name() {
    for again in [true, false] {
        let (mut desk, stream, call) = opened(false);
        desk.answer(&call, "{}");
        desk.leave(&stream, Leave::Drop);
        assert_eq!(desk.wrote(), ["process/kill"]);
        desk.overload_last();
        let _next = again.then(|| desk.stream("processHandle", "p", Some(kill())));
        desk.pass(Duration::from_secs(1));
        let sent: &[&str] = if again { &[] } else { &["process/kill"] };
        assert_eq!(desk.wrote(), sent);
    }
}

#[test]
fn what_was_no_turns_is_kept_for_who_comes_late_and_asks_once() {
    let mut desk = Desk::default();
    desk.hear(&[EXITED]);
    desk.session.keep_backlog();
    desk.hear(&[OUTPUT, EXITED]);
    let late = desk.session.subscribe_backlog();
    assert_eq!(
        methods(&late.mailbox),
        ["process/outputDelta", "process/exited"]
    );
    desk.hear(&[OUTPUT]);
    assert_eq!(methods(&late.mailbox), ["process/outputDelta"]);
    let second = desk.session.subscribe_backlog();
    assert!(matches!(second.mailbox.take(), Taken::Empty));
}
