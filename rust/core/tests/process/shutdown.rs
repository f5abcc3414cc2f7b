//! Every rung of the shutdown, and what is left of the group.

use std::io::Write;
use std::thread;

use codex_core::io::process::{ExitOutcome, Graces, Leftovers, Signal, Step};

use crate::support::{
    EOF_SHORT, IMPATIENT, LONG, PATIENT, SHORT, is_alive, sh, spec, start, until,
};

/// Python that goes on when it gets SIGTERM, however early after "ready".
const AWAITS_SIGTERM: &str = "import signal, sys; sigterm = {signal.SIGTERM}; \
    signal.pthread_sigmask(signal.SIG_BLOCK, sigterm); \
    print(\"ready\", flush=True); signal.sigwait(sigterm)";

#[test]
fn a_child_that_obeys_the_end_of_input_needs_no_signal() {
    let mut cat = start(&spec(["cat"]), PATIENT);
    cat.stdin
        .as_mut()
        .expect("still open")
        .write_all(b"hello\n")
        .expect("cat reads");
    assert_eq!(cat.line(), "hello");
    assert_eq!(
        cat.shut_down(),
        (
            Step::EndOfInput,
            Some(ExitOutcome::Code(0)),
            Some(Leftovers::None)
        )
    );
}

#[test]
fn a_child_that_ignores_the_end_of_input_gets_sigterm() {
    let mut child = sh("echo ready; exec sleep 1000", EOF_SHORT);
    assert_eq!(child.line(), "ready");
    let ended = (
        Step::Terminate,
        Some(ExitOutcome::Signal(libc::SIGTERM)),
        Some(Leftovers::None),
    );
    assert_eq!(child.shut_down(), ended);
}

#[test]
fn a_child_that_handles_sigterm_exits_with_its_own_code() {
    let script = format!("{AWAITS_SIGTERM}; sys.exit(7)");
    let mut child = start(&spec(["python3", "-c", &script]), EOF_SHORT);
    assert_eq!(child.line(), "ready");
    let (step, outcome, _) = child.shut_down();
    assert_eq!(
        (step, outcome),
        (Step::Terminate, Some(ExitOutcome::Code(7)))
    );
}

#[test]
fn a_child_that_ignores_sigterm_gets_sigkill() {
    let mut child = sh("trap '' TERM; echo ready; exec sleep 1000", IMPATIENT);
    assert_eq!(child.line(), "ready");
    let ended = (
        Step::Kill,
        Some(ExitOutcome::Signal(libc::SIGKILL)),
        Some(Leftovers::None),
    );
    assert_eq!(child.shut_down(), ended);
}

#[test]
fn a_stopped_child_is_killed() {
    let mut child = sh("echo ready; kill -STOP $$; exec sleep 1000", IMPATIENT);
    assert_eq!(child.line(), "ready");
    let (step, outcome, _) = child.shut_down();
    assert_eq!(
        (step, outcome),
        (Step::Kill, Some(ExitOutcome::Signal(libc::SIGKILL)))
    );
}

#[test]
fn a_grandchild_that_a_killed_child_leaves_is_gone_too() {
    let mut child = sh(
        "trap '' TERM; sleep 1000 & echo $!; exec sleep 1000",
        IMPATIENT,
    );
    let grandchild = child.line();
    assert!(is_alive(&grandchild));
    let (step, ..) = child.shut_down();
    assert_eq!(step, Step::Kill);
    until(|| !is_alive(&grandchild));
}

#[test]
fn a_grandchild_that_outlives_an_obedient_child_gets_sigterm() {
    let mut child = sh("sleep 1000 & echo $!; exec cat", PATIENT);
    let grandchild = child.line();
    let ended = (
        Step::EndOfInput,
        Some(ExitOutcome::Code(0)),
        Some(Leftovers::Terminated),
    );
    assert_eq!(child.shut_down(), ended);
    assert!(!is_alive(&grandchild));
}

#[test]
fn a_grandchild_that_outlives_an_obedient_child_and_ignores_sigterm_gets_sigkill() {
    let graces = Graces {
        term: SHORT,
        ..PATIENT
    };
    let mut child = sh(
        "(trap '' TERM; echo ready; exec sleep 1000) & echo $!; exec cat",
        graces,
    );
    let lines = [child.line(), child.line()];
    let grandchild = lines
        .iter()
        .find(|line| *line != "ready")
        .expect("its id was printed");
    let (step, _, leftovers) = child.shut_down();
    assert_eq!(
        (step, leftovers),
        (Step::EndOfInput, Some(Leftovers::Killed))
    );
    // SIGKILL is delivered but the dying process is not ours to wait for.
    until(|| !is_alive(grandchild));
}

#[test]
fn a_grandchild_may_clean_up_within_the_grace() {
    let script = format!("python3 -c '{AWAITS_SIGTERM}; print(\"cleaned\")' & exec cat");
    let mut child = sh(&script, PATIENT);
    assert_eq!(child.line(), "ready");
    let (_, _, leftovers) = child.shut_down();
    assert_eq!(leftovers, Some(Leftovers::Terminated));
    assert_eq!(child.rest(), "cleaned\n");
}

#[test]
fn leftovers_of_a_child_that_ended_by_itself_go_at_the_shutdown() {
    let mut child = sh("sleep 1000 & echo $!; exit 3", PATIENT);
    let grandchild = child.line();
    assert_eq!(child.child.wait_exit(LONG), Some(ExitOutcome::Code(3)));
    let ended = (
        Step::AlreadyEnded,
        Some(ExitOutcome::Code(3)),
        Some(Leftovers::Terminated),
    );
    assert_eq!(child.shut_down(), ended);
    // The grandchild held stdout: its end of file is the sign that it is gone.
    assert_eq!(child.rest(), "");
    assert!(!is_alive(&grandchild));
}

#[test]
fn a_second_shutdown_reports_and_signals_nobody() {
    let mut cat = start(&spec(["cat"]), PATIENT);
    cat.shut_down();
    assert_eq!(
        cat.shut_down(),
        (
            Step::AlreadyEnded,
            Some(ExitOutcome::Code(0)),
            Some(Leftovers::None)
        )
    );
    assert!(!cat.child.signal_group(Signal::Kill));
}

#[test]
fn two_shutdowns_at_once_both_see_the_end() {
    let mut child = sh("echo ready; exec sleep 1000", EOF_SHORT);
    assert_eq!(child.line(), "ready");
    let child = &child.child;
    let reports = thread::scope(|scope| {
        [
            scope.spawn(|| child.shut_down(child.graces(), || ())),
            scope.spawn(|| child.shut_down(child.graces(), || ())),
        ]
        .map(|end| end.join().expect("no panic"))
    });
    for report in reports {
        assert_eq!(report.outcome, Some(ExitOutcome::Signal(libc::SIGTERM)));
        assert_eq!(report.leftovers, Some(Leftovers::None));
    }
}

#[test]
fn a_dropped_child_is_killed_and_reaped() {
    let mut child = sh("trap '' TERM; echo $$; exec sleep 1000", PATIENT);
    let pid = child.line();
    drop(child.child);
    // SAFETY: no signal is sent.
    let asked = unsafe { libc::kill(pid.parse().expect("a process id"), 0) };
    assert_eq!(asked, -1, "not even a zombie");
}
