//! Every reason not to start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use codex_core::io::process::{LaunchSpec, SpawnStage};
use windows_sys::Win32::Foundation::{
    ERROR_BAD_ARGUMENTS, ERROR_BAD_EXE_FORMAT, ERROR_DIRECTORY, ERROR_FILE_NOT_FOUND,
    ERROR_PATH_NOT_FOUND,
};

use crate::support::{PATIENT, Scratch, begin, role};

fn spec(program: &Path) -> LaunchSpec {
    LaunchSpec {
        argv: vec![program.into()],
        ..LaunchSpec::default()
    }
}

/// The stage, the system's number, and the path that is named.
fn refused(spec: LaunchSpec) -> (SpawnStage, Option<u32>, Option<PathBuf>) {
    let begun = begin(spec, PATIENT).map(|child| child.peer.pid());
    let error = begun.expect_err("this cannot be started");
    let number = error.source.raw_os_error().map(i32::cast_unsigned);
    (error.stage, number, error.path)
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let scratch = Scratch::new("missing");
    for (path, number) in [
        (scratch.0.join("none.exe"), ERROR_FILE_NOT_FOUND),
        (scratch.0.join("none\\none.exe"), ERROR_PATH_NOT_FOUND),
        (scratch.0.join("none.cmd"), ERROR_FILE_NOT_FOUND),
        ("no-such-program-anywhere".into(), ERROR_FILE_NOT_FOUND),
    ] {
        let expected = (SpawnStage::Program, Some(number), Some(path.clone()));
        assert_eq!(refused(spec(&path)), expected);
    }
}

#[test]
fn what_is_no_program_is_named() {
    let scratch = Scratch::new("none");
    let path = scratch.0.join("text.exe");
    std::fs::write(&path, "no program").expect("writable");
    let expected = (
        SpawnStage::Program,
        Some(ERROR_BAD_EXE_FORMAT),
        Some(path.clone()),
    );
    assert_eq!(refused(spec(&path)), expected);
    let batch = scratch.0.join("directory.cmd");
    std::fs::create_dir(&batch).expect("writable");
    for directory in [&scratch.0, &batch] {
        let (stage, number, path) = refused(spec(directory));
        assert_eq!(
            (stage, path.as_ref()),
            (SpawnStage::Program, Some(directory))
        );
        assert!(number.is_some());
    }
}

#[test]
fn what_a_batch_file_would_misread_is_refused() {
    let scratch = Scratch::new("batch");
    let path = scratch.0.join("codex.cmd");
    std::fs::write(&path, "@echo off\r\n").expect("writable");
    let mut spec = spec(&path);
    spec.argv.push("model=\"x\"&calc".into());
    let expected = (SpawnStage::BatchFile, Some(ERROR_BAD_ARGUMENTS), Some(path));
    assert_eq!(refused(spec), expected);
}

#[test]
fn a_directory_that_is_none_is_named() {
    let scratch = Scratch::new("directory");
    let file = scratch.0.join("file");
    std::fs::write(&file, "").expect("writable");
    for (cwd, number) in [
        (scratch.0.join("none"), ERROR_FILE_NOT_FOUND),
        (file, ERROR_DIRECTORY),
    ] {
        let spec = LaunchSpec {
            cwd: Some(cwd.clone()),
            ..role("echo").spec()
        };
        let expected = (SpawnStage::WorkingDirectory, Some(number), Some(cwd));
        assert_eq!(refused(spec), expected);
    }
}

#[test]
fn a_relative_program_is_looked_for_in_the_childs_directory() {
    let program = std::env::current_exe().expect("this binary has a path");
    let (folder, name) = (program.parent(), program.file_stem());
    let mut relative = OsString::from(".\\");
    relative.push(name.expect("a file"));
    for ending in ["", ".exe"] {
        let mut spec = LaunchSpec {
            cwd: folder.map(Path::to_owned),
            ..role("echo").spec()
        };
        relative.push(ending);
        spec.argv[0].clone_from(&relative);
        let mut child = crate::support::launch(spec, PATIENT);
        child.write(b"hello\n");
        assert_eq!(child.line(), "hello");
        child.close();
    }
}
