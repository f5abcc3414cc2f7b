//! Why a child does not start.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use codex_core::io::process::{Child, ExitOutcome, LaunchSpec, SpawnError, SpawnStage};

use crate::support::{PATIENT, Scratch, alone, refused, spec};

fn facts(error: &SpawnError) -> (SpawnStage, Option<i32>, Option<&Path>) {
    (
        error.stage,
        error.source.raw_os_error(),
        error.path.as_deref(),
    )
}

#[test]
fn a_missing_program_is_not_found() {
    let error = refused(&spec(["/nonexistent/codex"]));
    let program = Path::new("/nonexistent/codex");
    assert_eq!(
        facts(&error),
        (SpawnStage::Program, Some(libc::ENOENT), Some(program))
    );
    assert_eq!(
        error.to_string(),
        "cannot execute /nonexistent/codex: No such file or directory (os error 2)"
    );
    let error = refused(&spec(["no-such-program-anywhere"]));
    assert_eq!(
        (error.stage, error.source.kind()),
        (SpawnStage::Program, io::ErrorKind::NotFound)
    );
    assert_eq!(refused(&spec([""])).source.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_missing_working_directory_is_told_from_a_missing_program() {
    let cwd = Some(PathBuf::from("/nonexistent"));
    let error = refused(&LaunchSpec {
        cwd: cwd.clone(),
        ..spec(["cat"])
    });
    assert_eq!(
        facts(&error),
        (
            SpawnStage::WorkingDirectory,
            Some(libc::ENOENT),
            cwd.as_deref()
        )
    );
    let cwd = Some(PathBuf::from("/dev/null"));
    let error = refused(&LaunchSpec {
        cwd,
        ..spec(["cat"])
    });
    assert_eq!(
        (error.stage, error.source.raw_os_error()),
        (SpawnStage::WorkingDirectory, Some(libc::ENOTDIR))
    );
}

#[test]
fn a_file_that_is_not_executable_is_not_permitted() {
    let scratch = Scratch::new("mode");
    let path = scratch.file("plain", "644", "#!/bin/sh\n");
    let error = refused(&spec([&path]));
    assert_eq!(
        facts(&error),
        (
            SpawnStage::Program,
            Some(libc::EACCES),
            Some(Path::new(&path))
        )
    );
    let error = refused(&spec([scratch.0.to_str().expect("text")]));
    assert_eq!(
        error.source.kind(),
        io::ErrorKind::PermissionDenied,
        "a directory"
    );
}

#[test]
fn a_file_that_is_no_program_is_not_fed_to_a_shell() {
    let scratch = Scratch::new("format");
    let path = scratch.file("garbage", "755", "exit 0\n");
    let error = refused(&spec([&path]));
    assert_eq!(
        facts(&error),
        (
            SpawnStage::Program,
            Some(libc::ENOEXEC),
            Some(Path::new(&path))
        )
    );
}

#[test]
fn a_missing_interpreter_is_told_from_a_missing_program() {
    let scratch = Scratch::new("interpreter");
    let path = scratch.file("script", "755", "#!/nonexistent/python\n");
    let error = refused(&spec([&path]));
    assert_eq!(
        facts(&error),
        (
            SpawnStage::Interpreter,
            Some(libc::ENOENT),
            Some(Path::new(&path))
        )
    );
    let error = refused(&LaunchSpec {
        cwd: Some(scratch.0.clone()),
        ..spec(["./script"])
    });
    assert_eq!(
        error.stage,
        SpawnStage::Interpreter,
        "also relative to the working directory"
    );
}

#[test]
fn a_command_that_no_system_could_run_is_refused_before_the_fork() {
    let env = |name: &str| Some(vec![(name.into(), "value".into())]);
    for spec in [
        LaunchSpec::default(),
        spec(["cat", "a\0b"]),
        LaunchSpec {
            cwd: Some("a\0b".into()),
            ..spec(["cat"])
        },
        LaunchSpec {
            env: env("a=b"),
            ..spec(["cat"])
        },
        LaunchSpec {
            env: env(""),
            ..spec(["cat"])
        },
        LaunchSpec {
            env: env("a\0b"),
            ..spec(["cat"])
        },
    ] {
        let error = refused(&spec);
        assert_eq!(
            (error.stage, error.source.kind()),
            (SpawnStage::Spec, io::ErrorKind::InvalidInput),
            "{spec:?}"
        );
    }
}

#[test]
fn too_many_open_files_is_said_as_such_and_leaks_none() {
    alone(&too_many_open_files_is_said_as_such_and_leaks_none, || {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is owned by this frame.
        unsafe {
            libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
            limit.rlim_cur = 32;
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        }
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        // With each one given back the failure moves on to the next pipe, until the eight ends fit.
        for _ in 0..8 {
            let error = refused(&spec(["cat"]));
            assert_eq!(
                facts(&error),
                (SpawnStage::Resources, Some(libc::EMFILE), None)
            );
            held.pop();
        }
        let (child, pipes) = Child::spawn(&spec(["cat"]), PATIENT).expect("now there is room");
        assert_eq!(
            child.shut_down(child.graces(), || drop(pipes)).outcome,
            Some(ExitOutcome::Code(0))
        );
    });
}
