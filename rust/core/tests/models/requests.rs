//! What the runtime asks, in every order: threads that answer, refuse, drop and wait for requests, those of each other
//! too, beside a runtime that asks, repeats, resolves and ends turns, and a connection that is closed under them.
//!
//! However it goes, a request gets at most one distinct answer on the wire, each that was given is on the wire, whoever
//! waits wakes, whoever sees the end of a turn finds none of its requests open, and at the end nothing is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_core::connection::{Connection, Settings};
use codex_core::inbox::mailbox::{Mailbox, Taken};
use codex_core::io::memory::Memory;
use codex_core::session::admission::Limits;
use codex_core::session::server_requests::{Asked, ServerRequest, Settlement};
use codex_core::wire::envelope::member;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::sync::mpsc::{Sender, channel};
use shuttle::thread;

use crate::check;

const REQUESTS: usize = 3;
const TURNS: usize = 2;

fn chance(odds: f64) -> bool {
    thread_rng().gen_bool(odds)
}

/// The runtime. A patient one waits until everything is answered.
struct Peer {
    memory: Arc<Memory>,
    is_patient: bool,
    asked: usize,
    /// What waits for an answer, by id.
    pending: BTreeMap<usize, String>,
    /// Different answers to each.
    answers: BTreeMap<usize, BTreeSet<Vec<u8>>>,
    /// What is said in one go.
    said: String,
}

impl Peer {
    fn say(&mut self, line: &str) {
        self.said.push_str(line);
        self.said.push('\n');
        if chance(0.6) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let said = std::mem::take(&mut self.said);
        if !said.is_empty() {
            self.memory.say(said.as_bytes());
        }
    }

    fn ask(&mut self) {
        let (id, turn) = (self.asked, self.asked % TURNS);
        self.asked += 1;
        let line = format!(
            r#"{{"id":{id},"method":"item/tool/call","params":{{"threadId":"t","turnId":"u{turn}"}}}}"#
        );
        self.pending.insert(id, line.clone());
        self.say(&line);
    }

