//! Starting children for tests, and what the tests ask the system.

use std::any::type_name_of_val;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, thread};

use codex_core::io::endpoint::{Peer, Read, Sink, Source};
use codex_core::io::line_log::Tap;
use codex_core::io::process::{
    Child, ExitOutcome, Graces, Launch, LaunchSpec, Leftovers, PipeEnd, Pipes, ProcessPeer,
    SpawnError, Step,
};

/// For what must happen.
pub const LONG: Duration = Duration::from_secs(30);
/// For a grace that the test lets run out.
pub const SHORT: Duration = Duration::from_millis(50);
/// No grace runs out.
pub const PATIENT: Graces = Graces {
    eof: LONG,
    term: LONG,
    kill: LONG,
};
/// The end of input is not waited for long.
pub const EOF_SHORT: Graces = Graces {
    eof: SHORT,
    ..PATIENT
};
/// Neither the end of input nor SIGTERM is waited for long.
pub const IMPATIENT: Graces = Graces {
    eof: SHORT,
    term: SHORT,
    kill: LONG,
};

/// A child and its stdio.
pub struct Started {
    pub child: Child,
    pub stdin: Option<PipeEnd>,
    pub stdout: BufReader<PipeEnd>,
    pub stderr: PipeEnd,
}

impl Started {
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .expect("the child's stdout is readable");
        line.trim_end().to_owned()
    }

    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.stdout
            .read_to_string(&mut text)
            .expect("the child's stdout is readable");
        text
    }

    pub fn shut_down(&mut self) -> (Step, Option<ExitOutcome>, Option<Leftovers>) {
        let stdin = self.stdin.take();
        let report = self.child.shut_down(self.child.graces(), || drop(stdin));
        (report.step, report.outcome, report.leftovers)
    }
}

pub fn spec<const N: usize>(argv: [&str; N]) -> LaunchSpec {
    LaunchSpec {
        argv: argv.map(OsString::from).to_vec(),
        ..LaunchSpec::default()
    }
}

pub fn start(spec: &LaunchSpec, graces: Graces) -> Started {
    let (child, pipes) = Child::spawn(spec, graces).expect("the program is there");
    let Pipes {
        stdin,
        stdout,
        stderr,
    } = pipes;
    Started {
        child,
        stdin: Some(stdin),
        stdout: BufReader::new(stdout),
        stderr,
    }
}

pub fn sh(script: &str, graces: Graces) -> Started {
    start(&spec(["/bin/sh", "-c", script]), graces)
}

pub fn refused(spec: &LaunchSpec) -> SpawnError {
    Child::spawn(spec, PATIENT)
        .map(|(child, _)| child.pid())
        .expect_err("this cannot be started")
}

/// A shell script as the endpoint of a connection, whose threads are this one.
pub struct Connected {
    pub source: Box<dyn Source>,
    pub sink: Option<Box<dyn Sink>>,
    pub peer: Arc<ProcessPeer>,
    /// Messages that were read and not asked for yet.
    read: VecDeque<String>,
    ended: bool,
}

pub fn connect(script: &str, graces: Graces, stderr_tail: usize) -> Connected {
    connect_with(script, graces, stderr_tail, None)
}

pub fn connect_with(
    script: &str,
    graces: Graces,
    stderr_tail: usize,
    stderr_lines: Option<Tap>,
) -> Connected {
    let launch = Launch {
        spec: spec(["/bin/sh", "-c", script]),
        graces,
        stderr_tail,
        stderr_lines,
        max_message: usize::MAX,
    };
    let (endpoint, peer) = launch.start().expect("sh is there");
    Connected {
        source: endpoint.source,
        sink: Some(endpoint.sink),
        peer,
        read: VecDeque::new(),
        ended: false,
    }
}

impl Connected {
    /// The next message, or what stands after the last.
    pub fn line(&mut self) -> String {
        while self.read.is_empty() {
            self.read();
        }
        self.read.pop_front().expect("a message")
    }

    /// The messages until the end, and what stands after the last.
    pub fn rest(&mut self) -> Vec<String> {
        while !self.ended {
            self.read();
        }
        self.read.drain(..).collect()
    }

    fn read(&mut self) {
        let text = |message: &[u8]| String::from_utf8(message.to_vec()).expect("text");
        match self.source.read(Some(Instant::now() + LONG)) {
            Ok(Read::Messages(messages)) => self.read.extend(messages.map(text)),
            Ok(Read::Nothing) => {}
            Ok(Read::Ended(rest)) => {
                self.ended = true;
                self.read.extend((!rest.is_empty()).then(|| text(rest)));
            }
            Err(error) => panic!("{error}"),
        }
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

pub fn kill(pid: &str) {
    // SAFETY: kill touches no memory.
    unsafe { libc::kill(pid.trim().parse().expect("a process id"), libc::SIGKILL) };
}

/// A zombie that its new parent has not reaped yet is dead.
pub fn is_alive(pid: &str) -> bool {
    let state = state(pid);
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// The letter of a process's state; empty if there is no such process.
#[cfg(target_os = "linux")]
fn state(pid: &str) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .map_or_else(String::new, |(_, rest)| rest.to_owned())
}

#[cfg(not(target_os = "linux"))]
fn state(pid: &str) -> String {
    let said = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
    String::from_utf8_lossy(&said.expect("ps is there").stdout)
        .trim()
        .to_owned()
}

/// A directory of the test's own, gone at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("codex-process-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    /// Written by another process: this one must not hold it open for writing, for a child forked
    /// meanwhile by another test would hold it too, and executing it would answer ETXTBSY.
    pub fn file(&self, name: &str, mode: &str, content: &str) -> String {
        let path = self.0.join(name);
        let script = "printf %s \"$1\" > \"$0\" && chmod \"$2\" \"$0\"";
        let written = Command::new("/bin/sh")
            .args(["-c", script])
            .arg(&path)
            .args([content, mode])
            .status();
        assert!(written.expect("sh is there").success());
        path.to_str()
            .expect("the temporary directory is text")
            .to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs `body` in a copy of this binary that runs nothing else but `test`, the calling test.
pub fn alone<T>(test: &T, body: impl FnOnce()) {
    const MARK: &str = "CODEX_PROCESS_TEST_ALONE";
    if env::var_os(MARK).is_some() {
        return body();
    }
    let name = type_name_of_val(test);
    let name = name.split_once("::").expect("the crate stands first").1;
    let mut copy = Command::new(env::current_exe().expect("this binary has a path"));
    copy.args(["--exact", name, "--test-threads=1", "--nocapture"])
        .env(MARK, "1");
    let output = copy
        .stdin(Stdio::null())
        .output()
        .expect("this binary can be executed");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// For ends that are not ours to wait for: asks again until it is so.
pub fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "still not so");
        thread::yield_now();
    }
}
