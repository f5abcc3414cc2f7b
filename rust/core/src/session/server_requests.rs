//! Requests of the runtime that wait for the program's answer: an approval, a question, a tool. Owns
//! which of them are open and that each is answered once. The reader hands them in; whoever serves
//! takes them one by one and answers when it likes. Without anybody who serves, the reader refuses.
//!
//! A request that the runtime repeats while it is open is one request, and one that it has settled
//! meanwhile is not asked any more. The lock is innermost: nothing else is taken under it.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::inbox::mailbox::{About, Mailbox};
use crate::sync::closing::CloseReason;
use crate::sync::gate::{Gate, Ready};
use crate::wire::envelope::id_in_answer;
use crate::wire::protocol::{IdPath, Refusal, SERVER_REQUESTS};

/// Bytes that may wait for whoever serves; beyond it requests are refused.
const LIMIT: usize = 64 * 1024 * 1024;
/// What a request takes besides its texts, about.
const OVERHEAD: usize = 256;

/// One request. `id` is its raw JSON, to be echoed; `params` is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRequest {
    pub id: Box<[u8]>,
    pub method: Box<str>,
    pub params: Box<[u8]>,
    pub origin: Origin,
    /// Which of all requests it is: ids come again.
    pub number: u64,
}

impl ServerRequest {
    /// Reads the params, so call it without a lock.
    pub fn new(id: &[u8], method: &str, params: &[u8]) -> Self {
        Self {
            id: id.into(),
            method: method.into(),
            params: params.into(),
            origin: Origin::in_params(params),
            number: 0,
        }
    }

    fn size(&self) -> usize {
        self.id.len() + self.method.len() + self.params.len() + OVERHEAD
    }

    /// The line that answers it; `result` is JSON.
    pub fn answer(&self, result: &[u8]) -> Vec<u8> {
        [br#"{"id":"#, &*self.id, br#","result":"#, result, b"}\n"].concat()
    }

    /// The line that says no, in the protocol's own shape.
    pub fn refusal(&self) -> Vec<u8> {
        let known = SERVER_REQUESTS.binary_search_by(|spec| spec.method.cmp(&self.method));
        if let Ok(Refusal::Result(result)) = known.map(|index| SERVER_REQUESTS[index].refusal) {
            return self.answer(result.as_bytes());
        }
        let error =
            br#","error":{"code":-32601,"message":"this client does not handle the request"}}"#;
        [br#"{"id":"#, &*self.id, error, b"\n"].concat()
    }
}

/// Which turn waits for the answer to a request, or the turns of which thread.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Origin {
    pub thread_id: Option<Box<str>>,
    pub turn_id: Option<Box<str>>,
}

impl Origin {
    fn in_params(params: &[u8]) -> Self {
        let id = |name| id_in_answer(params, IdPath::Param(name)).map(Box::from);
        Self {
            // The two oldest requests name a conversation.
            thread_id: id("threadId").or_else(|| id("conversationId")),
            turn_id: id("turnId"),
        }
    }

    /// Whether a request from here is one of what this mailbox is about.
    pub fn is_of(&self, mailbox: &Mailbox) -> bool {
        let is_of_thread = self.thread_id.as_deref() == Some(&mailbox.thread_id);
        match mailbox.about {
            About::Turn => self
                .turn_id
                .as_deref()
                .map_or(is_of_thread, |id| *id == *mailbox.key),
            About::Goal => is_of_thread,
            About::Subject | About::Many => false,
        }
    }
}

/// What whoever serves finds.
#[derive(Debug)]
pub enum Asked {
    Request(ServerRequest),
    Nothing,
    /// It has stopped to serve.
    Stopped,
    Closed(CloseReason),
}

#[derive(Debug, Default)]
pub struct ServerRequests {
    gate: Gate<State>,
}

#[derive(Debug, Default)]
struct State {
    serving: bool,
    /// In the order of their numbers. One that is settled is passed over when its turn comes.
    waiting: VecDeque<ServerRequest>,
    /// Of those that wait.
    bytes: usize,
    count: u64,
    /// All that are not answered, taken or not, by their ids.
    open: HashMap<Box<[u8]>, Open>,
    closed: Option<CloseReason>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    origin: Origin,
}

impl State {
    fn is_open(&self, request: &ServerRequest) -> bool {
        let open = self.open.get(&request.id);
        open.is_some_and(|open| open.number == request.number)
    }

