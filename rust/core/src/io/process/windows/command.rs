//! A command made ready for the system call: the path of the program, one line of arguments, one block of variables.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::{ERROR_BAD_ARGUMENTS, ERROR_FILE_NOT_FOUND};
use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_DIRECTORY;

use crate::io::process::error::{SpawnError, SpawnStage};
use crate::io::process::launch::LaunchSpec;

/// A [`LaunchSpec`] in the form that the system call takes. All text ends with NUL.
#[derive(Debug)]
pub(super) struct Command {
    pub program: Vec<u16>,
    pub line: Vec<u16>,
    /// `None` is this process's environment.
    pub env: Option<Vec<u16>>,
    pub cwd: Option<Vec<u16>>,
}

impl Command {
    pub fn new(spec: &LaunchSpec) -> Result<Self, SpawnError> {
        let name = spec
            .argv
            .first()
            .ok_or_else(|| SpawnError::spec("no program given"))?;
        let program = whole(&program(name, spec)?)?;
        let (program, line) = if is_batch(&program) {
            // The shell would only say it to whoever reads its stderr.
            File::open(&program).map_err(|source| not_to_be_run(name, source))?;
            (shell(), batch_line(&program, &spec.argv[1..])?)
        } else {
            (program, line(&spec.argv)?)
        };
        Ok(Self {
            program: text(program.as_os_str())?,
            line,
            env: spec.env.as_deref().map(block).transpose()?,
            cwd: spec
                .cwd
                .as_ref()
                .map(|cwd| text(cwd.as_os_str()))
                .transpose()?,
        })
    }
}

/// Where the program is. A name without a separator is looked for in the child's own `PATH`, and nowhere else: not in the
/// working directory, where anybody may have put one.
fn program(name: &OsStr, spec: &LaunchSpec) -> Result<PathBuf, SpawnError> {
    let is_path = name
        .encode_wide()
        .any(|unit| [b'/', b'\\', b':'].map(u16::from).contains(&unit));
    let places = if is_path {
        vec![spec.cwd.clone().unwrap_or_default()]
    } else {
        directories(spec)
    };
    // npm lays a script for other systems beside its batch file, under the bare name.
    let names = [".exe", ".cmd", ".bat", ""].map(|ending| {
        let mut name = name.to_owned();
        name.push(ending);
        name
    });
    let mut paths = places
        .iter()
        .flat_map(|place| names.iter().map(|name| place.join(name)));
    match paths.find(|path| is_file(path)) {
        Some(path) => Ok(path),
        // The system says what is the matter with it.
        None if is_path => Ok(places[0].join(name)),
        None => {
            let missing = io::Error::from_raw_os_error(ERROR_FILE_NOT_FOUND.cast_signed());
            Err(not_to_be_run(name, missing))
        }
    }
}

fn not_to_be_run(name: &OsStr, source: io::Error) -> SpawnError {
    SpawnError {
        stage: SpawnStage::Program,
        path: Some(name.into()),
        source,
    }
}

/// Links are not followed: where those of the Store's programs lead only the system knows, and only to start them.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| found.file_attributes() & FILE_ATTRIBUTE_DIRECTORY == 0)
}

/// The path as the system reads it. A shell that begins in another directory finds what it names; and no dots and spaces
/// are left at its end, behind which a batch file were started as a program, its arguments not written for a shell.
fn whole(program: &Path) -> Result<PathBuf, SpawnError> {
    std::path::absolute(program).map_err(|source| SpawnError {
        stage: SpawnStage::Spec,
        path: None,
        source,
    })
}

fn is_batch(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("cmd") || extension.eq_ignore_ascii_case("bat")
    })
}

fn directories(spec: &LaunchSpec) -> Vec<PathBuf> {
    let path = match &spec.env {
        Some(env) => env
            .iter()
            .rfind(|(name, _)| name.eq_ignore_ascii_case("PATH"))
            .map(|(_, value)| value.clone()),
        None => env::var_os("PATH"),
    };
    let directories = path.map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let mut directories = directories.unwrap_or_default();
    directories.retain(|directory| directory.is_absolute());
    directories
}

