//! What is recorded for a result while a stream takes it: a watch that is made later has it all, whoever has left.

use std::sync::Arc;

use codex_core::inbox::mailbox::{Cut, Mailbox, Taken};
use codex_core::inbox::selection::Selection;
use codex_core::session::Counts;
use codex_core::session::subscriptions::{Leave, Subscription};
use codex_core::sync::waker::LoopWaker;

use crate::desk::{
    COMPLETED, DELTA, Desk, STARTED, completed, long_delta, methods, started, subject,
};

const ITEM: &str = r#"{"method":"item/completed","params":{"threadId":"t","turnId":"u"}}"#;
const BEGUN: &str = r#"{"method":"item/started","params":{"threadId":"t","turnId":"u"}}"#;
const REACHED: &str =
    r#"{"method":"thread/goal/updated","params":{"threadId":"t","goal":{"status":"complete"}}}"#;
const RESULT: [&str; 3] = ["item/completed", "item/completed", "turn/completed"];

fn watch(desk: &mut Desk, of: &Subscription) -> Option<Subscription> {
    let mut draft = of.mailbox.draft()?;
    of.mailbox.copy_to(&mut draft);
    desk.session.watch(of.id, &of.mailbox, draft)
}

/// A turn that was started here, and is recorded.
fn recorded() -> (Desk, Subscription) {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    assert!(turn.mailbox.record(None));
    desk.session.detach(turn.id);
    desk.wrote();
    (desk, turn)
}

fn recorded_goal() -> (Desk, Subscription) {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    let call = desk.open_stream("thread/goal/set", None, Some((goal.id, false)));
    desk.send(&call);
    desk.wrote();
    desk.answer(&call, "{}");
    assert!(goal.mailbox.record(None));
    desk.session.detach(goal.id);
    (desk, goal)
}

/// As a connection does it.
fn forget(desk: &mut Desk, one: &Subscription) {
    if one.mailbox.forget().1 {
        desk.leave(one, Leave::Close);
    }
}

fn assert_ends(watch: &Subscription, result: &[&str]) {
    assert_eq!(methods(&watch.mailbox), result);
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
}

fn assert_nothing_left(desk: &mut Desk, parts: impl IntoIterator<Item = Subscription>) {
    for one in parts {
        desk.leave(&one, Leave::Drop);
    }
    assert_eq!(desk.wrote(), [""; 0]);
    assert_eq!(desk.session.counts(), Counts::default());
    assert_eq!(desk.budget.held(), 0);
}

