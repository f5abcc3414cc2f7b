//! Whose turns are a goal's.

use std::sync::Arc;
use std::time::Duration;

use codex_core::inbox::mailbox::Taken;
use codex_core::inbox::selection::Selection;
use codex_core::session::Counts;
use codex_core::session::call::Outcome;
use codex_core::session::goal::Goal;
use codex_core::session::subscriptions::{Leave, Subscription};
use codex_core::sync::closing::CloseReason;
use codex_core::sync::waker::LoopWaker;

use crate::desk::{COMPLETED, DELTA, Desk, STARTED, completed, methods, started};

const REACHED: &str =
    r#"{"method":"thread/goal/updated","params":{"threadId":"t","goal":{"status":"complete"}}}"#;
const RENAMED: &str = r#"{"method":"thread/name/updated","params":{"threadId":"t"}}"#;

/// A goal whose request is on the wire.
fn asked() -> (Desk, Subscription) {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    ask(&mut desk, &goal);
    (desk, goal)
}

fn ask(desk: &mut Desk, goal: &Subscription) {
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
}

fn running(desk: &Desk, goal: &Subscription) -> Option<Arc<str>> {
    desk.session.goal(goal.id).and_then(Goal::running_turn)
}

#[test]
fn a_goals_turns_are_its_owners_until_it_is_over() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    assert!(desk.goal().is_none());
    desk.hear(&[STARTED, DELTA, COMPLETED]);
    assert!(
        matches!(goal.mailbox.take(), Taken::Empty),
        "it is not set yet"
    );
    ask(&mut desk, &goal);
    desk.hear(&[RENAMED, STARTED, DELTA]);
    assert_eq!(running(&desk, &goal).as_deref(), Some("u"));
    desk.hear(&[REACHED, COMPLETED, STARTED]);
    assert_eq!(
        methods(&goal.mailbox),
        ["turn/started", "item/agentMessage/delta", "turn/completed"]
    );
    assert!(matches!(goal.mailbox.take(), Taken::Finished));
    let first = desk.session.goal(goal.id).and_then(Goal::first_turn);
    assert_eq!(first.as_deref(), Some("u"));
    assert_eq!(running(&desk, &goal), None);
    // It can be looked at for as long as somebody may.
    desk.leave(&goal, Leave::Close);
    assert!(
        desk.session
            .goal(goal.id)
            .is_some_and(|goal| goal.latest().is_some())
    );
    // The thread is free, also while the first one's consumer is still there.
    let next = desk.goal().unwrap();
    desk.leave(&goal, Leave::Drop);
    assert!(desk.session.goal(goal.id).is_none());
    assert!(desk.goal().is_none());
    desk.leave(&next, Leave::Close);
    assert_eq!(desk.session.counts().streams, 0);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_goal_that_is_lost_before_it_is_handed_over_is_paused_and_its_turns_interrupted() {
    let (mut desk, goal) = asked();
    desk.hear(&[STARTED]);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
    // The thread is kept until the goal is over, and what still begins there is met.
    assert!(desk.goal().is_none());
    desk.hear(&[COMPLETED, &started("v")]);
    assert_eq!(desk.wrote(), ["turn/interrupt v"]);
    desk.hear(&[&REACHED.replace("complete", "paused"), &completed("v")]);
    assert!(desk.goal().is_some());
}

#[test]
fn a_goal_that_was_handed_over_goes_on_without_its_handle() {
    let (mut desk, goal) = asked();
    desk.session.detach(goal.id);
    desk.leave(&goal, Leave::Drop);
    desk.hear(&[STARTED]);
    assert!(desk.wrote().is_empty());
    assert_eq!(
        running(&desk, &goal).as_deref(),
        Some("u"),
        "known although nobody reads"
    );
    desk.hear(&[REACHED, COMPLETED]);
    assert!(desk.session.goal(goal.id).is_none());
    assert_eq!(desk.session.counts().streams, 0);
}

fn paused() -> String {
    REACHED.replace("complete", "paused")
}

