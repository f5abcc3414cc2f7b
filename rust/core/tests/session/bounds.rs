//! Nothing grows without end.

use std::time::{Duration, Instant};

use codex_core::inbox::mailbox::{Cut, Taken};
use codex_core::session::Counts;
use codex_core::session::subscriptions::Leave;

use crate::desk::{COMPLETED, Desk, STARTED, completed, long_delta, started};

fn delta(turn: &str) -> String {
    crate::desk::DELTA.replace(r#""u""#, &format!("{turn:?}"))
}

#[test]
fn a_lost_answer_to_a_start_does_not_slow_down_the_turns_that_follow() {
    let mut desk = Desk::default();
    let lost = desk.start();
    desk.abandon(&lost);
    let time = |desk: &mut Desk, turns: std::ops::Range<usize>| {
        let begun = Instant::now();
        for number in turns {
            let turn = number.to_string();
            desk.hear(&[&started(&turn), &delta(&turn), &completed(&turn)]);
        }
        begun.elapsed()
    };
    let few = time(&mut desk, 0..2_000);
    time(&mut desk, 2_000..18_000);
    let many = time(&mut desk, 18_000..20_000);
    assert!(
        many < 5 * few + Duration::from_millis(20),
        "{few:?} {many:?}"
    );
}

#[test]
fn stray_turns_while_a_start_waits_cost_a_bounded_amount() {
    let mut desk = Desk::with_budget(1 << 20, 16 << 20);
    let _waiting = desk.start();
    let time = |desk: &mut Desk, turns: std::ops::Range<usize>| {
        let begun = Instant::now();
        for number in turns {
            desk.hear(&[&started(&number.to_string())]);
        }
        begun.elapsed()
    };
    let few = time(&mut desk, 0..2_000);
    time(&mut desk, 2_000..18_000);
    let many = time(&mut desk, 18_000..20_000);
    assert!(
        many < 5 * few + Duration::from_millis(20),
        "{few:?} {many:?}"
    );
    assert!(desk.budget.held() < 64 * 1024, "{}", desk.budget.held());
    assert_eq!(desk.stats.events_lost.get(), 20_000 - 16);
}

#[test]
fn a_given_up_turn_whose_thread_closes_leaves_nothing() {
    for method in ["thread/closed", "thread/archived", "thread/deleted"] {
        let mut desk = Desk::default();
        for begins in [false, true] {
            let turn = desk.turn("u");
            if begins {
                desk.hear(&[STARTED]);
            }
            desk.give_up(&turn);
            let line = format!(r#"{{"method":"{method}","params":{{"threadId":"t"}}}}"#);
            desk.hear(&[&line]);
            assert_eq!(desk.session.counts().turns, 0, "{method}");
        }
    }
}

#[test]
fn who_waits_for_a_turn_whose_thread_closes_is_told() {
    let mut desk = Desk::default();
    let turn = desk.turn("u");
    desk.hear(&[r#"{"method":"thread/deleted","params":{"threadId":"t"}}"#]);
    assert!(matches!(turn.mailbox.take(), Taken::Cut(Cut::ThreadClosed)));
    assert_eq!(desk.woken.len(), 1);
    desk.leave(&turn, Leave::Drop);
    assert_eq!(desk.session.counts(), Counts::default());
}

#[test]
fn tombstones_are_bounded() {
    let mut desk = Desk::default();
    for _ in 0..2_000 {
        let call = desk.request("turn/start", Some("t"));
        desk.abandon(&call);
        desk.pass(Duration::from_secs(31));
    }
    let counts = desk.session.counts();
    assert!(counts.calls <= 1024, "{counts:?}");
    assert_eq!((counts.admitted, counts.waiting), (0, 0));
}

#[test]
fn threads_on_which_nothing_goes_on_are_not_remembered() {
    let mut desk = Desk::default();
    for number in 0..100 {
        let thread = number.to_string();
        let call = desk.request("turn/start", Some(&thread));
        desk.abandon(&call);
        desk.refuse(&call);
    }
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.session.counts(), Counts::default());
    assert_eq!(desk.session.next_look(), None);
}

#[test]
fn the_total_budget_holds_again_once_what_exceeded_it_is_read() {
    let mut desk = Desk::with_budget(100 << 20, 1 << 20);
    let turn = desk.turn("u");
    let text = "x".repeat(1 << 16);
    let line = |method: &str| {
        format!(r#"{{"method":"{method}","params":{{"threadId":"t","turnId":"u","x":"{text}"}}}}"#)
    };
    for _ in 0..160 {
        desk.hear(&[&line("item/completed")]);
    }
    while let Taken::Segment(_) | Taken::Lost(_) = turn.mailbox.take() {}
    let other = desk.follow("u");
    for _ in 0..100 {
        desk.hear(&[&line("item/agentMessage/delta")]);
    }
    assert!(desk.budget.held() < 3 << 20, "{}", desk.budget.held());
    drop(other);
}

#[test]
fn a_turn_of_which_early_events_were_dropped_says_so() {
    for (seen_again, turn) in [(true, "u"), (false, "u")] {
        let mut desk = Desk::default();
        let call = desk.start();
        desk.hear(&[STARTED]);
        for number in 0..16 {
            desk.hear(&[&started(&number.to_string())]);
        }
        if seen_again {
            desk.hear(&[&delta(turn)]);
        }
        desk.answer_turn(&call, turn);
        let turn = call.take_subscription().unwrap();
        assert!(matches!(turn.mailbox.take(), Taken::Partial(_)));
    }
}

#[test]
fn a_turn_that_was_forgotten_and_is_heard_of_again_is_another() {
    let mut desk = Desk::default();
    let old = desk.turn("u");
    desk.session.detach(old.id);
    desk.hear(&[STARTED, &completed("u")]);
    for number in 0..4096 {
        desk.hear(&[&completed(&number.to_string())]);
    }
    let follower = desk.follow("u");
    desk.give_up(&old);
    desk.leave(&follower, Leave::Drop);
    assert_eq!(desk.session.counts().turns, 0);
    assert!(!desk.wrote().contains(&"turn/interrupt u".to_owned()));
}

#[test]
fn a_loss_is_counted_once() {
    let mut desk = Desk::with_budget(4_000, 1 << 20);
    let _start = desk.start();
    for _ in 0..20 {
        desk.hear(&[&long_delta("t", "u", 1000)]);
    }
    assert_eq!(desk.stats.events_lost.get(), 20);
    for number in 0..16 {
        desk.hear(&[&started(&number.to_string())]);
    }
    assert_eq!(desk.stats.events_lost.get(), 20);
}

/// The largest mailbox gives way also when it is over, for whatever reason, and was not read.
#[test]
fn what_is_over_and_was_not_read_gives_way_too() {
    type End = fn(&mut Desk);
    let ends: [End; 3] = [
        |desk| desk.hear(&[r#"{"method":"thread/archived","params":{"threadId":"t"}}"#]),
        |desk| desk.unsubscribe(),
        |desk| desk.hear(&[COMPLETED]),
    ];
    for end in ends {
        let mut desk = Desk::with_budget(100 << 20, 1 << 20);
        let large = desk.turn("u");
        for _ in 0..66 {
            desk.hear(&[&long_delta("t", "u", 10_000)]);
        }
        end(&mut desk);
        assert!(large.mailbox.held() > 600_000);
        let small = desk.session.follow_turn("t2", "v", desk.now);
        for _ in 0..40 {
            desk.hear(&[&long_delta("t2", "v", 10_000)]);
        }
        assert!(large.mailbox.held() < 20_000, "{}", large.mailbox.held());
        assert!(matches!(large.mailbox.take(), Taken::Lost(_)));
        assert!(matches!(small.mailbox.take(), Taken::Segment(_)));
    }
}

#[test]
fn what_is_dropped_is_freed_with_the_step() {
    let mut desk = Desk::with_budget(100_000, 1 << 20);
    let turn = desk.turn("u");
    let item = r#"{"method":"item/completed","params":{"threadId":"t","turnId":"u"}}"#;
    while desk.stats.events_lost.get() == 0 {
        desk.hear(&[&long_delta("t", "u", 1000), item]);
    }
    assert!(turn.mailbox.held() < 20_000, "{}", turn.mailbox.held());
    assert_eq!(turn.mailbox.held(), desk.budget.held());
}
