//! What the runtime has said before it asks: which file change a request is about, and what its thread and its turn
//! descend from. The reader's alone: it notes what it parses and completes requests, in wire order and without a lock.

use super::descent::Descent;
use super::file_changes::FileChanges;
use super::request::{FILE_CHANGE, ServerRequest};
use crate::session::incoming::Incoming;
use crate::session::routing::is_end_of_thread;
use crate::session::stats::Stats;
use crate::wire::envelope::{first_at, first_text_at, id_in_answer, item_type, texts_at};
use crate::wire::protocol::IdPath;

#[derive(Debug, Default)]
pub struct RequestContext {
    changes: FileChanges,
    descent: Descent,
}

impl RequestContext {
    /// Learns from a notification.
    pub fn note(&mut self, incoming: &Incoming<'_>, stats: &Stats) {
        let notification = &incoming.notification;
        let Some(thread_id) = notification.ids.thread.as_deref() else {
            return;
        };
        let params = notification.params;
        match (&*notification.method, notification.ids.turn.as_deref()) {
            ("item/started", Some(turn_id)) => {
                self.item_begins(thread_id, turn_id, incoming, stats);
            }
            ("item/completed", Some(_)) => self.item_is_over(thread_id, params, stats),
            ("turn/started", Some(turn_id)) => self.turn_begins(thread_id, turn_id, params, stats),
            ("turn/completed", Some(turn_id)) => {
                if !self.changes.is_empty() {
                    self.changes.turn_is_over(thread_id, turn_id);
                }
                if !self.descent.is_empty() {
                    self.descent.turn_is_over(turn_id);
                }
            }
            (method, None) if is_end_of_thread(method) => {
                self.changes.thread_is_over(thread_id);
                self.descent.thread_is_over(thread_id);
            }
            _ => {}
        }
    }

    /// Adds to a request what is known.
    pub fn complete(&self, request: &mut ServerRequest) {
        let origin = &mut request.origin;
        let Some(thread_id) = origin.thread_id.as_deref() else {
            return;
        };
        if !self.descent.is_empty() {
            origin.ancestors = self.descent.ancestors(thread_id);
            let turn_id = origin.turn_id.as_deref();
            origin.root = turn_id.and_then(|turn_id| self.descent.root(turn_id));
        }
        if &*request.method == FILE_CHANGE
            && let Some(item_id) = id_in_answer(&request.params, IdPath::Param("itemId"))
        {
            request.item = self.changes.find(thread_id, &item_id).cloned();
        }
    }

