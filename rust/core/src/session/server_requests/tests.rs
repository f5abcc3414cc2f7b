use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::inbox::budget::Budget;

fn request(id: &str, size: usize) -> ServerRequest {
    let params = vec![b' '; size];
    ServerRequest::new(id.as_bytes(), "item/tool/call", &params)
}

fn of_turn(id: &str) -> ServerRequest {
    let params = br#"{"threadId":"t","turnId":"u"}"#;
    ServerRequest::new(id.as_bytes(), "item/tool/call", params)
}

fn ask(requests: &ServerRequests, request: ServerRequest) -> Reception {
    let (reception, after) = requests.ask(request, false);
    after.wake();
    reception
}

fn asked(requests: &ServerRequests, request: ServerRequest) -> bool {
    matches!(ask(requests, request), Reception::Waits)
}

fn taken(requests: &ServerRequests) -> Option<Arc<ServerRequest>> {
    match requests.take() {
        Asked::Request(request) => Some(request),
        _ => None,
    }
}

fn answered(requests: &ServerRequests, request: &ServerRequest) -> bool {
    let line = request.answer(b"{}").into();
    requests
        .answered(request, &line, Settlement::Answered)
        .is_some()
}

/// The line that is written again for this request.
fn repeated(requests: &ServerRequests, request: ServerRequest) -> Option<Vec<u8>> {
    match ask(requests, request) {
        Reception::Repeated(line, _) => Some(line.to_vec()),
        _ => None,
    }
}

#[test]
fn without_anybody_who_serves_a_request_comes_back() {
    let requests = ServerRequests::default();
    assert!(matches!(
        ask(&requests, request("0", 1)),
        Reception::Refused(_)
    ));
    assert!(requests.serve());
    assert!(!requests.serve());
    let refusal = request("0", 1).refusal();
    assert_eq!(repeated(&requests, request("0", 1)), Some(refusal));
    assert!(asked(&requests, request("1", 1)));
    let first = taken(&requests).unwrap();
    assert_eq!(first.number, 1);
    assert!(answered(&requests, &first));
    assert!(!answered(&requests, &first));
    assert_eq!(first.settlement(), Some(Settlement::Answered));
}

#[test]
fn a_repeated_request_is_asked_once_until_it_is_settled() {
    let requests = ServerRequests::default();
    requests.serve();
    assert!(asked(&requests, request("0", 1)));
    assert!(!asked(&requests, request("0", 1)));
    let first = taken(&requests).unwrap();
    assert!(!asked(&requests, request("0", 1)));
    assert!(taken(&requests).is_none());
    // Also while nobody serves: its taker may still answer it.
    requests.stop().wake();
    assert!(matches!(
        ask(&requests, request("0", 1)),
        Reception::Nothing(_)
    ));
    requests.serve();
    assert!(answered(&requests, &first));
    // The answer and the repetition have crossed.
    assert_eq!(
        repeated(&requests, request("0", 1)),
        Some(first.answer(b"{}"))
    );
    assert!(taken(&requests).is_none());
    requests.resolved(b"0").wake();
    assert!(asked(&requests, request("0", 1)));
    let second = taken(&requests).unwrap();
    assert_eq!(second.number, 2);
    assert!(
        !answered(&requests, &first),
        "that is another request's id now"
    );
    assert!(answered(&requests, &second));
}

