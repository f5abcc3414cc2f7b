//! Where the system has no pidfds (before Linux 5.3, in some sandboxes and emulators): a thread waits for the child.

use codex_core::io::process::{ExitOutcome, Leftovers, Step};

use crate::sandbox::{forbid, pidfds, waits_by_pidfd};
use crate::support::{PATIENT, alone, connect, sh, until};

#[test]
fn a_child_is_seen_to_end_without_pidfds() {
    alone(&a_child_is_seen_to_end_without_pidfds, || {
        forbid(&pidfds(), libc::ENOSYS);
        let mut cat = sh("echo ready; exec cat", PATIENT);
        assert_eq!(cat.line(), "ready");
        assert_eq!(cat.child.exit(), None);
        let ended = (
            Step::EndOfInput,
            Some(ExitOutcome::Code(0)),
            // Nor are the members of its group seen to end, and nobody was there.
            Some(Leftovers::None),
        );
        assert_eq!(cat.shut_down(), ended);
    });
}

#[test]
fn a_connection_without_pidfds_leaves_nothing() {
    alone(&a_connection_without_pidfds_leaves_nothing, || {
        forbid(&pidfds(), libc::ENOSYS);
        let count = |directory| std::fs::read_dir(directory).expect("Linux").count();
        let counts = || (count("/proc/self/fd"), count("/proc/self/task"));
        let before = counts();
        let mut child = connect("echo 1; echo words >&2; exit 3", PATIENT, 1024);
        assert_eq!(child.rest(), ["1"]);
        assert_eq!(child.peer.stderr_tail(), "words\n");
        child.close();
        let child = connect("exec cat", PATIENT, 1024);
        child.close();
        until(|| counts() == before);
    });
}

#[test]
fn a_system_that_does_not_wait_by_pidfd_is_asked_by_the_id() {
    alone(
        &a_system_that_does_not_wait_by_pidfd_is_asked_by_the_id,
        || {
            // Each on top of the one before: the last that was installed is asked first.
            for errno in [libc::EINVAL, libc::ENOSYS, libc::EPERM] {
                forbid(&waits_by_pidfd(), errno);
                let mut child = sh("echo ready; read line; exit 3", PATIENT);
                assert_eq!(child.line(), "ready");
                assert_eq!(child.child.exit(), None);
                let ended = (
                    Step::EndOfInput,
                    Some(ExitOutcome::Code(3)),
                    Some(Leftovers::None),
                );
                assert_eq!(child.shut_down(), ended);
            }
        },
    );
}
