//! A runtime with one thread of conversation, at the other end of a connection in memory. It begins turns late, refuses
//! some starts, joins others to the turn that runs, and interrupts only what has begun: as the real one does.

use std::collections::BTreeSet;
use std::sync::Arc;

use codex_core::io::memory::Memory;
use codex_core::wire::envelope::member;
use shuttle::rand::{Rng, thread_rng};

/// What the runtime was asked for, and what runs there at the end.
#[derive(Debug, Default)]
pub struct Record {
    pub running: Option<String>,
    /// Turns that it was told to interrupt, and did.
    pub interrupted: BTreeSet<String>,
    /// How many turns were started.
    pub turns: usize,
    pub log: Vec<String>,
}

pub struct Runtime {
    memory: Arc<Memory>,
    refuses: bool,
    /// Turns begin at once.
    prompt: bool,
    /// The client hears of the thread.
    heard: bool,
    begun: bool,
    /// The interrupt of the turn that runs was accepted, and it has not ended yet.
    ending: bool,
    goal: bool,
    /// A goal was set, and has its first turn for certain, also if it is paused before.
    goals_first: bool,
    pub record: Record,
}

fn text(of: &[u8], name: &str) -> String {
    let value = member(of, name).unwrap_or_default();
    String::from_utf8_lossy(value).trim_matches('"').to_owned()
}

impl Runtime {
    pub fn new(memory: Arc<Memory>, refuses: bool, prompt: bool) -> Self {
        Self {
            memory,
            refuses,
            prompt,
            heard: true,
            begun: false,
            ending: false,
            goal: false,
            goals_first: false,
            record: Record::default(),
        }
    }

    /// Answers until the connection says no more.
    pub fn run(mut self) -> Record {
        while let Some(message) = self.next() {
            let method = text(&message, "method");
            let params = member(&message, "params").unwrap_or(b"{}").to_vec();
            let id = text(&message, "id");
            self.record
                .log
                .push(format!("< {id} {method} {}", text(&params, "turnId")));
            if thread_rng().gen_bool(0.3) {
                self.go_on();
            }
            self.answer(&id, &method, &params);
        }
        self.record
    }

    /// The next message. A turn that has not begun, or ended, does so when there is none.
    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(message) = self.memory.try_hear() {
            return Some(message);
        }
        self.go_on();
        self.memory.hear()
    }

    fn say(&mut self, line: &str) {
        self.record.log.push(format!("> {line}"));
        self.memory.say(format!("{line}\n").as_bytes());
    }

    /// Tells of the thread.
    fn tell(&mut self, line: &str) {
        if self.heard {
            self.say(line);
        }
    }

    /// What is due with the turn that runs.
    fn go_on(&mut self) {
        if self.ending {
            self.end("interrupted");
        }
        self.begin();
    }

    fn begin(&mut self) {
        if (self.goal || self.goals_first) && self.record.running.is_none() {
            self.goals_first = false;
            self.record.turns += 1;
            self.record.running = Some(format!("u{}", self.record.turns));
            self.begun = false;
        }
        if let Some(turn) = self.record.running.clone()
            && !self.begun
        {
            self.begun = true;
            self.tell(&format!(
                r#"{{"method":"turn/started","params":{{"threadId":"t","turn":{{"id":"{turn}"}}}}}}"#
            ));
        }
    }

    fn end(&mut self, status: &str) {
        self.ending = false;
        if let Some(turn) = self.record.running.take() {
            self.tell(&format!(
                r#"{{"method":"turn/completed","params":{{"threadId":"t","turn":{{"id":"{turn}","status":"{status}"}}}}}}"#
            ));
        }
    }

    fn refuse(&mut self, id: &str, message: &str) {
        self.say(&format!(
            r#"{{"id":{id},"error":{{"code":-32600,"message":"{message}"}}}}"#
        ));
    }

    fn set_goal(&mut self, active: bool) {
        self.goals_first |= active && !self.goal;
        self.goal = active;
        let status = if active { "active" } else { "paused" };
        self.tell(&format!(
            r#"{{"method":"thread/goal/updated","params":{{"threadId":"t","goal":{{"status":"{status}"}}}}}}"#
        ));
    }

    fn answer(&mut self, id: &str, method: &str, params: &[u8]) {
        match method {
            "turn/start" if self.refuses && thread_rng().gen_bool(0.3) => self.refuse(id, "no"),
            "turn/start" => {
                if self.record.running.is_none() {
                    self.record.turns += 1;
                    self.record.running = Some(format!("u{}", self.record.turns));
                    self.begun = false;
                }
                let turn = self.record.running.clone().unwrap_or_default();
                self.say(&format!(
                    r#"{{"id":{id},"result":{{"turn":{{"id":"{turn}"}}}}}}"#
                ));
                if self.prompt {
                    self.begin();
                }
            }
            "thread/unsubscribe" | "thread/resume" => {
                self.heard = method == "thread/resume";
                self.say(&format!(r#"{{"id":{id},"result":{{}}}}"#));
            }
            "turn/interrupt" => {
                let turn = text(params, "turnId");
                if self.begun && self.record.running.as_deref() == Some(&*turn) {
                    self.say(&format!(r#"{{"id":{id},"result":{{}}}}"#));
                    self.record.interrupted.insert(turn);
                    self.ending = true;
                    if thread_rng().gen_bool(0.5) {
                        self.end("interrupted");
                    }
                } else {
                    self.refuse(id, "no active turn to interrupt");
                }
            }
            "thread/goal/set" => {
                let active = text(params, "status") == "active";
                if !(active && self.record.running.is_some()) {
                    self.set_goal(active);
                }
                self.say(&format!(r#"{{"id":{id},"result":{{}}}}"#));
            }
            _ => self.say(&format!(r#"{{"id":{id},"result":{{}}}}"#)),
        }
    }
}