#[test]
fn another_request_with_the_same_id_is_asked_and_settles_the_old_one() {
    let other = |id: &str| {
        let params = br#"{"threadId":"x","turnId":"v"}"#;
        ServerRequest::new(id.as_bytes(), "item/tool/call", params)
    };
    let requests = ServerRequests::default();
    requests.serve();
    // It is remembered.
    assert!(asked(&requests, of_turn("0")));
    assert!(answered(&requests, &taken(&requests).unwrap()));
    assert!(asked(&requests, other("0")));
    let second = taken(&requests).unwrap();
    assert_eq!((second.number, &*second.params), (2, &*other("0").params));
    // It is open.
    let (reception, after) = requests.ask(of_turn("0"), false);
    assert!(matches!(reception, Reception::Waits));
    assert!(Arc::ptr_eq(&after.settled[0], &second));
    after.wake();
    assert_eq!(second.settlement(), Some(Settlement::Resolved));
    assert!(!answered(&requests, &second));
    let third = taken(&requests).unwrap();
    assert_eq!((third.number, requests.open()), (3, 1));
    // It waits.
    assert!(asked(&requests, other("1")));
    assert!(asked(&requests, of_turn("1")));
    let fourth = taken(&requests).unwrap();
    assert_eq!(*fourth.params, *of_turn("1").params);
    assert!(taken(&requests).is_none());
    // Nobody serves.
    requests.stop().wake();
    let (reception, after) = requests.ask(other("0"), false);
    assert!(matches!(reception, Reception::Refused(_)));
    assert_eq!(after.settled.len(), 1);
    assert_eq!(third.settlement(), Some(Settlement::Resolved));
    assert_eq!(repeated(&requests, other("0")), Some(other("0").refusal()));
    // The turn is over that the new one names.
    let (reception, after) = requests.ask(other("1"), true);
    assert!(matches!(reception, Reception::Nothing(_)));
    assert!(Arc::ptr_eq(&after.settled[0], &fourth));
    assert_eq!(requests.open(), 0);
}

#[test]
fn an_answer_is_remembered_until_its_turn_or_its_thread_is_over() {
    let requests = ServerRequests::default();
    requests.serve();
    let ends: [fn(&ServerRequests) -> After; 3] = [
        |requests| requests.turn_is_over("u"),
        |requests| requests.thread_is_over("t"),
        |requests| requests.resolved(b"0"),
    ];
    assert!(!requests.is_any());
    for end in ends {
        assert!(asked(&requests, of_turn("0")));
        assert!(answered(&requests, &taken(&requests).unwrap()));
        assert!(requests.is_any());
        assert!(repeated(&requests, of_turn("0")).is_some());
        requests.turn_is_over("v").wake();
        requests.thread_is_over("x").wake();
        assert!(requests.is_any());
        assert!(end(&requests).settled.is_empty());
        assert!(!requests.is_any());
    }
}

#[test]
fn what_the_runtime_has_settled_is_not_asked() {
    let requests = ServerRequests::default();
    requests.serve();
    let _ = ask(&requests, request("0", 1));
    let _ = ask(&requests, request("1", 1));
    requests.resolved(b"0").wake();
    let second = taken(&requests).unwrap();
    assert_eq!(*second.id, *b"1");
    requests.resolved(b"1").wake();
    assert!(!answered(&requests, &second));
    assert_eq!(second.settlement(), Some(Settlement::Resolved));
    // The id may come again, for another request.
    let _ = ask(&requests, request("2", 1));
    requests.resolved(b"2").wake();
    let _ = ask(&requests, request("2", 2));
    assert!(matches!(requests.take(), Asked::Request(request) if request.params.len() == 2));
    assert!(matches!(requests.take(), Asked::Nothing));
}

#[test]
fn a_request_is_settled_by_the_end_of_its_turn_its_thread_or_the_connection() {
    let ends: [fn(&ServerRequests) -> Settlement; 3] = [
        |requests| {
            requests.turn_is_over("u").wake();
            Settlement::TurnOver
        },
        |requests| {
            requests.thread_is_over("t").wake();
            Settlement::ThreadClosed
        },
        |requests| {
            requests.close(&CloseReason::new(()));
            Settlement::Closed
        },
    ];
    for end in ends {
        let requests = ServerRequests::default();
        requests.serve();
        for id in ["0", "1"] {
            assert!(asked(&requests, of_turn(id)));
        }
        let first = taken(&requests).unwrap();
        let waiting = std::thread::spawn({
            let first = Arc::clone(&first);
            move || first.gate().wait(None)
        });
        requests.turn_is_over("v").wake();
        assert_eq!((first.settlement(), requests.open()), (None, 2));
        let how = end(&requests);
        assert!(waiting.join().unwrap());
        assert_eq!(first.settlement(), Some(how));
        assert!(!answered(&requests, &first));
        assert!(taken(&requests).is_none());
        assert!(!requests.is_any());
    }
}

