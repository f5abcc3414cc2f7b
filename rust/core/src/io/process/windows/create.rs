//! Starting the child: in its job from its first instruction, without a window, with three pipes and no other handle of ours.
//!
//! `std::process::Command` is not used: it cannot put a child into a job before it runs, hands on every handle that some
//! library has left inheritable, and does not say whether the directory or the program was missing.
#![allow(unsafe_code, reason = "CreateProcess has no safe interface")]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_DIRECTORY, HANDLE};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST, PROCESS_INFORMATION,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, UpdateProcThreadAttribute,
};

use super::command::Command;
use super::job::Job;
use super::pipe::{Direction, pipe};
use crate::io::process::error::{SpawnError, SpawnStage};
use crate::io::process::launch::LaunchSpec;

/// A child that was started.
#[derive(Debug)]
pub(super) struct Created {
    pub process: OwnedHandle,
    pub pid: u32,
    pub job: Job,
}

/// Our ends of the child's three pipes, overlapped.
pub(super) struct Pipes {
    pub stdin: OwnedHandle,
    pub stdout: OwnedHandle,
    pub stderr: OwnedHandle,
}

/// Starts the child.
///
/// # Errors
/// [`SpawnError`] names the step that failed; nothing is left behind.
pub(super) fn create(spec: &LaunchSpec) -> Result<(Created, Pipes), SpawnError> {
    let command = Command::new(spec)?;
    if let Some(cwd) = spec.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
        let missing = std::fs::metadata(cwd).err();
        let no_directory = || io::Error::from_raw_os_error(ERROR_DIRECTORY.cast_signed());
        return Err(SpawnError {
            stage: SpawnStage::WorkingDirectory,
            path: Some(cwd.clone()),
            source: missing.unwrap_or_else(no_directory),
        });
    }
    let resources = SpawnError::resources;
    let job = Job::new().map_err(resources)?;
    let (stdin, stdin_child) = pipe(Direction::ToChild).map_err(resources)?;
    let (stdout, stdout_child) = pipe(Direction::FromChild).map_err(resources)?;
    let (stderr, stderr_child) = pipe(Direction::FromChild).map_err(resources)?;
    let stdio = [&stdin_child, &stdout_child, &stderr_child].map(AsRawHandle::as_raw_handle);
    let attributes = Attributes::new(stdio, job.as_raw()).map_err(resources)?;
    let (process, pid) = begin(&command, &attributes).map_err(|source| refused(spec, source))?;
    let pipes = Pipes {
        stdin,
        stdout,
        stderr,
    };
    Ok((Created { process, pid, job }, pipes))
}

/// It is the program that the system refuses, or a directory that is there: one whose path has more than some 260 characters
/// is none to begin in.
fn refused(spec: &LaunchSpec, source: io::Error) -> SpawnError {
    let is_directory = source.raw_os_error() == Some(ERROR_DIRECTORY.cast_signed());
    let (stage, path) = match &spec.cwd {
        Some(cwd) if is_directory => (SpawnStage::WorkingDirectory, Some(cwd.clone())),
        _ => (SpawnStage::Program, spec.argv.first().map(PathBuf::from)),
    };
    SpawnError {
        stage,
        path,
        source,
    }
}

