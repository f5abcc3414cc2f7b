//! A second place for a result, beside a stream. It holds nothing, and whatever becomes of the turn, it is told.

use std::sync::Arc;
use std::time::Duration;

use codex_core::inbox::mailbox::{Cut, Mailbox, Taken};
use codex_core::inbox::selection::Selection;
use codex_core::session::Counts;
use codex_core::session::goal::Goal;
use codex_core::session::listeners::Filter;
use codex_core::session::server_requests::ServerRequest;
use codex_core::session::subscriptions::{Leave, Subscription};
use codex_core::sync::closing::CloseReason;
use codex_core::sync::waker::LoopWaker;

use crate::desk::{
    COMPLETED, DELTA, Desk, STARTED, completed, long_delta, methods, started, subject,
};

const ITEM: &str = r#"{"method":"item/completed","params":{"threadId":"t","turnId":"u"}}"#;
const ERROR: &str = r#"{"method":"error","params":{"threadId":"t","turnId":"u"}}"#;
const CLOSED: &str = r#"{"method":"thread/closed","params":{"threadId":"t"}}"#;
const REACHED: &str =
    r#"{"method":"thread/goal/updated","params":{"threadId":"t","goal":{"status":"complete"}}}"#;

const LEAVES: [Leave; 3] = [Leave::Close, Leave::GiveUp, Leave::Drop];

fn watch(desk: &mut Desk, of: &Subscription) -> Subscription {
    let draft = of.mailbox.draft().unwrap();
    desk.session.watch(of.id, &of.mailbox, draft).unwrap()
}

/// A turn that was started here and runs, and its watch.
fn watched() -> (Desk, Subscription, Subscription) {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    let watch = watch(&mut desk, &turn);
    desk.hear(&[STARTED]);
    desk.wrote();
    (desk, turn, watch)
}

/// A goal whose request is on the wire, and its watch.
fn watched_goal() -> (Desk, Subscription, Subscription) {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    desk.answer(&call, "{}");
    let watch = watch(&mut desk, &goal);
    (desk, goal, watch)
}

fn first_turn(desk: &Desk, goal: &Subscription) -> Option<Arc<str>> {
    desk.session.goal(goal.id).and_then(Goal::first_turn)
}

fn params(mailbox: &Mailbox) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Taken::Segment(segment) = mailbox.take() {
        found.extend(segment.iter().map(|event| event.params.to_vec()));
    }
    found
}

/// Nobody has a part in anything: nothing is known any more, nothing held, nothing written.
fn assert_nothing_left(desk: &mut Desk, parts: impl IntoIterator<Item = Subscription>) {
    for one in parts {
        desk.leave(&one, Leave::Drop);
    }
    assert_eq!(desk.wrote(), [""; 0]);
    assert_eq!(desk.session.counts(), Counts::default());
    assert_eq!(desk.budget.held(), 0);
}

#[test]
fn a_watch_has_the_result_whatever_is_read_beside_it() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED, ITEM, DELTA]);
    let watch = watch(&mut desk, &turn);
    desk.hear(&[DELTA, ITEM, COMPLETED]);
    assert_eq!(methods(&turn.mailbox).len(), 6);
    assert!(matches!(turn.mailbox.take(), Taken::Finished));
    let result = ["item/completed", "item/completed", "turn/completed"];
    assert_eq!(methods(&watch.mailbox), result);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
    desk.wrote();
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_watch_of_a_turn_that_is_over_but_not_read_has_all_of_its_result() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED, ITEM, DELTA, ERROR, COMPLETED]);
    let watch = watch(&mut desk, &turn);
    assert!(watch.mailbox.gate().is_ready());
    let result = ["item/completed", "error", "turn/completed"];
    assert_eq!(methods(&watch.mailbox), result);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
    assert_eq!(methods(&turn.mailbox).len(), 5);
    desk.wrote();
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn what_was_taken_before_is_not_in_a_watch() {
    let (mut desk, turn, _) = watched();
    desk.hear(&[ITEM]);
    assert_eq!(methods(&turn.mailbox).len(), 2);
    let late = watch(&mut desk, &turn);
    desk.hear(&[ITEM, COMPLETED]);
    assert_eq!(methods(&late.mailbox), ["item/completed", "turn/completed"]);
}

