//! How the end of a child is seen.

use std::io::Read;
use std::ptr;
use std::time::Duration;

use codex_core::io::process::{ExitOutcome, Leftovers, Step};

use crate::support::{IMPATIENT, LONG, PATIENT, alone, is_alive, kill, sh, spec, start};

#[test]
fn a_child_that_exits_at_once_leaves_its_code_and_its_last_words() {
    let mut child = sh("echo broken >&2; exit 42", PATIENT);
    assert_eq!(child.child.wait_exit(LONG), Some(ExitOutcome::Code(42)));
    assert_eq!(child.shut_down().0, Step::AlreadyEnded);
    let mut said = String::new();
    child.stderr.read_to_string(&mut said).expect("readable");
    assert_eq!(said, "broken\n");
}

#[test]
fn a_child_killed_by_a_signal_says_which() {
    let child = sh("kill -SEGV $$", PATIENT);
    assert_eq!(
        child.child.wait_exit(LONG),
        Some(ExitOutcome::Signal(libc::SIGSEGV))
    );
}

#[test]
fn a_running_child_has_not_ended() {
    let child = start(&spec(["cat"]), PATIENT);
    assert_eq!(child.child.exit(), None);
    assert_eq!(child.child.wait_exit(Duration::ZERO), None);
}

#[test]
fn an_ignored_sigchld_leaves_the_status_unknown_and_the_shutdown_bounded() {
    alone(
        &an_ignored_sigchld_leaves_the_status_unknown_and_the_shutdown_bounded,
        || {
            // SAFETY: nothing else runs in this process that waits for children.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            let mut cat = start(&spec(["cat"]), PATIENT);
            let ended = (
                Step::EndOfInput,
                Some(ExitOutcome::Unknown),
                Some(Leftovers::Unpinned),
            );
            assert_eq!(cat.shut_down(), ended);

            let mut child = sh("trap '' TERM; echo ready; exec sleep 1000", IMPATIENT);
            assert_eq!(child.line(), "ready");
            assert_eq!(
                child.shut_down(),
                (
                    Step::Kill,
                    Some(ExitOutcome::Unknown),
                    Some(Leftovers::Unpinned)
                )
            );
        },
    );
}

#[test]
fn a_child_reaped_by_somebody_else_is_not_signalled() {
    alone(&a_child_reaped_by_somebody_else_is_not_signalled, || {
        let mut child = sh("sleep 1000 & echo $!; exit 5", PATIENT);
        let grandchild = child.line();
        assert_eq!(child.child.wait_exit(LONG), Some(ExitOutcome::Code(5)));
        // Whoever takes the zombie here unpins the group's id.
        // SAFETY: no status is asked for.
        assert_ne!(unsafe { libc::waitpid(-1, ptr::null_mut(), 0) }, -1);
        let ended = (
            Step::AlreadyEnded,
            Some(ExitOutcome::Code(5)),
            Some(Leftovers::Unpinned),
        );
        assert_eq!(child.shut_down(), ended);
        assert!(is_alive(&grandchild));
        kill(&grandchild);
    });
}