#[test]
fn a_goal_that_is_given_up_before_its_first_turn_has_that_turn_interrupted() {
    for is_stopped in [false, true] {
        let (mut desk, goal) = asked();
        if is_stopped {
            stop(&mut desk, &goal);
        }
        desk.leave(&goal, Leave::Drop);
        assert_eq!(desk.wrote(), ["thread/goal/set"]);
        desk.hear(&[&paused()]);
        // It is on its way, and whatever is started now would be answered with it.
        let start = desk.open("turn/start", Some("t"));
        assert!(!start.is_admitted());
        assert!(desk.goal().is_none());
        desk.hear(&[STARTED]);
        assert_eq!(desk.wrote(), ["turn/interrupt u"]);
        assert!(!start.is_admitted());
        desk.hear(&[COMPLETED]);
        assert!(start.is_admitted());
        desk.hear(&[&started("v")]);
        assert!(desk.wrote().is_empty(), "it is nobody's here");
    }
}

#[test]
fn the_first_turn_of_a_goal_that_was_given_up_stops_when_who_followed_it_before_it_began_leaves() {
    for leave in [Leave::Close, Leave::GiveUp, Leave::Drop] {
        let (mut desk, goal) = asked();
        let follower = desk.follow("u");
        desk.leave(&goal, Leave::Drop);
        desk.hear(&[&paused(), STARTED]);
        assert_eq!(desk.wrote(), ["thread/goal/set"]);
        desk.leave(&follower, leave);
        assert_eq!(desk.wrote(), ["turn/interrupt u"]);
        desk.accept_last();
        desk.hear(&[COMPLETED]);
        desk.leave(&follower, Leave::Drop);
        assert_eq!(desk.session.counts().turns, 0);
    }
}

#[test]
fn a_turn_on_its_way_when_a_goal_is_paused_stops_when_who_followed_it_before_it_began_leaves() {
    let (mut desk, goal) = asked();
    desk.hear(&[STARTED, COMPLETED]);
    let follower = desk.follow("v");
    desk.leave(&goal, Leave::Drop);
    desk.hear(&[&paused(), &started("v")]);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), ["turn/interrupt v"]);
}

#[test]
fn starts_wait_no_longer_for_the_turn_of_a_goal_that_was_given_up_when_somebody_follows_it() {
    let (mut desk, goal) = asked();
    let follower = desk.follow("u");
    desk.leave(&goal, Leave::Drop);
    desk.hear(&[&paused()]);
    let start = desk.open("turn/start", Some("t"));
    assert!(!start.is_admitted());
    desk.hear(&[STARTED]);
    assert!(start.is_admitted());
    // Whoever has started it by then holds it, too.
    desk.send(&start);
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/start"]);
    desk.leave(&follower, Leave::Drop);
    desk.answer_turn(&start, "u");
    let joined = start.take_subscription().unwrap();
    desk.session.own(joined.id);
    assert_eq!(desk.wrote(), [""; 0]);
    desk.give_up(&joined);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
}

#[test]
fn nobody_waits_for_the_pause_of_a_goal_that_was_refused() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    desk.leave(&goal, Leave::Drop);
    let start = desk.open("turn/start", Some("t"));
    assert!(!start.is_admitted());
    desk.refuse(&call);
    assert!(start.is_admitted());
}

