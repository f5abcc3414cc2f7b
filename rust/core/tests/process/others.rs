//! Others who have a hand on the child: a debugger, and a program that reaps whatever ends.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use codex_core::io::endpoint::{Ending, Peer};
use codex_core::io::process::{EndKind, ExitOutcome, Graces, Leftovers, ProcessEnd, Step};

use crate::sandbox::{forbid, pidfds};

use crate::support::{Connected, LONG, PATIENT, SHORT, alone, connect, is_alive, sh, until};

/// A process that traces the child. Only the tracer is told of its end, until it lets go.
struct Tracer {
    id: libc::pid_t,
    hold: Option<io::PipeWriter>,
}

impl Tracer {
    /// `None` where that is not allowed.
    fn of(child: u32) -> Option<Self> {
        let child = libc::pid_t::try_from(child).expect("small");
        let (mut ready, tell) = io::pipe().expect("descriptors are to be had");
        let (waiting, hold) = io::pipe().expect("descriptors are to be had");
        // SAFETY: the forked process makes system calls only, with buffers of its own.
        let id = unsafe {
            let id = libc::fork();
            if id == 0 {
                libc::close(hold.as_raw_fd());
                let none = ptr::null_mut::<libc::c_void>();
                let seized = libc::ptrace(libc::PTRACE_SEIZE, child, none, none);
                let byte = [u8::from(seized == 0)];
                libc::write(tell.as_raw_fd(), byte.as_ptr().cast(), 1);
                let mut end = [0_u8];
                libc::read(waiting.as_raw_fd(), end.as_mut_ptr().cast(), 1);
                libc::_exit(0);
            }
            id
        };
        drop(tell);
        let mut seized = [0];
        ready.read_exact(&mut seized).expect("it says so");
        let tracer = Self {
            id,
            hold: Some(hold),
        };
        (seized == [1]).then_some(tracer)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        drop(self.hold.take());
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(self.id, ptr::null_mut(), 0) };
    }
}

/// Waits until a child of this process is a zombie, and leaves it one.
fn until_ended(pid: u32) {
    // SAFETY: the record is this frame's.
    unsafe {
        let mut record = std::mem::zeroed();
        let options = libc::WEXITED | libc::WNOWAIT;
        assert_eq!(libc::waitid(libc::P_PID, pid, &raw mut record, options), 0);
    }
}

/// Takes a zombie away as a program does that reaps whatever ends.
fn steal(pid: u32) {
    let pid = libc::pid_t::try_from(pid).expect("small");
    // SAFETY: no status is asked for.
    assert_eq!(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }, pid);
}

fn exit_code(connected: &Connected) -> Option<u32> {
    let reason = connected.peer.reason(Ending::Source, "");
    reason.get::<ProcessEnd>().expect("a process").exit_code
}

#[test]
fn the_status_of_a_child_is_waited_for_that_a_debugger_lets_go_of_later() {
    alone(
        &the_status_of_a_child_is_waited_for_that_a_debugger_lets_go_of_later,
        || {
            let mut child = sh("echo ready; read line; exit 3", PATIENT);
            assert_eq!(child.line(), "ready");
            let Some(tracer) = Tracer::of(child.child.pid()) else {
                println!("not run: tracing is not allowed here");
                return;
            };
            drop(child.stdin.take());
            let pid = child.child.pid().to_string();
            until(|| !is_alive(&pid));
            // Its end can be seen, but not asked for.
            assert_eq!(child.child.wait_exit(SHORT), None);
            let letting_go = thread::spawn(|| drop(tracer));
            let ended = (
                Step::EndOfInput,
                Some(ExitOutcome::Code(3)),
                Some(Leftovers::None),
            );
            assert_eq!(child.shut_down(), ended);
            letting_go.join().expect("no panic");
        },
    );
}

