//! The child as the endpoint of a connection: its messages, the end of its stderr, and how it is kept from being held up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_core::io::endpoint::{Ending, Peer, Read};
use codex_core::io::line_log::{Entry, LineLog, Tap};
use codex_core::io::process::{EndKind, ProcessEnd};

use crate::support::{
    Connected, EOF_SHORT, IMPATIENT, LONG, PATIENT, connect, connect_with, is_alive, until,
};

const TAIL: usize = 64 * 1024;

fn reason(connected: &Connected) -> ProcessEnd {
    let reason = connected.peer.reason(Ending::Source, "");
    reason.get::<ProcessEnd>().expect("a process").clone()
}

#[test]
fn the_last_words_on_stderr_are_known_with_the_end() {
    let mut child = connect("echo 1; echo broken >&2; exit 42", PATIENT, TAIL);
    assert_eq!(child.rest(), ["1"]);
    let end = reason(&child);
    assert_eq!(
        (end.kind, end.exit_code, &*end.stderr_tail),
        (EndKind::ProcessExited, Some(42), "broken\n")
    );
    child.close();
}

#[test]
fn the_tail_of_megabytes_is_bounded_and_begins_with_a_line() {
    let mut child = connect(
        "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo \"$i ................................................\"; done >&2",
        PATIENT,
        TAIL,
    );
    child.rest();
    let tail = child.peer.stderr_tail();
    assert!((60_000..=TAIL).contains(&tail.len()), "{}", tail.len());
    assert!(tail.ends_with("40000 ................................................\n"));
    let first: u32 = tail
        .split(' ')
        .next()
        .expect("a line")
        .parse()
        .expect("a whole number");
    assert_eq!(
        tail.lines().count(),
        usize::try_from(40_000 - first + 1).expect("small")
    );
    child.close();
}

#[test]
fn stderr_is_told_by_line_to_its_end() {
    let log = Arc::new(LineLog::new(1 << 20));
    assert!(log.turn_on());
    let tap = Some(Tap::new(Arc::clone(&log), 0));
    let script = "echo first >&2; echo said; read line; printf 'second\nlast' >&2";
    let mut child = connect_with(script, PATIENT, TAIL, tap);
    assert_eq!(child.line(), "said");
    // What it says after the end of its input, when nobody asks for messages any more, is told, too.
    child.close();
    let mut told = Vec::new();
    while let Some(entries) = log.next() {
        told.extend(entries.into_iter().map(|entry| match entry {
            Entry::Line(line) => String::from_utf8_lossy(&line.text).into_owned(),
            Entry::Lost(count) => format!("{count} lost"),
        }));
    }
    assert_eq!(told, ["first", "second", "last"]);
}

#[test]
fn a_flood_on_stderr_holds_no_message_up() {
    let mut child = connect(
        "yes >&2 & for i in 1 2 3; do echo $i; done; read line; kill $!; echo $line",
        PATIENT,
        TAIL,
    );
    let mut seen = Vec::new();
    seen.extend((0..3).map(|_| child.line()));
    let sink = child.sink.as_mut().expect("open");
    assert!(sink.write(b"done\n").expect("the script reads"));
    seen.push(child.line());
    assert_eq!(seen, ["1", "2", "3", "done"]);
    child.close();
}

#[test]
fn nothing_is_read_after_a_deadline_whatever_stderr_says() {
    let mut child = connect("yes >&2 & read line; kill $!", PATIENT, TAIL);
    for _ in 0..100 {
        let until = Instant::now() + Duration::from_millis(1);
        assert!(matches!(child.source.read(Some(until)), Ok(Read::Nothing)));
        assert!(until.elapsed() < LONG);
    }
    child.close();
}

#[test]
fn a_child_that_has_closed_stdout_is_read_on_for_what_it_says_on_stderr() {
    let script = "exec >&-; read line; head -c 1000000 /dev/zero >&2; echo last words >&2";
    let mut child = connect(script, PATIENT, 11);
    assert!(child.rest().is_empty());
    assert_eq!(reason(&child).kind, EndKind::StdoutClosed);
    let peer = std::sync::Arc::clone(&child.peer);
    let begun = Instant::now();
    child.close();
    // More than its pipe holds: if nobody read it, SIGTERM would have ended it before its last words.
    assert_eq!(peer.stderr_tail(), "last words\n");
    assert!(begun.elapsed() < LONG);
}

#[test]
fn a_child_whose_messages_are_not_wanted_any_more_can_write_them_and_end() {
    let script = "read line; head -c 1000000 /dev/zero; echo last words >&2";
    let child = connect(script, PATIENT, TAIL);
    let peer = std::sync::Arc::clone(&child.peer);
    child.close();
    assert_eq!(peer.stderr_tail(), "last words\n");
}

#[test]
fn the_tail_can_be_read_while_the_child_runs() {
    let mut child = connect("echo early >&2; echo written; exec cat", PATIENT, TAIL);
    assert_eq!(child.line(), "written");
    assert_eq!(child.peer.stderr_tail(), "early\n");
    child.close();
}

#[test]
fn a_write_to_a_child_that_does_not_read_ends_when_it_is_stopped() {
    let mut child = connect("sleep 1000", EOF_SHORT, TAIL);
    let mut writing = child.sink.take().expect("open");
    let (give, take) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        give.send(()).expect("the test listens");
        writing.write(&vec![b'x'; 1_000_000]).expect("not broken")
    });
    take.recv().expect("it says so");
    // Rings of others do not end the write.
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
    let mut child = connect("read go; head -c 1000000 | wc -c", PATIENT, TAIL);
    let mut sink = child.sink.take().expect("open");
    let message = [b"go\n".as_slice(), &vec![b'x'; 1_000_000]].concat();
    let writer = std::thread::spawn(move || sink.write(&message).expect("not broken"));
    assert_eq!(child.line().trim(), "1000000");
    assert!(writer.join().expect("no panic"));
    child.close();
}

#[test]
fn an_endpoint_that_is_dropped_is_nobody_any_more() {
    let child = connect("trap '' TERM; sleep 1000 & wait", IMPATIENT, TAIL);
    let pid = child.peer.pid().to_string();
    drop(child);
    until(|| !is_alive(&pid));
}
