//! What Linux shows of a child and of this process under `/proc`, and programs that only Linux has.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::{ptr, thread};

use codex_core::io::endpoint::{Ending, Peer};
use codex_core::io::process::{EndKind, ExitOutcome, LaunchSpec, Leftovers, ProcessEnd, Step};
use codex_core::sync::thread::spawn_thread;

use crate::support::{
    Connected, PATIENT, alone, connect, is_alive, kill, refused, sh, spec, start, until,
};

const TAIL: usize = 1024;

fn kind(connected: &Connected) -> EndKind {
    let reason = connected.peer.reason(Ending::Source, "");
    reason.get::<ProcessEnd>().expect("a process").kind
}

#[test]
fn the_child_leads_a_session_of_its_own() {
    let mut child = sh("cat /proc/$$/stat", PATIENT);
    let stat = child.line();
    let fields: Vec<_> = stat.split(' ').collect();
    let pid = child.child.pid().to_string();
    assert_eq!(
        [fields[0], fields[4], fields[5]],
        [&pid, &pid, &pid],
        "pid, group, session of {stat}"
    );
}

#[test]
fn the_child_has_no_blocked_and_no_ignored_signal() {
    // This test binary ignores SIGPIPE, as Python does.
    let blocked = spawn_thread("all blocked", || {
        start(&spec(["cat", "/proc/self/status"]), PATIENT)
    });
    let status = blocked
        .expect("a thread is to be had")
        .join()
        .expect("no panic")
        .rest();
    // Signals 32 and 33 belong to the C library, which lets nobody change them.
    let own = !(0b11 << 31);
    let sets: Vec<_> = status
        .lines()
        .filter_map(|line| line.strip_prefix("Sig")?.split_once(":\t"))
        .filter(|(name, _)| ["Blk", "Ign", "Cgt"].contains(name))
        .map(|(_, set)| u64::from_str_radix(set, 16).expect("a mask") & own)
        .collect();
    assert_eq!(sets, [0, 0, 0], "{status}");
}

#[test]
fn the_child_has_three_descriptors_even_when_others_are_inheritable() {
    let file = File::open("/dev/null").expect("it is there");
    // SAFETY: changes a flag of a descriptor that this test owns.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) };
    // The fourth is ls reading the directory.
    assert_eq!(
        start(&spec(["ls", "/proc/self/fd"]), PATIENT).rest(),
        "0\n1\n2\n3\n"
    );
}

/// A forked copy of this process, which only holds what it inherited. Should the test fail to end
/// it, an alarm does.
fn forked_copy() -> libc::pid_t {
    // SAFETY: the forked child waits for its own death and does nothing else.
    unsafe {
        let forked = libc::fork();
        if forked == 0 {
            libc::alarm(20);
            loop {
                libc::pause();
            }
        }
        forked
    }
}

fn end(forked: libc::pid_t) {
    // SAFETY: no status is asked for.
    unsafe {
        libc::kill(forked, libc::SIGKILL);
        libc::waitpid(forked, ptr::null_mut(), 0);
    }
}

#[test]
fn a_spawned_thread_blocks_all_signals_but_those_of_faults_and_its_maker_keeps_its_mask() {
    fn mask() -> String {
        let status = fs::read_to_string("/proc/thread-self/status").expect("Linux");
        status
            .lines()
            .find(|line| line.starts_with("SigBlk"))
            .expect("a field")
            .to_owned()
    }
    let before = mask();
    let inside = spawn_thread("codex-test", || {
        (mask(), thread::current().name().map(str::to_owned))
    });
    let (inside, name) = inside
        .expect("a thread is to be had")
        .join()
        .expect("no panic");
    // All 64 but those of faults, SIGKILL, SIGSTOP and those before SIGRTMIN that the C library keeps for itself: two of glibc, three
    // of musl.
    let kept = 32..libc::SIGRTMIN();
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];
    let open = [&faults[..], &[libc::SIGKILL, libc::SIGSTOP]].concat();
    let blocked = (1..=64)
        .filter(|signal| !open.contains(signal) && !kept.contains(signal))
        .fold(0_u64, |mask, signal| mask | 1 << (signal - 1));
    assert_eq!(inside, format!("SigBlk:\t{blocked:016x}"));
    assert_eq!(name.as_deref(), Some("codex-test"));
    assert_eq!(mask(), before);
}