#[test]
fn nobody_waits_for_a_child_once_it_is_given_up() {
    alone(&nobody_waits_for_a_child_once_it_is_given_up, || {
        let graces = Graces {
            kill: SHORT,
            ..PATIENT
        };
        let mut child = connect("echo ready; exec cat", graces, 1024);
        assert_eq!(child.line(), "ready");
        let Some(_tracer) = Tracer::of(child.peer.pid()) else {
            println!("not run: tracing is not allowed here");
            return;
        };
        let (tell, told) = mpsc::channel();
        let closing = thread::spawn(move || {
            child.end(true);
            tell.send(()).expect("the test listens");
        });
        // As long as the tracer holds it, the child cannot be reaped: the same as for one that cannot be killed.
        told.recv_timeout(LONG).expect("the end does not wait");
        closing.join().expect("no panic");
    });
}

#[test]
fn how_a_child_ended_is_asked_before_its_last_words_are_read() {
    alone(
        &how_a_child_ended_is_asked_before_its_last_words_are_read,
        || {
            let script = "i=0; while [ $i -lt 1000 ]; do echo line; i=$((i+1)); done; exit 7";
            let mut child = connect(script, PATIENT, 1024);
            until_ended(child.peer.pid());
            assert_eq!(child.line(), "line");
            steal(child.peer.pid());
            assert_eq!(child.rest().len(), 999);
            assert_eq!(exit_code(&child), Some(7));
            child.close();
        },
    );
}

#[test]
fn an_exit_that_is_not_told_is_still_an_exit() {
    alone(&an_exit_that_is_not_told_is_still_an_exit, || {
        let mut child = connect("echo ready; read line; exit 3", PATIENT, 1024);
        assert_eq!(child.line(), "ready");
        let Some(tracer) = Tracer::of(child.peer.pid()) else {
            println!("not run: tracing is not allowed here");
            return;
        };
        drop(child.sink.take());
        assert!(child.rest().is_empty());
        let reason = child.peer.reason(Ending::Source, "");
        let end = reason.get::<ProcessEnd>().expect("a process");
        assert_eq!((end.kind, end.exit_code), (EndKind::ProcessExited, None));
        drop(tracer);
        child.close();
    });
}

/// Starts programs until one has this id. `None` where nobody may choose an id.
fn stranger_with(id: u32, leads_a_group: bool) -> Option<process::Child> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        fs::write("/proc/sys/kernel/ns_last_pid", (id - 1).to_string()).ok()?;
        let mut command = Command::new("sleep");
        command.arg("1000");
        if leads_a_group {
            command.process_group(0);
        }
        let mut other = command.spawn().expect("sleep is there");
        if other.id() == id {
            return Some(other);
        }
        other.kill().expect("it runs");
        other.wait().expect("it ends");
    }
    None
}

fn leaves_a_stranger_alone(leads_a_group: bool, was_asked: bool) {
    let mut child = sh("exit 5", PATIENT);
    let pid = child.child.pid();
    until_ended(pid);
    steal(pid);
    if was_asked {
        assert_eq!(child.child.exit(), Some(ExitOutcome::Unknown));
    }
    let Some(mut stranger) = stranger_with(pid, leads_a_group) else {
        println!("not run: nobody may choose an id here");
        return;
    };
    let ended = (
        Step::AlreadyEnded,
        Some(ExitOutcome::Unknown),
        Some(Leftovers::Unpinned),
    );
    assert_eq!(child.shut_down(), ended);
    assert_eq!(stranger.try_wait().expect("it can be asked"), None);
    stranger.kill().expect("it runs");
    stranger.wait().expect("it ends");
}

#[test]
fn a_stranger_that_got_the_childs_id_is_left_alone() {
    alone(&a_stranger_that_got_the_childs_id_is_left_alone, || {
        for (leads_a_group, was_asked) in [(true, true), (true, false), (false, false)] {
            leaves_a_stranger_alone(leads_a_group, was_asked);
        }
    });
}

#[test]
fn without_pidfds_a_stranger_is_left_alone_if_the_child_was_missed_before() {
    alone(
        &without_pidfds_a_stranger_is_left_alone_if_the_child_was_missed_before,
        || {
            forbid(&pidfds(), libc::ENOSYS);
            leaves_a_stranger_alone(true, true);
            leaves_a_stranger_alone(false, true);
        },
    );
}