/// What runs batch files.
fn shell() -> PathBuf {
    let root = env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    PathBuf::from(root).join(r"System32\cmd.exe")
}

/// The line of a shell that runs a batch file and nothing else. A shell reads a line by rules of its own, and the batch file
/// has it read parts of it once more; within quotes only these characters mean something to it.
fn batch_line(program: &Path, arguments: &[OsString]) -> Result<Vec<u16>, SpawnError> {
    const SPECIAL: [u8; 4] = [b'"', b'%', b'\r', b'\n'];
    let mut line: Vec<u16> = "cmd.exe /d /e:on /v:off /s /c \"".encode_utf16().collect();
    for (place, part) in [program.as_os_str()]
        .into_iter()
        .chain(arguments.iter().map(OsString::as_os_str))
        .enumerate()
    {
        if part
            .encode_wide()
            .any(|unit| SPECIAL.map(u16::from).contains(&unit))
        {
            return Err(SpawnError {
                stage: SpawnStage::BatchFile,
                path: Some(program.to_owned()),
                source: io::Error::from_raw_os_error(ERROR_BAD_ARGUMENTS.cast_signed()),
            });
        }
        if place > 0 {
            line.push(SPACE);
        }
        line.push(QUOTE);
        line.extend(part.encode_wide());
        // The program behind it takes a backslash before a quote for a part of the argument.
        let is_backslash = |unit: &&u16| **unit == BACKSLASH;
        let backslashes = line.iter().rev().take_while(is_backslash).count();
        line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
        line.push(QUOTE);
    }
    line.push(QUOTE);
    terminated(line)
}

/// The arguments as one line, from which the C library and all that follow it make the arguments again.
fn line(argv: &[OsString]) -> Result<Vec<u16>, SpawnError> {
    let mut line = Vec::new();
    for (place, argument) in argv.iter().enumerate() {
        if place > 0 {
            line.push(SPACE);
        }
        quote(argument, &mut line);
    }
    terminated(line)
}

const SPACE: u16 = b' ' as u16;
const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

/// Backslashes mean themselves, but before a quote: there two are one.
fn quote(argument: &OsStr, line: &mut Vec<u16>) {
    let is_plain = !argument.is_empty()
        && argument.encode_wide().all(|unit| {
            ![b' ', b'\t', b'\n', 0x0B, b'"']
                .map(u16::from)
                .contains(&unit)
        });
    if is_plain {
        line.extend(argument.encode_wide());
        return;
    }
    line.push(QUOTE);
    let mut backslashes = 0;
    for unit in argument.encode_wide() {
        if unit == QUOTE {
            line.extend(std::iter::repeat_n(BACKSLASH, backslashes + 1));
        }
        backslashes = if unit == BACKSLASH {
            backslashes + 1
        } else {
            0
        };
        line.push(unit);
    }
    line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
    line.push(QUOTE);
}

/// The variables, each once, in the order that the system wants: that of their names in upper case.
fn block(env: &[(OsString, OsString)]) -> Result<Vec<u16>, SpawnError> {
    let mut sorted = BTreeMap::new();
    for (name, value) in env {
        // The system's own variables of directories begin with one.
        if name.is_empty()
            || name
                .encode_wide()
                .skip(1)
                .any(|unit| unit == u16::from(b'='))
        {
            return Err(SpawnError::spec(
                "an environment variable's name is empty or contains '='",
            ));
        }
        let key: Vec<u16> = upper(name);
        sorted.insert(key, (name, value));
    }
    let mut block = Vec::new();
    for (name, value) in sorted.into_values() {
        let mut variable: Vec<u16> = name.encode_wide().collect();
        variable.push(u16::from(b'='));
        variable.extend(value.encode_wide());
        block.extend(terminated(variable)?);
    }
    if block.is_empty() {
        block.push(0);
    }
    block.push(0);
    Ok(block)
}

