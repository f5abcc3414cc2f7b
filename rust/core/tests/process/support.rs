//! Starting children for tests, and what the tests ask the system.

use std::any::type_name_of_val;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, thread};

use codex_core::io::process::{
    Child, ExitOutcome, Graces, LaunchSpec, Leftovers, PipeEnd, Pipes, SpawnError, StderrTail, Step,
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

/// A child, its shell script's stdio, and what `on_exit` was told.
pub struct Started {
    pub child: Child,
    pub stdin: Option<PipeEnd>,
    pub stdout: BufReader<PipeEnd>,
    pub stderr: StderrTail,
    pub told: mpsc::Receiver<ExitOutcome>,
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
    let (tell, told) = mpsc::channel();
    let (
        child,
        Pipes {
            stdin,
            stdout,
            stderr,
        },
    ) = Child::spawn(spec, graces, move |outcome| {
        tell.send(outcome).expect("the test listens");
    })
    .expect("the program is there");
    let stderr =
        StderrTail::start(stderr, StderrTail::DEFAULT_BYTES).expect("a thread is to be had");
    Started {
        child,
        stdin: Some(stdin),
        stdout: BufReader::new(stdout),
        stderr,
        told,
    }
}

pub fn sh(script: &str, graces: Graces) -> Started {
    start(&spec(["/bin/sh", "-c", script]), graces)
}

pub fn refused(spec: &LaunchSpec) -> SpawnError {
    let spawned = Child::spawn(spec, PATIENT, |_| {
        panic!("a child that never ran has ended")
    });
    spawned
        .map(|(child, _)| child.pid())
        .expect_err("this cannot be started")
}

pub fn kill(pid: &str) {
    // SAFETY: kill touches no memory.
    unsafe { libc::kill(pid.trim().parse().expect("a process id"), libc::SIGKILL) };
}

pub fn is_alive(pid: &str) -> bool {
    // A zombie that its new parent has not reaped yet is dead.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
        !matches!(state, Some(b'Z' | b'X'))
    })
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
