//! A session with a writer, a reader and a clock that the test moves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_core::inbox::budget::Budget;
use codex_core::inbox::mailbox::{Mailbox, Taken};
use codex_core::session::Session;
use codex_core::session::admission::Limits;
use codex_core::session::call::{Call, Outcome};
use codex_core::session::cleanup::Cleanup;
use codex_core::session::effects::Effects;
use codex_core::session::requests::{Opening, made_in};
use codex_core::session::stats::Stats;
use codex_core::session::subscriptions::{Leave, Subject, Subscription, SubscriptionId};
use codex_core::wire::encode::request_line;
use codex_core::wire::envelope::{Message, Reader, member};

pub const STARTED: &str =
    r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}}}"#;
pub const DELTA: &str =
    r#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u"}}"#;
pub const COMPLETED: &str = r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u","status":"completed"}}}"#;

pub fn started(turn: &str) -> String {
    STARTED.replace(r#""u""#, &format!("{turn:?}"))
}

pub fn completed(turn: &str) -> String {
    COMPLETED.replace(r#""u""#, &format!("{turn:?}"))
}

pub struct Desk {
    pub session: Session,
    pub budget: Arc<Budget>,
    pub stats: Arc<Stats>,
    pub now: Instant,
    /// Mailboxes that were to be woken since the last look.
    pub woken: Vec<Arc<Mailbox>>,
    pub orphans: usize,
    /// The id of the request that was written last.
    pub last_id: i64,
    out: Effects,
    /// Lines in the writer's hands.
    queue: Vec<codex_core::session::effects::Line>,
    /// Methods of written lines since the last look, with the turn that they are about.
    written: Vec<String>,
}

impl Default for Desk {
    fn default() -> Self {
        Self::with_budget(1 << 20, 1 << 20)
    }
}

impl Desk {
    pub fn with_budget(per_mailbox: usize, total: usize) -> Self {
        let budget = Arc::new(Budget::new(per_mailbox, total));
        let stats = Arc::new(Stats::default());
        Self {
            session: Session::new(Limits::default(), Arc::clone(&stats), Arc::clone(&budget)),
            budget,
            stats,
            now: Instant::now(),
            woken: Vec::new(),
            orphans: 0,
            last_id: 0,
            out: Effects::default(),
            queue: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Takes a step and does what it leaves to do, but for the writing.
    pub fn step<T>(&mut self, step: impl FnOnce(&mut Session, Instant, &mut Effects) -> T) -> T {
        let result = step(&mut self.session, self.now, &mut self.out);
        self.queue.append(&mut self.out.lines);
        self.woken.extend(self.out.mailboxes.iter().cloned());
        self.orphans += self.out.orphans.drain(..).count();
        self.out.wake();
        result
    }

    /// The writer writes everything that it has.
    pub fn write(&mut self) {
        while !self.queue.is_empty() {
            let line = self.queue.remove(0);
            let bytes = match &line.call {
                Some(call) => {
                    self.step(|session, now, out| session.write(call, line.bytes, now, out))
                }
                None => Some(line.bytes),
            };
            if let Some(bytes) = bytes {
                self.note(&bytes);
            }
        }
    }

    fn note(&mut self, line: &[u8]) {
        let text = |name: &str, of: &[u8]| {
            let value = member(of, name)?;
            Some(String::from_utf8_lossy(value).trim_matches('"').to_owned())
        };
        self.last_id = text("id", line)
            .and_then(|id| id.parse().ok())
            .unwrap_or_default();
        let method = text("method", line).unwrap_or_default();
        let params = member(line, "params").unwrap_or(b"{}");
        let turn = text("turnId", params).unwrap_or_default();
        self.written
            .push(format!("{method} {turn}").trim().to_owned());
    }

    /// What was written since the last look.
    pub fn wrote(&mut self) -> Vec<String> {
        self.write();
        std::mem::take(&mut self.written)
    }

    /// The runtime says these lines.
    pub fn hear(&mut self, lines: &[&str]) {
        for line in lines {
            match Reader::default().read(line.as_bytes()).unwrap() {
                Message::Notification(notification) => {
                    let incoming = notification.into();
                    self.step(|session, now, out| session.notification(&incoming, now, out));
                }
                Message::Response { id, answer } => {
                    let outcome = Outcome::from(&answer);
                    let call = id.and_then(|id| self.session.call(id).cloned());
                    let made = call.and_then(|call| made_in(&call, &outcome));
                    self.step(|session, now, out| {
                        session.response(id, outcome, made.as_deref(), now, out);
                    });
                }
                Message::ServerRequest { .. } => panic!("{line}"),
            }
        }
    }

    /// Time passes, and what is due is done.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.step(Session::look);
    }

    pub fn open(&mut self, method: &str, thread_id: Option<&str>) -> Arc<Call> {
        self.open_stream(method, thread_id, None)
    }

    pub fn open_stream(
        &mut self,
        method: &str,
        thread_id: Option<&str>,
        stream: Option<(SubscriptionId, bool)>,
    ) -> Arc<Call> {
        let opening = Opening {
            method,
            thread_id,
            stream,
        };
        self.step(|session, now, out| session.open(opening, now, out))
    }

    /// Hands an admitted request to the writer. `thread` is the thread that it subscribes to or unsubscribes from.
    pub fn send_about(&mut self, call: &Arc<Call>, thread: Option<&str>) {
        let line = request_line(Some(call.id), &call.method, Some(b"{}"));
        let thread = thread.map(Arc::from);
        assert!(self.step(|session, now, out| session.send(call, line, thread, now, out)));
    }

    pub fn send(&mut self, call: &Arc<Call>) {
        self.send_about(call, None);
    }

    /// A request on the wire.
    pub fn request(&mut self, method: &str, thread_id: Option<&str>) -> Arc<Call> {
        let call = self.open(method, thread_id);
        self.send(&call);
        self.write();
        call
    }

    /// A `turn/start` on the wire.
    pub fn start(&mut self) -> Arc<Call> {
        self.request("turn/start", Some("t"))
    }

    /// The runtime accepts a request.
    pub fn answer(&mut self, call: &Call, result: &str) {
        self.hear(&[&format!(r#"{{"id":{},"result":{result}}}"#, call.id)]);
    }

    pub fn refuse(&mut self, call: &Call) {
        let id = call.id;
        self.hear(&[&format!(
            r#"{{"id":{id},"error":{{"code":-32600,"message":"no"}}}}"#
        )]);
    }

    /// The runtime accepts the request that was written last.
    pub fn accept_last(&mut self) {
        let id = self.last_id;
        self.hear(&[&format!(r#"{{"id":{id},"result":{{}}}}"#)]);
    }

    /// The runtime refuses to interrupt what has not begun, by the request that was written last.
    pub fn refuse_last(&mut self) {
        let id = self.last_id;
        self.hear(&[&format!(
            r#"{{"id":{id},"error":{{"code":-32600,"message":"no active turn to interrupt"}}}}"#
        )]);
    }

    /// The runtime is too busy for the request that was written last.
    pub fn overload_last(&mut self) {
        let id = self.last_id;
        self.hear(&[&format!(
            r#"{{"id":{id},"error":{{"code":-32001,"message":"Server overloaded; retry later."}}}}"#
        )]);
    }

    /// This client unsubscribes from the thread.
    pub fn unsubscribe(&mut self) {
        let call = self.open("thread/unsubscribe", None);
        self.send_about(&call, Some("t"));
        self.write();
        self.answer(&call, "{}");
    }

    /// It subscribes again.
    pub fn resume(&mut self) {
        let call = self.open("thread/resume", None);
        self.send_about(&call, Some("t"));
        self.write();
        self.answer(&call, "{}");
    }

    /// The answer to a start names a turn.
    pub fn answer_turn(&mut self, call: &Call, turn: &str) {
        self.answer(call, &format!(r#"{{"turn":{{"id":{turn:?}}}}}"#));
    }

    /// A turn that was started here, and the part in it.
    pub fn turn(&mut self, turn: &str) -> Subscription {
        let call = self.start();
        self.answer_turn(&call, turn);
        assert!(matches!(call.take(), Some(Outcome::Result(_))));
        call.take_subscription().unwrap()
    }

    pub fn follow(&mut self, turn: &str) -> Subscription {
        self.session.follow_turn("t", turn, self.now)
    }

    pub fn abandon(&mut self, call: &Arc<Call>) {
        self.step(|session, now, out| session.abandon(call, now, out));
    }

    pub fn leave(&mut self, subscription: &Subscription, leave: Leave) {
        let id = subscription.id;
        self.step(|session, now, out| session.leave(id, leave, now, out));
    }

    pub fn give_up(&mut self, subscription: &Subscription) {
        self.leave(subscription, Leave::GiveUp);
    }

    pub fn stream(
        &mut self,
        name: &'static str,
        id: &str,
        cleanup: Option<Cleanup>,
    ) -> Subscription {
        self.session.subscribe_stream(&subject(name, id), cleanup)
    }

    pub fn goal(&mut self) -> Option<Subscription> {
        let now = self.now;
        self.session.own_thread(&"t".into(), pause(), now)
    }
}

/// A delta of so many bytes.
pub fn long_delta(thread: &str, turn: &str, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    format!(
        r#"{{"method":"item/agentMessage/delta","params":{{"threadId":"{thread}","turnId":"{turn}","delta":"{text}"}}}}"#
    )
}

pub fn pause() -> Cleanup {
    Cleanup::new("thread/goal/set", b"{}".to_vec())
}

pub fn subject(name: &'static str, id: &str) -> Subject {
    let id = id.into();
    Subject { name, id }
}

/// The methods of what a consumer finds.
pub fn methods(mailbox: &Mailbox) -> Vec<String> {
    let mut found = Vec::new();
    while let Taken::Segment(segment) = mailbox.take() {
        found.extend(segment.iter().map(|event| event.method.to_owned()));
    }
    found
}
