//! Turns and goals of a thread that this client has unsubscribed from: nothing more is heard of them.

use std::time::Duration;

use codex_core::inbox::mailbox::{Cut, Taken};
use codex_core::session::Counts;
use codex_core::session::subscriptions::Leave;

use crate::desk::{COMPLETED, DELTA, Desk, STARTED, methods};

/// Interrupts that were written while so much time passed.
fn interrupts_within(desk: &mut Desk, time: Duration) -> usize {
    let mut count = 0;
    for _ in 0..100 {
        let wrote = desk.wrote();
        count += wrote
            .iter()
            .filter(|line| *line == "turn/interrupt u")
            .count();
        desk.pass(time / 100);
    }
    count
}

#[test]
fn who_waits_for_a_turn_whose_thread_is_unsubscribed_is_told() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.unsubscribe();
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
    desk.resume();
    let heard = desk.turn("w");
    assert!(matches!(heard.mailbox.take(), Taken::Empty));
}

#[test]
fn a_turn_that_was_given_up_and_is_not_heard_of_any_more_is_interrupted_blindly() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    desk.wrote();
    desk.unsubscribe();
    let wrote = desk.wrote();
    assert_eq!(wrote.last().map(String::as_str), Some("turn/interrupt u"));
    // It has not begun, so the runtime refuses; a little later it does not.
    desk.refuse_last();
    desk.pass(Duration::from_millis(100));
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    assert_eq!(desk.session.counts(), Counts::default());
    desk.pass(Duration::from_secs(60));
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_runtime_that_refuses_to_interrupt_an_unheard_turn_is_not_asked_for_ever() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.unsubscribe();
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
fn a_second_unsubscribing_does_not_end_the_stopping() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    desk.wrote();
    desk.unsubscribe();
    desk.wrote();
    desk.unsubscribe();
    desk.wrote();
    // The first interrupt came too early.
    desk.hear(&[r#"{"id":3,"error":{"code":-32600,"message":"no active turn"}}"#]);
    assert!(interrupts_within(&mut desk, Duration::from_secs(60)) > 0);
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_late_answer_is_stopped_blindly() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    let call = desk.start();
    desk.abandon(&call);
    desk.answer_turn(&call, "u");
    assert!(interrupts_within(&mut desk, Duration::from_secs(60)) > 0);
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn an_interrupt_is_tried_until_it_is_accepted() {
    for unsubscribes_first in [false, true] {
        let mut desk = Desk::default();
        let turn = desk.turn("u");
        if unsubscribes_first {
            desk.unsubscribe();
        }
        let call = desk.step(|session, now, out| session.interrupt("t", "u", now, out));
        desk.wrote();
        desk.refuse_last();
        if !unsubscribes_first {
            desk.unsubscribe();
        }
        desk.pass(Duration::from_millis(100));
        desk.write();
        desk.accept_last();
        assert!(call.take().is_some(), "{unsubscribes_first}");
        desk.leave(&turn, Leave::Drop);
        assert_eq!(desk.session.counts().turns, 0);
    }
}

#[test]
fn who_joins_again_does_not_stop_what_was_detached() {
    let mut desk = Desk::default();
    let detached = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.session.detach(detached.id);
    desk.leave(&detached, Leave::Drop);
    desk.unsubscribe();
    assert_eq!(desk.session.counts().turns, 0);
    desk.resume();
    let joined = desk.turn("u");
    desk.hear(&[DELTA]);
    desk.wrote();
    desk.give_up(&joined);
    assert!(desk.wrote().is_empty());
}

#[test]
fn what_was_interrupted_is_over_for_everybody() {
    let mut desk = Desk::default();
    let owner = desk.turn("u");
    desk.unsubscribe();
    desk.give_up(&owner);
    desk.write();
    let follower = desk.follow("u");
    desk.accept_last();
    let late = desk.turn("u");
    assert!(matches!(late.mailbox.take(), Taken::Finished));
    for one in [&follower, &late] {
        desk.leave(one, Leave::GiveUp);
    }
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn who_waits_for_a_goal_is_told_and_can_still_pause_it() {
    for gives_up in [true, false] {
        let mut desk = Desk::default();
        let goal = desk.goal().unwrap();
        let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
        desk.send(&call);
        desk.write();
        desk.hear(&[STARTED]);
        desk.session.detach(goal.id);
        desk.unsubscribe();
        desk.wrote();
        if gives_up {
            desk.session.own(goal.id);
            desk.give_up(&goal);
            assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
            desk.accept_last();
        } else {
            assert!(matches!(
                goal.mailbox.take(),
                Taken::Segment(_) | Taken::Cut(_)
            ));
            assert!(matches!(goal.mailbox.take(), Taken::Cut(Cut::Unsubscribed)));
        }
        desk.leave(&goal, Leave::Drop);
        assert_eq!(desk.session.counts().streams, 0);
        assert!(desk.goal().is_some(), "the thread is free");
    }
}

#[test]
fn a_thread_that_is_heard_of_again_was_subscribed_to_elsewhere() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    desk.hear(&[STARTED]);
    let turn = desk.turn("u");
    assert!(matches!(turn.mailbox.take(), Taken::Empty));
}

#[test]
fn a_follower_holds_a_turn_that_is_not_heard_of_any_more() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    let follower = desk.follow("u");
    desk.unsubscribe();
    desk.wrote();
    assert_eq!(interrupts_within(&mut desk, Duration::from_secs(60)), 0);
    desk.leave(&follower, Leave::Close);
    assert!(interrupts_within(&mut desk, Duration::from_secs(60)) > 0);
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_turn_that_was_spared_for_a_start_is_stopped_when_that_is_refused() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    let turn = desk.turn("u");
    let start = desk.start();
    desk.give_up(&turn);
    desk.wrote();
    desk.refuse(&start);
    assert!(interrupts_within(&mut desk, Duration::from_secs(60)) > 0);
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_turn_whose_last_word_is_not_heard_is_forgotten() {
    for is_accepted in [true, false] {
        let mut desk = Desk::default();
        let turn = desk.turn("u");
        desk.hear(&[STARTED]);
        desk.give_up(&turn);
        desk.wrote();
        if is_accepted {
            desk.accept_last();
        } else {
            desk.refuse_last();
            desk.wrote();
            desk.refuse_last();
        }
        desk.unsubscribe();
        interrupts_within(&mut desk, Duration::from_secs(60));
        assert_eq!(desk.session.counts().turns, 0, "{is_accepted}");
    }
}

#[test]
fn a_turn_that_was_let_run_on_without_a_handle_is_forgotten() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.answer_turn(&call, "u");
    call.take();
    desk.step(|session, now, out| session.release(&call, now, out));
    desk.unsubscribe();
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_turn_is_heard_of_again_after_a_resume() {
    for joins in [true, false] {
        let mut desk = Desk::default();
        let first = desk.turn("u");
        desk.session.detach(first.id);
        desk.hear(&[STARTED]);
        desk.unsubscribe();
        desk.resume();
        let again = if joins {
            desk.turn("u")
        } else {
            desk.follow("u")
        };
        desk.hear(&[DELTA, COMPLETED]);
        let heard = ["item/agentMessage/delta", "turn/completed"];
        assert_eq!(methods(&again.mailbox), heard);
        assert!(matches!(again.mailbox.take(), Taken::Finished));
    }
}

#[test]
fn a_turn_whose_beginning_was_missed_is_stopped_at_once() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    let turn = desk.turn("u");
    desk.session.own(turn.id);
    desk.resume();
    desk.wrote();
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
}

#[test]
fn the_end_of_a_turn_that_is_heard_of_again_is_waited_for() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.own(turn.id);
    desk.hear(&[STARTED]);
    desk.unsubscribe();
    desk.resume();
    desk.give_up(&turn);
    let start = desk.open("turn/start", Some("t"));
    desk.accept_last();
    assert!(!start.is_admitted(), "it would join the interrupted turn");
    desk.hear(&[COMPLETED]);
    assert!(start.is_admitted());
}

