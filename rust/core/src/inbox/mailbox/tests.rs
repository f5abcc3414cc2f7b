//! What a mailbox gives to its consumer, and when it wakes it.

use super::*;
use crate::inbox::segment::FULL;
use crate::sync::waker::LoopWaker;
use crate::wire::envelope::find_notification;
use crate::wire::protocol::NOTIFICATIONS;

fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
    Event {
        spec: find_notification(method),
        method,
        params,
        shared: None,
    }
}

fn push(mailbox: &Mailbox, event: Event<'_>) -> Pushed {
    mailbox.push(event, event.ends())
}

fn mailbox(per_mailbox: usize) -> Mailbox {
    let budget = Arc::new(Budget::new(per_mailbox, usize::MAX));
    Mailbox::of_turn("u".into(), "t".into(), budget, Instant::now())
}

fn methods(mailbox: &Mailbox) -> Vec<String> {
    let mut found = Vec::new();
    while let Taken::Segment(segment) = mailbox.take() {
        found.extend(segment.iter().map(|event| event.method.to_owned()));
    }
    found
}

#[test]
fn over_budget_deltas_go_and_the_rest_stays() {
    let mailbox = mailbox(100_000);
    let delta = vec![b'd'; 1000];
    push(&mailbox, event("item/completed", b"{}"));
    let mut lost = Loss::default();
    for _ in 0..200 {
        let pushed = push(&mailbox, event("item/agentMessage/delta", &delta));
        lost.events += pushed.lost.events;
        lost.bytes += pushed.lost.bytes;
    }
    push(&mailbox, event("turn/completed", b"{}"));
    assert_eq!(
        lost,
        Loss {
            events: 200,
            bytes: 200_000
        }
    );
    assert!(mailbox.held() > 50_000);
    mailbox.tidy();
    assert!(mailbox.held() < 10_000);
    assert!(matches!(mailbox.take(), Taken::Lost(reported) if reported == lost));
    assert_eq!(methods(&mailbox), ["item/completed", "turn/completed"]);
    assert!(matches!(mailbox.take(), Taken::Finished));
}

#[test]
fn a_result_is_complete_in_spite_of_a_loss() {
    let mailbox = mailbox(4_000);
    mailbox.select(Selection::All);
    for _ in 0..10 {
        push(&mailbox, event("item/agentMessage/delta", &[b'd'; 1000]));
    }
    mailbox.select(Selection::Result);
    push(&mailbox, event("turn/completed", b"{}"));
    assert_eq!(methods(&mailbox), ["turn/completed"]);
}

#[test]
fn a_result_that_may_lack_events_says_so() {
    let mailbox = mailbox(usize::MAX);
    let loss = Loss {
        events: 3,
        bytes: 30,
    };
    mailbox.lose(loss);
    mailbox.select(Selection::Result);
    push(&mailbox, event("item/completed", b"{}"));
    assert_eq!(methods(&mailbox), ["item/completed"]);
    // Not while the turn runs: whoever hears of it gives the turn up.
    assert!(matches!(mailbox.take(), Taken::Empty));
    push(&mailbox, event("turn/completed", b"{}"));
    assert!(matches!(mailbox.take(), Taken::Segment(_)));
    assert!(matches!(mailbox.take(), Taken::Partial(told) if told == loss));
    assert!(matches!(mailbox.take(), Taken::Finished));
}

#[test]
fn a_stream_that_may_lack_events_says_so_first() {
    let mailbox = mailbox(usize::MAX);
    let loss = Loss {
        events: 3,
        bytes: 30,
    };
    mailbox.lose(loss);
    push(&mailbox, event("item/completed", b"{}"));
    assert!(matches!(mailbox.take(), Taken::Partial(told) if told == loss));
    assert_eq!(methods(&mailbox), ["item/completed"]);
}

#[test]
fn what_is_pushed_is_what_was_selected_last() {
    let mailbox = mailbox(usize::MAX);
    for (selection, kept) in [
        (Selection::Result, false),
        (Selection::All, true),
        (Selection::Result, false),
        (Selection::Text, true),
    ] {
        mailbox.select(selection);
        let pushed = push(&mailbox, event("item/agentMessage/delta", b"{}"));
        assert_eq!(pushed.filtered, !kept, "{selection:?}");
        assert_eq!(methods(&mailbox).len(), usize::from(kept));
    }
}

