//! The end of a session, and what comes after it.

use codex_core::inbox::mailbox::Taken;
use codex_core::session::Counts;
use codex_core::session::call::{Call, Outcome};
use codex_core::session::cleanup::Cleanup;
use codex_core::session::effects::Line;
use codex_core::session::listeners::Filter;
use codex_core::session::subscriptions::Leave;
use codex_core::sync::closing::CloseReason;

use crate::desk::{Desk, STARTED, subject};

fn close(desk: &mut Desk, reason: &str) {
    let reason = CloseReason::new(reason.to_owned());
    desk.step(|session, _, out| session.close(&reason, out));
}

fn why(call: &Call) -> Option<String> {
    match call.take() {
        Some(Outcome::Closed(reason)) => reason.get::<String>().cloned(),
        _ => None,
    }
}

#[test]
fn everything_that_waits_is_told_the_first_reason() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED]);
    let held_up = desk.turn("u");
    desk.give_up(&held_up);
    let pending = desk.start();
    let mut calls: Vec<_> = (0..40).map(|_| desk.open("thread/read", None)).collect();
    desk.send(&calls[0]);
    calls.push(pending);
    let stream = desk.stream("processHandle", "p", None);
    let world = desk.session.subscribe_notifications(&Filter::default());
    desk.wrote();
    close(&mut desk, "first");
    close(&mut desk, "second");
    calls.push(desk.open("thread/read", None));
    calls.push(desk.open("turn/start", Some("t")));
    calls.push(desk.step(|session, now, out| session.interrupt("t", "u", now, out)));
    for call in &calls {
        assert_eq!(why(call).as_deref(), Some("first"), "{call:?}");
    }
    let late = [
        desk.follow("u"),
        desk.session
            .subscribe_stream(&subject("watchId", "w"), None),
        desk.session.subscribe_notifications(&Filter::default()),
        desk.goal().unwrap(),
    ];
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    for one in [turn, stream, world].iter().chain(&late) {
        assert!(matches!(one.mailbox.take(), Taken::Closed(_)));
        desk.leave(one, Leave::GiveUp);
    }
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts(), Counts::default());
}

#[test]
fn answers_that_are_still_on_their_way_are_no_orphans() {
    let mut desk = Desk::default();
    let call = desk.request("thread/read", None);
    close(&mut desk, "end");
    desk.answer(&call, "{}");
    assert_eq!((desk.orphans, desk.stats.orphan_responses.get()), (0, 0));
}

#[test]
fn answers_to_what_was_not_asked_or_not_yet_written_are_orphans() {
    let mut desk = Desk::default();
    let call = desk.open("thread/read", None);
    desk.answer(&call, "{}");
    desk.send(&call);
    desk.answer(&call, "{}");
    desk.hear(&[r#"{"id":"x","result":{}}"#]);
    assert_eq!((desk.orphans, desk.stats.orphan_responses.get()), (3, 3));
    desk.write();
    desk.answer(&call, "{}");
    assert!(matches!(call.take(), Some(Outcome::Result(_))));
}

#[test]
fn for_a_runtime_that_lives_on_all_that_is_owned_is_undone() {
    let mut desk = Desk::default();
    let owned = desk.turn("owned");
    let detached = desk.turn("detached");
    let given_up = desk.turn("given up");
    let _followed = desk.follow("followed");
    desk.session.own(owned.id);
    desk.session.detach(detached.id);
    desk.give_up(&given_up);
    desk.wrote();
    let lines = desk.session.undo_all();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("turn/interrupt") && lines[0].contains("given up"));
    assert!(lines[1].contains("turn/interrupt") && lines[1].contains("owned"));
}

#[test]
fn for_a_runtime_that_lives_on_a_turn_that_somebody_has_detached_runs_on() {
    let mut desk = Desk::default();
    let (owned, detached) = (desk.turn("u"), desk.turn("u"));
    desk.session.own(owned.id);
    desk.session.detach(detached.id);
    assert!(desk.session.undo_all().is_empty());
    // Once more with both of them owned.
    desk.session.own(detached.id);
    assert_eq!(desk.session.undo_all().len(), 1);
}

#[test]
fn for_a_runtime_that_lives_on_what_has_not_gone_out_yet_does() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    desk.give_up(&turn);
    let kill = Cleanup::new("process/kill", b"{}".to_vec());
    let stream = desk.stream("processHandle", "p", Some(kill));
    let call = desk.open_stream("process/spawn", None, Some((stream.id, false)));
    desk.send(&call);
    let later = desk.stream("processHandle", "q", None);
    desk.leave(&later, Leave::Close);
    let lines = desk.session.undo_all();
    let text = |line: &Line| String::from_utf8_lossy(&line.bytes).into_owned();
    let lines: Vec<_> = lines.iter().map(text).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("turn/interrupt"), "{lines:?}");
    desk.wrote();
    let lines: Vec<_> = desk.session.undo_all().iter().map(text).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("process/kill"), "{lines:?}");
}
