//! Answers that the runtime may not have read yet. It repeats what is open when a thread is resumed, and that may cross
//! with the answer: then the same line is written again, and nobody is asked twice. An answer is remembered until the
//! runtime has settled its request, or the turn or the thread of that is over. Of requests that it never settles (tools)
//! the number is bounded, and so are the bytes.
//!
//! Only an identical request gets the line of another one. The runtime repeats a request byte for byte (0.163.0: commands,
//! file changes, permissions, questions and tools), so what differs under the same id asks for something else, and an
//! acceptance that was meant for `ls` must not be sent for it. The params themselves are kept and no hash of them: a
//! model chooses what they say, and a program that is not asked finds no collision. They are the request's own, so
//! nothing is copied.

use std::collections::VecDeque;
use std::sync::Arc;

use super::request::ServerRequest;

const AT_MOST: usize = 256;
const LIMIT: usize = 16 * 1024 * 1024;

/// A line that was written, and the request that it answers.
#[derive(Debug)]
struct Answer {
    id: Box<[u8]>,
    method: Box<str>,
    params: Arc<[u8]>,
    thread_id: Option<Box<str>>,
    turn_id: Option<Box<str>>,
    line: Arc<[u8]>,
}

impl Answer {
    fn size(&self) -> usize {
        self.params.len() + self.line.len()
    }
}

#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The oldest first.
    known: VecDeque<Answer>,
    bytes: usize,
}

impl Answers {
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// The line that has answered this very request.
    pub fn find(&self, request: &ServerRequest) -> Option<&Arc<[u8]>> {
        let mut known = self.known.iter();
        let is_same = |one: &&Answer| {
            one.id == request.id && one.method == request.method && one.params == request.params
        };
        known.find(is_same).map(|one| &one.line)
    }

    /// Remembers a line. What it forgets goes to `garbage`, to be dropped without a lock.
    pub fn add(&mut self, request: &ServerRequest, line: &Arc<[u8]>, garbage: &mut Vec<Arc<[u8]>>) {
        self.forget_id(&request.id, garbage);
        let answer = Answer {
            id: request.id.clone(),
            method: request.method.clone(),
            params: Arc::clone(&request.params),
            thread_id: request.origin.thread_id.clone(),
            turn_id: request.origin.turn_id.clone(),
            line: Arc::clone(line),
        };
        if answer.size() > LIMIT {
            return;
        }
        self.bytes += answer.size();
        self.known.push_back(answer);
        while (self.known.len() > AT_MOST || self.bytes > LIMIT)
            && let Some(oldest) = self.known.pop_front()
        {
            self.bytes -= oldest.size();
            garbage.extend([oldest.line, oldest.params]);
        }
    }

    pub fn forget_id(&mut self, id: &[u8], garbage: &mut Vec<Arc<[u8]>>) {
        self.forget(|answer| *answer.id == *id, garbage);
    }

    pub fn forget_turn(&mut self, turn_id: &str, garbage: &mut Vec<Arc<[u8]>>) {
        let is_over = |answer: &Answer| answer.turn_id.as_deref() == Some(turn_id);
        self.forget(is_over, garbage);
    }

    pub fn forget_thread(&mut self, thread_id: &str, garbage: &mut Vec<Arc<[u8]>>) {
        let is_over = |answer: &Answer| answer.thread_id.as_deref() == Some(thread_id);
        self.forget(is_over, garbage);
    }

    pub fn clear(&mut self, garbage: &mut Vec<Arc<[u8]>>) {
        self.forget(|_| true, garbage);
    }

    fn forget(&mut self, is_over: impl Fn(&Answer) -> bool, garbage: &mut Vec<Arc<[u8]>>) {
        let bytes = &mut self.bytes;
        self.known.retain(|answer| {
            let forgets = is_over(answer);
            if forgets {
                *bytes -= answer.size();
                let parts = [&answer.line, &answer.params];
                garbage.extend(parts.map(Arc::clone));
            }
            !forgets
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: usize) -> ServerRequest {
        with_params(id, &format!(r#"{{"threadId":"t","turnId":"u{}"}}"#, id % 2))
    }

    fn with_params(id: usize, params: &str) -> ServerRequest {
        let id = id.to_string();
        ServerRequest::new(id.as_bytes(), "item/tool/call", params.as_bytes())
    }

    /// Returns how many answers were forgotten for it.
    fn add(answers: &mut Answers, request: &ServerRequest, line: &[u8]) -> usize {
        let mut garbage = Vec::new();
        answers.add(request, &line.into(), &mut garbage);
        garbage.len() / 2
    }

    fn known(answers: &Answers, id: usize) -> Option<Vec<u8>> {
        answers.find(&request(id)).map(|line| line.to_vec())
    }

    #[test]
    fn the_oldest_answers_are_forgotten() {
        let mut answers = Answers::default();
        for id in 0..=AT_MOST {
            let forgotten = usize::from(id == AT_MOST);
            assert_eq!(add(&mut answers, &request(id), b"x"), forgotten);
        }
        assert_eq!((known(&answers, 0), answers.len()), (None, AT_MOST));
        assert_eq!(known(&answers, 1).as_deref(), Some(&b"x"[..]));
        let large = request(9999);
        let most = vec![b'x'; LIMIT - large.params.len()];
        assert_eq!(add(&mut answers, &large, &most), AT_MOST);
        assert_eq!((answers.len(), answers.bytes), (1, LIMIT));
        assert_eq!(add(&mut answers, &large, &vec![b'x'; LIMIT]), 1);
        assert_eq!((answers.len(), answers.bytes), (0, 0));
        let large = with_params(0, &" ".repeat(LIMIT));
        assert_eq!(add(&mut answers, &large, b"x"), 0);
        assert_eq!((answers.len(), answers.bytes), (0, 0));
    }

    #[test]
    fn an_answer_is_forgotten_with_its_request_its_turn_or_its_thread() {
        let mut answers = Answers::default();
        let mut garbage = Vec::new();
        for id in 0..4 {
            add(&mut answers, &request(id), b"x");
        }
        answers.forget_turn("u1", &mut garbage);
        answers.forget_id(b"0", &mut garbage);
        assert_eq!(
            [0, 1, 2, 3].map(|id| known(&answers, id).is_some()),
            [false, false, true, false]
        );
        answers.forget_thread("t", &mut garbage);
        assert_eq!((answers.len(), answers.bytes, garbage.len()), (0, 0, 8));
    }

    #[test]
    fn only_an_identical_request_gets_the_answer() {
        let mut answers = Answers::default();
        add(&mut answers, &with_params(2, r#"{"a":1}"#), b"x");
        assert!(answers.find(&with_params(2, r#"{"a":1}"#)).is_some());
        assert!(answers.find(&with_params(2, r#"{"a":2}"#)).is_none());
        assert!(answers.find(&with_params(3, r#"{"a":1}"#)).is_none());
        let other = ServerRequest::new(b"2", "item/other", br#"{"a":1}"#);
        assert!(answers.find(&other).is_none());
    }
}