    /// Whether this very request was open; it is not any more.
    fn settle(&mut self, request: &ServerRequest) -> bool {
        self.is_open(request) && self.open.remove(&request.id).is_some()
    }
}

impl Ready for State {
    fn ready(&self) -> bool {
        !self.serving || !self.waiting.is_empty() || self.closed.is_some()
    }
}

impl ServerRequests {
    /// Begins to serve; false if somebody does already.
    pub fn serve(&self) -> bool {
        !std::mem::replace(&mut self.gate.lock().serving, true)
    }

    /// Stops to serve. Idempotent. Returns what is to be refused; what was taken stays its taker's to answer. Wake the
    /// gate afterwards.
    pub fn stop(&self) -> Vec<ServerRequest> {
        let mut state = self.gate.lock();
        state.serving = false;
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        waiting
            .into_iter()
            .filter(|request| state.settle(request))
            .collect()
    }

    /// The reader hands in a request; it comes back if it is to be refused.
    pub fn ask(&self, mut request: ServerRequest) -> Result<(), ServerRequest> {
        let mut state = self.gate.lock();
        let size = request.size();
        if !state.serving || (state.bytes > 0 && state.bytes + size > LIMIT) {
            return Err(request);
        }
        if !state.open.contains_key(&request.id) {
            state.count += 1;
            request.number = state.count;
            let open = Open {
                number: request.number,
                origin: request.origin.clone(),
            };
            state.open.insert(request.id.clone(), open);
            state.bytes += size;
            state.waiting.push_back(request);
            self.gate.wake_all(state);
        }
        Ok(())
    }

    /// The runtime does not wait for this answer any more. Returns where its request came from, if that was open.
    pub fn settle(&self, id: &[u8]) -> Option<Origin> {
        let open = self.gate.lock().open.remove(id);
        open.map(|open| open.origin)
    }

    /// Whether a request of what this mailbox is about waits for its answer.
    pub fn is_open_for(&self, mailbox: &Mailbox) -> bool {
        let state = self.gate.lock();
        state.open.values().any(|open| open.origin.is_of(mailbox))
    }

    /// The next one. Never waits.
    pub fn take(&self) -> Asked {
        let mut state = self.gate.lock();
        if let Some(reason) = &state.closed {
            return Asked::Closed(reason.clone());
        }
        while let Some(request) = state.waiting.pop_front() {
            state.bytes -= request.size();
            if state.is_open(&request) {
                return Asked::Request(request);
            }
        }
        if state.serving {
            Asked::Nothing
        } else {
            Asked::Stopped
        }
    }

    /// A taken request is about to be answered; false if that was settled before.
    pub fn answered(&self, request: &ServerRequest) -> bool {
        self.gate.lock().settle(request)
    }

    /// The connection has ended, and with it every wait.
    pub fn close(&self, reason: &CloseReason) {
        let mut state = self.gate.lock();
        state.closed.get_or_insert_with(|| reason.clone());
        state.waiting.clear();
        state.bytes = 0;
        self.gate.wake_all(state);
    }

    /// Where to wait for something to take.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.gate
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::inbox::budget::Budget;

    fn request(id: &str, size: usize) -> ServerRequest {
        ServerRequest {
            id: id.as_bytes().into(),
            method: "item/tool/call".into(),
            params: vec![b' '; size].into(),
            origin: Origin::default(),
            number: 0,
        }
    }

    #[test]
    fn a_refusal_echoes_the_id_and_has_the_protocols_shape() {
        let refused = ServerRequest {
            method: "item/commandExecution/requestApproval".into(),
            ..request("0", 0)
        };
        assert_eq!(
            refused.refusal(),
            b"{\"id\":0,\"result\":{\"decision\":\"decline\"}}\n"
        );
        let unknown = ServerRequest {
            method: "future/request".into(),
            ..request("\"a\"", 0)
        };
        let line = unknown.refusal();
        assert!(line.starts_with(b"{\"id\":\"a\",\"error\":{\"code\":-32601,"));
    }

