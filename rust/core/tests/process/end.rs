//! How the end of a child is seen.

use std::io::{BufRead, BufReader};
use std::ptr;
use std::time::Duration;

use codex_core::io::process::{Child, ExitOutcome, Leftovers, Step};

use crate::support::{IMPATIENT, LONG, PATIENT, alone, is_alive, kill, sh, spec, start};

#[test]
fn a_child_that_exits_at_once_leaves_its_code_and_its_last_words() {
    let mut child = sh("echo broken >&2; exit 42", PATIENT);
    assert_eq!(child.child.wait_exit(LONG), Some(ExitOutcome::Code(42)));
    child.stderr.stop();
    assert_eq!(child.stderr.tail(), "broken\n");
    assert_eq!(child.shut_down().0, Step::AlreadyEnded);
}

#[test]
fn a_child_killed_by_a_signal_says_which() {
    let child = sh("kill -SEGV $$", PATIENT);
    assert_eq!(
        child.child.wait_exit(LONG),
        Some(ExitOutcome::Signal(libc::SIGSEGV))
    );
    assert_eq!(child.told.recv(), Ok(ExitOutcome::Signal(libc::SIGSEGV)));
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
            assert_eq!(cat.told.recv(), Ok(ExitOutcome::Unknown));

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
        // on_exit comes between the end and the sweep: whoever steals the zombie here unpins the
        // group's id.
        let (child, pipes) = Child::spawn(
            &spec(["/bin/sh", "-c", "sleep 1000 & echo $!; exit 5"]),
            PATIENT,
            |_| {
                // SAFETY: no status is asked for.
                assert_ne!(unsafe { libc::waitpid(-1, ptr::null_mut(), 0) }, -1);
            },
        )
        .expect("sh is there");
        let mut grandchild = String::new();
        BufReader::new(pipes.stdout)
            .read_line(&mut grandchild)
            .expect("readable");
        let report = child.shut_down(child.graces(), || ());
        assert_eq!(report.outcome, Some(ExitOutcome::Code(5)));
        assert_eq!(report.leftovers, Some(Leftovers::Unpinned));
        assert!(is_alive(grandchild.trim()));
        kill(&grandchild);
    });
}
