//! The child as long as it is there: whether it has ended, its shutdown, and what is left of its process group.
//!
//! The exit is seen by polling, and how the child ended is asked of the system. The zombie stays, and pins the child's id
//! and its group's, until the shutdown has ended what was left of the group and takes it away. A signal is sent under the lock of the phase, under which the zombie is taken away too. Against others who reap
//! the program's children no lock helps: the system is asked once more before each signal, and once it has said that the
//! child is not there, nothing is sent and nothing is taken any more.
//!
//! Reads and writes none of the child's pipes. The writer thread runs the shutdown; [`ProcessPeer`](super::ProcessPeer)
//! holds the child.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exit_watch::ExitWatch;
use super::group::sweep;
use super::pid::{Pid, Signal};
use super::shutdown::{Leftovers, ShutdownReport, Step};
use super::spawn::{Pipes, spawn};
use crate::io::process::error::SpawnError;
use crate::io::process::launch::{Graces, LaunchSpec};
use crate::io::process::outcome::ExitOutcome;
use crate::io::process::owner::Owner;
use crate::sync::lock::Mutex;

/// A running or ended child process, leader of its own session and process group.
///
/// Dropping it kills the group if it still runs, and waits [`Graces::kill`] at most to reap it. In a forked child of the
/// owner, dropping does nothing, and the other methods must not be called: their locks may have been held at the fork.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    graces: Graces,
    phase: Mutex<Phase>,
    owner: Owner,
}

#[derive(Debug)]
enum Phase {
    /// Running, or a zombie once its outcome is known.
    Present {
        watch: Arc<ExitWatch>,
        outcome: Option<ExitOutcome>,
        /// A shutdown has waited for it in vain.
        given_up: bool,
    },
    /// The ids may belong to anybody.
    Reaped(ExitOutcome, Leftovers),
}

/// When the system is asked again about a child whose exit was seen and is not told yet: after twice as long each time, up
/// to the second.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

impl Child {
    /// Starts the child and returns when it runs the program.
    ///
    /// It gets a session of its own, default signal dispositions, an empty signal mask, the limit of
    /// descriptors that `spec` asks for, and no descriptor but the three pipes.
    ///
    /// # Errors
    /// [`SpawnError`] names the step that failed; nothing is left behind.
    pub fn spawn(spec: &LaunchSpec, graces: Graces) -> Result<(Self, Pipes), SpawnError> {
        let (child, pipes, _) = Self::spawn_watched(spec, graces)?;
        Ok((child, pipes))
    }

    /// The same, with where the exit is seen.
    pub(super) fn spawn_watched(
        spec: &LaunchSpec,
        graces: Graces,
    ) -> Result<(Self, Pipes, Arc<ExitWatch>), SpawnError> {
        let (pid, pipes) = spawn(spec)?;
        let watch = ExitWatch::new(pid).map(Arc::new).map_err(|error| {
            pid.signal_group(Signal::Kill);
            pid.reap();
            SpawnError::resources(error)
        })?;
        let present = Phase::Present {
            watch: Arc::clone(&watch),
            outcome: None,
            given_up: false,
        };
        let child = Self {
            pid,
            graces,
            phase: Mutex::new(present),
            owner: Owner::here(),
        };
        Ok((child, pipes, watch))
    }