#[test]
fn a_turn_that_ended_unheard_is_not_waited_for_after_a_resume() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.detach(turn.id);
    desk.hear(&[STARTED]);
    desk.unsubscribe();
    desk.resume();
    desk.leave(&turn, Leave::Drop);
    assert_eq!(desk.session.counts().turns, 0);
    assert!(desk.goal().is_some());
}

#[test]
fn a_given_up_turn_that_ended_unheard_is_forgotten_in_the_end() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.own(turn.id);
    desk.hear(&[STARTED]);
    desk.unsubscribe();
    desk.resume();
    desk.give_up(&turn);
    for _ in 0..20 {
        if !desk.wrote().is_empty() {
            desk.refuse_last();
        }
        desk.pass(Duration::from_secs(1));
    }
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_busy_runtime_does_not_use_up_the_tries() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.own(turn.id);
    desk.hear(&[STARTED]);
    desk.unsubscribe();
    desk.give_up(&turn);
    for _ in 0..200 {
        if !desk.wrote().is_empty() {
            desk.overload_last();
        }
        desk.pass(Duration::from_millis(100));
    }
    desk.pass(Duration::from_secs(5));
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_late_answer_with_a_detached_turn_that_is_not_heard_of_leaves_nothing() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    let detached = desk.turn("u");
    desk.session.detach(detached.id);
    desk.leave(&detached, Leave::Drop);
    let late = desk.start();
    desk.abandon(&late);
    desk.answer_turn(&late, "u");
    assert_eq!(desk.session.counts().turns, 0);
}
