//! Fork and exec: a child in its own session, with signals, descriptors and limits as a fresh
//! process should have them.
//!
//! `std::process::Command` is not used: it cannot say whether the directory or the program was
//! missing, loses its pipes when this process was started with stdin, stdout or stderr closed, and
//! its `execvp` feeds a file that is no executable to `/bin/sh`. Between fork and exec only
//! async-signal-safe calls run: no allocation, no lock, no panic, for another thread may have held
//! any lock at the moment of the fork. Called by `child` alone.
//!
//! On Linux the child borrows this process's memory until it executes its program, on a stack of
//! its own, and the calling thread sleeps meanwhile (`vfork`, as in the `subprocess` of Python): to
//! start a child costs the same in a program of 4 GB as in a small one. A fork would copy the page
//! tables (140 to 216 ms at 4 GB). Elsewhere it is a fork.
#![allow(
    unsafe_code,
    reason = "fork, exec and what stands between them have no safe interface"
)]

use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use super::error::{SpawnError, SpawnStage};
use super::launch::{Image, LaunchSpec};
use super::pid::Pid;
use super::pipe_end::PipeEnd;
#[cfg(not(target_os = "linux"))]
use super::pipe_end::keeping_ends;
use super::poll::{poll, readable};
use crate::sync::thread::SignalsBlocked;

/// Our ends of the child's three pipes; blocking.
#[derive(Debug)]
pub struct Pipes {
    /// Writable; its last close is the child's end of input.
    pub stdin: PipeEnd,
    /// Readable.
    pub stdout: PipeEnd,
    /// Readable.
    pub stderr: PipeEnd,
}

const SESSION_FAILED: i32 = 1;
const CWD_FAILED: i32 = 2;
const EXEC_FAILED: i32 = 3;

/// How long a child whose memory is a copy may take to say that it has failed. That it has not is told by the end of the
/// pipe, unless another thread has forked in this moment, and its child holds the pipe, too.
const REPORT_WAIT: Duration = Duration::from_secs(5);

/// Starts the child and returns when it runs the program, or with the reason why it does not.
pub(super) fn launch(spec: &LaunchSpec) -> Result<(Pid, Pipes), SpawnError> {
    let image = Image::new(spec)?;
    let (stdin_child, stdin) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let (stdout, stdout_child) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let (stderr, stderr_child) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let (report, report_child) = PipeEnd::pair().map_err(SpawnError::resources)?;

    let argv = pointers(&image.argv);
    let env = pointers(&image.env);
    let plan = Plan {
        shared: AtomicBool::new(false),
        failure: [const { AtomicI32::new(0) }; 2],
        report: report_child.as_raw_fd(),
        stdio: [
            stdin_child.as_raw_fd(),
            stdout_child.as_raw_fd(),
            stderr_child.as_raw_fd(),
        ],
        cwd: image.cwd.as_ref().map_or(ptr::null(), |cwd| cwd.as_ptr()),
        candidates: &image.candidates,
        argv: &argv,
        env: &env,
        open_files: spec.open_files,
    };
    let pid = begin(&plan).map_err(SpawnError::resources)?;
    drop((stdin_child, stdout_child, stderr_child, report_child));

    let Some(failure) = plan.failure(report) else {
        return Ok((
            pid,
            Pipes {
                stdin,
                stdout,
                stderr,
            },
        ));
    };
    pid.reap();
    Err(explain(failure, spec, &image))
}

fn explain(failure: Failure, spec: &LaunchSpec, image: &Image) -> SpawnError {
    let [step, errno] = failure;
    let source = io::Error::from_raw_os_error(errno);
    let program = spec.argv.first().map(PathBuf::from);
    let (stage, path) = match step {
        SESSION_FAILED => (SpawnStage::Resources, None),
        CWD_FAILED => (SpawnStage::WorkingDirectory, spec.cwd.clone()),
        _ if source.kind() == io::ErrorKind::NotFound && image.program_exists() => {
            (SpawnStage::Interpreter, program)
        }
        _ => (SpawnStage::Program, program),
    };
    SpawnError {
        stage,
        path,
        source,
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// The step that failed, and the error's number.
type Failure = [i32; 2];

/// All that the child needs, allocated before the fork, and what it answers.
struct Plan<'a> {
    stdio: [RawFd; 3],
    cwd: *const libc::c_char,
    candidates: &'a [CString],
    argv: &'a [*const libc::c_char],
    env: &'a [*const libc::c_char],
    open_files: libc::rlim_t,
    /// The child runs in this very memory, and has executed its program or ended by the time that it is looked at.
    shared: AtomicBool,
    failure: [AtomicI32; 2],
    /// Where the child tells its failure if its memory is a copy. At exec this is closed.
    report: RawFd,
}

impl Plan<'_> {
    /// The child could not execute its program; called in the child.
    fn fail(&self, failure: Failure) {
        for (place, value) in self.failure.iter().zip(failure) {
            place.store(value, Ordering::Relaxed);
        }
        // SAFETY: the descriptor is this child's copy, and the bytes are this frame's.
        unsafe { libc::write(self.report, failure.as_ptr().cast(), size_of::<Failure>()) };
    }

    /// Why the child does not run its program; `None` if it does, or has died before it could say.
    fn failure(&self, mut report: PipeEnd) -> Option<Failure> {
        if self.shared.load(Ordering::Relaxed) {
            // The pipe is not waited for: a fork by another thread may have a copy of the child's end.
            let [step, errno] = [0, 1].map(|place| self.failure[place].load(Ordering::Relaxed));
            return (step != 0).then_some([step, errno]);
        }
        let mut watched = [readable(&report)];
        let told = poll(&mut watched, Some(Instant::now() + REPORT_WAIT));
        if told.is_err() || watched[0].revents == 0 {
            return None;
        }
        let mut failure = [[0; 4]; 2];
        report.read_exact(failure.as_flattened_mut()).ok()?;
        Some(failure.map(i32::from_ne_bytes))
    }
}