#[test]
fn a_goals_first_turn_that_does_not_come_is_not_waited_for_for_ever() {
    let (mut desk, goal) = asked();
    desk.leave(&goal, Leave::Drop);
    desk.hear(&[&paused()]);
    let start = desk.open("turn/start", Some("t"));
    assert!(!start.is_admitted());
    desk.pass(Duration::from_secs(31));
    assert!(start.is_admitted());
    desk.wrote();
    desk.hear(&[&started("v")]);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_turn_on_its_way_when_a_goal_is_paused_between_two_is_interrupted_and_holds_nobody_up() {
    let (mut desk, goal) = asked();
    desk.hear(&[STARTED, COMPLETED]);
    desk.leave(&goal, Leave::Drop);
    desk.hear(&[&paused()]);
    desk.wrote();
    desk.hear(&[&started("v")]);
    assert_eq!(desk.wrote(), ["turn/interrupt v"]);
    desk.hear(&[&completed("v")]);
    assert!(desk.goal().is_some());
}

#[test]
fn what_is_started_after_a_goal_that_was_given_up_is_not_taken_for_its_turn() {
    for is_review in [false, true] {
        let (mut desk, goal) = asked();
        desk.hear(&[STARTED, COMPLETED]);
        desk.leave(&goal, Leave::Drop);
        desk.hear(&[&paused()]);
        desk.wrote();
        if is_review {
            let call = desk.open("review/start", None);
            desk.send_about(&call, Some("t"));
        } else {
            desk.turn("v");
        }
        desk.wrote();
        desk.hear(&[&started("v")]);
        assert!(desk.wrote().is_empty());
    }
}

#[test]
fn an_owner_who_gives_a_goal_up_pauses_it_first() {
    let (mut desk, goal) = asked();
    desk.hear(&[STARTED]);
    desk.session.detach(goal.id);
    desk.session.own(goal.id);
    desk.give_up(&goal);
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
}

#[test]
fn a_goal_that_is_over_but_for_its_last_turn_need_not_be_paused() {
    let (mut desk, goal) = asked();
    desk.hear(&[STARTED, REACHED]);
    desk.give_up(&goal);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
}

#[test]
fn a_goal_whose_consumer_left_before_its_request_was_written_is_paused_behind_it() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.wrote(), ["thread/goal/set", "thread/goal/set"]);
    desk.hear(&[STARTED]);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.give_up(&goal);
    assert_eq!(desk.wrote(), ["thread/goal/set", "thread/goal/set"]);
}

#[test]
fn a_goals_result_wakes_when_the_goal_is_over() {
    let (mut desk, goal) = asked();
    goal.mailbox.select(Selection::Result);
    let waker = Arc::new(LoopWaker::new().unwrap());
    assert!(!goal.mailbox.gate().arm(&waker, 7));
    desk.hear(&[STARTED, DELTA, COMPLETED]);
    assert!(desk.woken.is_empty());
    desk.hear(&[REACHED]);
    assert_eq!(desk.woken.len(), 1);
    assert_eq!(waker.take(), Some(7));
    assert_eq!(methods(&goal.mailbox), ["turn/started", "turn/completed"]);
}

/// A goal that is set, and whose turn "u" runs.
fn set_and_running() -> (Desk, Subscription) {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    desk.hear(&[STARTED]);
    (desk, goal)
}

#[test]
fn a_detached_turn_is_no_goals_though_nobody_has_its_handle() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.detach(turn.id);
    desk.leave(&turn, Leave::Drop);
    assert!(desk.goal().is_none());
    desk.hear(&[STARTED, COMPLETED]);
    assert!(desk.goal().is_some());
}

#[test]
fn giving_a_goal_up_stops_its_turn_when_nobody_follows_it_any_more() {
    let (mut desk, goal) = set_and_running();
    let follower = desk.follow("u");
    desk.give_up(&goal);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
}

#[test]
fn giving_a_goal_up_does_not_interrupt_its_turn_once_more() {
    let (mut desk, goal) = set_and_running();
    let _wish = desk.step(|session, now, out| session.interrupt("t", "u", now, out));
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.give_up(&goal);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
}

#[test]
fn a_start_waits_for_the_pause_of_a_given_up_goal_and_for_the_end_of_its_turn() {
    let (first, then) = (paused(), COMPLETED.to_owned());
    for order in [[&first, &then], [&then, &first]] {
        let (mut desk, goal) = set_and_running();
        desk.give_up(&goal);
        desk.leave(&goal, Leave::Drop);
        let start = desk.open("turn/start", Some("t"));
        desk.hear(&[order[0]]);
        assert!(!start.is_admitted());
        desk.hear(&[order[1]]);
        assert!(start.is_admitted());
    }
}

#[test]
fn a_pause_for_which_the_runtime_is_too_busy_is_sent_again() {
    let (mut desk, goal) = set_and_running();
    desk.hear(&[COMPLETED]);
    desk.give_up(&goal);
    for pause_ms in [100, 200, 400] {
        assert_eq!(desk.wrote(), ["thread/goal/set"]);
        desk.overload_last();
        desk.pass(Duration::from_millis(pause_ms));
    }
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
    desk.accept_last();
    desk.pass(Duration::from_secs(60));
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_goal_of_a_thread_that_is_not_heard_of_is_refused() {
    let mut desk = Desk::default();
    desk.unsubscribe();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    assert!(
        matches!(call.take(), Some(Outcome::Error { message, .. }) if message.contains("resume"))
    );
    desk.leave(&goal, Leave::Drop);
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts(), Counts::default());
    desk.resume();
    assert!(desk.goal().is_some());
}