#[test]
fn a_request_is_open_for_its_turn_until_it_is_settled_in_whatever_way() {
    let budget = Arc::new(Budget::new(1, 1));
    let [turn, other] = ["u", "v"]
        .map(|id| Mailbox::of_turn(id.into(), "t".into(), Arc::clone(&budget), Instant::now()));
    let requests = ServerRequests::default();
    let ask_for = |id: &str| asked(&requests, of_turn(id));
    assert!(!ask_for("7") && !requests.is_open_for(&turn));
    requests.serve();
    assert!(ask_for("0") && ask_for("1"));
    assert!(requests.is_open_for(&turn) && !requests.is_open_for(&other));
    let first = taken(&requests).unwrap();
    assert_eq!(requests.resolved(b"1").settled.len(), 1);
    assert_eq!(requests.resolved(b"1").settled.len(), 0);
    assert!(requests.is_open_for(&turn), "it is taken, not answered");
    assert!(answered(&requests, &first));
    assert!(!requests.is_open_for(&turn));
    assert!(ask_for("2"));
    let refused = requests.stop().settled;
    assert_eq!(refused[0].settlement(), Some(Settlement::Refused));
    assert!(!requests.is_open_for(&turn));
}

#[test]
fn what_waits_is_bounded_and_comes_back_at_the_end() {
    let requests = ServerRequests::default();
    requests.serve();
    assert!(asked(&requests, request("0", LIMIT)));
    assert!(matches!(
        ask(&requests, request("1", 1)),
        Reception::Refused(_)
    ));
    assert_eq!(requests.stop().settled.len(), 1);
    assert!(matches!(requests.take(), Asked::Stopped));
    assert!(requests.gate().wait(Some(Instant::now())));
    assert!(requests.serve());
    assert!(asked(&requests, request("2", LIMIT)));
}

#[test]
fn whoever_serves_is_told_once_of_the_threads_that_are_over() {
    let requests = ServerRequests::default();
    let closed = || {
        let closed = requests.take_closed();
        closed.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let close = |thread_id: &str| requests.thread_is_over(thread_id).wake();
    close("s");
    assert!(requests.serve());
    assert!(closed().is_empty() && !requests.gate().is_ready());
    for thread_id in ["t", "x", "t"] {
        close(thread_id);
    }
    assert!(requests.gate().is_ready());
    assert!(matches!(requests.take(), Asked::Nothing));
    assert_eq!(closed(), ["t", "x"]);
    assert!(closed().is_empty() && !requests.gate().is_ready());
    close("t");
    assert_eq!(closed(), ["t"]);
    for number in 0..5000 {
        close(&number.to_string());
    }
    let last = closed();
    assert_eq!((last.len(), &*last[0]), (4096, "904"));
    close("t");
    requests.stop().wake();
    assert!(requests.serve());
    assert!(closed().is_empty());
    close("t");
    requests.close(&CloseReason::new(()));
    close("x");
    assert_eq!(closed(), ["t"]);
}

#[test]
fn the_end_of_the_connection_ends_the_wait() {
    let requests = ServerRequests::default();
    requests.serve();
    let _ = ask(&requests, request("0", 1));
    requests.close(&CloseReason::new(()));
    assert!(matches!(requests.take(), Asked::Closed(_)));
    assert!(matches!(
        ask(&requests, request("1", 1)),
        Reception::Nothing(_)
    ));
    assert_eq!(requests.open(), 0);
}
