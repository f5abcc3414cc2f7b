//! What a copy of this test binary does as a child.

use std::fs::File;
use std::io::{BufRead, Read, Write, stderr, stdin, stdout};
use std::mem::ManuallyDrop;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::exit;
use std::{env, thread};

use windows_sys::Win32::System::Console::{
    CTRL_C_EVENT, GenerateConsoleCtrlEvent, SetConsoleCtrlHandler,
};

use crate::support::{IMPATIENT, LONG, PATIENT, ROLE, connect, launch, role};

/// Run by nobody but [`crate::support::role`].
#[test]
#[ignore = "not a test but what the children of the tests do"]
fn play() {
    let part = env::var(ROLE).expect("the role is named");
    let (part, argument) = part.split_once(' ').unwrap_or((&part, ""));
    // What the test harness has printed stands before it.
    say("begins");
    match part {
        "echo" => echo(),
        "exits" => exit_with(argument),
        "sleeps" => sleep(),
        "told" => told(),
        "has" => has(argument),
        "family" => family(),
        "orphans" => orphans(),
        "parent" => parent(),
        "floods" => floods(),
        "chatters" => chatters(),
        "silent" => silent(),
        "late" => late(),
        "counts" => counts(),
        "nothings" => nothings(),
        "interrupts" => interrupts(),
        "bystander" => bystander(),
        _ => panic!("no such role: {part}"),
    }
    // Without what the harness would print.
    exit(0);
}

fn say(text: &str) {
    let mut out = stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .expect("somebody reads");
}

fn line() -> String {
    let mut line = String::new();
    stdin().lock().read_line(&mut line).expect("readable");
    line.trim_end().to_owned()
}

/// Says what it is told until the end of its input.
fn echo() {
    for line in stdin().lock().lines() {
        say(&line.expect("text"));
    }
}

fn exit_with(code: &str) {
    say("1");
    eprintln!("broken");
    exit(code.parse::<u32>().expect("a number").cast_signed());
}

/// Hears nothing of the end of its input.
fn sleep() {
    loop {
        thread::park();
    }
}

/// Says how it was started.
fn told() {
    say(&format!(
        "{:?}",
        env::args()
            .skip_while(|argument| argument != "--")
            .skip(1)
            .collect::<Vec<_>>()
    ));
    say(&format!("{:?}", env::current_dir().expect("there is one")));
    let variables = env::vars().filter(|(name, _)| name.eq_ignore_ascii_case("CODEX_TEST_A"));
    say(&format!("{:?}", variables.collect::<Vec<_>>()));
}

/// Says whether a handle is one of its own.
fn has(handle: &str) {
    let handle = handle.parse::<usize>().expect("a number") as *mut core::ffi::c_void;
    let mut flags = 0;
    // SAFETY: of a handle that is none it is only said that it is none.
    let is_one =
        unsafe { windows_sys::Win32::Foundation::GetHandleInformation(handle, &raw mut flags) };
    say(if is_one == 0 { "no" } else { "yes" });
}

/// Has a child of its own that holds its pipes, and obeys the end of its input.
fn family() {
    let child = role("sleeps").inheriting().spawn().expect("it is started");
    say(&child.id().to_string());
    line();
}

/// Ends at once and leaves a child that holds its pipes.
fn orphans() {
    let child = role("sleeps").inheriting().spawn().expect("it is started");
    say(&child.id().to_string());
}

/// Has a connection to a child that does not end by itself.
fn parent() {
    let connected = launch(role("sleeps").spec(), IMPATIENT);
    say(&connected.peer.pid().to_string());
    sleep();
}

/// Writes to its stderr as fast as that is read, and answers in between.
fn floods() {
    thread::spawn(|| while stderr().write_all(&[b'x'; 4096]).is_ok() {});
    for number in 1..=3 {
        say(&number.to_string());
    }
    say(&line());
}

/// Writes more than a pipe holds once its input has ended, and then its last words.
fn chatters() {
    stdin().read_to_end(&mut Vec::new()).expect("readable");
    for _ in 0..100 {
        say(&"x".repeat(10_000));
    }
    eprintln!("last words");
}

/// Closes its stdout, and lives on until the end of its input.
fn silent() {
    // SAFETY: nothing is written to it any more.
    drop(unsafe { OwnedHandle::from_raw_handle(stdout().as_raw_handle()) });
    stdin().read_to_end(&mut Vec::new()).expect("readable");
    eprintln!("last words");
    exit(0);
}

/// Begins to read when it is told so on stderr's behalf: after its first line.
fn late() {
    line();
    let mut bytes = Vec::new();
    stdin()
        .lock()
        .read_until(b'\n', &mut bytes)
        .expect("readable");
    say(&bytes.len().to_string());
}

/// Says how long the longest line was.
fn counts() {
    say(&"x".repeat(1_000_000));
    say("end");
}

/// Writes nothing at all before something, once it is told to.
fn nothings() {
    line();
    for handle in [stdout().as_raw_handle(), stderr().as_raw_handle()] {
        // SAFETY: it is open as long as this process is there, and not closed here.
        let mut pipe = ManuallyDrop::new(unsafe { File::from_raw_handle(handle) });
        // What stands between a program and its pipe otherwise leaves this out.
        assert_eq!(pipe.write(&[]).expect("somebody reads"), 0);
    }
    say("something");
    eprintln!("last words");
}

/// Presses Ctrl-C in its own console, and goes on if that is ignored.
fn interrupts() {
    press_ctrl_c();
    thread::sleep(LONG);
    say("goes on");
}

/// Ignores a Ctrl-C in its own console, and says whether a child that does not still answers.
fn bystander() {
    let mut child = connect("echo", PATIENT);
    // SAFETY: no handler is given: Ctrl-C is ignored, but not by those who are there already.
    let is_ignored = unsafe { SetConsoleCtrlHandler(None, 1) };
    assert_ne!(is_ignored, 0);
    press_ctrl_c();
    child.write(b"still here\n");
    say(&child.line());
    child.close();
}

fn press_ctrl_c() {
    // SAFETY: two numbers are given: the key, and all who have this console.
    let is_pressed = unsafe { GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) };
    assert_ne!(is_pressed, 0);
}
