//! Every step of the shutdown, and what is left of the job.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use codex_core::io::process::{ExitOutcome, Graces};

use crate::support::{Connected, IMPATIENT, LONG, PATIENT, Seen, connect, role};

fn ended(child: Connected) -> Option<ExitOutcome> {
    let peer = Arc::clone(&child.peer);
    child.close();
    peer.exit()
}

#[test]
fn a_child_that_obeys_the_end_of_input_ends_by_itself() {
    let child = connect("echo", PATIENT);
    assert_eq!(child.peer.exit(), None);
    assert_eq!(ended(child), Some(ExitOutcome::Code(0)));
}

#[test]
fn a_child_that_does_not_obey_is_ended() {
    let child = connect("sleeps", IMPATIENT);
    assert_eq!(ended(child), Some(ExitOutcome::Code(1)));
}

#[test]
fn who_is_in_a_hurry_waits_for_no_grace() {
    let child = connect("sleeps", PATIENT);
    let peer = Arc::clone(&child.peer);
    let begun = Instant::now();
    child.end(true);
    assert!(begun.elapsed() < LONG);
    assert_eq!(peer.exit(), Some(ExitOutcome::Code(1)));
}

#[test]
fn those_whom_the_child_has_started_end_with_it() {
    let mut child = connect("family", PATIENT);
    let grandchild = Seen::by(&child.line());
    assert!(grandchild.is_alive());
    assert_eq!(ended(child), Some(ExitOutcome::Code(0)));
    assert!(!grandchild.is_alive());
}

#[test]
fn all_end_where_the_child_does_not_obey() {
    let mut child = connect("parent", IMPATIENT);
    let grandchild = Seen::by(&child.line());
    assert_eq!(ended(child), Some(ExitOutcome::Code(1)));
    assert!(grandchild.ends());
}

#[test]
fn an_endpoint_that_is_dropped_is_nobody_any_more() {
    let child = connect("sleeps", PATIENT);
    let seen = Seen::by(&child.peer.pid().to_string());
    drop(child);
    assert!(seen.ends());
}

#[test]
fn a_killed_parent_takes_its_child_along() {
    let mut command = role("parent").inheriting();
    let mut parent = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is started");
    let said = BufReader::new(parent.stdout.take().expect("piped"));
    let lines = said.lines().map(|line| line.expect("text"));
    let pid = lines.skip_while(|line| !line.ends_with("begins")).nth(1);
    let child = Seen::by(&pid.expect("it says so"));
    assert!(child.is_alive());
    parent.kill().expect("it runs");
    assert!(child.ends());
    parent.wait().expect("it is our child");
}

#[test]
fn endless_graces_are_none_too_long() {
    let endless = std::time::Duration::MAX;
    let graces = Graces {
        eof: endless,
        term: endless,
        kill: endless,
    };
    assert_eq!(ended(connect("echo", graces)), Some(ExitOutcome::Code(0)));
}
