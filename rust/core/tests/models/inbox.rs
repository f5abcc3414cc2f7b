//! A mailbox between the reader, its consumer and the end of the connection: no event is lost or out of order, no wait
//! sleeps on, and of a consumer that has left its result is kept, and nothing else.

use std::sync::Arc;
use std::time::Instant;

use codex_core::inbox::budget::Budget;
use codex_core::inbox::mailbox::{Mailbox, Taken};
use codex_core::inbox::segment::Event;
use codex_core::inbox::selection::Selection;
use codex_core::sync::closing::CloseReason;
use codex_core::sync::waker::LoopWaker;
use codex_core::wire::envelope::find_notification;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::check;

const EVENTS: usize = 5;
/// Bytes of a delta that is not to be kept.
const DELTA: usize = 2000;

fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
    Event {
        spec: find_notification(method),
        method,
        params,
        shared: None,
    }
}

/// The reader: events in chunks, then the last word, or none.
fn push_all(mailbox: &Mailbox, ends: bool) {
    let mut due = false;
    for number in 0..EVENTS {
        let params = number.to_string();
        due |= mailbox
            .push(event("item/completed", params.as_bytes()), false)
            .wake;
        if due && thread_rng().gen_bool(0.5) {
            due = false;
            mailbox.flush();
        }
    }
    if ends {
        due |= mailbox.push(event("turn/completed", b"end"), true).wake;
    }
    if due {
        mailbox.flush();
    }
}

/// Everything that is there; false once nothing will follow.
fn take_all(mailbox: &Mailbox, seen: &mut Vec<String>) -> bool {
    loop {
        match mailbox.take() {
            Taken::Segment(segment) => seen.extend(
                segment
                    .iter()
                    .map(|event| String::from_utf8_lossy(event.params).into_owned()),
            ),
            Taken::Empty => return true,
            Taken::Finished | Taken::Closed(_) => return false,
            Taken::Lost(loss) => seen.push(format!("{} lost", loss.events)),
            Taken::Partial(_) | Taken::Cut(_) => panic!("nothing of that kind happens here"),
        }
    }
}

/// A consumer that waits as a thread does.
fn consume(mailbox: &Mailbox) -> Vec<String> {
    let mut seen = Vec::new();
    while take_all(mailbox, &mut seen) {
        assert!(mailbox.gate().wait(None));
    }
    seen
}

#[allow(unsafe_code)]
fn is_readable(waker: &LoopWaker) -> bool {
    let mut byte = 0_u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: the buffer is one byte long and lives through the call.
    let count = unsafe { libc::recv(waker.fd(), (&raw mut byte).cast(), 1, flags) };
    count == 1
}

/// A consumer that waits as a loop does, and cancels some of its waits.
fn consume_in_loop(mailbox: &Mailbox) -> Vec<String> {
    let waker = Arc::new(LoopWaker::new().unwrap());
    let mut seen = Vec::new();
    let mut token = 0;
    while take_all(mailbox, &mut seen) {
        token += 1;
        if mailbox.gate().arm(&waker, token) {
            continue;
        }
        if thread_rng().gen_bool(0.3) {
            mailbox.gate().disarm(&waker, token);
            continue;
        }
        // The loop sleeps until its descriptor is readable.
        while !is_readable(&waker) {
            thread::yield_now();
        }
        while waker.take().is_some() {}
    }
    seen
}

fn run(in_loop: bool, ends: bool, selection: Selection) {
    let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
    let mailbox = Mailbox::of_turn("u".into(), "t".into(), Arc::clone(&budget), Instant::now());
    let mailbox = Arc::new(mailbox);
    mailbox.select(selection);
    let reader = thread::spawn({
        let mailbox = Arc::clone(&mailbox);
        move || push_all(&mailbox, ends)
    });
    // Not always, for the end would wake whom a lost wake-up has left asleep.
    let closes = !ends || thread_rng().gen_bool(0.5);
    let closer = thread::spawn({
        let mailbox = Arc::clone(&mailbox);
        move || {
            thread::yield_now();
            if closes {
                mailbox.close(&CloseReason::new(()));
                mailbox.flush();
            }
        }
    });
    let seen = if in_loop {
        consume_in_loop(&mailbox)
    } else {
        consume(&mailbox)
    };
    reader.join().unwrap();
    closer.join().unwrap();
    let mut all = seen;
    take_all(&mailbox, &mut all);
    let mut expected: Vec<_> = (0..EVENTS).map(|number| number.to_string()).collect();
    expected.extend(ends.then(|| "end".to_owned()));
    assert_eq!(all, expected);
    drop(mailbox);
    assert_eq!(budget.held(), 0);
}

