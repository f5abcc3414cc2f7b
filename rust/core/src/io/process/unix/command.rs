//! A command made ready for the system calls, so that nothing has to be allocated while the child is begun.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::io::process::error::SpawnError;
use crate::io::process::launch::LaunchSpec;

/// Where programs are looked for when the environment has no `PATH`; the C library and Python use
/// the same.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A [`LaunchSpec`] in the form that the system calls take.
pub(super) struct Command {
    /// The paths to try, in order.
    pub candidates: Vec<CString>,
    pub argv: Vec<CString>,
    pub env: Vec<CString>,
    pub cwd: Option<CString>,
}

impl Command {
    pub fn new(spec: &LaunchSpec) -> Result<Self, SpawnError> {
        let program = spec
            .argv
            .first()
            .ok_or_else(|| SpawnError::spec("no program given"))?;
        let env = spec.env.clone().unwrap_or_else(|| env::vars_os().collect());
        if env
            .iter()
            .any(|(name, _)| name.is_empty() || name.as_bytes().contains(&b'='))
        {
            return Err(SpawnError::spec(
                "an environment variable's name is empty or contains '='",
            ));
        }
        let path = env
            .iter()
            .find(|(name, _)| name == "PATH")
            .map_or(OsStr::new(DEFAULT_PATH), |(_, value)| value);
        Ok(Self {
            candidates: candidates(program, path)
                .into_iter()
                .map(c_string)
                .collect::<Result<_, _>>()?,
            argv: spec
                .argv
                .iter()
                .cloned()
                .map(c_string)
                .collect::<Result<_, _>>()?,
            cwd: spec
                .cwd
                .clone()
                .map(|cwd| c_string(cwd.into_os_string()))
                .transpose()?,
            env: env.into_iter().map(variable).collect::<Result<_, _>>()?,
        })
    }

    /// Whether one of the candidates exists: then "not found" was said about its interpreter.
    pub fn program_exists(&self) -> bool {
        let cwd = self.cwd.as_ref().map_or(Path::new(""), |cwd| {
            Path::new(OsStr::from_bytes(cwd.as_bytes()))
        });
        self.candidates
            .iter()
            .any(|path| cwd.join(OsStr::from_bytes(path.as_bytes())).is_file())
    }
}

fn candidates(program: &OsStr, path: &OsStr) -> Vec<OsString> {
    if program.is_empty() || program.as_bytes().contains(&b'/') {
        return vec![program.to_owned()];
    }
    // An empty element of PATH means the working directory, which joining yields.
    env::split_paths(path)
        .map(|directory| directory.join(program).into_os_string())
        .collect()
}

fn variable((name, value): (OsString, OsString)) -> Result<CString, SpawnError> {
    let mut text = name;
    text.push("=");
    text.push(value);
    c_string(text)
}

fn c_string(text: OsString) -> Result<CString, SpawnError> {
    CString::new(text.into_vec()).map_err(|_| {
        SpawnError::spec("a NUL byte in an argument, a variable or the working directory")
    })
}
