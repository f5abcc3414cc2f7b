//! The beginning of the child's life on macOS: the kernel makes it a process with a session, signals and descriptors as a
//! fresh one should have them, and copies nothing of this one.
//!
//! Two things differ from Linux. The kernel does not say which step failed, so a missing directory is looked for
//! afterwards. And it sets no limits: the child inherits this process's soft limit of descriptors, which is therefore
//! raised for the moment in which the child is begun.
#![allow(unsafe_code, reason = "posix_spawn has no safe interface")]

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{Access, FileType, access, stat};
use rustix::io::Errno;
use rustix::process::{Pid as RawPid, Resource, Rlimit, getrlimit, setrlimit};

use super::pid::Pid;
use super::spawn::{Failure, Image, worst_of};
use crate::io::process::error::SpawnStage;
use crate::sync::lock::Mutex;

/// One child is begun at a time: so no two find each other's limit.
static BEGINNING: Mutex<()> = Mutex::new(());

/// Begins the child's life and returns when it runs its program.
pub(super) fn begin(image: &Image<'_>) -> Result<Pid, Failure> {
    let resources = |error| (SpawnStage::Resources, error);
    let plan = Plan::new(image).map_err(resources)?;
    let _one = BEGINNING.lock();
    let _raised = RaisedLimit::new(image.open_files);
    let candidates = &image.command.candidates;
    let mut reason = libc::ENOENT;
    for candidate in candidates {
        let program =
            from_directory(candidate, image).map_err(|error| (SpawnStage::Program, error))?;
        match plan.spawn(&program) {
            Ok(pid) => return Ok(pid),
            Err(errno) => {
                let worst = worst_of(reason, errno, candidates.len() > 1);
                reason = worst.unwrap_or(errno);
                if worst.is_none() {
                    break;
                }
            }
        }
    }
    Err(failure(image, reason))
}

/// The program as it is found from the child's directory, whichever of the two macOS looks at first: some versions begin a
/// child whose program's path is relative, and answer that there is none.
fn from_directory<'a>(program: &'a CStr, image: &Image<'_>) -> io::Result<Cow<'a, CStr>> {
    let path = Path::new(OsStr::from_bytes(program.to_bytes()));
    let Some(directory) = image.command.cwd.as_deref() else {
        return Ok(Cow::Borrowed(program));
    };
    if path.is_absolute() || program.is_empty() {
        return Ok(Cow::Borrowed(program));
    }
    let directory = Path::new(OsStr::from_bytes(directory.to_bytes()));
    let whole = std::path::absolute(directory.join(path))?;
    Ok(Cow::Owned(CString::new(whole.into_os_string().into_vec())?))
}

/// The step that an error is about.
fn failure(image: &Image<'_>, errno: i32) -> Failure {
    let directory = image.command.cwd.as_deref();
    if let Some(Err(error)) = directory.map(enterable) {
        return (SpawnStage::WorkingDirectory, error);
    }
    let stage = match errno {
        libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE => SpawnStage::Resources,
        _ => SpawnStage::Program,
    };
    (stage, io::Error::from_raw_os_error(errno))
}

/// Whether a directory can be entered.
fn enterable(directory: &CStr) -> io::Result<()> {
    access(directory, Access::EXEC_OK)?;
    match FileType::from_raw_mode(stat(directory)?.st_mode) {
        FileType::Directory => Ok(()),
        _ => Err(Errno::NOTDIR.into()),
    }
}

