//! Where the system has no pidfds (before Linux 5.3, in some sandboxes and emulators): a thread waits for the child.

use codex_core::io::process::{ExitOutcome, Leftovers, Step};

use crate::support::{PATIENT, alone, connect, sh, until};

/// From now on `pidfd_open` is a call that this system does not know.
fn forbid_pidfds() {
    let number = u32::try_from(libc::SYS_pidfd_open).expect("small");
    let statement = |code, jt, k| libc::sock_filter {
        code: u16::try_from(code).expect("small"),
        jt,
        jf: 0,
        k,
    };
    let mut filter = [
        // The call's number stands first.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        libc::sock_filter {
            jf: 1,
            ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, number)
        },
        statement(
            libc::BPF_RET | libc::BPF_K,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(),
        ),
        statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).expect("small"),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter is as long as it says, and the system copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        let set = libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program);
        assert_eq!(set, 0);
        assert_eq!(libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0), -1);
    }
}

#[test]
fn a_child_is_seen_to_end_without_pidfds() {
    alone(&a_child_is_seen_to_end_without_pidfds, || {
        forbid_pidfds();
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
        forbid_pidfds();
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