#[test]
fn a_watch_goes_on_when_the_stream_is_closed_or_its_handle_is_gone() {
    for leave in [Leave::Close, Leave::Drop] {
        let (mut desk, turn, watch) = watched();
        desk.session.detach(turn.id);
        desk.leave(&turn, leave);
        desk.hear(&[ITEM, DELTA, COMPLETED]);
        assert_eq!(
            methods(&watch.mailbox),
            ["item/completed", "turn/completed"]
        );
        assert!(matches!(watch.mailbox.take(), Taken::Finished));
        assert_nothing_left(&mut desk, [turn, watch]);
    }
}

#[test]
fn a_turn_whose_follower_has_left_is_known_until_its_end_or_until_its_watch_leaves() {
    for leaves_first in [None, Some(Leave::Close), Some(Leave::Drop)] {
        let mut desk = Desk::default();
        let follower = desk.follow("u");
        let watch = watch(&mut desk, &follower);
        desk.leave(&follower, Leave::Close);
        assert_eq!(desk.session.counts().turns, 1);
        desk.hear(&[STARTED, ITEM]);
        if let Some(leave) = leaves_first {
            desk.leave(&watch, leave);
        } else {
            desk.hear(&[COMPLETED]);
            assert_eq!(
                methods(&watch.mailbox),
                ["item/completed", "turn/completed"]
            );
        }
        assert_eq!(desk.session.counts().turns, 0);
        assert_nothing_left(&mut desk, [follower, watch]);
    }
}

#[test]
fn a_turn_that_nobody_wants_is_stopped_although_it_is_watched() {
    let (mut desk, turn, watch) = watched();
    desk.session.own(turn.id);
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    desk.hear(&[&COMPLETED.replace("completed\"}", "interrupted\"}")]);
    assert_eq!(methods(&watch.mailbox), ["turn/completed"]);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn the_last_follower_who_closes_stops_what_an_owner_gave_up_although_it_is_watched() {
    let (mut desk, turn, watch_of_owner) = watched();
    let follower = desk.follow("u");
    let watch_of_follower = watch(&mut desk, &follower);
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), [""; 0]);
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    desk.hear(&[COMPLETED]);
    for watch in [&watch_of_owner, &watch_of_follower] {
        assert_eq!(methods(&watch.mailbox), ["turn/completed"]);
    }
    assert_nothing_left(
        &mut desk,
        [turn, follower, watch_of_owner, watch_of_follower],
    );
}

#[test]
fn whatever_a_watch_does_changes_no_claim() {
    for leave in LEAVES {
        let (mut desk, turn, watch) = watched();
        desk.session.own(turn.id);
        desk.session.detach(watch.id);
        desk.session.own(watch.id);
        desk.session.settle(watch.id);
        assert!(!desk.session.owes(watch.id));
        let id = watch.id;
        assert!(!desk.step(|session, now, out| session.stop_goal(id, now, out)));
        desk.leave(&watch, leave);
        desk.leave(&watch, Leave::Drop);
        assert_eq!(desk.wrote(), [""; 0]);
        desk.hear(&[DELTA]);
        assert_eq!(methods(&turn.mailbox).len(), 2, "it is still read");
        // Its owner is the last one.
        desk.give_up(&turn);
        assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    }
}

#[test]
fn a_watch_that_leaves_keeps_and_stops_no_turn_of_nobody() {
    for leave in LEAVES {
        let mut desk = Desk::default();
        let follower = desk.follow("u");
        let watch = watch(&mut desk, &follower);
        desk.hear(&[STARTED]);
        desk.leave(&follower, Leave::Drop);
        desk.leave(&watch, leave);
        assert_nothing_left(&mut desk, [watch]);
    }
}

#[test]
fn a_thread_is_not_busy_with_a_turn_that_is_only_watched() {
    let mut desk = Desk::default();
    let follower = desk.follow("u");
    let watch = watch(&mut desk, &follower);
    desk.hear(&[STARTED]);
    assert!(desk.goal().is_none(), "it is followed");
    desk.leave(&follower, Leave::Close);
    let goal = desk.goal().unwrap();
    assert_nothing_left(&mut desk, [goal, watch]);
}

