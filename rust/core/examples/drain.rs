//! How fast a pipe can be emptied by the library's own spawn, buffer and framing, with everything
//! after that taken out: the limit that benchmarks compare with. `benches/limits.py` is the caller.
//!
//! `drain MODE SIGNAL REQUESTS LINES COMMAND...`: starts the command, writes the lines of the file
//! REQUESTS to it, reads as many answers, opens the named pipe SIGNAL to give the signal, and prints
//! how long it took to read LINES more lines. MODE is `frame` (find the lines), or `envelope` (see
//! also what they say).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Instant;

use codex_core::io::process::{Child, Graces, LaunchSpec, PipeEnd};
use codex_core::wire::envelope::Reader;
use codex_core::wire::framing::LineBuffer;
use rustix::event::{PollFd, PollFlags};

struct Lines {
    stdout: PipeEnd,
    buffer: LineBuffer,
    envelopes: Option<Reader>,
    bytes: usize,
    reads: usize,
}

impl Lines {
    /// Reads until `count` lines were seen.
    fn skip(&mut self, count: usize) -> io::Result<()> {
        let mut seen = 0;
        while seen < count {
            wait_readable(&self.stdout)?;
            let read = self.stdout.read(self.buffer.space()?)?;
            if read == 0 {
                return Err(io::Error::other(format!("the end came after {seen} lines")));
            }
            self.bytes += read;
            self.reads += 1;
            self.buffer.filled(read);
            for line in self.buffer.take_lines() {
                seen += 1;
                if let Some(reader) = &mut self.envelopes {
                    reader
                        .read(line)
                        .map_err(|_| io::Error::other("no message"))?;
                }
            }
        }
        Ok(())
    }
}

/// The reader looks before each read, too, because it listens for the process's exit as well.
fn wait_readable(file: &PipeEnd) -> io::Result<()> {
    let mut watched = [PollFd::new(file, PollFlags::IN)];
    rustix::event::poll(&mut watched, None)?;
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [mode, signal, requests, lines, argv @ ..] = &arguments[..] else {
        return Err(io::Error::other(
            "drain MODE SIGNAL REQUESTS LINES COMMAND...",
        ));
    };
    let requests = std::fs::read(requests)?;
    let lines: usize = lines
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other("LINES is a number"))?;
    let launch = LaunchSpec {
        argv: argv.to_vec(),
        ..LaunchSpec::default()
    };
    let (_child, pipes) = Child::spawn(&launch, Graces::default())
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    let asked = requests.split(|byte| *byte == b'\n').count() - 1;
    let mut stdin = pipes.stdin;
    // Apart, because the answers may fill their pipe before all requests are written.
    let writing = std::thread::spawn(move || stdin.write_all(&requests).map(|()| stdin));
    let mut read = Lines {
        stdout: pipes.stdout,
        buffer: LineBuffer::default(),
        envelopes: (mode == "envelope").then(Reader::default),
        bytes: 0,
        reads: 0,
    };
    read.skip(asked)?;
    let stdin = writing
        .join()
        .map_err(|_| io::Error::other("writing failed"))??;
    (read.bytes, read.reads) = (0, 0);
    let begun = Instant::now();
    File::options().write(true).open(signal)?.write_all(b"g")?;
    read.skip(lines)?;
    let wall = begun.elapsed().as_secs_f64();
    println!(
        r#"{{"events":{lines},"bytes":{},"reads":{},"wall_s":{wall}}}"#,
        read.bytes, read.reads
    );
    drop(stdin);
    Ok(())
}