/// By the rules of Unicode, letter by letter, as the system does it.
fn upper(name: &OsStr) -> Vec<u16> {
    let mut units = Vec::new();
    for unit in name.encode_wide() {
        let mut changed = char::from_u32(unit.into())
            .into_iter()
            .flat_map(char::to_uppercase);
        match (changed.next().map(u16::try_from), changed.next()) {
            (Some(Ok(upper)), None) => units.push(upper),
            _ => units.push(unit),
        }
    }
    units
}

fn text(text: &OsStr) -> Result<Vec<u16>, SpawnError> {
    terminated(text.encode_wide().collect())
}

fn terminated(mut units: Vec<u16>) -> Result<Vec<u16>, SpawnError> {
    if units.contains(&0) {
        return Err(SpawnError::spec(
            "a NUL byte in an argument, a variable or the working directory",
        ));
    }
    units.push(0);
    Ok(units)
}

#[cfg(test)]
mod tests {
    use std::os::windows::ffi::OsStringExt;
    use std::sync::Mutex;

    use super::*;

    fn said(units: &[u16]) -> String {
        OsString::from_wide(units).into_string().unwrap()
    }

    fn line_of(arguments: &[&str]) -> String {
        let argv: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        said(&line(&argv).unwrap())
    }

    #[test]
    fn arguments_are_quoted_as_the_c_library_reads_them() {
        assert_eq!(line_of(&["codex", "app-server"]), "codex app-server\0");
        assert_eq!(line_of(&["a b", "", r"c:\d\"]), "\"a b\" \"\" c:\\d\\\0");
        assert_eq!(line_of(&[r"c:\d e\"]), "\"c:\\d e\\\\\"\0");
        assert_eq!(line_of(&[r#"say "it""#]), "\"say \\\"it\\\"\"\0");
        assert_eq!(line_of(&[r#"a\\"b"#]), "\"a\\\\\\\\\\\"b\"\0");
    }

    #[test]
    fn variables_are_sorted_and_of_two_that_differ_in_case_the_last_counts() {
        let env = [
            ("b", "1"),
            ("PATH", "x"),
            ("Path", "y"),
            ("_", "z"),
            ("a", ""),
        ];
        let env = env.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(said(&block(&env).unwrap()), "a=\0b=1\0Path=y\0_=z\0\0");
        assert_eq!(block(&[]).unwrap(), [0, 0]);
        for name in ["", "a=b"] {
            assert!(block(&[(name.into(), "".into())]).is_err());
        }
        assert!(block(&[("=C:".into(), r"C:\x".into())]).is_ok());
    }

    #[test]
    fn a_batch_file_gets_what_a_shell_can_hand_on() {
        let of = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            batch_line(Path::new(r"c:\a b\x.cmd"), &arguments).map(|line| said(&line))
        };
        let line = r#"cmd.exe /d /e:on /v:off /s /c ""c:\a b\x.cmd" "a&b" "c:\d\\" """"#;
        assert_eq!(of(&["a&b", r"c:\d\", ""]).unwrap(), format!("{line}\0"));
        for special in ["a\"b", "%PATH%", "a\nb", "a\rb"] {
            assert_eq!(of(&[special]).unwrap_err().stage, SpawnStage::BatchFile);
        }
    }

    #[test]
    fn what_contains_nul_is_refused() {
        let stage = |spec: &LaunchSpec| Command::new(spec).unwrap_err().stage;
        let argv = |text: &str| vec![OsString::from(text)];
        let spec = |name: &str| LaunchSpec {
            argv: argv(name),
            ..LaunchSpec::default()
        };
        assert_eq!(stage(&spec("c:\\a\0b")), SpawnStage::Spec);
        assert_eq!(stage(&LaunchSpec::default()), SpawnStage::Spec);
        let env = LaunchSpec {
            env: Some(vec![("A".into(), "b\0c".into())]),
            ..spec("c:\\a")
        };
        assert_eq!(stage(&env), SpawnStage::Spec);
    }

    /// A directory with files that are empty, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[&str]) -> Self {
            let path = env::temp_dir().join(format!("codex-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            for file in files {
                std::fs::write(path.join(file), "").unwrap();
            }
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// What `look` sees in a working directory, of which there is one for all tests.
    fn within<T>(directory: &Path, look: impl FnOnce() -> T) -> T {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _held = ONE_AT_A_TIME.lock().unwrap();
        let before = env::current_dir().unwrap();
        env::set_current_dir(directory).unwrap();
        let seen = look();
        env::set_current_dir(before).unwrap();
        seen
    }

    #[test]
    fn a_batch_file_is_named_as_a_whole_wherever_the_shell_begins() {
        let folder = Folder::new("whole", &["x.cmd"]);
        let spec = LaunchSpec {
            argv: vec![r".\x.cmd".into()],
            cwd: folder.0.file_name().map(PathBuf::from),
            ..LaunchSpec::default()
        };
        let command = within(folder.0.parent().unwrap(), || Command::new(&spec).unwrap());
        let whole = format!("\"{}\"", folder.0.join("x.cmd").display());
        assert!(said(&command.line).contains(&whole));
    }

    #[test]
    fn dots_and_spaces_at_its_end_hide_no_batch_file() {
        let folder = Folder::new("hidden", &["x.cmd"]);
        for name in ["x.cmd", "x.CMD.", "x.cmd. ."] {
            let stage = |argument: &str| {
                let argv = vec![folder.0.join(name).into(), argument.into()];
                let spec = LaunchSpec {
                    argv,
                    ..LaunchSpec::default()
                };
                Command::new(&spec).err().map(|error| error.stage)
            };
            assert_eq!(stage("\"&calc"), Some(SpawnStage::BatchFile), "{name}");
            assert_eq!(stage("plain"), None, "{name}");
        }
    }

    #[test]
    fn a_program_is_looked_for_in_the_childs_path_alone() {
        let folder = Folder::new("path", &["one.exe", "two.cmd", "three.exe", "three.cmd"]);
        let folder = &folder.0;
        let look = |name: &str, path: &OsStr| {
            program(
                name.as_ref(),
                &LaunchSpec {
                    env: Some(vec![("pAtH".into(), path.into())]),
                    ..LaunchSpec::default()
                },
            )
        };
        let path = folder.as_os_str();
        assert_eq!(look("one", path).unwrap(), folder.join("one.exe"));
        assert_eq!(look("one.exe", path).unwrap(), folder.join("one.exe"));
        assert_eq!(look("three", path).unwrap(), folder.join("three.exe"));
        let stage = |found: Result<PathBuf, SpawnError>| found.unwrap_err().stage;
        assert_eq!(look("two", path).unwrap(), folder.join("two.cmd"));
        assert_eq!(look("two.cmd", path).unwrap(), folder.join("two.cmd"));
        // The first folder counts, whatever it has.
        let other = folder.join("other");
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(other.join("two.exe"), "").unwrap();
        let both = env::join_paths([&folder, &other]).unwrap();
        assert_eq!(look("two", &both).unwrap(), folder.join("two.cmd"));
        assert_eq!(
            look("two", other.as_os_str()).unwrap(),
            other.join("two.exe")
        );
        assert_eq!(stage(look("four", path)), SpawnStage::Program);
        // Relative directories are not looked into, nor the working directory.
        let found = within(folder, || look("one", OsStr::new(".;")));
        assert_eq!(stage(found), SpawnStage::Program);
        // A directory may stand in quotes, and with a separator at its end.
        let quoted = OsString::from(format!(";;\"{}\\\";x", folder.display()));
        assert_eq!(look("one", &quoted).unwrap(), folder.join("one.exe"));
    }
}
