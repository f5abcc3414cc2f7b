//! What a child gets: arguments, directory, variables, and no handle but its pipes.

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::Win32::System::Threading::CreateEventW;

use crate::support::{IMPATIENT, PATIENT, Scratch, Seen, connect, launch, role};

#[test]
fn arguments_directory_and_variables_arrive_as_they_were_given() {
    let scratch = Scratch::new("start");
    let arguments = [
        "plain",
        "",
        "a b",
        r"c:\d\",
        r"e f\",
        r#"say "it""#,
        r#"\\""#,
        "\u{e4}\u{20ac}\u{1f600}",
    ];
    let mut spec = role("told").spec();
    // What stands behind it is not the test harness's.
    spec.argv.push("--".into());
    spec.argv.extend(arguments.map(Into::into));
    spec.cwd = Some(scratch.0.clone());
    let env = spec.env.as_mut().expect("given");
    env.push(("CODEX_TEST_A".into(), "\u{e4} \u{20ac}".into()));
    env.push(("codex_test_a".into(), "the last".into()));
    let mut child = launch(spec, PATIENT);
    assert_eq!(child.line(), format!("{arguments:?}"));
    assert_eq!(child.line(), format!("{:?}", scratch.0));
    assert_eq!(child.line(), "[(\"codex_test_a\", \"the last\")]");
    child.close();
}

#[test]
fn a_batch_file_runs_with_its_arguments_and_its_programs_end_with_it() {
    let scratch = Scratch::new("batch & more ^(!),;='");
    let script = scratch.0.join("codex.cmd");
    let program = std::env::current_exe().expect("this binary has a path");
    let text = format!("@echo off\r\n\"{}\" %*\r\n", program.display());
    std::fs::write(&script, text).expect("writable");
    let arguments = [
        "a b",
        "x&y|z",
        r"c:\d e\",
        "^",
        "",
        "<a>",
        "(!USERNAME!);,=",
        "\u{e4}\u{20ac}\u{1f600}",
    ];
    let told = |part: &str| {
        let mut spec = role(part).spec();
        spec.argv[0] = script.clone().into();
        spec.argv.push("--".into());
        spec.argv.extend(arguments.map(Into::into));
        launch(spec, IMPATIENT)
    };
    let mut child = told("told");
    assert_eq!(child.line(), format!("{arguments:?}"));
    child.close();
    let mut child = told("family");
    let grandchild = Seen::by(&child.line());
    child.close();
    assert!(grandchild.ends());
}

#[test]
fn a_child_inherits_its_pipes_alone() {
    // So many that the last has a number that no child has of its own.
    let events: Vec<_> = (0..2000).map(|_| inheritable()).collect();
    let handle = events[events.len() - 1].as_raw_handle() as usize;
    let part = format!("has {handle}");
    // By a start that hands on all that is inheritable it comes along, with the same number.
    let said = role(&part).inheriting().output().expect("it is started");
    assert!(String::from_utf8_lossy(&said.stdout).contains("yes"));
    let mut child = connect(&part, PATIENT);
    assert_eq!(child.line(), "no");
    child.close();
}

fn inheritable() -> OwnedHandle {
    let attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).expect("small"),
        bInheritHandle: 1,
        ..SECURITY_ATTRIBUTES::default()
    };
    // SAFETY: the attributes live until it returns.
    let event = unsafe { CreateEventW(&raw const attributes, 0, 0, std::ptr::null()) };
    assert!(!event.is_null());
    // SAFETY: it was made just now.
    unsafe { OwnedHandle::from_raw_handle(event) }
}

#[test]
fn twenty_children_at_once_are_twenty() {
    let mut children: Vec<_> = (0..20).map(|_| connect("echo", PATIENT)).collect();
    for (number, child) in children.iter_mut().enumerate() {
        child.write(format!("{number}\n").as_bytes());
    }
    for (number, child) in children.iter_mut().enumerate() {
        assert_eq!(child.line(), number.to_string());
    }
    for child in children {
        child.close();
    }
}

#[test]
fn a_child_can_be_interrupted_in_its_own_console() {
    // Whoever ignores it hands that on: perhaps to this process, and to all that it starts.
    // SAFETY: no handler is given.
    let is_heeded = unsafe { SetConsoleCtrlHandler(None, 0) };
    assert_ne!(is_heeded, 0);
    let mut child = connect("interrupts", PATIENT);
    assert!(child.rest().is_empty());
    child.close();
}

#[test]
fn a_ctrl_c_in_our_console_does_not_reach_the_child() {
    let mut child = connect("bystander", PATIENT);
    assert_eq!(child.line(), "still here");
    child.close();
}