/// Items and deltas, in turns; somewhere between them the connection is over its budget, and what is dropped is freed
/// while the consumer reads.
fn lose() {
    let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
    let mailbox = Mailbox::of_turn("u".into(), "t".into(), Arc::clone(&budget), Instant::now());
    let mailbox = Arc::new(mailbox);
    let lost = {
        let mailbox = Arc::clone(&mailbox);
        thread::spawn(move || {
            let mut lost = 0;
            let full_at = thread_rng().gen_range(0..EVENTS);
            for number in 0..EVENTS {
                let params = number.to_string();
                mailbox.push(event("item/completed", params.as_bytes()), false);
                let delta = event("item/agentMessage/delta", b"delta");
                lost += mailbox.push(delta, false).lost.events;
                if number == full_at {
                    lost += mailbox.relieve().events;
                    mailbox.flush();
                    mailbox.tidy();
                }
            }
            mailbox.push(event("turn/completed", b"end"), true);
            mailbox.flush();
            lost
        })
    };
    let seen = consume(&mailbox);
    let lost = lost.join().unwrap();
    let (deltas, rest): (Vec<String>, _) = seen.into_iter().partition(|one| one == "delta");
    let (told, items): (Vec<String>, Vec<_>) =
        rest.into_iter().partition(|one| one.ends_with("lost"));
    let expected = (0..EVENTS).map(|number| number.to_string());
    let expected: Vec<_> = expected.chain(["end".to_owned()]).collect();
    assert_eq!(items, expected);
    assert_eq!(deltas.len() as u64 + lost, EVENTS as u64);
    // What is lost after it was told is in the counters only.
    assert!(
        told.len() <= 1 && (lost == 0) == told.is_empty(),
        "{told:?}"
    );
    drop(mailbox);
    assert_eq!(budget.held(), 0);
}

/// A stream that is recorded: its consumer takes some of it and leaves somewhere, watches are made beside that, and
/// everything is freed.
fn record() {
    let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
    let mailbox = Mailbox::of_turn("u".into(), "t".into(), Arc::clone(&budget), Instant::now());
    let mailbox = Arc::new(mailbox);
    assert!(mailbox.record(None));
    let watch = || {
        let mut draft = mailbox.draft().unwrap();
        mailbox.copy_to(&mut draft);
        thread::yield_now();
        let watch = mailbox.watch(draft).unwrap();
        let mut seen = Vec::new();
        take_all(&watch, &mut seen);
        seen
    };
    let reader = thread::spawn({
        let mailbox = Arc::clone(&mailbox);
        move || {
            for number in 0..EVENTS {
                mailbox.push(event("item/agentMessage/delta", &[b'x'; DELTA]), false);
                let params = number.to_string();
                mailbox.push(event("item/completed", params.as_bytes()), false);
            }
            mailbox.push(event("turn/completed", b"end"), true);
        }
    });
    let consumer = thread::spawn({
        let mailbox = Arc::clone(&mailbox);
        move || {
            for _ in 0..thread_rng().gen_range(0..EVENTS) {
                mailbox.take();
                thread::yield_now();
            }
            assert!(mailbox.retire().is_some());
            mailbox.tidy();
            assert!(!matches!(mailbox.take(), Taken::Segment(_)));
        }
    });
    let early = watch();
    reader.join().unwrap();
    consumer.join().unwrap();
    let mut expected: Vec<_> = (0..EVENTS).map(|number| number.to_string()).collect();
    expected.push("end".to_owned());
    assert!(expected.starts_with(&early), "{early:?}");
    assert_eq!(watch(), expected);
    assert_eq!(budget.needed(), 0, "it costs no reader its deltas");
    // A segment that was begun after its consumer had left has a first kilobyte.
    assert!(mailbox.held() < 2 * DELTA, "{}", mailbox.held());
    assert_eq!(budget.held(), mailbox.held());
    let (garbage, has_left) = mailbox.forget();
    assert!(garbage.is_some() && has_left);
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_stream_that_is_recorded_and_left() {
    check(record);
}

#[test]
fn a_consumer_beside_a_loss() {
    check(lose);
}

#[test]
fn a_thread_that_waits_for_each_event() {
    check(|| run(false, true, Selection::All));
}

#[test]
fn a_thread_that_waits_for_a_result() {
    check(|| run(false, false, Selection::Result));
}

#[test]
fn a_loop_that_waits_for_each_event_and_cancels_waits() {
    check(|| run(true, true, Selection::All));
}

#[test]
fn a_loop_that_waits_for_a_result() {
    check(|| run(true, true, Selection::Result));
}
