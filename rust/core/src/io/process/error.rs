//! Why a child could not be started. The bindings map it to Python's `OSError` family; nothing here
//! decides wording for users beyond naming the step and the path.

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

/// The step of starting a child that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnStage {
    /// The launch specification itself: no program, a NUL byte, a broken variable name.
    Spec,
    /// Pipes, the fork, its session or a thread: the system is short of something (EMFILE, EAGAIN,
    /// ENOMEM).
    Resources,
    /// Entering the working directory.
    WorkingDirectory,
    /// Executing the program: not found, not permitted, not an executable.
    Program,
    /// The program is there, but the interpreter it names (`#!`, or an ELF loader) is not.
    Interpreter,
    /// The program is a batch file of Windows, and an argument is none that a shell hands on as it is.
    BatchFile,
}

/// Why a child could not be started.
#[derive(Debug)]
pub struct SpawnError {
    /// The step that failed.
    pub stage: SpawnStage,
    /// The program or the working directory, when the step concerns one; as given, not resolved.
    pub path: Option<PathBuf>,
    /// The system's error, with its kind and number.
    pub source: io::Error,
}

impl SpawnError {
    pub fn spec(message: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidInput, message);
        Self {
            stage: SpawnStage::Spec,
            path: None,
            source,
        }
    }

    /// The system is short of something.
    pub fn resources(source: io::Error) -> Self {
        Self {
            stage: SpawnStage::Resources,
            path: None,
            source,
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            SpawnStage::Spec => "invalid command",
            SpawnStage::Resources => "no resources to start the process",
            SpawnStage::WorkingDirectory => "cannot enter the working directory",
            SpawnStage::Program => "cannot execute",
            SpawnStage::Interpreter => "the interpreter is missing that is named by",
            SpawnStage::BatchFile => {
                "an argument with a quote, a percent sign or a line break cannot be given to a batch file, so name the \
                 program that it starts in place of"
            }
        })?;
        if let Some(path) = &self.path {
            write!(f, " {}", path.display())?;
        }
        write!(f, ": {}", self.source)
    }
}

impl Error for SpawnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
