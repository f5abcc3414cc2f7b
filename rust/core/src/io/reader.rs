//! The one thread that reads the runtime's stdout. It frames, decodes envelopes, routes, and wakes
//! once per chunk; it never waits for a consumer and never runs anybody's code. It also sees the
//! end: end of file, or the process's exit while something else holds the pipe open.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::Instant;

use crate::io::alarm::Listener;
use crate::io::process::poll::{poll, readable, set_nonblocking};
use crate::io::shared::Shared;
use crate::session::diagnostics::quote;
use crate::session::router::Batch;
use crate::session::routing::Routing;
use crate::session::server_requests::ServerRequest;
use crate::wire::envelope::{self, Defect, DefectKind, Message};
use crate::wire::framing::LineBuffer;

/// Still read after the exit: more than a pipe holds, so the runtime's last words are whole, while a
/// leftover process that never stops writing cannot hold us.
const LAST_BYTES: usize = 8 * 1024 * 1024;

/// Complaints that are recorded; of later ones only those whose count is a power of two.
const DESCRIBED: u64 = 16;

/// The reader thread's work. `listener` hears when the process has exited, or when places
/// are waited for.
pub(crate) fn run(shared: &Shared, stdout: OwnedFd, listener: &Listener) {
    let mut last_word = LastWord {
        shared,
        detail: String::new(),
    };
    let mut stdout = File::from(stdout);
    let mut chunks = Chunks::default();
    let ended =
        set_nonblocking(&stdout).and_then(|()| chunks.read_all(shared, &mut stdout, listener));
    last_word.detail = match ended {
        Ok(()) => chunks.first_defect.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
}

/// However the reader ends, every wait ends with it.
struct LastWord<'s> {
    shared: &'s Shared,
    detail: String,
}

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.shared.stdout_ended(&self.detail);
    }
}

#[derive(Default)]
struct Chunks {
    lines: LineBuffer,
    envelopes: envelope::Reader,
    batch: Batch,
    requests: Vec<News>,
    complaints: u64,
    /// The first text that was no message: the best hint at a program that is not the runtime.
    first_defect: Option<String>,
}

/// What a chunk has about the runtime's own requests, in wire order.
enum News {
    Asked(ServerRequest),
    /// The request with this id, as raw JSON, waits for no answer any more.
    Settled(Vec<u8>),
}

impl Chunks {
    fn read_all(
        &mut self,
        shared: &Shared,
        stdout: &mut File,
        listener: &Listener,
    ) -> io::Result<()> {
        let mut exited = false;
        let mut left = LAST_BYTES;
        let mut sweep_at = None;
        loop {
            if !exited {
                let mut watched = [readable(stdout), readable(listener)];
                sweep_at = shared.sweep_due().map(|due| sweep_at.unwrap_or(due));
                poll(&mut watched, sweep_at)?;
                exited = watched[1].revents != 0 && listener.answer();
                if sweep_at.is_some_and(|at| at <= Instant::now()) {
                    sweep_at = None;
                    shared.sweep();
                }
                if !exited && watched[0].revents == 0 {
                    continue;
                }
            }
            match stdout.read(self.lines.space()) {
                Ok(0) => break,
                Ok(count) => {
                    shared.stats.bytes_read.add(count as u64);
                    self.lines.filled(count);
                    self.route(shared);
                    if exited {
                        left = left.saturating_sub(count);
                        if left == 0 {
                            break;
                        }
                    }
                }
                // What the process wrote before it exited is read by now; what a child of it that
                // holds the pipe may still write is not the runtime's.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if exited {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !self.lines.rest().is_empty() && !shared.is_closed() {
            let rest = self.lines.rest().to_vec();
            self.defect(shared, &rest, &Defect::cut_off());
        }
        Ok(())
    }

    /// Routes every complete line of what was read, then wakes who waits and sends what is due.
    fn route(&mut self, shared: &Shared) {
        let mut defects = Vec::new();
        let mut lines_read = 0;
        {
            let mut routing = shared.router.routing(&mut self.batch);
            while let Some(line) = self.lines.next_line() {
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                lines_read += 1;
                match self.envelopes.read(line) {
                    Ok(message) => dispatch(&mut routing, &mut self.requests, shared, message),
                    Err(defect) => {
                        if let Some(answer) = defect.answer() {
                            routing.response(defect.id, &answer);
                        }
                        defects.push((line.to_vec(), defect));
                    }
                }
            }
        }
        shared.stats.lines_read.add(lines_read);
        // Noted before anybody is woken: who was answered by a broken line finds the note.
        for (line, defect) in defects {
            self.defect(shared, &line, &defect);
        }
        for id in std::mem::take(&mut self.batch.orphans) {
            self.complain(shared, || match id {
                Some(id) => format!("the runtime answered a request that was not made (id {id})"),
                None => "the runtime answered a request that was not made".to_owned(),
            });
        }
        shared.finish(&mut self.batch);
        for news in self.requests.drain(..) {
            match news {
                News::Settled(id) => shared.server_requests.settle(&id),
                News::Asked(request) => {
                    if let Err(request) = shared.server_requests.ask(request) {
                        shared.refuse_unheard(&request);
                    }
                }
            }
        }
    }

    fn defect(&mut self, shared: &Shared, line: &[u8], defect: &Defect) {
        match defect.kind {
            DefectKind::Malformed(_) => shared.stats.malformed_lines.one(),
            DefectKind::UnknownShape => shared.stats.unknown_shapes.one(),
        }
        let text = || match &defect.kind {
            DefectKind::Malformed(why) => {
                format!(
                    "the runtime wrote a line that is not JSON ({why}): {}",
                    quote(line)
                )
            }
            DefectKind::UnknownShape => {
                format!("the runtime wrote JSON that is no message: {}", quote(line))
            }
        };
        self.first_defect.get_or_insert_with(text);
        self.complain(shared, text);
    }

    /// Records a complaint, unless there were very many.
    fn complain(&mut self, shared: &Shared, text: impl FnOnce() -> String) {
        self.complaints += 1;
        if self.complaints <= DESCRIBED || self.complaints.is_power_of_two() {
            shared.diagnostics.record(text());
        }
    }
}

fn dispatch(
    routing: &mut Routing<'_>,
    requests: &mut Vec<News>,
    shared: &Shared,
    message: Message<'_>,
) {
    match message {
        Message::Notification(notification) => {
            if notification.spec.is_none() {
                shared.stats.unknown_notifications.one();
            }
            if notification.method == "serverRequest/resolved"
                && let Some(id) = envelope::member(notification.params, "requestId")
            {
                requests.push(News::Settled(id.to_vec()));
            }
            routing.notification(&notification);
        }
        Message::Response { id, answer } => routing.response(id, &answer),
        Message::ServerRequest { id, method, params } => {
            requests.push(News::Asked(ServerRequest {
                id: id.into(),
                method: method.into(),
                params: params.into(),
                number: 0,
            }));
        }
    }
}
