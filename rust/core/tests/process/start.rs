//! What the program finds when it starts.

use std::env;
use std::fs::{self};
use std::io::{self, Read, Write};
use std::path::Path;

use codex_core::io::process::{ExitOutcome, LaunchSpec, Step};
use codex_core::sync::thread::spawn_thread;

use crate::support::{EOF_SHORT, PATIENT, Scratch, alone, refused, sh, spec, start};

#[test]
fn a_child_of_a_thread_that_blocks_sigterm_dies_of_sigterm() {
    let blocked = spawn_thread("all blocked", || {
        sh("echo ready; exec sleep 1000", EOF_SHORT)
    });
    let mut child = blocked
        .expect("a thread is to be had")
        .join()
        .expect("no panic");
    assert_eq!(child.line(), "ready");
    let (step, outcome, _) = child.shut_down();
    assert_eq!(
        (step, outcome),
        (Step::Terminate, Some(ExitOutcome::Signal(libc::SIGTERM)))
    );
}

#[test]
fn the_childs_descriptor_limit_is_raised_as_far_as_asked_and_allowed() {
    alone(
        &the_childs_descriptor_limit_is_raised_as_far_as_asked_and_allowed,
        || {
            let limit = libc::rlimit {
                rlim_cur: 64,
                rlim_max: 512,
            };
            // SAFETY: `limit` is owned by this frame.
            let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
            assert_eq!(set, 0);
            for (open_files, found) in [(0, "64"), (63, "64"), (256, "256"), (8192, "512")] {
                let spec = LaunchSpec {
                    open_files,
                    ..spec(["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"])
                };
                let mut child = start(&spec, PATIENT);
                assert_eq!(child.rest(), format!("{found}\n512\n"), "{open_files}");
            }
        },
    );
}

#[test]
fn a_process_without_stdio_can_start_a_child() {
    alone(&a_process_without_stdio_can_start_a_child, || {
        // SAFETY: the copies are owned here and put back before anybody else writes to them.
        let echoed = unsafe {
            let kept = [0, 1, 2].map(|fd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 10));
            for fd in 0..3 {
                libc::close(fd);
            }
            let mut child = sh("echo $(cat) 2>&1; echo problem >&2", PATIENT);
            child
                .stdin
                .take()
                .expect("still open")
                .write_all(b"through")
                .expect("cat reads");
            let echoed = child.rest();
            child.shut_down();
            let mut said = String::new();
            child.stderr.read_to_string(&mut said).expect("readable");
            for (fd, kept) in (0..).zip(kept) {
                libc::dup2(kept, fd);
            }
            (echoed, said)
        };
        assert_eq!(echoed, ("through\n".to_owned(), "problem\n".to_owned()));
    });
}

#[test]
fn the_environment_given_is_the_whole_environment() {
    let env = Some(vec![
        ("B".into(), "two words".into()),
        ("A".into(), "".into()),
    ]);
    let mut child = start(
        &LaunchSpec {
            env,
            ..spec(["/usr/bin/env"])
        },
        PATIENT,
    );
    assert_eq!(child.rest(), "B=two words\nA=\n");
}

#[test]
fn without_an_environment_this_process_hands_on_its_own() {
    let path = env::var("PATH").expect("the tests have one");
    assert_eq!(sh("echo \"$PATH\"", PATIENT).line(), path);
}

#[test]
fn a_program_is_looked_for_in_the_childs_own_path() {
    let scratch = Scratch::new("path");
    scratch.file("greet", "755", "#!/bin/sh\necho \"$0 $1\"\n");
    scratch.file("plain", "644", "");
    let path = format!("/nonexistent:/dev/null:{}:/bin", scratch.0.display());
    let env = Some(vec![("PATH".into(), path.into())]);
    let mut child = start(
        &LaunchSpec {
            env: env.clone(),
            ..spec(["greet", "you"])
        },
        PATIENT,
    );
    assert_eq!(child.line(), format!("{}/greet you", scratch.0.display()));

    let error = refused(&LaunchSpec {
        env: env.clone(),
        ..spec(["plain"])
    });
    assert_eq!(error.source.kind(), io::ErrorKind::PermissionDenied);
    let error = refused(&LaunchSpec {
        env,
        ..spec(["nowhere"])
    });
    assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_relative_program_is_resolved_in_the_working_directory() {
    let scratch = Scratch::new("cwd");
    scratch.file("where", "755", "#!/bin/sh\npwd -P\n");
    let cwd = Some(scratch.0.clone());
    let mut child = start(
        &LaunchSpec {
            cwd,
            ..spec(["./where"])
        },
        PATIENT,
    );
    let real = fs::canonicalize(&scratch.0).expect("it is there");
    assert_eq!(Path::new(&child.line()), real);
}
