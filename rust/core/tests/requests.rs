//! What the runtime asks, from the bytes of a read to the answers: a connection with its threads, over an endpoint in
//! memory.

use std::sync::Arc;

use codex_core::connection::{Connection, Settings};
use codex_core::inbox::mailbox::Taken;
use codex_core::inbox::selection::Selection;
use codex_core::io::memory::Memory;
use codex_core::session::admission::Limits;
use codex_core::session::server_requests::{Asked, ServerRequest, Settlement};

struct Wire {
    memory: Arc<Memory>,
    connection: Connection,
}

impl Wire {
    /// A connection that serves requests.
    fn new() -> Self {
        let (memory, endpoint) = Memory::pair(false);
        let settings = Settings {
            limits: Limits::default(),
            mailbox_budget: 1 << 20,
            total_budget: 1 << 20,
            wire: None,
        };
        let connection = Connection::open(endpoint, &settings).unwrap();
        assert!(connection.server_requests().serve());
        Self { memory, connection }
    }

    /// Says these lines in one read, and waits until they were applied.
    fn say(&self, lines: &[&str]) {
        let call = self.connection.open_call("thread/read", None, None);
        self.connection.send(&call, None).unwrap();
        assert!(self.heard().contains("thread/read"));
        self.memory.say((lines.join("\n") + "\n").as_bytes());
        let answer = format!("{{\"id\":{},\"result\":{{}}}}\n", call.id);
        self.memory.say(answer.as_bytes());
        assert!(call.gate().wait(None));
        self.connection.release(&call);
    }

    fn heard(&self) -> String {
        String::from_utf8(self.memory.hear().unwrap()).unwrap()
    }

    fn take(&self) -> Option<Arc<ServerRequest>> {
        match self.connection.server_requests().take() {
            Asked::Request(request) => Some(request),
            Asked::Nothing => None,
            other => panic!("{other:?}"),
        }
    }

    fn taken(&self) -> Arc<ServerRequest> {
        self.take().expect("a request waits")
    }

    fn count(&self, name: &str) -> u64 {
        let stats = self.connection.stats();
        let found = stats.iter().find(|(known, _)| *known == name);
        found.expect("it is counted").1
    }
}

const ASKED: &str =
    r#"{"method":"item/tool/call","id":0,"params":{"threadId":"t","turnId":"u","callId":"c"}}"#;
const COMPLETED: &str = r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u","status":"interrupted"}}}"#;
const RESOLVED: &str =
    r#"{"method":"serverRequest/resolved","params":{"threadId":"t","requestId":0}}"#;
const CLOSED: &str = r#"{"method":"thread/closed","params":{"threadId":"t"}}"#;

#[test]
fn a_request_whose_turn_is_over_is_neither_asked_nor_answered() {
    let wire = Wire::new();
    // In one read, and in the next.
    for lines in [&[ASKED, COMPLETED][..], &[COMPLETED, ASKED], &[ASKED]] {
        wire.say(lines);
        assert!(wire.take().is_none());
        assert_eq!(wire.count("server_requests_open"), 0);
    }
    assert_eq!(wire.count("server_requests_refused"), 0);
    assert!(wire.memory.try_hear().is_none());
}

#[test]
fn what_settles_a_request_is_told_and_nothing_is_written_after_it() {
    for (line, how) in [
        (COMPLETED, Settlement::TurnOver),
        (RESOLVED, Settlement::Resolved),
        (CLOSED, Settlement::ThreadClosed),
    ] {
        let wire = Wire::new();
        wire.say(&[ASKED]);
        let request = wire.taken();
        assert_eq!(request.settlement(), None);
        wire.say(&[line]);
        assert!(request.gate().wait(None));
        assert_eq!(request.settlement(), Some(how));
        assert!(!wire.connection.answer(&request, b"{}"));
        assert!(!wire.connection.fail(&request, 1, "no"));
        assert!(!wire.connection.refuse(&request));
        wire.connection.forsake(&request);
        wire.say(&[]);
        assert!(wire.memory.try_hear().is_none());
        assert_eq!(wire.count("server_requests_open"), 0);
    }
}