#[test]
fn a_pause_that_was_put_off_does_not_meet_the_next_goal() {
    let (mut desk, goal) = set_and_running();
    desk.give_up(&goal);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
    desk.last_id -= 1;
    desk.overload_last();
    desk.hear(&[&COMPLETED.replace(r#""status":"completed""#, r#""status":"interrupted""#)]);
    let next = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((next.id, false)));
    desk.send(&call);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
    desk.pass(Duration::from_secs(1));
    assert!(desk.wrote().is_empty());
}

#[test]
fn giving_a_goal_up_after_the_end_leaves_nothing() {
    let (mut desk, goal) = set_and_running();
    desk.unsubscribe();
    desk.step(|session, _, out| session.close(&CloseReason::new(()), out));
    desk.give_up(&goal);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.session.counts(), Counts::default());
}

#[test]
fn a_goal_that_was_let_go_on_before_it_is_written_is_not_paused() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.session.detach(goal.id);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
}

fn stop(desk: &mut Desk, subscription: &Subscription) -> bool {
    let id = subscription.id;
    desk.step(|session, now, out| session.stop_goal(id, now, out))
}

#[test]
fn a_goal_that_is_stopped_is_paused_and_its_turn_interrupted_whoever_follows() {
    let (mut desk, goal) = set_and_running();
    desk.session.detach(goal.id);
    let _follower = desk.follow("u");
    assert!(stop(&mut desk, &goal));
    assert_eq!(desk.wrote(), ["thread/goal/set", "turn/interrupt u"]);
    assert!(stop(&mut desk, &goal));
    desk.give_up(&goal);
    assert!(desk.wrote().is_empty(), "that is under way");
}

#[test]
fn the_events_of_a_stopped_goal_come_to_the_end() {
    let (mut desk, goal) = set_and_running();
    stop(&mut desk, &goal);
    desk.hear(&[DELTA, &REACHED.replace("complete", "paused"), COMPLETED]);
    assert_eq!(
        methods(&goal.mailbox),
        ["turn/started", "item/agentMessage/delta", "turn/completed"]
    );
    assert!(matches!(goal.mailbox.take(), Taken::Finished));
    desk.wrote();
    stop(&mut desk, &goal);
    desk.leave(&goal, Leave::Drop);
    assert!(desk.wrote().is_empty());
    let Counts { turns, streams, .. } = desk.session.counts();
    assert_eq!((turns, streams), (0, 0));
}

#[test]
fn a_turn_that_begins_before_a_stopped_goal_is_paused_is_interrupted_too() {
    let (mut desk, goal) = set_and_running();
    desk.hear(&[COMPLETED]);
    stop(&mut desk, &goal);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
    let _follower = desk.follow("v");
    desk.hear(&[&started("v")]);
    assert_eq!(desk.wrote(), ["turn/interrupt v"]);
}

#[test]
fn a_goal_that_is_stopped_before_it_is_set_is_paused_behind_its_request() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    stop(&mut desk, &goal);
    desk.send(&call);
    assert_eq!(desk.wrote(), ["thread/goal/set", "thread/goal/set"]);
    desk.hear(&[STARTED]);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    stop(&mut desk, &goal);
    assert!(desk.wrote().is_empty());
}

#[test]
fn stopping_a_goal_does_not_interrupt_its_turn_once_more() {
    let (mut desk, goal) = set_and_running();
    let wish = desk.step(|session, now, out| session.interrupt("t", "u", now, out));
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    assert!(wish.take().is_some());
    stop(&mut desk, &goal);
    assert_eq!(desk.wrote(), ["thread/goal/set"]);
}

#[test]
fn what_is_no_goal_is_not_stopped() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.wrote();
    assert!(!stop(&mut desk, &turn));
    assert!(desk.wrote().is_empty());
}