    fn one_pending(&self) -> Option<usize> {
        let ids: Vec<usize> = self.pending.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[thread_rng().gen_range(0..ids.len())])
    }

    fn repeat(&mut self) {
        if let Some(id) = self.one_pending() {
            let line = self.pending[&id].clone();
            self.say(&line);
        }
    }

    fn resolve(&mut self, id: usize) {
        self.pending.remove(&id);
        let params = format!(r#"{{"threadId":"t","requestId":{id}}}"#);
        self.say(&format!(
            r#"{{"method":"serverRequest/resolved","params":{params}}}"#
        ));
    }

    fn end_turn(&mut self, turn: usize) {
        let params = format!(r#"{{"threadId":"t","turn":{{"id":"u{turn}"}}}}"#);
        self.say(&format!(
            r#"{{"method":"turn/completed","params":{params}}}"#
        ));
        self.pending.retain(|id, _| id % TURNS != turn);
    }

    fn note(&mut self, message: Vec<u8>) {
        let id = member(&message, "id").unwrap_or_default();
        let id: usize = String::from_utf8_lossy(id).parse().unwrap();
        if member(&message, "method").is_some() {
            self.memory
                .say(format!("{{\"id\":{id},\"result\":{{}}}}\n").as_bytes());
            return;
        }
        self.answers.entry(id).or_default().insert(message);
        // Tools are never resolved.
        if self.pending.remove(&id).is_some() && chance(0.5) {
            self.resolve(id);
        }
    }

    fn step(&mut self) {
        match thread_rng().gen_range(0..6) {
            0 | 1 => self.repeat(),
            2 if !self.is_patient => {
                if let Some(id) = self.one_pending() {
                    self.resolve(id);
                }
            }
            3 if !self.is_patient => self.end_turn(thread_rng().gen_range(0..TURNS)),
            _ if self.asked < REQUESTS => self.ask(),
            _ => {}
        }
        while let Some(message) = self.memory.try_hear() {
            self.note(message);
        }
    }

    /// Until the connection says no more. Tells when it has nothing to say but answers.
    fn run(mut self, done: &Sender<()>) -> BTreeMap<usize, BTreeSet<Vec<u8>>> {
        while self.asked < REQUESTS {
            self.step();
        }
        self.step();
        self.flush();
        while self.is_patient && !self.pending.is_empty() {
            let Some(message) = self.memory.hear() else {
                break;
            };
            self.note(message);
        }
        (0..TURNS).for_each(|turn| self.end_turn(turn));
        self.flush();
        let _ = done.send(());
        while let Some(message) = self.memory.hear() {
            self.note(message);
        }
        self.answers
    }
}

/// Those who answer.
struct Model {
    connection: Connection,
    /// All that were taken, for everybody to answer.
    taken: Mutex<Vec<Arc<ServerRequest>>>,
    /// Answers that were given, of each request.
    given: Mutex<BTreeMap<u64, usize>>,
}

impl Model {
    fn serve(&self, name: usize, is_patient: bool) {
        let requests = self.connection.server_requests();
        loop {
            assert!(requests.gate().wait(None));
            match requests.take() {
                Asked::Request(request) => {
                    self.taken.lock().unwrap().push(Arc::clone(&request));
                    if !is_patient && chance(0.4) {
                        // It is the other's to answer, or nobody's.
                        assert!(request.gate().wait(None));
                    }
                    self.answer(&request, name);
                    let other = self.taken.lock().unwrap().first().cloned();
                    if let Some(other) = other.filter(|_| chance(0.5)) {
                        self.answer(&other, name);
                    }
                }
                Asked::Nothing => {}
                Asked::Stopped | Asked::Closed(_) => return,
            }
        }
    }

    fn answer(&self, request: &ServerRequest, name: usize) {
        let is_given = match thread_rng().gen_range(0..4) {
            0 => self.connection.refuse(request),
            1 => {
                // It does not say whether it was in time.
                self.connection.forsake(request);
                false
            }
            2 => self.connection.fail(request, -1, &name.to_string()),
            _ => {
                let answer = name.to_string();
                self.connection.answer(request, answer.as_bytes())
            }
        };
        let mut given = self.given.lock().unwrap();
        *given.entry(request.number).or_default() += usize::from(is_given);
        assert!(request.settlement().is_some());
    }

    /// Reads a turn, awake when its end comes: to be woken it would take the reader's last step.
    fn follow(&self, mailbox: &Mailbox) {
        loop {
            match mailbox.take() {
                Taken::Finished => break,
                Taken::Closed(_) => return,
                _ => thread::yield_now(),
            }
        }
        let is_open = self.connection.server_requests().is_open_for(mailbox);
        assert!(!is_open, "the turn is over, and a request of it open");
    }

    /// Everything that the peer has said before has been read.
    fn catch_up(&self) {
        let call = self.connection.open_call("model/list", None, None);
        call.gate().wait(None);
        if self.connection.send(&call, None).is_ok() {
            call.gate().wait(None);
        }
        self.connection.release(&call);
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Plan {
    is_patient: bool,
    /// Nobody serves any more, in the middle.
    stops: bool,
    closes: bool,
}

fn run(plan: Plan) {
    let (memory, endpoint) = Memory::pair(false);
    let settings = Settings {
        limits: Limits::default(),
        mailbox_budget: 1 << 20,
        total_budget: 1 << 20,
        wire: None,
    };
    let connection = Connection::open(endpoint, &settings).unwrap();
    assert!(connection.server_requests().serve());
    let turn_id = format!("u{}", thread_rng().gen_range(0..TURNS));
    let turn = connection.follow_turn("t", &turn_id);
    let (done, is_done) = channel();
    let peer = Peer {
        memory,
        is_patient: plan.is_patient,
        asked: 0,
        pending: BTreeMap::new(),
        answers: BTreeMap::new(),
        said: String::new(),
    };
    let peer = thread::spawn(move || peer.run(&done));
    let model = Arc::new(Model {
        connection,
        taken: Mutex::default(),
        given: Mutex::default(),
    });
    let consumers: Vec<_> = (0..2)
        .map(|name| {
            let model = Arc::clone(&model);
            thread::spawn(move || model.serve(name, plan.is_patient))
        })
        .collect();
    let follower = thread::spawn({
        let model = Arc::clone(&model);
        move || model.follow(&turn.mailbox)
    });
    if plan.stops {
        thread::yield_now();
        model.connection.stop_serving();
    }
    if plan.closes {
        thread::yield_now();
        model.connection.close(false);
    }
    let _ = is_done.recv();
    model.catch_up();
    let open = model.connection.server_requests().open();
    assert_eq!(open, 0, "the peer waits for nothing any more");
    follower.join().unwrap();
    model.connection.stop_serving();
    for consumer in consumers {
        consumer.join().unwrap();
    }
    model.connection.close(false);
    assert!(model.connection.wait(None));
    let answers = peer.join().unwrap();
    for (id, lines) in &answers {
        assert_eq!(lines.len(), 1, "two answers to {id}: {answers:?}");
    }
    for request in &*model.taken.lock().unwrap() {
        let how = request.settlement().unwrap();
        let is_ours = matches!(how, Settlement::Answered | Settlement::Refused);
        let id: usize = String::from_utf8_lossy(&request.id).parse().unwrap();
        if !plan.closes {
            assert_eq!(answers.contains_key(&id), is_ours, "{id} was {how:?}");
        }
    }
    for (number, count) in &*model.given.lock().unwrap() {
        assert!(*count <= 1, "{number} was answered {count} times");
    }
}

#[test]
fn a_peer_that_waits_for_every_answer() {
    let plan = Plan {
        is_patient: true,
        ..Plan::default()
    };
    check(move || run(plan));
}

#[test]
fn a_peer_that_settles_requests_itself() {
    check(|| run(Plan::default()));
}

#[test]
fn a_peer_that_is_not_served_any_more() {
    let plan = Plan {
        is_patient: true,
        stops: true,
        ..Plan::default()
    };
    check(move || run(plan));
}

#[test]
fn a_connection_that_is_closed_under_its_requests() {
    let plan = Plan {
        closes: true,
        ..Plan::default()
    };
    check(move || run(plan));
}