#[test]
fn a_watch_wakes_for_errors_and_at_the_end() {
    let (mut desk, _turn, watch) = watched();
    let waker = Arc::new(LoopWaker::new().unwrap());
    desk.hear(&[ITEM, DELTA]);
    assert!(!watch.mailbox.gate().arm(&waker, 7));
    desk.hear(&[ITEM, DELTA]);
    assert_eq!(waker.take(), None);
    desk.hear(&[ERROR]);
    assert_eq!(waker.take(), Some(7));
    assert_eq!(methods(&watch.mailbox).len(), 3);
    assert!(!watch.mailbox.gate().arm(&waker, 8));
    desk.hear(&[ITEM]);
    assert_eq!(waker.take(), None);
    desk.hear(&[COMPLETED]);
    assert_eq!(waker.take(), Some(8));
}

#[test]
fn an_error_that_was_taken_already_wakes_no_watch() {
    for is_taken in [false, true] {
        let mut desk = Desk::default();
        let turn = desk.turn("u");
        desk.hear(&[STARTED, ERROR, &long_delta("t", "u", 70_000), ITEM]);
        if is_taken {
            assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
        }
        let watch = watch(&mut desk, &turn);
        assert_eq!(watch.mailbox.gate().is_ready(), !is_taken);
    }
}

#[test]
fn what_has_arrived_for_a_turn_has_arrived_for_its_watch() {
    let second = Duration::from_secs(1);
    let (mut desk, turn, early) = watched();
    desk.pass(3 * second);
    desk.hear(&[DELTA]);
    desk.pass(2 * second);
    let late = watch(&mut desk, &turn);
    let idle = |desk: &Desk, one: &Subscription| one.mailbox.idle(desk.now);
    for one in [&turn, &early, &late] {
        assert_eq!(idle(&desk, one), Some(2 * second));
    }
    desk.leave(&turn, Leave::Close);
    desk.hear(&[DELTA]);
    desk.pass(second);
    for one in [&early, &late] {
        assert_eq!(idle(&desk, one), Some(second));
    }
    // What the runtime asks in it is settled.
    let params = br#"{"threadId":"t","turnId":"u"}"#;
    let origin = ServerRequest::new(b"0", "item/tool/call", params).origin;
    assert!(origin.is_of(&early.mailbox));
    desk.session.note_settled(&origin, desk.now);
    assert_eq!(idle(&desk, &early), Some(Duration::ZERO));
}

#[test]
fn events_that_were_lost_before_the_answer_are_told_at_the_end_of_a_watch() {
    let mut desk = Desk::default();
    let call = desk.start();
    for number in 0..20 {
        desk.hear(&[&started(&number.to_string())]);
    }
    desk.answer_turn(&call, "0");
    let turn = call.take_subscription().unwrap();
    let watch = watch(&mut desk, &turn);
    assert!(matches!(turn.mailbox.take(), Taken::Partial(_)));
    assert!(matches!(watch.mailbox.take(), Taken::Empty));
    desk.hear(&[&completed("0")]);
    assert!(matches!(watch.mailbox.take(), Taken::Segment(_)));
    assert!(matches!(watch.mailbox.take(), Taken::Partial(lost) if lost.events == 4));
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
}

#[test]
fn a_stream_that_overflows_leaves_its_watch_whole() {
    let budget = 64 * 1024;
    for (per_mailbox, total) in [(budget, usize::MAX), (usize::MAX, budget)] {
        for is_early in [true, false] {
            let mut desk = Desk::with_budget(per_mailbox, total);
            let turn = desk.turn("u");
            let early = is_early.then(|| watch(&mut desk, &turn));
            for _ in 0..100 {
                desk.hear(&[ITEM, &long_delta("t", "u", 1000)]);
            }
            let watch = early.unwrap_or_else(|| watch(&mut desk, &turn));
            desk.hear(&[COMPLETED]);
            assert!(desk.stats.events_lost.get() > 0);
            assert!(matches!(turn.mailbox.take(), Taken::Lost(_)));
            let result = methods(&watch.mailbox);
            assert_eq!(result.len(), 101);
            assert!(result[..100].iter().all(|one| one == "item/completed"));
            assert!(matches!(watch.mailbox.take(), Taken::Finished));
            desk.wrote();
            assert_nothing_left(&mut desk, [turn, watch]);
        }
    }
}

