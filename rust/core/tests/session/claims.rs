//! Who holds a turn, and when it is stopped.

use codex_core::session::subscriptions::Leave;

use crate::desk::{COMPLETED, Desk, STARTED, started};

const INTERRUPT: [&str; 1] = ["turn/interrupt u"];

/// A turn that runs and was started by somebody who may give it up.
fn running() -> (Desk, codex_core::session::subscriptions::Subscription) {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[STARTED]);
    desk.wrote();
    (desk, turn)
}

#[test]
fn the_last_owner_who_gives_up_stops_the_turn() {
    let (mut desk, first) = running();
    let second = desk.turn("u");
    desk.wrote();
    desk.give_up(&first);
    assert!(desk.wrote().is_empty());
    desk.give_up(&second);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_turn_that_is_lost_on_its_way_to_its_owner_is_stopped() {
    let (mut desk, turn) = running();
    desk.leave(&turn, Leave::Drop);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn an_answer_that_nobody_takes_stops_its_turn() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.answer_turn(&call, "u");
    desk.hear(&[STARTED]);
    desk.wrote();
    desk.abandon(&call);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn an_answer_that_was_taken_lets_the_turn_run_on_without_a_handle() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.answer_turn(&call, "u");
    desk.hear(&[STARTED]);
    desk.wrote();
    call.take();
    desk.step(|session, now, out| session.release(&call, now, out));
    let joined = desk.turn("u");
    desk.wrote();
    desk.give_up(&joined);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_detached_claim_keeps_the_turn_running_whatever_becomes_of_others() {
    for leave in [Leave::Close, Leave::Drop] {
        let (mut desk, detached) = running();
        desk.session.detach(detached.id);
        let owner = desk.turn("u");
        desk.wrote();
        desk.leave(&detached, leave);
        desk.give_up(&owner);
        assert!(desk.wrote().is_empty(), "{leave:?}");
    }
}

#[test]
fn an_owner_can_tell_whether_others_hold_its_turn() {
    let (mut desk, owner) = running();
    desk.session.own(owner.id);
    assert!(!desk.session.is_held_by_others(owner.id));
    let follower = desk.follow("u");
    assert!(desk.session.is_held_by_others(owner.id));
    desk.leave(&follower, Leave::Drop);
    assert!(!desk.session.is_held_by_others(owner.id));
    let detached = desk.turn("u");
    desk.session.detach(detached.id);
    desk.leave(&detached, Leave::Drop);
    assert!(
        desk.session.is_held_by_others(owner.id),
        "it runs on for the one that has let it go"
    );
    desk.hear(&[COMPLETED]);
    assert!(!desk.session.is_held_by_others(owner.id), "it is over");
}

#[test]
fn a_follower_can_tell_whether_its_turn_goes_on_without_it() {
    let mut desk = Desk::default();
    let elsewheres = desk.follow("v");
    assert!(desk.session.is_held_by_others(elsewheres.id));
    let (mut desk, owner) = running();
    let follower = desk.follow("u");
    assert!(desk.session.is_held_by_others(follower.id));
    desk.give_up(&owner);
    assert!(!desk.session.is_held_by_others(follower.id));
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_detached_claim_that_is_owned_later_is_the_one_that_is_given_up() {
    let (mut desk, first) = running();
    let second = desk.turn("u");
    desk.session.detach(first.id);
    desk.session.detach(second.id);
    desk.wrote();
    desk.session.own(first.id);
    desk.give_up(&first);
    assert!(desk.wrote().is_empty(), "the other claim is detached");
    desk.session.own(second.id);
    desk.give_up(&second);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn closing_a_stream_changes_no_claim_that_is_owned() {
    let (mut desk, turn) = running();
    desk.session.own(turn.id);
    desk.leave(&turn, Leave::Close);
    assert!(desk.wrote().is_empty());
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn who_closes_without_giving_up_detaches() {
    let (mut desk, turn) = running();
    desk.leave(&turn, Leave::Close);
    desk.leave(&turn, Leave::Drop);
    let joined = desk.turn("u");
    desk.wrote();
    desk.give_up(&joined);
    assert!(desk.wrote().is_empty());
}

#[test]
fn a_follower_holds_the_turn_and_its_leaving_stops_it() {
    for leave in [Leave::Close, Leave::Drop, Leave::GiveUp] {
        let (mut desk, owner) = running();
        let follower = desk.follow("u");
        desk.give_up(&owner);
        assert!(desk.wrote().is_empty());
        desk.leave(&follower, leave);
        assert_eq!(desk.wrote(), INTERRUPT, "{leave:?}");
    }
}

#[test]
fn a_follower_that_came_and_left_changes_nothing() {
    let (mut desk, owner) = running();
    let follower = desk.follow("u");
    desk.leave(&follower, Leave::Close);
    assert!(desk.wrote().is_empty());
    desk.give_up(&owner);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_turn_that_no_owner_gave_up_is_never_stopped() {
    let mut desk = Desk::default();
    let follower = desk.follow("u");
    desk.session.own(follower.id);
    desk.hear(&[STARTED]);
    desk.give_up(&follower);
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn a_start_that_may_join_the_turn_spares_it_until_it_is_settled() {
    // Refused, given up before it is answered with the turn, answered with another turn, or with this one.
    for end in ["refused", "given up", "another turn", "this turn"] {
        let (mut desk, first) = running();
        let second = desk.start();
        desk.wrote();
        desk.give_up(&first);
        assert!(desk.wrote().is_empty(), "{end}");
        match end {
            "refused" => desk.refuse(&second),
            "given up" => desk.abandon(&second),
            "another turn" => desk.answer_turn(&second, "v"),
            _ => desk.answer_turn(&second, "u"),
        }
        if end == "this turn" {
            assert!(desk.wrote().is_empty(), "it is the second's now");
            desk.give_up(&second.take_subscription().unwrap());
        }
        assert_eq!(desk.wrote(), INTERRUPT, "{end}");
    }
}

#[test]
fn a_start_that_is_withdrawn_before_it_is_written_spares_nothing() {
    let (mut desk, first) = running();
    let second = desk.open("turn/start", Some("t"));
    desk.send(&second);
    desk.abandon(&second);
    desk.give_up(&first);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn the_turn_of_a_late_answer_is_stopped_unless_somebody_holds_it() {
    let mut desk = Desk::default();
    let call = desk.start();
    desk.abandon(&call);
    desk.hear(&[STARTED]);
    desk.answer_turn(&call, "u");
    desk.wrote();
    assert_eq!(desk.session.counts().calls, 1, "the interrupt");

    let (mut desk, holder) = running();
    let late = desk.start();
    desk.abandon(&late);
    desk.answer_turn(&late, "u");
    desk.wrote();
    assert!(desk.wrote().is_empty());
    desk.give_up(&holder);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn the_end_of_a_turn_is_known_whoever_has_heard_of_it() {
    let mut desk = Desk::default();
    desk.hear(&[STARTED]);
    assert!(!desk.session.turn_is_over("u"));
    desk.hear(&[COMPLETED]);
    assert!(desk.session.turn_is_over("u") && !desk.session.turn_is_over("v"));
}

#[test]
fn a_turn_that_is_over_needs_nobody_to_stop_it() {
    let (mut desk, turn) = running();
    desk.hear(&[COMPLETED]);
    desk.give_up(&turn);
    assert!(desk.wrote().is_empty());
    assert_eq!(desk.session.counts().turns, 0);
}

#[test]
fn the_wish_to_stop_a_turn_waits_for_its_beginning() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.wrote();
    desk.give_up(&turn);
    assert!(desk.wrote().is_empty());
    desk.hear(&[STARTED]);
    assert_eq!(desk.wrote(), INTERRUPT);
    desk.hear(&[STARTED]);
    assert!(desk.wrote().is_empty(), "once is enough");
}

#[test]
fn an_item_is_as_good_as_a_beginning() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    desk.wrote();
    desk.hear(&[crate::desk::DELTA]);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn another_turn_of_the_thread_is_not_stopped_in_its_place() {
    let (mut desk, turn) = running();
    desk.hear(&[&started("v")]);
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_detached_claim_whose_stream_was_closed_can_be_owned_and_given_up() {
    let (mut desk, turn) = running();
    desk.session.detach(turn.id);
    desk.leave(&turn, Leave::Close);
    desk.session.own(turn.id);
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_follower_that_comes_before_the_beginning_holds_the_turn() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    let follower = desk.follow("u");
    desk.wrote();
    desk.hear(&[STARTED]);
    assert!(desk.wrote().is_empty());
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn a_turn_that_had_begun_before_it_was_joined_is_stopped_all_the_same() {
    let mut desk = Desk::default();
    // Its beginning was told when nobody here had to do with it.
    desk.hear(&[STARTED]);
    let joined = desk.turn("u");
    desk.give_up(&joined);
    desk.wrote();
    desk.pass(std::time::Duration::from_secs(1));
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn who_follows_a_turn_that_does_not_begin_holds_it_all_the_same() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.give_up(&turn);
    let follower = desk.follow("u");
    desk.wrote();
    desk.pass(std::time::Duration::from_secs(1));
    assert!(desk.wrote().is_empty());
    desk.leave(&follower, Leave::Close);
    desk.pass(std::time::Duration::from_secs(1));
    assert_eq!(desk.wrote(), INTERRUPT);
}

#[test]
fn who_follows_a_turn_by_the_time_its_interrupt_is_refused_holds_it() {
    let (mut desk, turn) = running();
    desk.give_up(&turn);
    assert_eq!(desk.wrote(), INTERRUPT);
    let follower = desk.follow("u");
    desk.refuse_last();
    assert!(desk.wrote().is_empty());
    desk.leave(&follower, Leave::Close);
    assert_eq!(desk.wrote(), INTERRUPT);
}