#[test]
fn what_is_held_is_given_back() {
    let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
    let mailbox = Mailbox::of_turn("u".into(), "t".into(), Arc::clone(&budget), Instant::now());
    for _ in 0..1000 {
        push(&mailbox, event("item/agentMessage/delta", &[b'd'; 300]));
    }
    assert_eq!(budget.held(), mailbox.held());
    assert!(budget.held() > 300_000);
    let taken = mailbox.take();
    assert!(
        matches!(&taken, Taken::Segment(held) if budget.held() == mailbox.held() + held.held())
    );
    drop(taken);
    assert_eq!(budget.held(), mailbox.held());
    drop(mailbox.abandon());
    assert_eq!(budget.held(), 0);
    push(&mailbox, event("item/completed", b"{}"));
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_waiting_loop_is_told_once_per_burst() {
    let mailbox = mailbox(usize::MAX);
    let waker = Arc::new(LoopWaker::new().unwrap());
    assert!(!mailbox.gate().arm(&waker, 7));
    assert!(push(&mailbox, event("item/completed", b"{}")).wake);
    assert!(!push(&mailbox, event("item/completed", b"{}")).wake);
    assert_eq!(waker.take(), None);
    mailbox.flush();
    assert_eq!((waker.take(), waker.take()), (Some(7), None));
    assert!(mailbox.gate().arm(&waker, 8));
}

#[test]
fn a_result_wakes_when_the_turn_is_over() {
    let mailbox = mailbox(usize::MAX);
    let waker = Arc::new(LoopWaker::new().unwrap());
    mailbox.select(Selection::Result);
    assert!(!mailbox.gate().arm(&waker, 7));
    assert!(!push(&mailbox, event("item/completed", b"{}")).wake);
    assert!(push(&mailbox, event("item/agentMessage/delta", b"{}")).filtered);
    assert!(push(&mailbox, event("turn/completed", b"{}")).wake);
}

#[test]
fn an_error_wakes_who_waits_for_a_result() {
    let mailbox = mailbox(usize::MAX);
    let waker = Arc::new(LoopWaker::new().unwrap());
    mailbox.select(Selection::Result);
    push(&mailbox, event("item/completed", b"{}"));
    assert!(!mailbox.gate().arm(&waker, 7));
    assert!(push(&mailbox, event("error", b"{}")).wake);
    mailbox.flush();
    assert_eq!(waker.take(), Some(7));
    assert_eq!(methods(&mailbox), ["item/completed", "error"]);
    // What was taken wakes nobody again.
    push(&mailbox, event("item/completed", b"{}"));
    assert!(!mailbox.gate().arm(&waker, 8));
    assert!(push(&mailbox, event("error", b"{}")).wake);
}

#[test]
fn an_error_behind_other_segments_still_wakes_who_has_taken_the_first() {
    let mailbox = mailbox(usize::MAX);
    mailbox.select(Selection::Result);
    push(&mailbox, event("item/completed", &vec![b' '; FULL]));
    push(&mailbox, event("error", b"{}"));
    assert!(matches!(mailbox.take(), Taken::Segment(_)));
    assert!(mailbox.gate().is_ready());
    assert!(matches!(mailbox.take(), Taken::Segment(_)));
    assert!(!mailbox.gate().is_ready());
}

#[test]
fn what_a_result_needs_is_never_dropped() {
    for spec in NOTIFICATIONS.iter().filter(|spec| spec.droppable) {
        let event = event(spec.method, b"{}");
        assert!(!About::Goal.wants(Selection::Result, &event), "{event:?}");
    }
}

#[test]
fn a_delta_takes_no_lock_of_a_watch() {
    let mailbox = mailbox(usize::MAX);
    let watch = Arc::new(mailbox.watch(mailbox.draft().unwrap()).unwrap());
    let locked = watch.gate.lock();
    let (done, pushed) = std::sync::mpsc::channel();
    let pushing = std::thread::spawn({
        let watch = Arc::clone(&watch);
        move || done.send(push(&watch, event("item/agentMessage/delta", b"{}")))
    });
    let pushed = pushed.recv_timeout(Duration::from_secs(10));
    drop(locked);
    pushing.join().unwrap().unwrap();
    assert!(pushed.is_ok_and(|pushed| pushed.filtered));
}