#[test]
fn whoever_is_woken_by_the_end_of_a_turn_finds_its_requests_settled() {
    let wire = Wire::new();
    for number in 0..200 {
        let [asked, completed] =
            [ASKED, COMPLETED].map(|line| line.replace(r#""u""#, &format!(r#""u{number}""#)));
        let turn = wire.connection.follow_turn("t", &format!("u{number}"));
        turn.mailbox.select(Selection::End);
        wire.say(&[&asked]);
        let request = wire.taken();
        std::thread::scope(|scope| {
            let woken = scope.spawn(|| {
                assert!(turn.mailbox.gate().wait(None));
                request.settlement()
            });
            while !turn.mailbox.gate().lock().has_waiters() {
                std::thread::yield_now();
            }
            wire.memory.say((completed + "\n").as_bytes());
            assert_eq!(woken.join().unwrap(), Some(Settlement::TurnOver));
        });
    }
}

#[test]
fn whoever_sees_the_end_of_a_turn_without_being_woken_finds_its_requests_settled() {
    let wire = Wire::new();
    for number in 0..20 {
        let [asked, completed] =
            [ASKED, COMPLETED].map(|line| line.replace(r#""u""#, &format!(r#""u{number}""#)));
        let turn = wire.connection.follow_turn("t", &format!("u{number}"));
        wire.say(&[&asked]);
        let request = wire.taken();
        // The reader has to do with the rest of what it has read for a while.
        let rest = "{\"method\":\"x\"}\n".repeat(3000);
        let said = format!("{completed}\n{rest}");
        wire.memory.say(said.as_bytes());
        while !matches!(turn.mailbox.take(), Taken::Finished) {
            std::thread::yield_now();
        }
        assert_eq!(request.settlement(), Some(Settlement::TurnOver));
    }
}

#[test]
fn a_request_that_is_repeated_behind_its_answer_gets_that_again() {
    let wire = Wire::new();
    wire.say(&[ASKED]);
    assert!(wire.connection.fail(&wire.taken(), -5, "out of order"));
    let line = "{\"id\":0,\"error\":{\"code\":-5,\"message\":\"out of order\"}}\n";
    assert_eq!(wire.heard(), line);
    wire.say(&[ASKED]);
    assert_eq!(wire.heard(), line);
    assert!(wire.take().is_none());
    wire.say(&[RESOLVED, ASKED]);
    assert_eq!(wire.taken().number, 2);
}

#[test]
fn a_request_that_was_refused_for_want_of_anybody_is_refused_again() {
    let wire = Wire::new();
    wire.connection.stop_serving();
    wire.say(&[ASKED]);
    let line = wire.heard();
    wire.connection.server_requests().serve();
    wire.say(&[ASKED]);
    assert_eq!(wire.heard(), line);
    assert_eq!(wire.count("server_requests_refused"), 1);
}

const CHANGE: &str = r#"{"method":"item/started","params":{"item":{"type":"fileChange","id":"i","changes":[]},"threadId":"t","turnId":"u"}}"#;
const APPROVAL: &str = r#"{"method":"item/fileChange/requestApproval","id":0,"params":{"threadId":"t","turnId":"u","itemId":"i"}}"#;

#[test]
fn a_request_for_a_file_change_has_its_item_as_of_its_place_on_the_wire() {
    let wire = Wire::new();
    let made = CHANGE.replace("started", "completed");
    // Nobody listens to the turn, and the change is over in the same read.
    wire.say(&[CHANGE, APPROVAL, &made]);
    let request = wire.taken();
    let item = String::from_utf8(request.item.clone().unwrap().params().to_vec()).unwrap();
    assert!(item.contains(r#""changes":[]"#), "{item}");
    wire.say(&[RESOLVED, APPROVAL]);
    assert!(wire.taken().item.is_none());
}

#[test]
fn a_turn_is_not_idle_while_its_sub_agent_waits_for_an_answer() {
    let wire = Wire::new();
    let turn = wire.connection.follow_turn("t", "u");
    let other = wire.connection.follow_turn("t", "v");
    let begun = r#"{"method":"turn/started","params":{"threadId":"child","turn":{"id":"w","rootTurnId":"u"}}}"#;
    let asked = r#"{"method":"item/tool/call","id":0,"params":{"threadId":"child","turnId":"w"}}"#;
    wire.say(&[begun, asked]);
    let request = wire.taken();
    assert_eq!(request.origin.root_turn_id(), Some("u"));
    // No item has told whose child it is, but the thread of its root is known.
    assert_eq!(request.origin.ancestors, ["t".into()]);
    assert!(wire.connection.idle(&turn.mailbox).is_none());
    assert!(wire.connection.idle(&other.mailbox).is_some());
    assert!(wire.connection.answer(&request, b"{}"));
    assert!(wire.connection.idle(&turn.mailbox).is_some());
}

#[test]
fn the_end_of_the_connection_settles_what_is_open() {
    let wire = Wire::new();
    wire.say(&[ASKED]);
    let request = wire.taken();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| request.gate().wait(None));
        wire.connection.close(false);
        assert!(waiting.join().unwrap());
    });
    assert_eq!(request.settlement(), Some(Settlement::Closed));
    assert!(!wire.connection.answer(&request, b"{}"));
}