#[test]
fn the_bytes_of_a_watch_count() {
    let (mut desk, turn, watch) = watched();
    desk.leave(&turn, Leave::Close);
    assert_eq!(desk.budget.held(), 0);
    desk.hear(&[DELTA]);
    assert_eq!(desk.budget.held(), 0);
    assert_eq!(desk.stats.events_filtered.get(), 1);
    desk.hear(&[ITEM]);
    assert!(desk.budget.held() > 0);
    assert_eq!(desk.budget.held(), watch.mailbox.held());
    desk.leave(&watch, Leave::Close);
    assert_eq!(desk.budget.held(), 0);
}

#[test]
fn a_watch_is_told_that_its_thread_is_not_heard_of_any_more() {
    for is_closed in [false, true] {
        for leave in [None, Some(Leave::Close)] {
            let (mut desk, turn, watch) = watched();
            desk.session.detach(turn.id);
            if let Some(leave) = leave {
                desk.leave(&turn, leave);
            }
            desk.hear(&[ITEM]);
            desk.woken.clear();
            if is_closed {
                desk.hear(&[CLOSED]);
            } else {
                desk.unsubscribe();
            }
            let woken = |one: &Subscription| {
                let is_it = |other: &_| Arc::ptr_eq(other, &one.mailbox);
                desk.woken.iter().any(is_it)
            };
            assert!(woken(&watch));
            assert_eq!(woken(&turn), leave.is_none());
            assert_eq!(methods(&watch.mailbox), ["item/completed"]);
            let cut = if is_closed {
                Cut::ThreadClosed
            } else {
                Cut::Unsubscribed
            };
            assert!(matches!(watch.mailbox.take(), Taken::Cut(told) if told == cut));
            desk.wrote();
            assert_nothing_left(&mut desk, [turn, watch]);
        }
    }
}

#[test]
fn a_watch_of_what_was_cut_before_has_that_end() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED, ITEM]);
    desk.unsubscribe();
    let watch = watch(&mut desk, &turn);
    assert_eq!(methods(&watch.mailbox), ["item/completed"]);
    assert!(matches!(
        watch.mailbox.take(),
        Taken::Cut(Cut::Unsubscribed)
    ));
    desk.session.detach(turn.id);
    desk.wrote();
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_watch_of_a_turn_that_has_ended_unheard_is_told_when_it_is_given_up() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.unsubscribe();
    desk.resume();
    let follower = desk.follow("u");
    let watch = watch(&mut desk, &follower);
    desk.give_up(&turn);
    desk.wrote();
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.refuse_last();
    assert!(matches!(watch.mailbox.take(), Taken::Empty));
    for _ in 0..100 {
        desk.pass(Duration::from_secs(1));
        if !desk.wrote().is_empty() {
            desk.refuse_last();
        }
    }
    assert!(matches!(
        watch.mailbox.take(),
        Taken::Cut(Cut::Unsubscribed)
    ));
    assert_nothing_left(&mut desk, [turn, follower, watch]);
}

#[test]
fn the_end_of_the_connection_is_told_to_a_watch() {
    for leave in [None, Some(Leave::Close), Some(Leave::Drop)] {
        for is_goal in [false, true] {
            let (mut desk, main, early) = if is_goal { watched_goal() } else { watched() };
            desk.session.detach(main.id);
            if let Some(leave) = leave {
                desk.leave(&main, leave);
            }
            let reason = CloseReason::new("gone".to_owned());
            desk.step(|session, _, out| session.close(&reason, out));
            assert!(matches!(early.mailbox.take(), Taken::Closed(_)));
            let mut parts = vec![early];
            if leave.is_none() {
                let late = watch(&mut desk, &main);
                assert!(matches!(late.mailbox.take(), Taken::Closed(_)));
                parts.push(late);
            }
            parts.push(main);
            assert_nothing_left(&mut desk, parts);
        }
    }
}

