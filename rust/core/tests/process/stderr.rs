//! The end of stderr.

use codex_core::io::process::{ExitOutcome, StderrTail, Step};

use crate::support::{LONG, PATIENT, is_alive, kill, sh, until};

#[test]
fn the_tail_of_megabytes_is_bounded_and_begins_with_a_line() {
    let child = sh(
        "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo \"$i ................................................\"; done >&2",
        PATIENT,
    );
    assert_eq!(child.child.wait_exit(LONG), Some(ExitOutcome::Code(0)));
    child.stderr.stop();
    let tail = child.stderr.tail();
    assert!(
        (60_000..=StderrTail::DEFAULT_BYTES).contains(&tail.len()),
        "{}",
        tail.len()
    );
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
}

#[test]
fn the_tail_can_be_read_while_the_child_runs() {
    let mut child = sh("echo early >&2; echo written; exec cat", PATIENT);
    assert_eq!(child.line(), "written");
    until(|| child.stderr.tail() == "early\n");
}

#[test]
fn stderr_held_open_by_a_stranger_does_not_block_the_shutdown() {
    // A session of its own takes the grandchild out of the group, so it survives with our stderr.
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & read line; echo last words >&2";
    let mut child = sh(script, PATIENT);
    let grandchild = child.line();
    assert_eq!(child.shut_down().0, Step::EndOfInput);
    child.stderr.stop();
    assert_eq!(child.stderr.tail(), "last words\n");
    assert!(is_alive(&grandchild), "otherwise this test shows nothing");
    kill(&grandchild);
}