    fn taken(requests: &ServerRequests) -> Option<ServerRequest> {
        match requests.take() {
            Asked::Request(request) => Some(request),
            _ => None,
        }
    }

    #[test]
    fn without_anybody_who_serves_a_request_comes_back() {
        let requests = ServerRequests::default();
        assert!(requests.ask(request("0", 1)).is_err());
        assert!(requests.serve());
        assert!(!requests.serve());
        requests.ask(request("0", 1)).unwrap();
        let first = taken(&requests).unwrap();
        assert!(requests.answered(&first));
        assert!(!requests.answered(&first));
    }

    #[test]
    fn a_repeated_request_is_asked_once_until_it_is_answered() {
        let requests = ServerRequests::default();
        requests.serve();
        requests.ask(request("0", 1)).unwrap();
        requests.ask(request("0", 1)).unwrap();
        let first = taken(&requests).unwrap();
        requests.ask(request("0", 1)).unwrap();
        assert_eq!(taken(&requests), None);
        assert!(requests.answered(&first));
        requests.ask(request("0", 1)).unwrap();
        let second = taken(&requests).unwrap();
        assert!(
            !requests.answered(&first),
            "that is another request's id now"
        );
        assert!(requests.answered(&second));
    }

    #[test]
    fn what_the_runtime_has_settled_is_not_asked() {
        let requests = ServerRequests::default();
        requests.serve();
        requests.ask(request("0", 1)).unwrap();
        requests.ask(request("1", 1)).unwrap();
        requests.settle(b"0");
        let second = taken(&requests).unwrap();
        assert_eq!(*second.id, *b"1");
        requests.settle(b"1");
        assert!(!requests.answered(&second));
        // The id may come again, for another request.
        requests.ask(request("2", 1)).unwrap();
        requests.settle(b"2");
        requests.ask(request("2", 2)).unwrap();
        assert!(matches!(requests.take(), Asked::Request(request) if request.params.len() == 2));
        assert!(matches!(requests.take(), Asked::Nothing));
    }

    #[test]
    fn a_request_is_open_for_its_turn_until_it_is_settled_in_whatever_way() {
        let budget = Arc::new(Budget::new(1, 1));
        let [turn, other] = ["u", "v"]
            .map(|id| Mailbox::of_turn(id.into(), "t".into(), Arc::clone(&budget), Instant::now()));
        let requests = ServerRequests::default();
        let ask = |id: &str| {
            let params = br#"{"threadId":"t","turnId":"u"}"#;
            requests.ask(ServerRequest::new(id.as_bytes(), "item/tool/call", params))
        };
        assert!(ask("0").is_err() && !requests.is_open_for(&turn));
        requests.serve();
        ask("0").unwrap();
        ask("1").unwrap();
        assert!(requests.is_open_for(&turn) && !requests.is_open_for(&other));
        let first = taken(&requests).unwrap();
        requests.settle(b"1").unwrap();
        assert_eq!(requests.settle(b"1"), None);
        assert!(requests.is_open_for(&turn), "it is taken, not answered");
        assert!(requests.answered(&first));
        assert!(!requests.is_open_for(&turn));
        ask("2").unwrap();
        requests.stop();
        assert!(!requests.is_open_for(&turn));
    }

    #[test]
    fn what_waits_is_bounded_and_comes_back_at_the_end() {
        let requests = ServerRequests::default();
        requests.serve();
        requests.ask(request("0", LIMIT)).unwrap();
        assert!(requests.ask(request("1", 1)).is_err());
        assert_eq!(requests.stop().len(), 1);
        assert!(matches!(requests.take(), Asked::Stopped));
        assert!(requests.gate().wait(Some(std::time::Instant::now())));
        assert!(requests.serve());
        requests.ask(request("1", LIMIT)).unwrap();
    }

    #[test]
    fn the_end_of_the_connection_ends_the_wait() {
        let requests = ServerRequests::default();
        requests.serve();
        requests.ask(request("0", 1)).unwrap();
        requests.close(&CloseReason::new(()));
        assert!(matches!(requests.take(), Asked::Closed(_)));
    }
}
