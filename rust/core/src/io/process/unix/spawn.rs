//! Starting the child: its three pipes, its program, and what is said of the step that failed.
//!
//! `std::process::Command` is not used: it cannot say whether the directory or the program was
//! missing, loses its pipes when this process was started with stdin, stdout or stderr closed, and
//! its `execvp` feeds a file that is no executable to `/bin/sh`.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::ptr;

use super::command::Command;
use super::pid::Pid;
use super::pipe_end::PipeEnd;
use crate::io::process::error::{SpawnError, SpawnStage};
use crate::io::process::launch::LaunchSpec;

#[cfg(target_vendor = "apple")]
use super::posix_spawn::begin;
#[cfg(target_os = "linux")]
use super::vfork::begin;

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

/// What the child is to be, in the form that the system calls take. The pointer arrays end with NULL.
pub(super) struct Image<'a> {
    /// The child's ends of the pipes, none of them below 3.
    pub stdio: [RawFd; 3],
    pub command: &'a Command,
    pub argv: &'a [*const libc::c_char],
    pub env: &'a [*const libc::c_char],
    pub open_files: libc::rlim_t,
}

/// The step that failed and the system's reason. Of the program it is not known yet what was missing.
pub(super) type Failure = (SpawnStage, io::Error);

/// Starts the child and returns when it runs the program, or with the reason why it does not.
pub(super) fn spawn(spec: &LaunchSpec) -> Result<(Pid, Pipes), SpawnError> {
    spawn_by(begin, spec)
}

/// The same in one of the ways in which a system begins a child's life.
pub(super) fn spawn_by(
    begin: impl FnOnce(&Image<'_>) -> Result<Pid, Failure>,
    spec: &LaunchSpec,
) -> Result<(Pid, Pipes), SpawnError> {
    let command = Command::new(spec)?;
    let (stdin_child, stdin) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let (stdout, stdout_child) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let (stderr, stderr_child) = PipeEnd::pair().map_err(SpawnError::resources)?;
    let image = Image {
        stdio: [&stdin_child, &stdout_child, &stderr_child].map(PipeEnd::as_raw_fd),
        command: &command,
        argv: &pointers(&command.argv),
        env: &pointers(&command.env),
        open_files: spec.open_files,
    };
    let pid = begin(&image).map_err(|failure| explain(failure, spec, &command))?;
    let pipes = Pipes {
        stdin,
        stdout,
        stderr,
    };
    Ok((pid, pipes))
}

fn explain((stage, source): Failure, spec: &LaunchSpec, command: &Command) -> SpawnError {
    let program = spec.argv.first().map(PathBuf::from);
    let is_missing = source.kind() == io::ErrorKind::NotFound;
    let (stage, path) = match stage {
        SpawnStage::Program if is_missing && command.program_exists() => {
            (SpawnStage::Interpreter, program)
        }
        SpawnStage::Program => (stage, program),
        SpawnStage::WorkingDirectory => (stage, spec.cwd.clone()),
        _ => (stage, None),
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

/// Of several candidates for the program, the error that says most: "not permitted" outweighs "not found", as for
/// `execvp`. `None` is for those after which there is nothing to try.
pub(super) fn worst_of(before: i32, errno: i32, is_search: bool) -> Option<i32> {
    match errno {
        libc::ENOENT => Some(before),
        libc::ENOTDIR if is_search => Some(before),
        libc::EACCES => Some(libc::EACCES),
        _ => None,
    }
}
