//! One request of the runtime, as all share it who have to do with it: what it asks, where it comes from, and how it was
//! settled, for which one can wait. Who settles it is in `server_requests`; nothing here is ever written to the runtime.

use std::sync::Arc;

use super::file_changes::FileChange;
use super::origin::Origin;
use crate::sync::gate::{Gate, Ready};
use crate::wire::encode::json_string;
use crate::wire::protocol::{Refusal, SERVER_REQUESTS};

/// The request for the approval of a file change.
pub(super) const FILE_CHANGE: &str = "item/fileChange/requestApproval";

/// What a request takes besides its texts, about.
const OVERHEAD: usize = 256;

/// Why a request waits for no answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// By a result or an error.
    Answered,
    Refused,
    /// The runtime has said that it does not wait any more.
    Resolved,
    /// So it is with the turn that it came from.
    TurnOver,
    /// Its thread was archived, deleted or unloaded.
    ThreadClosed,
    /// The connection has ended.
    Closed,
}

impl Settlement {
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Resolved => "resolved",
            Self::TurnOver => "turn_over",
            Self::ThreadClosed => "thread_closed",
            Self::Closed => "closed",
        }
    }
}

/// One request. `id` is its raw JSON, to be echoed; `params` is JSON.
#[derive(Debug)]
pub struct ServerRequest {
    pub id: Box<[u8]>,
    pub method: Box<str>,
    pub params: Arc<[u8]>,
    pub origin: Origin,
    /// The file change that it is about.
    pub item: Option<Arc<FileChange>>,
    /// Which of all requests it is, counted from 1: ids come again.
    pub number: u64,
    settled: Gate<Settled>,
}

#[derive(Debug, Default)]
struct Settled(Option<Settlement>);

impl Ready for Settled {
    fn ready(&self) -> bool {
        self.0.is_some()
    }
}

impl ServerRequest {
    /// Reads the params, so call it without a lock.
    pub fn new(id: &[u8], method: &str, params: &[u8]) -> Self {
        Self {
            id: id.into(),
            method: method.into(),
            params: params.into(),
            origin: Origin::in_params(params),
            item: None,
            number: 0,
            settled: Gate::default(),
        }
    }

    /// Whether it is about a file change, and does not say which.
    pub fn lacks_item(&self) -> bool {
        &*self.method == FILE_CHANGE && self.item.is_none()
    }

    /// Whether the runtime repeats the other one by this.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.id == other.id && self.method == other.method && self.params == other.params
    }

    pub(super) fn size(&self) -> usize {
        self.id.len() + self.method.len() + self.params.len() + OVERHEAD
    }

    /// How it was settled; `None` while it waits for its answer.
    pub fn settlement(&self) -> Option<Settlement> {
        self.settled.lock().0
    }

    /// Where to wait for that.
    pub fn gate(&self) -> &Gate<impl Ready + use<>> {
        &self.settled
    }

    /// Notes how it was settled. Wake the gate when no lock is held.
    pub(super) fn settle(&self, how: Settlement) {
        self.settled.lock().0.get_or_insert(how);
    }

    /// The line that answers it; `result` is JSON.
    pub fn answer(&self, result: &[u8]) -> Vec<u8> {
        [br#"{"id":"#, &*self.id, br#","result":"#, result, b"}\n"].concat()
    }

    /// The line that answers it with an error.
    pub fn failure(&self, code: i64, message: &str) -> Vec<u8> {
        let error = format!(
            r#","error":{{"code":{code},"message":{}}}}}"#,
            json_string(message)
        );
        [br#"{"id":"#, &*self.id, error.as_bytes(), b"\n"].concat()
    }

    /// The line that says no, in the protocol's own shape.
    pub fn refusal(&self) -> Vec<u8> {
        let known = SERVER_REQUESTS.binary_search_by(|spec| spec.method.cmp(&self.method));
        match known.map(|index| SERVER_REQUESTS[index].refusal) {
            Ok(Refusal::Result(result)) => self.answer(result.as_bytes()),
            _ => self.failure(-32601, "this client does not handle the request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_echoes_the_id_and_has_the_protocols_shape() {
        let approval = "item/commandExecution/requestApproval";
        let known = ServerRequest::new(b"0", approval, b"{}");
        assert_eq!(
            known.refusal(),
            b"{\"id\":0,\"result\":{\"decision\":\"decline\"}}\n"
        );
        let unknown = ServerRequest::new(b"\"a\"", "future/request", b"{}");
        let line = unknown.refusal();
        assert!(line.starts_with(b"{\"id\":\"a\",\"error\":{\"code\":-32601,"));
        assert_eq!(
            unknown.failure(-7, "a\"b\n"),
            b"{\"id\":\"a\",\"error\":{\"code\":-7,\"message\":\"a\\\"b\\u000a\"}}\n"
        );
        assert_eq!(unknown.answer(b"[1]"), b"{\"id\":\"a\",\"result\":[1]}\n");
    }

    #[test]
    fn the_first_settlement_stays() {
        let request = ServerRequest::new(b"0", "item/tool/call", b"{}");
        assert_eq!(request.settlement(), None);
        assert!(!request.gate().is_ready());
        request.settle(Settlement::Resolved);
        request.settle(Settlement::Closed);
        assert_eq!(request.settlement(), Some(Settlement::Resolved));
        assert!(request.gate().is_ready());
    }
}
