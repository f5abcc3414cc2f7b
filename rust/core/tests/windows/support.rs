//! Starting children for tests, and what the tests ask the system.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, thread};

use codex_core::io::endpoint::{Peer, Read, Sink, Source};
use codex_core::io::process::{Graces, Launch, LaunchSpec, ProcessPeer, SpawnError};
use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

/// For what must happen.
pub const LONG: Duration = Duration::from_secs(60);
/// For a grace that the test lets run out.
pub const SHORT: Duration = Duration::from_millis(50);
/// No grace runs out.
pub const PATIENT: Graces = Graces {
    eof: LONG,
    term: LONG,
    kill: LONG,
};
/// The end of input is not waited for long.
pub const IMPATIENT: Graces = Graces {
    eof: SHORT,
    ..PATIENT
};
/// Bytes of stderr that are kept.
pub const TAIL: usize = 64 * 1024;

/// The variable that names the role of a copy.
pub const ROLE: &str = "CODEX_PROCESS_TEST_ROLE";

/// A copy of this binary that plays a role.
pub struct Role {
    part: String,
    arguments: Vec<OsString>,
}

pub fn role(part: &str) -> Role {
    let arguments = ["roles::play", "--exact", "--ignored", "--nocapture"];
    Role {
        part: part.to_owned(),
        arguments: arguments.map(OsString::from).into(),
    }
}

impl Role {
    pub fn spec(&self) -> LaunchSpec {
        let program = env::current_exe().expect("this binary has a path");
        let mut variables: Vec<_> = env::vars_os().collect();
        variables.push((ROLE.into(), self.part.clone().into()));
        LaunchSpec {
            argv: [program.into_os_string()]
                .into_iter()
                .chain(self.arguments.iter().cloned())
                .collect(),
            env: Some(variables),
            ..LaunchSpec::default()
        }
    }

    /// The same as a command that hands on this process's pipes.
    pub fn inheriting(&self) -> Command {
        let mut command = Command::new(env::current_exe().expect("this binary has a path"));
        command.args(&self.arguments).env(ROLE, &self.part);
        command
    }
}

/// A child as the endpoint of a connection, whose threads are this one.
pub struct Connected {
    pub source: Box<dyn Source>,
    pub sink: Option<Box<dyn Sink>>,
    pub peer: Arc<ProcessPeer>,
    /// Messages that were read and not asked for yet.
    read: VecDeque<String>,
    ended: bool,
}

pub fn begin(spec: LaunchSpec, graces: Graces) -> Result<Connected, SpawnError> {
    let launch = Launch {
        spec,
        graces,
        stderr_tail: TAIL,
        stderr_lines: None,
        max_message: usize::MAX,
    };
    let (endpoint, peer) = launch.start()?;
    Ok(Connected {
        source: endpoint.source,
        sink: Some(endpoint.sink),
        peer,
        read: VecDeque::new(),
        ended: false,
    })
}

/// Starts it, and returns when it has begun to play its role.
pub fn launch(spec: LaunchSpec, graces: Graces) -> Connected {
    let mut child = begin(spec, graces).expect("this binary can be started");
    while !child.line().ends_with("begins") {}
    child
}

pub fn connect(part: &str, graces: Graces) -> Connected {
    launch(role(part).spec(), graces)
}

impl Connected {
    /// The next message, or what stands after the last.
    pub fn line(&mut self) -> String {
        while self.read.is_empty() {
            assert!(!self.ended, "{}", self.peer.stderr_tail());
            self.read();
        }
        self.read
            .pop_front()
            .expect("a message")
            .trim_end()
            .to_owned()
    }

    /// The messages until the end, and what stands after the last.
    pub fn rest(&mut self) -> Vec<String> {
        while !self.ended {
            self.read();
        }
        self.read
            .drain(..)
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    fn read(&mut self) {
        let text = |message: &[u8]| String::from_utf8(message.to_vec()).expect("text");
        let until = Instant::now() + LONG;
        match self.source.read(Some(until)) {
            Ok(Read::Messages(messages)) => self.read.extend(messages.map(text)),
            Ok(Read::Nothing) => assert!(Instant::now() < until, "it says nothing"),
            Ok(Read::Ended(rest)) => {
                self.ended = true;
                self.read.extend((!rest.is_empty()).then(|| text(rest)));
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let sink = self.sink.as_mut().expect("still open");
        assert!(sink.write(bytes).expect("the child reads"));
    }

    /// What the end of a connection does with its endpoint.
    pub fn close(self) {
        self.end(false);
    }

    /// The same, in a hurry or not.
    pub fn end(mut self, hurry: bool) {
        self.peer.stop_sink(Duration::ZERO);
        drop(self.sink.take());
        let shutting_down = thread::spawn({
            let peer = Arc::clone(&self.peer);
            move || peer.shut_down(hurry)
        });
        self.source.linger();
        shutting_down.join().expect("no panic");
    }
}

/// Another process, seen by its own handle: its id may be that of another once it has ended.
pub struct Seen(OwnedHandle);

impl Seen {
    pub fn by(pid: &str) -> Self {
        let pid = pid.parse().expect("a process id");
        // SAFETY: it returns a handle of our own, or none.
        let handle = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, pid) };
        assert!(!handle.is_null(), "there is no process {pid}");
        // SAFETY: it was made just now.
        Self(unsafe { OwnedHandle::from_raw_handle(handle) })
    }

    pub fn is_alive(&self) -> bool {
        self.wait(Duration::ZERO) == WAIT_TIMEOUT
    }

    pub fn ends(&self) -> bool {
        self.wait(LONG) == WAIT_OBJECT_0
    }

    fn wait(&self, timeout: Duration) -> u32 {
        let millis = u32::try_from(timeout.as_millis()).expect("short");
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), millis) }
    }
}

/// A directory of the test's own, gone at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("codex process {name} {}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