#[test]
fn a_watch_that_is_made_later_has_what_was_taken_what_is_stored_and_what_comes() {
    let (mut desk, turn) = recorded();
    desk.hear(&[STARTED, ITEM, DELTA]);
    assert_eq!(methods(&turn.mailbox).len(), 3);
    desk.hear(&[DELTA, ITEM]);
    let watch = watch(&mut desk, &turn).unwrap();
    desk.hear(&[COMPLETED]);
    assert_ends(&watch, &RESULT);
    assert_eq!(methods(&turn.mailbox).len(), 3);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn of_a_turn_that_was_read_to_its_end_and_closed_the_result_is_there() {
    let (mut desk, turn) = recorded();
    desk.hear(&[STARTED, ITEM, DELTA, ITEM, COMPLETED]);
    assert_eq!(methods(&turn.mailbox).len(), 5);
    desk.leave(&turn, Leave::Close);
    assert_eq!(desk.session.counts(), Counts::default());
    for _ in 0..2 {
        let watch = watch(&mut desk, &turn).unwrap();
        assert_ends(&watch, &RESULT);
        desk.leave(&watch, Leave::Drop);
    }
    drop(turn);
    assert_nothing_left(&mut desk, []);
}

#[test]
fn whoever_leaves_keeps_only_the_result_of_what_is_stored_and_of_what_comes() {
    for leave in [Leave::Close, Leave::GiveUp] {
        let (mut desk, turn) = recorded();
        let other = desk.follow("u");
        desk.hear(&[STARTED, ITEM]);
        assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
        for _ in 0..20 {
            desk.hear(&[BEGUN, &long_delta("t", "u", 4000), BEGUN, BEGUN]);
        }
        desk.hear(&[ITEM]);
        desk.leave(&turn, leave);
        assert!(turn.mailbox.held() < 1000, "{}", turn.mailbox.held());
        desk.leave(&other, Leave::Close);
        assert_eq!(desk.budget.needed(), 0, "it costs no reader its deltas");
        desk.hear(&[BEGUN, DELTA, COMPLETED]);
        assert_eq!(desk.stats.events_filtered.get(), 2);
        assert!(matches!(turn.mailbox.take(), Taken::Finished));
        let watch = watch(&mut desk, &turn).unwrap();
        assert_ends(&watch, &RESULT);
        desk.wrote();
        assert_nothing_left(&mut desk, [turn, other, watch]);
    }
}

#[test]
fn nothing_is_taken_when_its_consumer_has_left() {
    let (mut desk, turn) = recorded();
    desk.hear(&[STARTED, ITEM]);
    desk.leave(&turn, Leave::Close);
    assert!(turn.mailbox.gate().is_ready());
    assert!(matches!(turn.mailbox.take(), Taken::Empty));
    desk.hear(&[ITEM, COMPLETED]);
    let watch = watch(&mut desk, &turn).unwrap();
    assert_ends(&watch, &RESULT);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_selection_that_comes_after_its_consumer_has_left_changes_nothing() {
    let (mut desk, turn) = recorded();
    desk.leave(&turn, Leave::Close);
    for selection in [Selection::All, Selection::Text, Selection::End] {
        turn.mailbox.select(selection);
        desk.hear(&[STARTED, &long_delta("t", "u", 2000), ITEM]);
        assert!(turn.mailbox.held() < 2000, "{}", turn.mailbox.held());
    }
    desk.hear(&[COMPLETED]);
    let watch = watch(&mut desk, &turn).unwrap();
    let item = "item/completed";
    assert_ends(&watch, &[item, item, item, "turn/completed"]);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_turn_that_nobody_wants_is_stopped_although_it_is_recorded() {
    let (mut desk, turn) = recorded();
    desk.session.own(turn.id);
    desk.hear(&[STARTED]);
    desk.leave(&turn, Leave::Close);
    assert_eq!(desk.wrote(), [""; 0]);
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    desk.accept_last();
    desk.hear(&[&COMPLETED.replace("completed\"}", "interrupted\"}")]);
    let watch = watch(&mut desk, &turn).unwrap();
    assert_ends(&watch, &["turn/completed"]);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_follower_who_has_left_holds_nothing_and_its_turn_is_known_until_nobody_keeps_its_result() {
    for is_forgotten in [false, true] {
        let mut desk = Desk::default();
        let follower = desk.follow("u");
        assert!(follower.mailbox.record(None));
        desk.hear(&[STARTED, ITEM]);
        desk.leave(&follower, Leave::Close);
        assert_eq!(desk.session.counts().turns, 1);
        let goal = desk.goal().unwrap();
        desk.leave(&goal, Leave::Drop);
        if is_forgotten {
            forget(&mut desk, &follower);
        } else {
            desk.leave(&follower, Leave::Drop);
        }
        assert!(watch(&mut desk, &follower).is_none());
        assert_nothing_left(&mut desk, [follower]);
    }
}

#[test]
fn what_is_forgotten_is_freed_before_and_after_its_consumer_has_left() {
    for closes_first in [false, true] {
        let (mut desk, turn) = recorded();
        desk.session.own(turn.id);
        desk.hear(&[STARTED, ITEM, DELTA]);
        assert_eq!(methods(&turn.mailbox).len(), 3);
        assert!(desk.budget.held() > 0);
        if closes_first {
            desk.leave(&turn, Leave::Close);
            desk.hear(&[ITEM]);
            forget(&mut desk, &turn);
        } else {
            forget(&mut desk, &turn);
            assert_eq!(desk.budget.held(), 0);
            desk.hear(&[ITEM]);
            assert_eq!(
                methods(&turn.mailbox),
                ["item/completed"],
                "it is still read"
            );
            desk.leave(&turn, Leave::Close);
        }
        assert_eq!(desk.budget.held(), 0);
        desk.hear(&[ITEM]);
        assert_eq!(desk.budget.held(), 0);
        assert!(watch(&mut desk, &turn).is_none());
        // It is still owned.
        desk.give_up(&turn);
        assert_eq!(desk.wrote(), ["turn/interrupt u"]);
    }
}

#[test]
fn a_stream_of_text_is_recorded_and_not_woken_for_that() {
    let (mut desk, turn) = recorded();
    turn.mailbox.select(Selection::Text);
    let waker = Arc::new(LoopWaker::new().unwrap());
    desk.hear(&[STARTED]);
    assert!(!turn.mailbox.gate().arm(&waker, 7));
    desk.hear(&[BEGUN, ITEM]);
    assert_eq!(waker.take(), None);
    desk.hear(&[DELTA]);
    assert_eq!(waker.take(), Some(7));
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    assert!(!turn.mailbox.gate().arm(&waker, 8));
    desk.hear(&[ITEM, COMPLETED]);
    let watch = watch(&mut desk, &turn).unwrap();
    assert_ends(&watch, &RESULT);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn events_that_were_lost_before_the_answer_are_told_to_the_stream_and_at_the_end_of_a_watch() {
    let mut desk = Desk::default();
    let call = desk.start();
    for number in 0..20 {
        desk.hear(&[&started(&number.to_string())]);
    }
    desk.answer_turn(&call, "0");
    let turn = call.take_subscription().unwrap();
    assert!(turn.mailbox.record(None));
    assert!(matches!(turn.mailbox.take(), Taken::Partial(lost) if lost.events == 4));
    assert!(!matches!(turn.mailbox.take(), Taken::Partial(_)));
    desk.hear(&[&completed("0")]);
    desk.leave(&turn, Leave::Close);
    let watch = watch(&mut desk, &turn).unwrap();
    assert!(matches!(watch.mailbox.take(), Taken::Segment(_)));
    assert!(matches!(watch.mailbox.take(), Taken::Partial(lost) if lost.events == 4));
    assert!(matches!(watch.mailbox.take(), Taken::Finished));
}

#[test]
fn a_stream_that_overflows_leaves_its_record_whole() {
    for is_left in [false, true] {
        let mut desk = Desk::with_budget(64 * 1024, usize::MAX);
        let turn = desk.turn("u");
        assert!(turn.mailbox.record(None));
        for number in 0..100 {
            desk.hear(&[ITEM, &long_delta("t", "u", 1000)]);
            if number == 10 {
                assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
            }
        }
        assert!(desk.stats.events_lost.get() > 0);
        if is_left {
            desk.session.detach(turn.id);
            desk.leave(&turn, Leave::Close);
        }
        desk.hear(&[COMPLETED]);
        let watch = watch(&mut desk, &turn).unwrap();
        assert_eq!(methods(&watch.mailbox).len(), 101);
        assert!(matches!(watch.mailbox.take(), Taken::Finished));
        desk.wrote();
        assert_nothing_left(&mut desk, [turn, watch]);
    }
}

#[test]
fn what_overflows_and_is_left_before_it_is_made_smaller_keeps_its_result() {
    let (mut desk, turn) = recorded();
    desk.hear(&[STARTED, BEGUN, ITEM, &long_delta("t", "u", 2000)]);
    assert_eq!(turn.mailbox.relieve().events, 1);
    desk.leave(&turn, Leave::Close);
    assert!(turn.mailbox.held() < 1000, "{}", turn.mailbox.held());
    desk.hear(&[ITEM, COMPLETED]);
    let watch = watch(&mut desk, &turn).unwrap();
    assert_ends(&watch, &RESULT);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn what_is_taken_or_left_while_it_is_copied_is_copied_once() {
    let params = |mailbox: &Mailbox| {
        let mut found = Vec::new();
        while let Taken::Segment(segment) = mailbox.take() {
            found.extend(segment.iter().map(|event| event.params.to_vec()));
        }
        found
    };
    let (mut desk, turn) = recorded();
    let mut number = 0;
    let mut say = |desk: &mut Desk, count: usize| {
        for _ in 0..count {
            number += 1;
            let text = "x".repeat(10_000);
            let one = format!(r#","number":{number},"text":{text:?}}}}}"#);
            desk.hear(&[&ITEM.replace("}}", &one), DELTA]);
        }
    };
    say(&mut desk, 20);
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    let mut draft = turn.mailbox.draft().unwrap();
    turn.mailbox.copy_to(&mut draft);
    say(&mut desk, 3);
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    turn.mailbox.copy_to(&mut draft);
    say(&mut desk, 20);
    assert!(matches!(turn.mailbox.take(), Taken::Segment(_)));
    desk.leave(&turn, Leave::Close);
    turn.mailbox.copy_to(&mut draft);
    say(&mut desk, 20);
    desk.hear(&[COMPLETED]);
    let late = desk.session.watch(turn.id, &turn.mailbox, draft).unwrap();
    let all = params(&late.mailbox);
    assert_eq!(all.len(), 64);
    let early = watch(&mut desk, &turn).unwrap();
    assert_eq!(params(&early.mailbox), all);
    let numbers = all.iter().filter_map(|one| {
        let text = String::from_utf8_lossy(one);
        let number = text.split(r#""number":"#).nth(1)?;
        number.split(',').next()?.parse::<usize>().ok()
    });
    assert!(numbers.eq(1..=63), "in wire order");
}

#[test]
fn the_rest_of_a_segment_that_was_taken_before_is_recorded() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.session.detach(turn.id);
    desk.wrote();
    desk.hear(&[ITEM, DELTA, ITEM]);
    let Taken::Segment(segment) = turn.mailbox.take() else {
        panic!("nothing is stored");
    };
    assert!(turn.mailbox.record(Some((&segment, 1))));
    drop(segment);
    desk.hear(&[ITEM, COMPLETED]);
    let watch = watch(&mut desk, &turn).unwrap();
    assert_ends(&watch, &RESULT);
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn who_has_left_is_told_with_its_result_that_the_end_will_not_be_heard() {
    let (mut desk, turn) = recorded();
    desk.hear(&[STARTED, ITEM]);
    desk.leave(&turn, Leave::Close);
    desk.unsubscribe();
    let watch = watch(&mut desk, &turn).unwrap();
    assert_eq!(methods(&watch.mailbox), ["item/completed"]);
    let end = watch.mailbox.take();
    assert!(matches!(end, Taken::Cut(Cut::Unsubscribed)));
    desk.wrote();
    assert_nothing_left(&mut desk, [turn, watch]);
}

#[test]
fn a_goal_is_recorded_to_its_end_whoever_has_left() {
    for is_late in [false, true] {
        let (mut desk, goal) = recorded_goal();
        desk.hear(&[STARTED, ITEM, DELTA, COMPLETED]);
        assert_eq!(methods(&goal.mailbox).len(), 4);
        desk.leave(&goal, Leave::Close);
        let end = [&started("v"), DELTA, REACHED, &completed("v")];
        if is_late {
            desk.hear(&end);
        }
        let watch = watch(&mut desk, &goal).unwrap();
        if !is_late {
            desk.hear(&end);
        }
        let of_one = ["turn/started", "item/completed", "turn/completed"];
        assert_ends(
            &watch,
            &[&of_one[..], &["turn/started", "turn/completed"]].concat(),
        );
        assert_nothing_left(&mut desk, [goal, watch]);
    }
}

#[test]
fn of_a_goal_that_goes_on_without_its_consumer_nothing_is_kept() {
    let (mut desk, goal) = recorded_goal();
    desk.hear(&[STARTED, ITEM]);
    desk.leave(&goal, Leave::Close);
    assert!(desk.budget.held() > 0);
    desk.leave(&goal, Leave::Drop);
    assert_eq!(desk.budget.held(), 0);
    desk.hear(&[ITEM]);
    assert_eq!(desk.budget.held(), 0);
}

#[test]
fn a_goal_that_was_never_set_is_over_for_a_watch_that_comes_after_its_consumer() {
    let mut desk = Desk::default();
    let goal = desk.goal().unwrap();
    assert!(goal.mailbox.record(None));
    desk.leave(&goal, Leave::Close);
    let watch = watch(&mut desk, &goal).unwrap();
    assert_ends(&watch, &[]);
    assert_nothing_left(&mut desk, [goal, watch]);
}

#[test]
fn what_is_closed_or_is_no_turns_is_not_recorded() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.leave(&turn, Leave::Close);
    let stream = desk
        .session
        .subscribe_stream(&subject("watchId", "w"), None);
    for one in [&turn, &stream] {
        assert!(!one.mailbox.record(None));
        assert!(!one.mailbox.is_recorded());
    }
}