#[test]
fn what_was_closed_or_is_no_turns_cannot_be_watched() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.own(turn.id);
    desk.leave(&turn, Leave::Close);
    let stream = desk
        .session
        .subscribe_stream(&subject("watchId", "w"), None);
    let world = desk.session.subscribe_notifications(&Filter::default());
    let goal = watched_goal().1;
    for one in [&turn, &stream, &world, &goal] {
        let draft = one.mailbox.draft();
        let watch = draft.and_then(|draft| desk.session.watch(one.id, &one.mailbox, draft));
        assert!(watch.is_none(), "{watch:?}");
    }
    desk.wrote();
    desk.give_up(&turn);
    assert_eq!(desk.session.counts().turns, 1, "it is being stopped");
}

#[test]
fn a_watch_of_a_goal_has_the_results_of_all_its_turns() {
    for leave in [None, Some(Leave::Close), Some(Leave::Drop)] {
        let (mut desk, goal, watch) = watched_goal();
        desk.session.detach(goal.id);
        desk.hear(&[STARTED, ITEM, DELTA, COMPLETED]);
        if let Some(leave) = leave {
            desk.leave(&goal, leave);
        } else {
            assert_eq!(methods(&goal.mailbox).len(), 4);
        }
        desk.hear(&[&started("v"), DELTA, REACHED, &completed("v")]);
        assert_eq!(
            methods(&watch.mailbox),
            [
                "turn/started",
                "item/completed",
                "turn/completed",
                "turn/started",
                "turn/completed"
            ]
        );
        assert!(matches!(watch.mailbox.take(), Taken::Finished));
        assert_eq!(first_turn(&desk, &goal).as_deref(), Some("u"));
        let id = goal.id;
        assert_nothing_left(&mut desk, [goal, watch]);
        assert!(desk.session.goal(id).is_none());
    }
}

#[test]
fn a_goal_that_ends_between_two_turns_ends_for_its_watch() {
    let (mut desk, goal, watch) = watched_goal();
    let waker = Arc::new(LoopWaker::new().unwrap());
    desk.hear(&[STARTED, COMPLETED]);
    assert!(!watch.mailbox.gate().arm(&waker, 7));
    desk.hear(&[REACHED]);
    assert_eq!(waker.take(), Some(7));
    assert_eq!(methods(&watch.mailbox).len(), 2);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
    assert_nothing_left(&mut desk, [goal, watch]);
}

#[test]
fn a_goal_that_is_given_up_is_paused_although_it_is_watched() {
    let (mut desk, goal, watch) = watched_goal();
    desk.hear(&[STARTED]);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
    desk.accept_last();
    desk.last_id -= 1;
    desk.accept_last();
    desk.hear(&[&COMPLETED.replace("completed\"}", "interrupted\"}")]);
    assert_eq!(methods(&watch.mailbox), ["turn/started", "turn/completed"]);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
    desk.hear(&[&REACHED.replace("complete", "paused")]);
    assert_nothing_left(&mut desk, [watch]);
}

#[test]
fn a_watch_that_leaves_pauses_no_goal() {
    for leave in LEAVES {
        let (mut desk, goal, watch) = watched_goal();
        desk.hear(&[STARTED]);
        desk.session.own(watch.id);
        desk.session.settle(watch.id);
        desk.leave(&watch, leave);
        assert_eq!(desk.wrote(), [""; 0]);
        assert!(desk.session.owes(goal.id));
        desk.give_up(&goal);
        assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
    }
}

#[test]
fn a_goal_whose_thread_is_not_heard_of_any_more_ends_for_its_watch() {
    for leave in [None, Some(Leave::Close)] {
        let (mut desk, goal, watch) = watched_goal();
        desk.session.detach(goal.id);
        desk.hear(&[STARTED]);
        if let Some(leave) = leave {
            desk.leave(&goal, leave);
        }
        desk.unsubscribe();
        assert_eq!(methods(&watch.mailbox), ["turn/started"]);
        assert!(matches!(
            watch.mailbox.take(),
            Taken::Cut(Cut::Unsubscribed)
        ));
        desk.wrote();
        assert_nothing_left(&mut desk, [goal, watch]);
    }
}