    /// The process id; also the id of its group and session. Names the child only until it is
    /// reaped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.0.as_raw_nonzero().get().unsigned_abs()
    }

    /// How the child ended; `None` while it runs.
    #[must_use]
    pub fn exit(&self) -> Option<ExitOutcome> {
        match &mut *self.phase.lock() {
            Phase::Present { watch, outcome, .. } => {
                // Kept once seen: somebody else may reap it before us.
                *outcome = outcome.or_else(|| watch.ended());
                *outcome
            }
            Phase::Reaped(outcome, _) => Some(*outcome),
        }
    }

    /// Waits until the child has ended; `None` when it still runs after `timeout`.
    #[must_use]
    pub fn wait_exit(&self, timeout: Duration) -> Option<ExitOutcome> {
        // What is too far away for the clock is as good as for ever.
        let deadline = Instant::now().checked_add(timeout);
        let Some(watch) = self.watch() else {
            return self.exit();
        };
        let [mut pause, longest] = ASK_AGAIN;
        let is_seen = watch.wait(deadline);
        loop {
            let outcome = self.exit();
            if outcome.is_some() || !is_seen || deadline.is_some_and(|at| at <= Instant::now()) {
                return outcome;
            }
            // There is nothing to sleep over: the descriptor has said all that it will. As long as a debugger has the
            // child, its status is the debugger's.
            std::thread::sleep(pause);
            pause = longest.min(pause * 2);
        }
    }

    /// Where the exit is seen; `None` once the outcome is known.
    fn watch(&self) -> Option<Arc<ExitWatch>> {
        match &*self.phase.lock() {
            Phase::Present {
                watch,
                outcome: None,
                ..
            } => Some(Arc::clone(watch)),
            Phase::Present { .. } | Phase::Reaped(..) => None,
        }
    }

    /// Signals the child's whole group, unless the child is reaped. Whether there was anybody to
    /// signal.
    pub fn signal_group(&self, signal: Signal) -> bool {
        if !self.owner.is_current() {
            return false;
        }
        match &*self.phase.lock() {
            // Somebody else has reaped it: a program that ignores SIGCHLD or waits for any child.
            Phase::Present {
                outcome: Some(ExitOutcome::Unknown),
                ..
            }
            | Phase::Reaped(..) => false,
            Phase::Present { watch, .. } => watch.is_waitable() && self.pid.signal_group(signal),
        }
    }

    /// The graces it was spawned with.
    #[must_use]
    pub fn graces(&self) -> Graces {
        self.graces
    }

    /// Ends the child and its process group and reaps it; takes its graces at most, that of SIGTERM twice: end of input,
    /// SIGTERM, SIGKILL, each after the grace of the one before.
    ///
    /// `close_stdin` closes our end of its input and must not block. Should a forked copy of this
    /// process hold that end too, the end of input never comes and the next step does its work.
    ///
    /// May be called again, also from two threads at once.
    pub fn shut_down(&self, graces: Graces, close_stdin: impl FnOnce()) -> ShutdownReport {
        let step = self.end(graces, close_stdin);
        let outcome = self.wait_exit(graces.kill);
        if outcome.is_none()
            && let Phase::Present { given_up, .. } = &mut *self.phase.lock()
        {
            *given_up = true;
        }
        ShutdownReport {
            step,
            outcome,
            leftovers: outcome.map(|outcome| self.reap(outcome, graces.term)),
        }
    }

    fn end(&self, graces: Graces, close_stdin: impl FnOnce()) -> Step {
        let ended_before = self.exit().is_some();
        close_stdin();
        if ended_before {
            return Step::AlreadyEnded;
        }
        if self.wait_exit(graces.eof).is_some() {
            return Step::EndOfInput;
        }
        self.signal_group(Signal::Terminate);
        if self.wait_exit(graces.term).is_some() {
            return Step::Terminate;
        }
        self.signal_group(Signal::Kill);
        Step::Kill
    }

    /// Ends what is left of the group of a child that has ended, then takes the zombie away.
    fn reap(&self, outcome: ExitOutcome, grace: Duration) -> Leftovers {
        let swept = sweep(self.pid, grace, |signal| self.signal_group(signal));
        let mut phase = self.phase.lock();
        match &*phase {
            Phase::Present { .. } if outcome == ExitOutcome::Unknown => {}
            Phase::Present { watch, .. } => watch.reap(),
            Phase::Reaped(_, leftovers) => return *leftovers,
        }
        *phase = Phase::Reaped(outcome, swept);
        swept
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.owner.is_current() {
            return;
        }
        let Phase::Present { given_up, .. } = *self.phase.get_mut() else {
            return;
        };
        self.signal_group(Signal::Kill);
        // What could not be killed before is not waited for again.
        let kill = if given_up {
            Duration::ZERO
        } else {
            self.graces.kill
        };
        if let Some(outcome) = self.wait_exit(kill) {
            self.reap(outcome, Duration::ZERO);
        }
    }
}
