//! The child and its reaper thread, which owns the end: it waits without reaping, publishes how the
//! child ended, ends what is left of its process group and only then takes the zombie away. So
//! whoever signals, signals an id that is surely the child's: `Shared::signal_group` looks at the
//! phase under the same lock under which the reaper reaps.
//!
//! Reads and writes none of the child's pipes. The connection holds the [`Child`]; `ladder` is its
//! shutdown.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::SpawnError;
use super::fork::{self, Pipes};
use super::group::{Leftovers, sweep};
use super::launch::LaunchSpec;
use super::outcome::ExitOutcome;
use super::owner::Owner;
use super::pid::{Pid, Signal};
use crate::sync::lock::{Condvar, Mutex};
use crate::sync::thread::{JoinHandle, current, spawn_thread};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long each step of a shutdown may take before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// From the end of its input to SIGTERM.
    pub eof: Duration,
    /// From SIGTERM to SIGKILL; for the child, and again for what it leaves in its group.
    pub term: Duration,
    /// From SIGKILL to giving up: a process in an uninterruptible system call cannot be killed.
    pub kill: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self {
            eof: Duration::from_secs(2),
            term: Duration::from_secs(2),
            kill: Duration::from_secs(5),
        }
    }
}

/// A running or ended child process, leader of its own session and process group.
///
/// Dropping it kills the group if it still runs and waits [`Graces::kill`] at most for the reaper.
/// In a forked child of the owner, dropping does nothing, and the other methods must not be called:
/// their locks may have been held at the fork.
#[derive(Debug)]
pub struct Child {
    shared: Arc<Shared>,
    reaper: Mutex<Option<JoinHandle<()>>>,
    owner: Owner,
}

#[derive(Debug)]
struct Shared {
    pid: Pid,
    graces: Graces,
    phase: Mutex<Phase>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Running,
    /// A zombie, which pins the ids of the process and its group.
    Ended(ExitOutcome),
    /// The ids may belong to anybody.
    Reaped(ExitOutcome, Leftovers),
}

impl Child {
    /// Starts the child and returns when it runs the program.
    ///
    /// It gets a session of its own, default signal dispositions, an empty signal mask, the limit of
    /// descriptors that `spec` asks for, and no descriptor but the three pipes. `on_exit` is called once, on
    /// the reaper thread, when the child has ended and before its leftovers are; it must not block.
    ///
    /// # Errors
    /// [`SpawnError`] names the step that failed; nothing is left behind, and `on_exit` is not
    /// called.
    pub fn spawn(
        spec: &LaunchSpec,
        graces: Graces,
        on_exit: impl FnOnce(ExitOutcome) + Send + 'static,
    ) -> Result<(Self, Pipes), SpawnError> {
        let (pid, pipes) = fork::launch(spec)?;
        let shared = Arc::new(Shared {
            pid,
            graces,
            phase: Mutex::new(Phase::Running),
            changed: Condvar::new(),
        });
        let reaper = spawn_thread("codex-reaper", {
            let shared = Arc::clone(&shared);
            move || shared.see_off(on_exit)
        });
        match reaper {
            Ok(reaper) => Ok((
                Self {
                    shared,
                    reaper: Mutex::new(Some(reaper)),
                    owner: Owner::here(),
                },
                pipes,
            )),
            Err(error) => {
                pid.signal_group(Signal::Kill);
                pid.reap();
                Err(SpawnError::resources(error))
            }
        }
    }

    /// The process id; also the id of its group and session. Names the child only until it is
    /// reaped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shared.pid.0.unsigned_abs()
    }

    /// How the child ended; `None` while it runs.
    #[must_use]
    pub fn exit(&self) -> Option<ExitOutcome> {
        self.shared.phase.lock().outcome()
    }

    /// Waits until the child has ended; `None` when it still runs after `timeout`.
    #[must_use]
    pub fn wait_exit(&self, timeout: Duration) -> Option<ExitOutcome> {
        self.shared
            .wait_until(timeout, |phase| phase.outcome().is_some())
            .outcome()
    }

    /// Signals the child's whole group, unless the child is reaped. Whether there was anybody to
    /// signal.
    pub fn signal_group(&self, signal: Signal) -> bool {
        self.owner.is_current() && self.shared.signal_group(signal)
    }

    /// The graces it was spawned with.
    #[must_use]
    pub fn graces(&self) -> Graces {
        self.shared.graces
    }

    /// Waits until the child is reaped and the reaper thread has ended; what was left of the group,
    /// or `None` after `timeout`.
    pub(super) fn wait_reaped(&self, timeout: Duration) -> Option<Leftovers> {
        let phase = self
            .shared
            .wait_until(timeout, |phase| matches!(phase, Phase::Reaped(..)));
        let Phase::Reaped(_, leftovers) = phase else {
            return None;
        };
        // Reaping was the thread's last act, so this does not wait for anything else.
        let reaper = self.reaper.lock().take();
        if let Some(reaper) = reaper {
            let _ = reaper.join();
        }
        Some(leftovers)
    }

    fn on_reaper_thread(&mut self) -> bool {
        let reaper = self.reaper.get_mut();
        reaper
            .as_ref()
            .is_some_and(|reaper| reaper.thread().id() == current().id())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.owner.is_current() {
            // Even detaching would touch the stack of a thread that does not exist here.
            mem::forget(self.reaper.get_mut().take());
            return;
        }
        // When `on_exit` held the last reference the reaper is still to do its work, below us on
        // this very stack.
        if self.on_reaper_thread() {
            return;
        }
        if self.exit().is_none() {
            self.signal_group(Signal::Kill);
        }
        self.wait_reaped(self.graces().term.saturating_add(self.graces().kill));
    }
}

impl Shared {
    /// The reaper thread's work.
    fn see_off(&self, on_exit: impl FnOnce(ExitOutcome)) {
        let outcome = self.pid.wait_ended();
        self.enter(&mut self.phase.lock(), Phase::Ended(outcome));
        on_exit(outcome);
        let leftovers = sweep(self.pid, self.graces.term, |signal| {
            self.signal_group(signal)
        });
        let mut phase = self.phase.lock();
        self.pid.reap();
        self.enter(&mut phase, Phase::Reaped(outcome, leftovers));
    }

    fn signal_group(&self, signal: Signal) -> bool {
        let phase = self.phase.lock();
        // The second question is for others who reap our children: a program that ignores SIGCHLD
        // or waits for any child.
        !matches!(*phase, Phase::Reaped(..))
            && self.pid.is_waitable()
            && self.pid.signal_group(signal)
    }

    fn enter(&self, phase: &mut Phase, next: Phase) {
        *phase = next;
        self.changed.notify_all();
    }

    fn wait_until(&self, timeout: Duration, reached: impl Fn(&Phase) -> bool) -> Phase {
        // What is too far away for the clock is as good as a year.
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + YEAR);
        let mut phase = self.phase.lock();
        let mut late = false;
        while !reached(&phase) && !late {
            (phase, late) = self.changed.wait_until(phase, deadline);
        }
        *phase
    }
}

impl Phase {
    fn outcome(self) -> Option<ExitOutcome> {
        match self {
            Self::Running => None,
            Self::Ended(outcome) | Self::Reaped(outcome, _) => Some(outcome),
        }
    }
}