#[test]
fn a_forked_copy_holds_no_pipe_of_a_child() {
    alone(&a_forked_copy_holds_no_pipe_of_a_child, || {
        let mut cat = start(&spec(["cat"]), PATIENT);
        let forked = forked_copy();
        let here = format!("/proc/{}/fd", std::process::id());
        let there = format!("/proc/{forked}/fd");
        let pipes = |directory: &str| -> BTreeSet<_> {
            let entries = fs::read_dir(directory).expect("Linux");
            let links = entries.map(|entry| fs::read_link(entry.expect("an entry").path()));
            let names = links.flatten().map(|link| link.display().to_string());
            names.filter(|name| name.starts_with("pipe:")).collect()
        };
        let ends = [
            cat.stdin.as_ref().expect("open").as_raw_fd(),
            cat.stdout.get_ref().as_raw_fd(),
        ];
        for end in ends {
            let copy = || fs::read_link(format!("{there}/{end}")).expect("the number is taken");
            until(|| copy().to_str() == Some("/dev/null"));
        }
        // What is left is the test's own stdio.
        until(|| pipes(&here).len() >= pipes(&there).len() + 3);
        // So it sees the end of its input at once.
        let ended = (
            Step::EndOfInput,
            Some(ExitOutcome::Code(0)),
            Some(Leftovers::None),
        );
        assert_eq!(cat.shut_down(), ended);
        end(forked);
    });
}

#[test]
fn nothing_is_left_after_many_children() {
    alone(&nothing_is_left_after_many_children, || {
        let entries = |directory: &str| -> BTreeSet<_> {
            fs::read_dir(directory)
                .expect("Linux")
                .map(|entry| entry.expect("an entry").file_name())
                .collect()
        };
        let descriptors = || entries("/proc/self/fd");
        let threads = || entries("/proc/self/task");
        let before = (descriptors(), threads());
        for _ in 0..20 {
            let mut cat = start(&spec(["cat"]), PATIENT);
            assert_eq!(cat.shut_down().0, Step::EndOfInput);
            let mut family = sh("sleep 1000 & echo ready; exec cat", PATIENT);
            assert_eq!(family.line(), "ready");
            assert_eq!(family.shut_down().2, Some(Leftovers::Terminated));
            drop(sh("exec sleep 1000", PATIENT));
            refused(&spec(["/nonexistent"]));
            refused(&LaunchSpec {
                cwd: Some("/nonexistent".into()),
                ..spec(["cat"])
            });
        }
        // A joined thread leaves the list a moment after its join.
        until(|| (descriptors(), threads()) == before);
        // SAFETY: no status is asked for.
        let waited = unsafe { libc::waitpid(-1, ptr::null_mut(), libc::WNOHANG) };
        assert_eq!(waited, -1, "there is no child, not even a zombie");
    });
}

#[test]
fn stderr_held_open_by_a_stranger_does_not_hold_the_end() {
    // A session of its own takes the grandchild out of the group, so it survives with our stdout and stderr.
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & read line; echo last words >&2";
    let mut child = connect(script, PATIENT, TAIL);
    let grandchild = child.line();
    drop(child.sink.take());
    assert!(child.rest().is_empty());
    assert_eq!(child.peer.stderr_tail(), "last words\n");
    assert_eq!(kind(&child), EndKind::ProcessExited);
    child.close();
    assert!(is_alive(&grandchild), "otherwise this test shows nothing");
    kill(&grandchild);
}

#[test]
fn a_stranger_that_never_stops_writing_does_not_hold_the_end() {
    let script = "setsid sh -c 'echo $$; exec yes' & read line; setsid yes >&2 & echo $!; exit 0";
    let mut child = connect(script, PATIENT, TAIL);
    let stranger = child.line();
    drop(child.sink.take());
    child.rest();
    assert_eq!(kind(&child), EndKind::ProcessExited);
    child.close();
    kill(&stranger);
}

#[test]
fn a_connection_takes_five_descriptors_and_no_thread_of_its_own() {
    alone(
        &a_connection_takes_five_descriptors_and_no_thread_of_its_own,
        || {
            let count = |directory| std::fs::read_dir(directory).expect("Linux").count();
            let counts = || (count("/proc/self/fd"), count("/proc/self/task"));
            let (descriptors, threads) = counts();
            let child = connect("exec cat", PATIENT, TAIL);
            assert_eq!(counts(), (descriptors + 5, threads));
            child.close();
            until(|| counts() == (descriptors, threads));
        },
    );
}