/// What these functions return: zero, or the error's number.
fn done(returned: libc::c_int) -> io::Result<()> {
    match returned {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// What the kernel is to do between the beginning of the child and its program.
struct Plan<'a> {
    image: &'a Image<'a>,
    attributes: libc::posix_spawnattr_t,
    actions: libc::posix_spawn_file_actions_t,
}

impl<'a> Plan<'a> {
    fn new(image: &'a Image<'a>) -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        let mut actions = MaybeUninit::uninit();
        // SAFETY: each is written whole by its own function, and is ended by `drop` from then on.
        let mut plan = unsafe {
            done(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            if let Err(error) = done(libc::posix_spawn_file_actions_init(actions.as_mut_ptr())) {
                libc::posix_spawnattr_destroy(attributes.as_mut_ptr());
                return Err(error);
            }
            Self {
                image,
                attributes: attributes.assume_init(),
                actions: actions.assume_init(),
            }
        };
        plan.lay_out()?;
        Ok(plan)
    }

    fn lay_out(&mut self) -> io::Result<()> {
        let flags = libc::c_short::try_from(system::FLAGS).map_err(io::Error::other)?;
        let (attributes, actions) = (&raw mut self.attributes, &raw mut self.actions);
        // SAFETY: both were made by their functions, and the sets are owned by this frame.
        unsafe {
            let mut signals = MaybeUninit::uninit();
            libc::sigfillset(signals.as_mut_ptr());
            done(libc::posix_spawnattr_setsigdefault(
                attributes,
                signals.as_ptr(),
            ))?;
            libc::sigemptyset(signals.as_mut_ptr());
            done(libc::posix_spawnattr_setsigmask(
                attributes,
                signals.as_ptr(),
            ))?;
            done(libc::posix_spawnattr_setflags(attributes, flags))?;
            for (target, &source) in (0..).zip(&self.image.stdio) {
                done(libc::posix_spawn_file_actions_adddup2(
                    actions, source, target,
                ))?;
            }
            if let Some(directory) = &self.image.command.cwd {
                let directory = directory.as_ptr();
                done(libc::posix_spawn_file_actions_addchdir_np(
                    actions, directory,
                ))?;
            }
        }
        Ok(())
    }

    /// The child, or the error's number.
    fn spawn(&self, program: &CStr) -> Result<Pid, i32> {
        let mut pid = 0;
        // SAFETY: the plan was laid out, the strings end with NUL and their arrays with NULL.
        let errno = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                program.as_ptr(),
                &raw const self.actions,
                &raw const self.attributes,
                self.image.argv.as_ptr().cast(),
                self.image.env.as_ptr().cast(),
            )
        };
        match RawPid::from_raw(pid) {
            Some(pid) if errno == 0 => Ok(Pid(pid)),
            _ => Err(errno),
        }
    }
}

impl Drop for Plan<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made by their functions and are not used after this.
        unsafe {
            libc::posix_spawn_file_actions_destroy(&raw mut self.actions);
            libc::posix_spawnattr_destroy(&raw mut self.attributes);
        }
    }
}

/// This process's soft limit of descriptors, raised until this is dropped, unless it is set anew meanwhile.
struct RaisedLimit {
    before: Rlimit,
    raised: Rlimit,
}

impl RaisedLimit {
    /// Not raising it is no failure.
    fn new(wanted: u64) -> Option<Self> {
        let before = getrlimit(Resource::Nofile);
        let allowed = before.maximum.unwrap_or(u64::MAX);
        let current = wanted.min(allowed).min(system::OPEN_MAX);
        if before.current.is_none_or(|now| now >= current) {
            return None;
        }
        let raised = Rlimit {
            current: Some(current),
            ..before
        };
        setrlimit(Resource::Nofile, raised).ok()?;
        Some(Self { before, raised })
    }
}

impl Drop for RaisedLimit {
    fn drop(&mut self) {
        if getrlimit(Resource::Nofile) == self.raised {
            let _ = setrlimit(Resource::Nofile, self.before);
        }
    }
}

#[cfg(target_vendor = "apple")]
mod system {
    /// A session of its own, which the C library's headers have since macOS 10.15.
    const SETSID: libc::c_int = 0x0400;

    /// No descriptor is inherited but those that an action names.
    pub const FLAGS: libc::c_int = SETSID
        | libc::POSIX_SPAWN_CLOEXEC_DEFAULT
        | libc::POSIX_SPAWN_SETSIGDEF
        | libc::POSIX_SPAWN_SETSIGMASK;

    /// The kernel takes no higher soft limit, though it says "unlimited".
    pub const OPEN_MAX: u64 = 10_240;
}

/// For the tests of what is the same there.
#[cfg(not(target_vendor = "apple"))]
mod system {
    const SETSID: libc::c_int = 0x80;

    pub const FLAGS: libc::c_int =
        SETSID | libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;

    pub const OPEN_MAX: u64 = 1 << 20;
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io::{Read, Write};
    use std::path::PathBuf;

    use super::super::exit_watch::ExitWatch;
    use super::super::pid::Signal;
    use super::super::spawn::{Pipes, spawn_by};
    use super::*;
    use crate::io::process::error::SpawnError;
    use crate::io::process::launch::LaunchSpec;
    use crate::io::process::outcome::ExitOutcome;

    fn spec(argv: &[&str]) -> LaunchSpec {
        LaunchSpec {
            argv: argv.iter().map(OsString::from).collect(),
            ..LaunchSpec::default()
        }
    }

