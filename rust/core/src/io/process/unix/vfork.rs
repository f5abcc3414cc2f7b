//! The beginning of the child's life on Linux: a child in its own session, with signals, descriptors and limits as a fresh
//! process should have them.
//!
//! The child borrows this process's memory until it executes its program, on a stack of its own, and the calling thread
//! sleeps meanwhile (`vfork`, as in the `subprocess` of Python): to start a child costs the same in a program of 4 GB as in
//! a small one. A fork would copy the page tables (140 to 216 ms at 4 GB).
//!
//! Until it executes its program the child makes async-signal-safe calls only: no allocation, no lock, no panic, for
//! another thread may have held any lock in this moment.
#![allow(
    unsafe_code,
    reason = "clone, exec and what stands between them have no safe interface"
)]

use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Pid as RawPid;

use super::pid::Pid;
use super::pipe_end::PipeEnd;
use super::poll::{poll, readable, reports};
use super::spawn::{Failure, Image, worst_of};
use crate::io::process::error::SpawnStage;
use crate::sync::signals::SignalsBlocked;

const SESSION_FAILED: i32 = 1;
const CWD_FAILED: i32 = 2;
const EXEC_FAILED: i32 = 3;

/// How long a child whose memory is a copy may take to say that it has failed. That it has not is told by the end of the
/// pipe, unless another thread has forked in this moment, and its child holds the pipe, too.
const REPORT_WAIT: Duration = Duration::from_secs(5);

/// Bytes of the child's stack while it borrows this process's memory. Its frames take under 1,000.
const STACK_BYTES: usize = 64 * 1024;

/// Begins the child's life and returns when it runs its program.
pub(super) fn begin(image: &Image<'_>) -> Result<Pid, Failure> {
    let resources = |error| (SpawnStage::Resources, error);
    let (report, report_child) = PipeEnd::pair().map_err(resources)?;
    let plan = Plan {
        image,
        cwd: image
            .command
            .cwd
            .as_ref()
            .map_or(ptr::null(), |cwd| cwd.as_ptr()),
        shared: AtomicBool::new(false),
        failure: [const { AtomicI32::new(0) }; 2],
        report: report_child.as_raw_fd(),
    };
    let pid = clone(&plan).map_err(resources)?;
    drop(report_child);
    let Some([step, errno]) = plan.failure(report) else {
        return Ok(pid);
    };
    pid.reap();
    let stage = match step {
        SESSION_FAILED => SpawnStage::Resources,
        CWD_FAILED => SpawnStage::WorkingDirectory,
        _ => SpawnStage::Program,
    };
    Err((stage, io::Error::from_raw_os_error(errno)))
}

fn clone(plan: &Plan<'_>) -> io::Result<Pid> {
    let mut stack = vec![0_u128; STACK_BYTES / size_of::<u128>()];
    // Stacks grow downwards on every system that Rust's Linux has, and begin at a multiple of 16.
    let top = stack.as_mut_ptr_range().end;
    // A handler of this process must not run in the child, whose memory is ours.
    let _blocked = SignalsBlocked::all();
    // SAFETY: `run_child` gets the plan, which lives until the child has left our memory: this thread sleeps until then.
    // The stack is large enough, and the child's alone.
    let pid = unsafe {
        libc::clone(
            run_child,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            ptr::from_ref(plan).cast_mut().cast(),
        )
    };
    // Only -1 is no id of a process.
    RawPid::from_raw(pid.max(0))
        .map(Pid)
        .ok_or_else(io::Error::last_os_error)
}

/// All that the child needs, allocated before it begins, and what it answers.
struct Plan<'a> {
    image: &'a Image<'a>,
    cwd: *const libc::c_char,
    /// The child runs in this very memory, and has executed its program or ended by the time that it is looked at. False
    /// in an emulator that makes a fork of it.
    shared: AtomicBool,
    /// The step that failed, and the error's number.
    failure: [AtomicI32; 2],
    /// Where the child tells its failure if its memory is a copy. At exec this is closed.
    report: RawFd,
}