    fn item_begins(
        &mut self,
        thread_id: &str,
        turn_id: &str,
        incoming: &Incoming<'_>,
        stats: &Stats,
    ) {
        let params = incoming.notification.params;
        // It stands first, so a long message is not read for it.
        match item_type(params) {
            Some(br#""fileChange""#) => {
                let Some(item_id) = first_text_at(params, &["item", "id"]) else {
                    return;
                };
                let copy = || params.into();
                let params = incoming.shared.clone().unwrap_or_else(copy);
                self.changes.add(thread_id, turn_id, &item_id, params);
            }
            Some(br#""subAgentActivity""#) => self.note_activity(thread_id, params, stats),
            Some(br#""collabAgentToolCall""#) => self.note_spawned(params, stats),
            _ => {}
        }
    }

    fn item_is_over(&mut self, thread_id: &str, params: &[u8], stats: &Stats) {
        match item_type(params) {
            Some(br#""fileChange""#) => {
                if let Some(item_id) = first_text_at(params, &["item", "id"]) {
                    self.changes.remove(thread_id, &item_id);
                }
            }
            Some(br#""subAgentActivity""#) => self.note_activity(thread_id, params, stats),
            // Which thread was made may be known only now.
            Some(br#""collabAgentToolCall""#) => self.note_spawned(params, stats),
            _ => {}
        }
    }

    fn turn_begins(&mut self, thread_id: &str, turn_id: &str, params: &[u8], stats: &Stats) {
        if !self.changes.is_empty() {
            self.changes.turn_begins(thread_id, turn_id);
        }
        if let Some(root_id) = first_text_at(params, &["turn", "rootTurnId"]) {
            let forgotten = self.descent.note_root(thread_id, turn_id, &root_id);
            stats.descents_forgotten.add(forgotten);
        }
    }

    fn note_activity(&mut self, thread_id: &str, params: &[u8], stats: &Stats) {
        if first_at(params, &["item", "kind"]) == Some(br#""started""#)
            && let Some(child) = first_text_at(params, &["item", "agentThreadId"])
        {
            let forgotten = self.descent.note_child(&child, thread_id);
            stats.descents_forgotten.add(forgotten);
        }
    }

    fn note_spawned(&mut self, params: &[u8], stats: &Stats) {
        if first_at(params, &["item", "tool"]) == Some(br#""spawnAgent""#)
            && let Some(parent) = first_text_at(params, &["item", "senderThreadId"])
        {
            for child in texts_at(params, &["item", "receiverThreadIds"]) {
                let forgotten = self.descent.note_child(&child, &parent);
                stats.descents_forgotten.add(forgotten);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::envelope::{Message, Reader};

    const CHANGE: &str = r#"{"method":"item/started","params":{"item":{"type":"fileChange","id":"i","changes":[{"path":"/a","diff":"+x"}]},"threadId":"t","turnId":"u","startedAtMs":1}}"#;

    #[derive(Default)]
    struct Heard {
        context: RequestContext,
        stats: Stats,
    }

    impl Heard {
        fn hear(&mut self, line: &str) {
            match Reader::default().read(line.as_bytes()) {
                Ok(Message::Notification(notification)) => {
                    self.context.note(&notification.into(), &self.stats);
                }
                other => panic!("{other:?}"),
            }
        }

        fn asked(&self, method: &str, params: &str) -> ServerRequest {
            let mut request = ServerRequest::new(b"0", method, params.as_bytes());
            self.context.complete(&mut request);
            request
        }

        fn item(&self) -> Option<String> {
            let params = r#"{"threadId":"t","turnId":"u","itemId":"i"}"#;
            let item = self.asked(FILE_CHANGE, params).item?;
            Some(String::from_utf8(item.params().to_vec()).unwrap())
        }

        fn origin(&self, params: &str) -> (Option<String>, Vec<String>) {
            let origin = self.asked("item/tool/call", params).origin;
            let ancestors = origin.ancestors.iter().map(ToString::to_string);
            (origin.root_turn_id().map(Into::into), ancestors.collect())
        }
    }

    #[test]
    fn a_request_for_a_file_change_has_what_was_said_of_it() {
        let mut heard = Heard::default();
        assert_eq!(heard.item(), None);
        heard.hear(CHANGE);
        assert!(
            heard
                .item()
                .is_some_and(|item| item.contains(r#""path":"/a""#))
        );
        let params = r#"{"threadId":"t","itemId":"i"}"#;
        assert!(heard.asked("item/tool/call", params).item.is_none());
        for end in [
            r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u"}}}"#,
            r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"v"}}}"#,
            r#"{"method":"thread/closed","params":{"threadId":"t"}}"#,
            &CHANGE.replace("item/started", "item/completed"),
        ] {
            heard.hear(CHANGE);
            assert!(heard.item().is_some());
            heard.hear(end);
            assert_eq!(heard.item(), None, "{end}");
        }
        let large = CHANGE.replace("+x", &"+x".repeat(50_000));
        heard.hear(&large);
        assert!(heard.item().is_some_and(|item| item.len() > 100_000));
        heard.hear(&CHANGE.replace("+x", &"+x".repeat(10 << 20)));
        assert_eq!(heard.item(), None);
    }

    #[test]
    fn a_request_of_a_sub_agent_says_what_it_descends_from() {
        let mut heard = Heard::default();
        let asked = r#"{"threadId":"c","turnId":"w"}"#;
        assert_eq!(heard.origin(asked), (None, vec![]));
        let activity = |kind: &str| {
            format!(
                r#"{{"method":"item/started","params":{{"item":{{"type":"subAgentActivity","id":"i","kind":"{kind}","agentThreadId":"b","agentPath":"/b"}},"threadId":"a","turnId":"u"}}}}"#
            )
        };
        heard.hear(&activity("interacted"));
        assert!(heard.context.descent.is_empty());
        heard.hear(&activity("started"));
        let spawned = |method: &str, receivers: &str| {
            format!(
                r#"{{"method":"{method}","params":{{"item":{{"type":"collabAgentToolCall","id":"i","tool":"spawnAgent","senderThreadId":"b","receiverThreadIds":{receivers}}},"threadId":"b","turnId":"v"}}}}"#
            )
        };
        heard.hear(&spawned("item/started", "[]"));
        assert_eq!(heard.origin(asked), (None, vec![]));
        heard.hear(&spawned("item/completed", r#"["c"]"#));
        let ancestors = vec!["b".to_owned(), "a".to_owned()];
        assert_eq!(heard.origin(asked), (None, ancestors.clone()));
        let started = |root: &str| {
            format!(
                r#"{{"method":"turn/started","params":{{"threadId":"c","turn":{{"id":"w","items":[],"rootTurnId":"{root}"}}}}}}"#
            )
        };
        heard.hear(&started("u"));
        assert_eq!(heard.origin(asked), (Some("u".into()), ancestors.clone()));
        heard.hear(r#"{"method":"turn/completed","params":{"threadId":"c","turn":{"id":"w"}}}"#);
        assert_eq!(heard.origin(asked), (None, ancestors));
        heard.hear(r#"{"method":"thread/closed","params":{"threadId":"b"}}"#);
        assert_eq!(heard.origin(asked), (None, vec!["a".to_owned()]));
        heard.hear(r#"{"method":"thread/closed","params":{"threadId":"c"}}"#);
        assert_eq!(heard.origin(asked), (None, vec![]));
    }
}