    fn spawn(spec: &LaunchSpec) -> Result<(Pid, Pipes), SpawnError> {
        spawn_by(begin, spec)
    }

    fn outcome(pid: Pid) -> Option<ExitOutcome> {
        let watch = ExitWatch::new(pid).unwrap();
        pid.wait_ended();
        let outcome = watch.ended();
        watch.reap();
        outcome
    }

    /// What a script prints whose input has ended.
    fn said(spec: &LaunchSpec) -> String {
        let (pid, mut pipes) = spawn(spec).unwrap();
        drop(pipes.stdin);
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).unwrap();
        pipes.stderr.read_to_string(&mut said).unwrap();
        pid.wait_ended();
        pid.reap();
        said
    }

    #[test]
    fn the_child_has_its_pipes_and_leads_a_session_of_its_own() {
        let (pid, mut pipes) = spawn(&spec(&["/bin/sh", "-c", "cat; echo words >&2"])).unwrap();
        pipes.stdin.write_all(b"through").unwrap();
        assert_eq!(rustix::process::getsid(Some(pid.0)), Ok(pid.0));
        assert_eq!(rustix::process::getpgid(Some(pid.0)), Ok(pid.0));
        drop(pipes.stdin);
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).unwrap();
        pipes.stderr.read_to_string(&mut said).unwrap();
        assert_eq!(said, "throughwords\n");
        assert_eq!(outcome(pid), Some(ExitOutcome::Code(0)));
    }

    #[test]
    fn a_child_of_a_thread_that_blocks_all_signals_dies_of_sigterm() {
        let blocked = crate::sync::thread::spawn_thread("all blocked", || {
            spawn(&spec(&["sleep", "1000"])).unwrap()
        });
        let (pid, _pipes) = blocked.unwrap().join().unwrap();
        assert!(pid.signal_group(Signal::Terminate));
        assert_eq!(outcome(pid), Some(ExitOutcome::Signal(libc::SIGTERM)));
    }

    #[test]
    fn the_directory_and_the_variables_are_the_childs() {
        let spec = LaunchSpec {
            cwd: Some("/".into()),
            env: Some(vec![("WORD".into(), "two words".into())]),
            ..spec(&["/bin/sh", "-c", "pwd; echo $WORD"])
        };
        assert_eq!(said(&spec), "/\ntwo words\n");
    }

    #[test]
    fn a_relative_program_is_resolved_in_the_working_directory() {
        let spec = LaunchSpec {
            cwd: Some("/bin".into()),
            ..spec(&["./sh", "-c", "pwd -P"])
        };
        let bin = std::fs::canonicalize("/bin").unwrap();
        assert_eq!(said(&spec), format!("{}\n", bin.display()));
    }

    #[test]
    fn the_step_that_failed_is_named() {
        let refused = |spec: &LaunchSpec| {
            let error = spawn(spec).map(drop).unwrap_err();
            (error.stage, error.source.raw_os_error(), error.path)
        };
        let program = |name: &str| Some(PathBuf::from(name));
        assert_eq!(
            refused(&spec(&["/nonexistent"])),
            (
                SpawnStage::Program,
                Some(libc::ENOENT),
                program("/nonexistent")
            )
        );
        assert_eq!(
            refused(&spec(&["/"])),
            (SpawnStage::Program, Some(libc::EACCES), program("/"))
        );
        assert_eq!(
            refused(&spec(&["no-such-program-anywhere"])),
            (
                SpawnStage::Program,
                Some(libc::ENOENT),
                program("no-such-program-anywhere")
            )
        );
        for (directory, errno) in [("/nonexistent", libc::ENOENT), ("/bin/sh", libc::ENOTDIR)] {
            let cwd = Some(PathBuf::from(directory));
            let spec = LaunchSpec {
                cwd: cwd.clone(),
                ..spec(&["cat"])
            };
            assert_eq!(
                refused(&spec),
                (SpawnStage::WorkingDirectory, Some(errno), cwd)
            );
        }
    }

    #[test]
    fn the_limit_of_descriptors_is_raised_for_the_child_alone() {
        let before = getrlimit(Resource::Nofile);
        let Some(soft) = before
            .current
            .filter(|soft| before.maximum.is_none_or(|hard| hard > *soft))
        else {
            return;
        };
        let spec = LaunchSpec {
            open_files: soft + 1,
            ..spec(&["/bin/sh", "-c", "ulimit -Sn"])
        };
        assert_eq!(said(&spec), format!("{}\n", soft + 1));
        assert_eq!(getrlimit(Resource::Nofile), before);
    }
}
