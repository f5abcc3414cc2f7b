//! The child as the endpoint of a connection: its messages, the end of its stderr, and how it is kept from being held up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_core::io::endpoint::{Ending, Peer, Read};
use codex_core::io::process::{EndKind, ExitOutcome, ProcessEnd};

use crate::support::{Connected, IMPATIENT, LONG, PATIENT, Seen, connect};

fn reason(connected: &Connected) -> ProcessEnd {
    let reason = connected.peer.reason(Ending::Source, "");
    reason.get::<ProcessEnd>().expect("a process").clone()
}

#[test]
fn what_is_written_is_answered() {
    let mut child = connect("echo", PATIENT);
    child.write(b"hello\n");
    assert_eq!(child.line(), "hello");
    child.write(b"a line in");
    child.write(b" two parts\nand another\n");
    assert_eq!(child.line(), "a line in two parts");
    assert_eq!(child.line(), "and another");
    child.close();
}

#[test]
fn the_last_words_on_stderr_are_known_with_the_end() {
    let mut child = connect("exits 42", PATIENT);
    assert_eq!(child.rest(), ["1"]);
    let end = reason(&child);
    assert_eq!(
        (end.kind, end.exit_code, end.stderr_tail.trim_end()),
        (EndKind::ProcessExited, Some(42), "broken")
    );
    assert_eq!(child.peer.exit(), Some(ExitOutcome::Code(42)));
    child.close();
}

#[test]
fn an_exit_code_has_32_bits() {
    // STATUS_CONTROL_C_EXIT
    let mut child = connect("exits 3221225786", PATIENT);
    child.rest();
    assert_eq!(reason(&child).exit_code, Some(0xC000_013A));
    child.close();
}

#[test]
fn a_long_message_arrives_whole() {
    let mut child = connect("counts", PATIENT);
    assert_eq!(child.line().len(), 1_000_000);
    assert_eq!(child.line(), "end");
    child.close();
}

#[test]
fn nothing_that_is_written_is_no_end() {
    let mut child = connect("nothings", PATIENT);
    child.write(b"go\n");
    assert_eq!(child.line(), "something");
    child.close();
}

#[test]
fn what_stands_behind_nothing_is_read_of_a_child_that_has_ended() {
    let mut child = connect("nothings", PATIENT);
    // The reads that are answered with nothing are under way from here on.
    let now = Some(Instant::now());
    assert!(matches!(child.source.read(now), Ok(Read::Nothing)));
    child.write(b"go\n");
    while !child.peer.has_ended() {}
    assert_eq!(child.rest(), ["something"]);
    assert_eq!(child.peer.stderr_tail().trim_end(), "last words");
    child.close();
}

#[test]
fn a_flood_on_stderr_holds_no_message_up() {
    let mut child = connect("floods", PATIENT);
    let mut seen: Vec<_> = (0..3).map(|_| child.line()).collect();
    child.write(b"done\n");
    seen.push(child.line());
    assert_eq!(seen, ["1", "2", "3", "done"]);
    child.close();
}

#[test]
fn a_deadline_is_kept_where_nobody_says_anything() {
    let mut child = connect("echo", PATIENT);
    for _ in 0..10 {
        let begun = Instant::now();
        let until = begun + Duration::from_millis(5);
        assert!(matches!(child.source.read(Some(until)), Ok(Read::Nothing)));
        assert!((Duration::from_millis(5)..LONG).contains(&begun.elapsed()));
    }
    child.write(b"still here\n");
    assert_eq!(child.line(), "still here");
    child.close();
}

#[test]
fn a_ring_makes_the_reader_look_up() {
    let mut child = connect("echo", PATIENT);
    child.peer.wake_source();
    let until = Instant::now() + LONG;
    assert!(matches!(child.source.read(Some(until)), Ok(Read::Nothing)));
    assert!(Instant::now() < until);
    child.close();
}

// Under Wine a console that the child never asked for holds its stdout, too, so the end is not seen before the child's.
#[test]
fn a_child_that_has_closed_stdout_is_read_on_for_what_it_says_on_stderr() {
    let mut child = connect("silent", PATIENT);
    assert!(child.rest().is_empty());
    assert_eq!(reason(&child).kind, EndKind::StdoutClosed);
    let peer = Arc::clone(&child.peer);
    child.close();
    assert_eq!(peer.stderr_tail().trim_end(), "last words");
    assert_eq!(peer.exit(), Some(ExitOutcome::Code(0)));
}

#[test]
fn a_child_whose_messages_are_not_wanted_any_more_can_write_them_and_end() {
    let child = connect("chatters", PATIENT);
    let peer = Arc::clone(&child.peer);
    child.close();
    assert_eq!(peer.stderr_tail().trim_end(), "last words");
    assert_eq!(peer.exit(), Some(ExitOutcome::Code(0)));
}

#[test]
fn a_write_to_a_child_that_does_not_read_ends_when_it_is_stopped() {
    let mut child = connect("sleeps", IMPATIENT);
    let mut writing = child.sink.take().expect("open");
    let (give, take) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        give.send(()).expect("the test listens");
        writing.write(&vec![b'x'; 1_000_000]).expect("not broken")
    });
    take.recv().expect("it says so");
    // Rings of the reader do not end the write.
    for _ in 0..100 {
        child.peer.wake_source();
        assert!(matches!(child.source.read(None), Ok(Read::Nothing)));
    }
    assert!(!writer.is_finished());
    child.peer.stop_sink(Duration::ZERO);
    assert!(!writer.join().expect("no panic"));
    child.close();
}

#[test]
fn a_message_longer_than_the_pipe_arrives_as_the_child_reads_it() {
    let mut child = connect("late", PATIENT);
    let mut sink = child.sink.take().expect("open");
    let writer = std::thread::spawn(move || {
        let message = [b"go\n".as_slice(), &vec![b'x'; 1_000_000], b"\n"].concat();
        sink.write(&message).expect("not broken")
    });
    assert_eq!(child.line(), "1000001");
    assert!(writer.join().expect("no panic"));
    child.close();
}

#[test]
fn a_write_to_a_child_that_has_ended_fails() {
    let mut child = connect("exits 0", PATIENT);
    child.rest();
    let sink = child.sink.as_mut().expect("open");
    // Until the system has closed the child's end, a moment after its exit, there is room in the pipe.
    while sink.write(b"anybody?\n").is_ok() {}
    assert!(child.peer.has_ended());
    child.close();
}

#[test]
fn a_child_that_is_left_behind_holds_no_end_up() {
    let mut child = connect("orphans", PATIENT);
    let orphan = Seen::by(&child.line());
    assert!(child.rest().is_empty());
    assert_eq!(reason(&child).kind, EndKind::ProcessExited);
    assert!(orphan.is_alive());
    child.close();
    assert!(orphan.ends());
}
