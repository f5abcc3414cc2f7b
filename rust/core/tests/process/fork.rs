//! Threads, forks of this process, and what is left after all.

use std::io::Write;
use std::os::fd::AsFd;

use codex_core::io::process::{ExitOutcome, Leftovers, Step};

use crate::support::{EOF_SHORT, PATIENT, alone, sh, spec, start};

#[test]
fn dropping_in_a_forked_child_changes_nothing_here() {
    alone(&dropping_in_a_forked_child_changes_nothing_here, || {
        let mut child = sh("read line; echo $line; exec cat", PATIENT);
        // SAFETY: the forked child drops, which must not need any other thread, and leaves at once.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            // SAFETY: the alarm ends a drop that waits; the other call ends the forked child.
            unsafe {
                libc::alarm(10);
                drop(child);
                libc::_exit(0);
            }
        }
        let mut status = -1;
        // SAFETY: `status` is owned by this frame.
        let waited = unsafe { libc::waitpid(forked, &raw mut status, 0) };
        assert_eq!((waited, status), (forked, 0));
        assert_eq!(child.child.exit(), None);
        child
            .stdin
            .as_mut()
            .expect("still open")
            .write_all(b"still here\n")
            .expect("the script reads");
        assert_eq!(child.line(), "still here");
        assert_eq!(child.shut_down().0, Step::EndOfInput);
    });
}

#[test]
fn a_copy_of_stdin_that_somebody_holds_does_not_block_the_shutdown() {
    let mut cat = start(&spec(["cat"]), EOF_SHORT);
    let stdin = cat.stdin.as_ref().expect("open").as_fd();
    let copy = stdin
        .try_clone_to_owned()
        .expect("a descriptor is to be had");
    let ended = (
        Step::Terminate,
        Some(ExitOutcome::Signal(libc::SIGTERM)),
        Some(Leftovers::None),
    );
    assert_eq!(cat.shut_down(), ended);
    drop(copy);
}