impl Plan<'_> {
    /// The child could not execute its program; called in the child.
    fn fail(&self, failure: [i32; 2]) {
        for (place, value) in self.failure.iter().zip(failure) {
            place.store(value, Ordering::Relaxed);
        }
        // SAFETY: the descriptor is this child's copy, and the bytes are this frame's.
        unsafe { libc::write(self.report, failure.as_ptr().cast(), size_of_val(&failure)) };
    }

    /// Why the child does not run its program; `None` if it does, or has died before it could say.
    fn failure(&self, mut report: PipeEnd) -> Option<[i32; 2]> {
        if self.shared.load(Ordering::Relaxed) {
            // The pipe is not waited for: a fork by another thread may have a copy of the child's end.
            let failure = [0, 1].map(|place| self.failure[place].load(Ordering::Relaxed));
            return (failure[0] != 0).then_some(failure);
        }
        let mut watched = [readable(&report)];
        let told = poll(&mut watched, Some(Instant::now() + REPORT_WAIT));
        if told.is_err() || !reports(&watched[0]) {
            return None;
        }
        let mut failure = [[0; 4]; 2];
        report.read_exact(failure.as_flattened_mut()).ok()?;
        Some(failure.map(i32::from_ne_bytes))
    }
}

/// The child's life up to exec: everything that it calls is async-signal-safe. Gets its [`Plan`].
extern "C" fn run_child(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `clone` gives a plan that lives as long as the child is here, and whose pointer arrays
    // end with NULL; the descriptors are this process's copies.
    unsafe {
        let plan = &*plan.cast::<Plan<'_>>();
        plan.shared.store(true, Ordering::Relaxed);
        let step = become_program(plan);
        plan.fail([step, last_errno()]);
        libc::_exit(127);
    }
}

/// Returns only on failure: the step that failed, its reason in errno.
///
/// # Safety
/// Only in a child that [`clone`] has made.
unsafe fn become_program(plan: &Plan<'_>) -> i32 {
    // SAFETY: see `run_child`.
    unsafe {
        // A session of its own: a terminal's Ctrl-C does not reach it, and its process group can be
        // signalled as a whole.
        if libc::setsid() == -1 {
            return SESSION_FAILED;
        }
        for (target, &source) in (0..).zip(&plan.image.stdio) {
            if libc::dup2(source, target) == -1 {
                return SESSION_FAILED;
            }
        }
        close_others_on_exec();
        raise_descriptor_limit(plan.image.open_files);
        reset_signals();
        if !plan.cwd.is_null() && libc::chdir(plan.cwd) == -1 {
            return CWD_FAILED;
        }
        exec_first(plan.image);
        EXEC_FAILED
    }
}

/// Tries the candidates as execvp does, but hands nothing to a shell.
unsafe fn exec_first(image: &Image<'_>) {
    let candidates = &image.command.candidates;
    let mut reason = libc::ENOENT;
    for candidate in candidates {
        // SAFETY: see `run_child`.
        unsafe { libc::execve(candidate.as_ptr(), image.argv.as_ptr(), image.env.as_ptr()) };
        match worst_of(reason, last_errno(), candidates.len() > 1) {
            Some(worst) => reason = worst,
            None => return,
        }
    }
    set_errno(reason);
}

/// Descriptors that some library left inheritable would keep its pipes and sockets open in the
/// child.
unsafe fn close_others_on_exec() {
    // SAFETY: see `run_child`. No descriptor is closed here, only marked.
    unsafe {
        if libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
        {
            return;
        }
        // Linux before 5.11.
        let limit = libc::getdtablesize().min(65_536);
        for fd in 3..limit {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Not raising it is no failure.
unsafe fn raise_descriptor_limit(wanted: libc::rlim_t) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: see `run_child`; `limit` is owned by this frame.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == -1 {
            return;
        }
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Default dispositions, then an empty mask: exec keeps ignored and blocked signals (Python ignores
/// SIGPIPE, and a child with SIGTERM blocked cannot be asked to end).
unsafe fn reset_signals() {
    // SAFETY: see `run_child`; the set is owned by this frame. `signal` fails harmlessly for
    // SIGKILL, SIGSTOP and numbers that the system does not have.
    unsafe {
        for number in 1..=64 {
            libc::signal(number, libc::SIG_DFL);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

fn last_errno() -> libc::c_int {
    // SAFETY: errno's address is valid and belongs to this thread.
    unsafe { *libc::__errno_location() }
}

fn set_errno(value: libc::c_int) {
    // SAFETY: errno's address is valid and belongs to this thread.
    unsafe { *libc::__errno_location() = value };
}
