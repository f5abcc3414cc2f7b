//! The one thread that reads what the peer says. It parses a chunk, then applies it to the session, and wakes once per
//! chunk; it never waits for a consumer and never runs anybody's code.

use std::time::Instant;

use super::endpoint::{Ending, Read, Source};
use super::line_log::{Origin, Tap};
use super::link::Link;
use crate::session::call::Outcome;
use crate::session::diagnostics::quote;
use crate::session::effects::Effects;
use crate::session::incoming::Incoming;
use crate::session::requests::made_in;
use crate::session::routing::is_end_of_thread;
use crate::session::server_requests::ServerRequest;
use crate::session::server_requests::context::RequestContext;
use crate::sync::thread::caught;
use crate::wire::envelope::{self, Defect, DefectKind, Message};
use crate::wire::framing::Messages;

/// Messages that are applied under one hold of the session's lock: some ten microseconds.
const BATCH: usize = 128;

/// Complaints that are recorded; of later ones only those whose count is a power of two.
const DESCRIBED: u64 = 16;

/// The reader thread's work. However it ends, every wait ends with it.
pub(crate) fn run(link: &Link, mut source: Box<dyn Source>) {
    let mut reading = Reading::new(link);
    let (ending, detail) = match caught(|| reading.read_all(&mut *source)) {
        Ok(Ok(())) => (
            Ending::Source,
            reading.first_defect.take().unwrap_or_default(),
        ),
        Ok(Err(error)) => (Ending::Source, error.to_string()),
        Err(panic) => (Ending::Failure, panic),
    };
    // What was applied before a panic: whoever was answered by it would sleep for ever.
    let _ = caught(|| link.carry_out(&mut reading.effects));
    if !link.is_closed() {
        link.end(ending, &detail);
    }
    let _ = caught(|| source.linger());
}

/// A message, parsed and ready to be applied.
enum Parsed<'l> {
    Notification(Incoming<'l>),
    Response {
        id: Option<i64>,
        /// Taken when it is applied.
        outcome: Option<Outcome>,
        /// The id of what the request has made.
        made: Option<String>,
    },
    /// Taken when it is applied.
    News(Option<News>),
}

/// What a message has about the peer's own requests. It stands right before the message, so that whoever sees the end of
/// a turn, for which nobody has to be woken, finds its requests settled.
enum News {
    Asked(Box<ServerRequest>),
    /// The request with this id, as raw JSON, waits for no answer any more.
    Resolved(Box<[u8]>),
    /// Nor do those of this turn.
    TurnOver(Box<str>),
    /// Nor those of this thread.
    ThreadOver(Box<str>),
}

struct Reading<'s> {
    link: &'s Link,
    envelopes: envelope::Reader,
    effects: Effects,
    /// A request is among what is parsed and not applied.
    is_asking: bool,
    context: RequestContext,
    complaints: u64,
    /// The first text that was no message: the best hint at a program that is not the runtime.
    first_defect: Option<String>,
}

impl<'s> Reading<'s> {
    fn new(link: &'s Link) -> Self {
        Self {
            link,
            envelopes: envelope::Reader::default(),
            effects: Effects::default(),
            is_asking: false,
            context: RequestContext::default(),
            complaints: 0,
            first_defect: None,
        }
    }

    fn read_all(&mut self, source: &mut dyn Source) -> std::io::Result<()> {
        let mut until = None;
        loop {
            match source.read(until)? {
                Read::Messages(messages) => self.chunk(messages),
                Read::Nothing => {}
                Read::Ended(rest) => {
                    if !rest.is_empty() && !self.link.is_closed() {
                        if let Some(wire) = self.wire() {
                            wire.line(Origin::Received, rest);
                        }
                        self.defect(rest, &Defect::cut_off());
                    }
                    return Ok(());
                }
            }
            let mut session = self.link.session.lock();
            session.look(Instant::now(), &mut self.effects);
            until = session.next_look();
            drop(session);
            self.finish();
        }
    }

    /// Applies every message of what was read, then wakes who waits and sends what is due.
    fn chunk(&mut self, messages: Messages<'_>) {
        let stats = &self.link.stats;
        stats.bytes_read.add(messages.bytes() as u64);
        let mut messages = messages.map(<[u8]>::trim_ascii);
        let mut parsed = Vec::with_capacity(BATCH);
        // Asked once for all of the chunk.
        let wire = self.wire();
        loop {
            let mut is_last = true;
            for line in messages.by_ref() {
                if !line.is_empty() {
                    stats.lines_read.one();
                    if let Some(wire) = wire {
                        wire.line(Origin::Received, line);
                    }
                    self.parse(line, &mut parsed);
                }
                // A message may stand behind its news.
                if parsed.len() >= BATCH {
                    is_last = false;
                    break;
                }
            }
            self.apply(&mut parsed);
            if is_last {
                return;
            }
        }
    }