fn begin(command: &Command, attributes: &Attributes) -> io::Result<(OwnedHandle, u32)> {
    let pointer = |text: &Option<Vec<u16>>| text.as_ref().map_or(ptr::null(), Vec::as_ptr);
    // The system may write into it.
    let mut line = command.line.clone();
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb =
        u32::try_from(size_of::<STARTUPINFOEXW>()).map_err(io::Error::other)?;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    let [stdin, stdout, stderr] = *attributes.stdio;
    startup.StartupInfo.hStdInput = stdin;
    startup.StartupInfo.hStdOutput = stdout;
    startup.StartupInfo.hStdError = stderr;
    startup.lpAttributeList = attributes.list;
    let mut created = PROCESS_INFORMATION::default();
    // SAFETY: all texts end with NUL, the block of variables with two, and they and the attributes live until it returns.
    let is_created = unsafe {
        CreateProcessW(
            command.program.as_ptr(),
            line.as_mut_ptr(),
            ptr::null(),
            ptr::null(),
            // Only those of the list.
            1,
            // A console of its own: a Ctrl-C in ours is not the child's. A group of its own would add that Ctrl-C is ignored
            // by the child and all that it starts, so nobody could interrupt a program in a terminal that it opens.
            CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
            pointer(&command.env).cast(),
            pointer(&command.cwd),
            (&raw const startup).cast(),
            &raw mut created,
        )
    };
    if is_created == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both handles were made just now, and are nobody else's. That of the first thread is of no use.
    let (process, _thread) = unsafe {
        (
            OwnedHandle::from_raw_handle(created.hProcess),
            OwnedHandle::from_raw_handle(created.hThread),
        )
    };
    Ok((process, created.dwProcessId))
}

/// What the system is told about a child besides: the handles that it inherits, and the job that it is in.
struct Attributes {
    list: LPPROC_THREAD_ATTRIBUTE_LIST,
    /// What the list is made of: machine words, so that it stands where it may.
    _words: Vec<usize>,
    /// The list has their addresses.
    stdio: Box<[HANDLE; 3]>,
    job: Box<HANDLE>,
}

impl Attributes {
    fn new(stdio: [HANDLE; 3], job: HANDLE) -> io::Result<Self> {
        const COUNT: u32 = 2;
        let mut bytes = 0;
        // SAFETY: without a list it only says how long one is.
        unsafe { InitializeProcThreadAttributeList(ptr::null_mut(), COUNT, 0, &raw mut bytes) };
        let mut words = vec![0_usize; bytes.div_ceil(size_of::<usize>())];
        let list = words.as_mut_ptr().cast();
        // SAFETY: the list has so many bytes, and stays where it is.
        let is_made = unsafe { InitializeProcThreadAttributeList(list, COUNT, 0, &raw mut bytes) };
        if is_made == 0 {
            return Err(io::Error::last_os_error());
        }
        let attributes = Self {
            list,
            _words: words,
            stdio: Box::new(stdio),
            job: Box::new(job),
        };
        attributes.add(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &*attributes.stdio)?;
        attributes.add(PROC_THREAD_ATTRIBUTE_JOB_LIST, &*attributes.job)?;
        Ok(attributes)
    }

    fn add<T>(&self, attribute: u32, value: &T) -> io::Result<()> {
        // SAFETY: the list is initialised and has room, and the value is behind a box that lives as long as the list.
        let is_added = unsafe {
            UpdateProcThreadAttribute(
                self.list,
                0,
                attribute as usize,
                (&raw const *value).cast(),
                size_of::<T>(),
                ptr::null_mut(),
                ptr::null(),
            )
        };
        if is_added == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the list is initialised.
        unsafe { DeleteProcThreadAttributeList(self.list) };
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::Foundation::ERROR_BAD_EXE_FORMAT;

    use super::*;

    #[test]
    fn a_directory_that_the_system_refuses_is_named_and_not_the_program() {
        let spec = LaunchSpec {
            argv: vec!["codex".into()],
            cwd: Some("long".into()),
            ..LaunchSpec::default()
        };
        let named = |number: u32| {
            let source = io::Error::from_raw_os_error(number.cast_signed());
            let error = refused(&spec, source);
            (error.stage, error.path.unwrap())
        };
        assert_eq!(
            named(ERROR_DIRECTORY),
            (SpawnStage::WorkingDirectory, "long".into())
        );
        assert_eq!(
            named(ERROR_BAD_EXE_FORMAT),
            (SpawnStage::Program, "codex".into())
        );
    }
}
