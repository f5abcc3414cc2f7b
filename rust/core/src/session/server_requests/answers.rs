//! Answers that the runtime may not have read yet. It repeats what is open when a thread is resumed, and that may cross
//! with the answer: then the same line is written again, and nobody is asked twice. An answer is remembered until the
//! runtime has settled its request, or the turn or the thread of that is over. Of requests that it never settles (tools)
//! the number is bounded, and so are the bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::request::ServerRequest;

const AT_MOST: usize = 256;
const LIMIT: usize = 16 * 1024 * 1024;

/// A line that was written.
#[derive(Debug)]
struct Answer {
    id: Box<[u8]>,
    method: Box<str>,
    thread_id: Option<Box<str>>,
    turn_id: Option<Box<str>>,
    line: Arc<[u8]>,
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
        let known = known.find(|one| one.id == request.id && one.method == request.method);
        known.map(|one| &one.line)
    }

    /// Remembers a line. What it forgets goes to `garbage`, to be dropped without a lock.
    pub fn add(&mut self, request: &ServerRequest, line: &Arc<[u8]>, garbage: &mut Vec<Arc<[u8]>>) {
        self.forget_id(&request.id, garbage);
        if line.len() > LIMIT {
            return;
        }
        self.bytes += line.len();
        self.known.push_back(Answer {
            id: request.id.clone(),
            method: request.method.clone(),
            thread_id: request.origin.thread_id.clone(),
            turn_id: request.origin.turn_id.clone(),
            line: Arc::clone(line),
        });
        while (self.known.len() > AT_MOST || self.bytes > LIMIT)
            && let Some(oldest) = self.known.pop_front()
        {
            self.bytes -= oldest.line.len();
            garbage.push(oldest.line);
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
                *bytes -= answer.line.len();
                garbage.push(Arc::clone(&answer.line));
            }
            !forgets
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: usize) -> ServerRequest {
        let params = format!(r#"{{"threadId":"t","turnId":"u{}"}}"#, id % 2);
        let id = id.to_string();
        ServerRequest::new(id.as_bytes(), "item/tool/call", params.as_bytes())
    }

    fn add(answers: &mut Answers, id: usize, line: &[u8]) -> usize {
        let mut garbage = Vec::new();
        answers.add(&request(id), &line.into(), &mut garbage);
        garbage.len()
    }

    fn known(answers: &Answers, id: usize) -> Option<Vec<u8>> {
        answers.find(&request(id)).map(|line| line.to_vec())
    }

    #[test]
    fn the_oldest_answers_are_forgotten() {
        let mut answers = Answers::default();
        for id in 0..=AT_MOST {
            assert_eq!(add(&mut answers, id, b"x"), usize::from(id == AT_MOST));
        }
        assert_eq!((known(&answers, 0), answers.len()), (None, AT_MOST));
        assert_eq!(known(&answers, 1).as_deref(), Some(&b"x"[..]));
        assert_eq!(add(&mut answers, 9999, &vec![b'x'; LIMIT]), AT_MOST);
        assert_eq!((answers.len(), answers.bytes), (1, LIMIT));
        assert_eq!(add(&mut answers, 9999, &vec![b'x'; LIMIT + 1]), 1);
        assert_eq!((answers.len(), answers.bytes), (0, 0));
    }

    #[test]
    fn an_answer_is_forgotten_with_its_request_its_turn_or_its_thread() {
        let mut answers = Answers::default();
        let mut garbage = Vec::new();
        for id in 0..4 {
            add(&mut answers, id, b"x");
        }
        answers.forget_turn("u1", &mut garbage);
        answers.forget_id(b"0", &mut garbage);
        assert_eq!(
            [0, 1, 2, 3].map(|id| known(&answers, id).is_some()),
            [false, false, true, false]
        );
        let other = ServerRequest::new(b"2", "item/other", b"{}");
        assert!(answers.find(&other).is_none());
        answers.forget_thread("t", &mut garbage);
        assert_eq!((answers.len(), answers.bytes, garbage.len()), (0, 0, 4));
    }
}