    /// Where lines are logged, if they are.
    fn wire(&self) -> Option<&'s Tap> {
        self.link.wire.as_ref().filter(|wire| wire.is_on())
    }

    fn parse<'l>(&mut self, line: &'l [u8], parsed: &mut Vec<Parsed<'l>>) {
        match self.envelopes.read(line) {
            Ok(Message::Notification(notification)) => {
                if notification.spec.is_none() {
                    self.link.stats.unknown_notifications.one();
                }
                let incoming = notification.into();
                let news = self.note(&incoming);
                parsed.extend(news.map(|news| Parsed::News(Some(news))));
                parsed.push(Parsed::Notification(incoming));
            }
            Ok(Message::Response { id, answer }) => self.parse_answer(id, (&answer).into(), parsed),
            Ok(Message::ServerRequest { id, method, params }) => {
                let mut request = ServerRequest::new(id, &method, params);
                self.context.complete(&mut request);
                self.is_asking = true;
                parsed.push(Parsed::News(Some(News::Asked(request.into()))));
            }
            Err(defect) => {
                // Noted before anybody is woken: who was answered by a broken line finds the note.
                self.defect(line, &defect);
                if let Some(answer) = defect.answer() {
                    self.parse_answer(defect.id, (&answer).into(), parsed);
                }
            }
        }
    }

    /// What a notification says about the peer's own requests.
    fn note(&mut self, incoming: &Incoming<'_>) -> Option<News> {
        let notification = &incoming.notification;
        // Most are deltas, which say nothing.
        if notification.is_droppable() {
            return None;
        }
        self.context.note(incoming, &self.link.stats);
        let ids = &notification.ids;
        match (&*notification.method, &ids.thread, &ids.turn) {
            ("serverRequest/resolved", ..) => {
                let id = envelope::member(notification.params, "requestId");
                id.map(|id| News::Resolved(id.into()))
            }
            ("turn/completed", _, Some(turn_id)) if self.has_asked() => {
                Some(News::TurnOver((**turn_id).into()))
            }
            (method, Some(thread_id), None) if is_end_of_thread(method) => {
                Some(News::ThreadOver((**thread_id).into()))
            }
            _ => None,
        }
    }

    /// Whether the end of a turn may settle a request. Turns cost nothing more as long as the peer asks nothing.
    fn has_asked(&self) -> bool {
        self.is_asking || self.link.server_requests.is_any()
    }

    fn parse_answer(&self, id: Option<i64>, outcome: Outcome, parsed: &mut Vec<Parsed<'_>>) {
        // The answer tells what was made only to who knows what was asked.
        let call = id.and_then(|id| self.link.session.lock().call(id).cloned());
        let made = call.and_then(|call| made_in(&call, &outcome));
        let outcome = Some(outcome);
        parsed.push(Parsed::Response { id, outcome, made });
    }

    fn apply(&mut self, parsed: &mut Vec<Parsed<'_>>) {
        let now = Instant::now();
        let link = self.link;
        let out = &mut self.effects;
        let mut session = link.session.lock();
        for message in parsed.iter_mut() {
            match message {
                Parsed::Notification(incoming) => session.notification(incoming, now, out),
                Parsed::Response { id, outcome, made } => {
                    if let Some(outcome) = outcome.take() {
                        session.response(*id, outcome, made.as_deref(), now, out);
                    }
                }
                Parsed::News(news) => {
                    let requests = &link.server_requests;
                    let after = match news.take() {
                        Some(News::Asked(request)) => link.ask(&session, *request, now, out),
                        Some(News::Resolved(id)) => requests.resolved(&id),
                        Some(News::TurnOver(id)) => requests.turn_is_over(&id),
                        Some(News::ThreadOver(id)) => {
                            out.asked = true;
                            requests.thread_is_over(&id)
                        }
                        None => continue,
                    };
                    Link::settled(&session, after, now, out);
                }
            }
        }
        drop(session);
        self.is_asking = false;
        // Outside: to drop what is large takes long.
        parsed.clear();
    }

    fn finish(&mut self) {
        for id in std::mem::take(&mut self.effects.orphans) {
            self.complain(|| match id {
                Some(id) => format!("the runtime answered a request that was not made (id {id})"),
                None => "the runtime answered a request that was not made".to_owned(),
            });
        }
        // It looks up anyway.
        self.effects.look = false;
        self.link.carry_out(&mut self.effects);
    }

    fn defect(&mut self, line: &[u8], defect: &Defect) {
        match defect.kind {
            DefectKind::Malformed(_) => self.link.stats.malformed_lines.one(),
            DefectKind::UnknownShape => self.link.stats.unknown_shapes.one(),
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
        self.complain(text);
    }

    /// Records a complaint, unless there were very many.
    fn complain(&mut self, text: impl FnOnce() -> String) {
        self.complaints += 1;
        if self.complaints <= DESCRIBED || self.complaints.is_power_of_two() {
            self.link.diagnostics.record(text());
        }
    }
}