/// Bytes of the child's stack while it borrows this process's memory. Its frames take under 1,000.
#[cfg(target_os = "linux")]
const STACK_BYTES: usize = 64 * 1024;

/// Begins the child's life.
#[cfg(target_os = "linux")]
fn begin(plan: &Plan<'_>) -> io::Result<Pid> {
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
    if pid == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(Pid(pid))
}

/// Begins the child's life.
#[cfg(not(target_os = "linux"))]
fn begin(plan: &Plan<'_>) -> io::Result<Pid> {
    // Held over the fork, or a handler of this process could run in the child and write into
    // what both share.
    let _blocked = SignalsBlocked::all();
    // SAFETY: the child calls `run_child` and nothing else, which keeps to async-signal-safe
    // calls and never returns.
    match keeping_ends(|| unsafe { libc::fork() }) {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            run_child(ptr::from_ref(plan).cast_mut().cast());
            unreachable!("it ends the process");
        }
        pid => Ok(Pid(pid)),
    }
}

/// The child's life up to exec: everything that it calls is async-signal-safe. Gets its [`Plan`].
extern "C" fn run_child(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `begin` gives a plan that lives as long as the child is here, and whose pointer arrays
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
/// Only in a child that [`begin`] has made.
unsafe fn become_program(plan: &Plan<'_>) -> i32 {
    // SAFETY: see `run_child`.
    unsafe {
        // A session of its own: a terminal's Ctrl-C does not reach it, and its process group can be
        // signalled as a whole.
        if libc::setsid() == -1 {
            return SESSION_FAILED;
        }
        for (target, &source) in (0..).zip(&plan.stdio) {
            if libc::dup2(source, target) == -1 {
                return SESSION_FAILED;
            }
        }
        close_others_on_exec();
        raise_descriptor_limit(plan.open_files);
        reset_signals();
        if !plan.cwd.is_null() && libc::chdir(plan.cwd) == -1 {
            return CWD_FAILED;
        }
        exec_first(plan);
        EXEC_FAILED
    }
}

/// Tries the candidates as execvp does (errno: "not permitted" outweighs "not found"), but hands
/// nothing to a shell.
unsafe fn exec_first(plan: &Plan<'_>) {
    let is_search = plan.candidates.len() > 1;
    let mut reason = libc::ENOENT;
    for candidate in plan.candidates {
        // SAFETY: see `run_child`.
        unsafe { libc::execve(candidate.as_ptr(), plan.argv.as_ptr(), plan.env.as_ptr()) };
        match last_errno() {
            libc::ENOENT => {}
            libc::ENOTDIR if is_search => {}
            libc::EACCES => reason = libc::EACCES,
            _ => return,
        }
    }
    set_errno(reason);
}

/// Descriptors that some library left inheritable would keep its pipes and sockets open in the
/// child.
unsafe fn close_others_on_exec() {
    // SAFETY: see `run_child`. No descriptor is closed here, only marked.
    unsafe {
        #[cfg(target_os = "linux")]
        if libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
        {
            return;
        }
        // Other systems, and Linux before 5.11.
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

#[cfg(target_os = "linux")]
fn errno() -> *mut libc::c_int {
    // SAFETY: always valid for the calling thread.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
fn errno() -> *mut libc::c_int {
    // SAFETY: always valid for the calling thread.
    unsafe { libc::__error() }
}

fn last_errno() -> libc::c_int {
    // SAFETY: errno's address is valid and belongs to this thread.
    unsafe { *errno() }
}

fn set_errno(value: libc::c_int) {
    // SAFETY: errno's address is valid and belongs to this thread.
    unsafe { *errno() = value };
}
