//! Threads, forks of this process, and what is left after all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::{ptr, thread};

use codex_core::io::process::{ExitOutcome, LaunchSpec, Leftovers, StderrTail, Step};
use codex_core::sync::thread::spawn_thread;

use crate::support::{EOF_SHORT, PATIENT, alone, refused, sh, spec, start, until};

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
fn stopping_and_dropping_in_a_forked_child_changes_nothing_here() {
    alone(
        &stopping_and_dropping_in_a_forked_child_changes_nothing_here,
        || {
            let mut child = sh("read line; echo $line >&2; echo $line; exec cat", PATIENT);
            // SAFETY: the forked child drops, which must not need any other thread, and leaves at once.
            let forked = unsafe { libc::fork() };
            if forked == 0 {
                // SAFETY: the alarm ends a drop that waits; the other call ends the forked child.
                unsafe {
                    libc::alarm(10);
                    child.stderr.stop();
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
            until(|| child.stderr.tail() == "still here\n");
            assert_eq!(child.shut_down().0, Step::EndOfInput);
        },
    );
}

#[test]
fn a_forked_copy_does_not_hold_the_stop_of_stderr() {
    alone(&a_forked_copy_does_not_hold_the_stop_of_stderr, || {
        let (reader, writer) = io::pipe().expect("descriptors are to be had");
        let tail = StderrTail::start(reader, 64).expect("a thread is to be had");
        let forked = forked_copy();
        // SAFETY: the alarm ends this process should the stop wait.
        unsafe { libc::alarm(10) };
        tail.stop();
        drop(writer);
        end(forked);
    });
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
        cat.stderr.stop();
        end(forked);
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