#[test]
fn a_goal_that_was_never_set_ends_for_its_watch_when_its_consumer_leaves() {
    for leave in LEAVES {
        let mut desk = Desk::default();
        let goal = desk.goal().unwrap();
        let watch = watch(&mut desk, &goal);
        assert!(matches!(watch.mailbox.take(), Taken::Empty));
        desk.leave(&goal, leave);
        assert!(
            desk.woken
                .iter()
                .any(|one| Arc::ptr_eq(one, &watch.mailbox))
        );
        assert!(matches!(watch.mailbox.take(), Taken::Finished));
        assert_nothing_left(&mut desk, [goal, watch]);
    }
}

#[test]
fn a_watch_may_be_watched() {
    for is_goal in [false, true] {
        let (mut desk, main, first) = if is_goal { watched_goal() } else { watched() };
        desk.session.detach(main.id);
        desk.hear(&[STARTED, ITEM]);
        let second = watch(&mut desk, &first);
        desk.leave(&first, Leave::Drop);
        desk.hear(&[REACHED, COMPLETED]);
        let found = methods(&second.mailbox);
        assert_eq!(
            found[found.len() - 2..],
            ["item/completed", "turn/completed"]
        );
        assert!(matches!(second.mailbox.take(), Taken::Finished));
        assert_nothing_left(&mut desk, [main, second]);
    }
}

#[test]
fn what_a_narrower_selection_has_passed_over_is_not_in_a_watch() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    turn.mailbox.select(Selection::Text);
    desk.hear(&[STARTED, ITEM, DELTA]);
    let watch = watch(&mut desk, &turn);
    desk.hear(&[ITEM, COMPLETED]);
    assert_eq!(methods(&watch.mailbox).len(), 2);
}

#[test]
fn what_was_copied_without_the_sessions_lock_is_not_copied_again() {
    let (mut desk, turn, early) = watched();
    let long_item = |number: usize| {
        let text = "x".repeat(10_000);
        ITEM.replace("}}", &format!(r#","number":{number},"text":{text:?}}}}}"#))
    };
    let mut number = 0;
    let mut say = |desk: &mut Desk, count: usize| {
        for _ in 0..count {
            number += 1;
            desk.hear(&[&long_item(number), DELTA]);
        }
    };
    say(&mut desk, 20);
    // What is not the last segment is copied while the session is not locked. Meanwhile more comes, and some is taken.
    let mut draft = turn.mailbox.draft().unwrap();
    let before = desk.budget.held();
    turn.mailbox.copy_to(&mut draft);
    assert!(desk.budget.held() > before + 100_000);
    say(&mut desk, 3);
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    turn.mailbox.copy_to(&mut draft);
    say(&mut desk, 20);
    desk.hear(&[COMPLETED]);
    let late = desk.session.watch(turn.id, &turn.mailbox, draft).unwrap();
    let all = params(&early.mailbox);
    assert_eq!(all.len(), 44);
    assert_eq!(params(&late.mailbox), all);
    assert!(matches!(late.mailbox.take(), Taken::Finished));
}

#[test]
fn what_becomes_smaller_while_it_is_copied_is_copied_once() {
    let mut desk = Desk::with_budget(512 * 1024, usize::MAX);
    let turn = desk.turn("u");
    for _ in 0..100 {
        desk.hear(&[ITEM, &long_delta("t", "u", 3000)]);
    }
    let mut draft = turn.mailbox.draft().unwrap();
    turn.mailbox.copy_to(&mut draft);
    assert_eq!(desk.stats.events_lost.get(), 0);
    for _ in 0..100 {
        desk.hear(&[ITEM, &long_delta("t", "u", 3000)]);
    }
    assert!(desk.stats.events_lost.get() > 0);
    let watch = desk.session.watch(turn.id, &turn.mailbox, draft).unwrap();
    assert_eq!(methods(&watch.mailbox), ["item/completed"; 200]);
}
