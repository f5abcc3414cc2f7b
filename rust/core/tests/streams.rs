//! Whose notifications of no turn are, whose turns are a goal's, and what a stream's consumer leaves
//! to be undone.

use std::sync::Arc;

use codex_core::inbox::budget::Budget;
use codex_core::inbox::mailbox::{Mailbox, Selection, Taken};
use codex_core::session::call::{Call, Outcome, Stream};
use codex_core::session::errands::Errand;
use codex_core::session::listeners::Filter;
use codex_core::session::router::{Batch, Begun, Held, Router, Subject, Topic};
use codex_core::session::stats::Stats;
use codex_core::sync::waker::LoopWaker;
use codex_core::wire::envelope::{Message, Reader};

fn router() -> Router {
    let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
    Router::new(Arc::new(Stats::default()), budget)
}

fn route(router: &Router, lines: &[&str]) -> Batch {
    let mut batch = Batch::default();
    let mut routing = router.routing(&mut batch);
    for line in lines {
        match Reader::default().read(line.as_bytes()).unwrap() {
            Message::Notification(notification) => routing.notification(&notification),
            Message::Response { id, answer } => routing.response(id, &answer),
            Message::ServerRequest { .. } => panic!("{line}"),
        }
    }
    drop(routing);
    batch
}

fn begin(router: &Router, call: &Arc<Call>) {
    let begun = router.begin(call, Vec::new());
    assert!(matches!(begun, Begun::Due(_)), "{begun:?}");
}

fn subject(name: &'static str, id: &str) -> Subject {
    let id = id.into();
    Subject { name, id }
}

fn methods(mailbox: &Mailbox) -> Vec<String> {
    let mut found = Vec::new();
    while let Taken::Segment(segment) = mailbox.take() {
        found.extend(segment.iter().map(|event| event.method.to_owned()));
    }
    found
}

const EXITED: &str = r#"{"method":"process/exited","params":{"processHandle":"p"}}"#;
const OUTPUT: &str = r#"{"method":"process/outputDelta","params":{"processHandle":"p"}}"#;

fn kill() -> Errand {
    Errand::new("process/kill", b"{}".to_vec())
}

/// A stream and the request that opens it, written to the runtime.
fn opened(router: &Router, until_answer: bool) -> (Topic, Arc<Mailbox>, Arc<Call>) {
    let topic = subject("processHandle", "p");
    let mailbox = router.subscribe_subject(&topic, Some(kill()));
    let stream = Stream {
        mailbox: Arc::clone(&mailbox),
        until_answer,
    };
    let call = Arc::new(Call::new(1, "process/spawn", None).opening(Some(stream)));
    begin(router, &call);
    assert!(call.admit() && call.mark_sent());
    assert_eq!(mailbox.owe(), None);
    assert!(call.mark_written());
    (Topic::Subject(topic), mailbox, call)
}

#[test]
fn a_subjects_events_reach_who_follows_it_until_its_last_word() {
    let router = router();
    let topic = subject("processHandle", "p");
    let mailbox = router.subscribe_subject(&topic, None);
    let other = router.subscribe_subject(&subject("processHandle", "other"), None);
    let namesake = router.subscribe_subject(&subject("processId", "p"), None);
    assert_eq!(router.held().streams, 3);
    route(&router, &[OUTPUT, EXITED, OUTPUT]);
    assert_eq!(methods(&mailbox), ["process/outputDelta", "process/exited"]);
    assert!(matches!(mailbox.take(), Taken::Finished));
    assert!(matches!(other.take(), Taken::Empty));
    assert!(matches!(namesake.take(), Taken::Empty));
    assert_eq!(router.held().streams, 2);
    assert_eq!(router.leave(&Topic::Subject(topic), &mailbox), None);
}

#[test]
fn an_item_of_a_turn_is_no_subjects() {
    let router = router();
    let mailbox = router.subscribe_subject(&subject("processId", "p"), None);
    let world = router.subscribe_notifications(&Filter::default());
    route(
        &router,
        &[
            r#"{"method":"item/commandExecution/terminalInteraction","params":{"threadId":"t","turnId":"u","processId":"p"}}"#,
            r#"{"method":"item/future/delta","params":{"threadId":"t","turnId":"u","processId":"p"}}"#,
        ],
    );
    assert!(matches!(mailbox.take(), Taken::Empty));
    assert!(matches!(world.take(), Taken::Empty));
}

#[test]
fn a_newer_runtimes_events_reach_their_subject_and_who_listens_to_everything() {
    let router = router();
    let mailbox = router.subscribe_subject(&subject("watchId", "w"), None);
    let world = router.subscribe_notifications(&Filter::default());
    let one = ["future/event"].into_iter().collect();
    let picky = Filter {
        methods: Some(one),
        ..Filter::default()
    };
    let picky = router.subscribe_notifications(&picky);
    let line = r#"{"method":"future/event","params":{"watchId":"w"}}"#;
    route(&router, &[line]);
    for consumer in [mailbox, world, picky] {
        assert_eq!(methods(&consumer), ["future/event"]);
    }
}

#[test]
fn what_nobody_listens_to_is_counted_and_not_kept() {
    let router = router();
    route(&router, &[OUTPUT, EXITED]);
    let world = router.subscribe_notifications(&Filter::default());
    assert!(matches!(world.take(), Taken::Empty));
    route(&router, &[OUTPUT]);
    assert_eq!(methods(&world), ["process/outputDelta"]);
}

#[test]
fn who_leaves_a_stream_in_the_middle_leaves_an_errand() {
    let router = router();
    let (topic, mailbox, _call) = opened(&router, false);
    route(&router, &[r#"{"id":1,"result":{}}"#, OUTPUT]);
    assert!(mailbox.owes());
    assert_eq!(router.leave(&topic, &mailbox), Some(kill()));
    assert_eq!(router.leave(&topic, &mailbox), None);
    assert_eq!(router.held(), Held::default());
}

#[test]
fn a_stream_that_is_over_leaves_no_errand() {
    let router = router();
    let (topic, mailbox, _call) = opened(&router, false);
    route(&router, &[EXITED, r#"{"id":1,"result":{}}"#]);
    assert!(!mailbox.owes());
    assert_eq!(router.leave(&topic, &mailbox), None);
}

#[test]
fn an_answer_that_ends_its_stream_leaves_what_came_before_and_no_errand() {
    let router = router();
    let (topic, mailbox, _call) = opened(&router, true);
    let batch = route(&router, &[OUTPUT, r#"{"id":1,"result":{}}"#]);
    assert!(batch.dirty.iter().any(|one| Arc::ptr_eq(one, &mailbox)));
    assert_eq!(methods(&mailbox), ["process/outputDelta"]);
    assert!(matches!(mailbox.take(), Taken::Finished));
    assert_eq!(router.leave(&topic, &mailbox), None);
}

#[test]
fn a_refusal_has_begun_nothing() {
    let router = router();
    let (topic, mailbox, _call) = opened(&router, false);
    route(
        &router,
        &[r#"{"id":1,"error":{"code":-32600,"message":"no"}}"#],
    );
    assert!(!mailbox.is_finished(), "the request may be sent again");
    assert_eq!(router.leave(&topic, &mailbox), None);
}

#[test]
fn what_was_never_written_is_not_undone_and_what_is_written_later_is() {
    let router = router();
    let subject = subject("processHandle", "p");
    let mailbox = router.subscribe_subject(&subject, Some(kill()));
    assert_eq!(router.leave(&Topic::Subject(subject), &mailbox), None);
    // The writer had the line in hand already.
    assert_eq!(mailbox.owe(), Some(kill()));
}

#[test]
fn what_the_consumer_undid_is_not_undone_again() {
    let router = router();
    let (topic, mailbox, _call) = opened(&router, false);
    mailbox.settle();
    assert_eq!(router.leave(&topic, &mailbox), None);
}

const STARTED: &str = r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}}}"#;
const DELTA: &str =
    r#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u"}}"#;
const COMPLETED: &str = r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u","status":"completed"}}}"#;
const REACHED: &str =
    r#"{"method":"thread/goal/updated","params":{"threadId":"t","goal":{"status":"complete"}}}"#;
const RENAMED: &str = r#"{"method":"thread/name/updated","params":{"threadId":"t"}}"#;

fn pause() -> Errand {
    Errand::new("thread/goal/set", b"{}".to_vec())
}

#[test]
fn a_goals_turns_are_its_owners_until_it_is_over() {
    let router = router();
    let thread: Arc<str> = "t".into();
    let mailbox = router.own_thread(&thread, pause()).unwrap();
    assert!(router.own_thread(&thread, pause()).is_none());
    route(&router, &[STARTED, DELTA, COMPLETED]);
    assert!(matches!(mailbox.take(), Taken::Empty), "it is not set yet");
    assert_eq!(mailbox.owe(), None);
    route(&router, &[RENAMED, STARTED, DELTA]);
    assert_eq!(mailbox.running_turn().as_deref(), Some("u"));
    route(&router, &[REACHED, COMPLETED, STARTED]);
    assert_eq!(
        methods(&mailbox),
        ["turn/started", "item/agentMessage/delta", "turn/completed"]
    );
    assert!(matches!(mailbox.take(), Taken::Finished));
    assert_eq!(mailbox.first_turn().as_deref(), Some("u"));
    assert_eq!(mailbox.running_turn(), None);
    // The thread is free, also while the first one's consumer is still there.
    let next = router.own_thread(&thread, pause()).unwrap();
    assert_eq!(
        router.leave(&Topic::Goal(Arc::clone(&thread)), &mailbox),
        None
    );
    assert!(router.own_thread(&"t".into(), pause()).is_none());
    assert_eq!(router.leave(&Topic::Goal(thread), &next), None);
    assert_eq!(router.held().streams, 0);
}

#[test]
fn a_goal_that_is_left_before_it_is_given_away_is_paused() {
    let router = router();
    let thread: Arc<str> = "t".into();
    let topic = Topic::Goal(Arc::clone(&thread));
    let left = router.own_thread(&thread, pause()).unwrap();
    assert_eq!(left.owe(), None);
    route(&router, &[STARTED]);
    assert_eq!(router.leave(&topic, &left), Some(pause()));
    assert_eq!(left.unwanted_turn().as_deref(), Some("u"));
    // The thread is kept until the goal is over, and what still begins there is met.
    assert!(router.own_thread(&thread, pause()).is_none());
    let another = STARTED.replace(r#""u""#, r#""v""#);
    let batch = route(&router, &[COMPLETED, &another]);
    assert_eq!(batch.errands, [Errand::interrupt("t", "v")]);
    let paused = REACHED.replace("complete", "paused");
    let over = COMPLETED.replace(r#""u""#, r#""v""#);
    route(&router, &[&paused, &over]);

    let kept = router.own_thread(&thread, pause()).unwrap();
    assert_eq!(kept.owe(), None);
    kept.owe_nothing();
    assert_eq!(router.leave(&topic, &kept), None);
    assert_eq!(kept.unwanted_turn(), None);
    let batch = route(&router, &[STARTED]);
    assert_eq!(batch.errands, []);
    assert_eq!(
        kept.running_turn().as_deref(),
        Some("u"),
        "known although nobody reads"
    );
    route(&router, &[REACHED, COMPLETED]);
    assert!(kept.is_over());
    assert_eq!(router.held().streams, 0);
}

#[test]
fn a_goal_and_a_turn_that_is_started_here_keep_each_other_off() {
    let router = router();
    let thread: Arc<str> = "t".into();
    let start = Arc::new(Call::new(1, "turn/start", Some("t")));
    begin(&router, &start);
    assert!(router.own_thread(&thread, pause()).is_none(), "starting");
    route(&router, &[r#"{"id":1,"result":{"turn":{"id":"u"}}}"#]);
    assert!(router.own_thread(&thread, pause()).is_none(), "running");
    route(&router, &[STARTED, COMPLETED]);
    let goal = router.own_thread(&thread, pause()).unwrap();
    let next = Arc::new(Call::new(2, "turn/start", Some("t")));
    assert!(matches!(
        router.begin(&next, Vec::new()),
        Begun::Over(Outcome::Error { code: -32600, .. })
    ));
    router.leave(&Topic::Goal(thread), &goal);
    begin(&router, &next);
}

#[test]
fn a_turn_that_is_given_up_is_interrupted_once_it_has_begun() {
    let router = router();
    let answer = |id: i64| format!(r#"{{"id":{id},"result":{{"turn":{{"id":"u"}}}}}}"#);
    let written = |id: i64| {
        let call = Arc::new(Call::new(id, "turn/start", Some("t")));
        begin(&router, &call);
        assert!(call.admit() && call.mark_sent() && call.mark_written());
        call
    };
    // Answered, and given up before and after its start.
    for (id, early) in [(1, true), (2, false)] {
        let call = written(id);
        route(&router, &[&answer(id)]);
        let mailbox = call.take_subscription().unwrap();
        if early {
            assert_eq!(router.has_begun("u"), Some(false));
            assert_eq!(router.give_up_turn(&mailbox), None);
            assert_eq!(
                route(&router, &[STARTED]).errands,
                [Errand::interrupt("t", "u")]
            );
            assert_eq!(route(&router, &[STARTED]).errands, []);
        } else {
            route(&router, &[STARTED]);
            assert_eq!(router.has_begun("u"), Some(true));
            assert_eq!(
                router.give_up_turn(&mailbox),
                Some(Errand::interrupt("t", "u"))
            );
        }
        finish_turn(&router);
    }
    // Given up before the answer, which comes before and after its start.
    for (id, early) in [(3, true), (4, false)] {
        let call = written(id);
        call.abandon();
        router.forget_start(&call);
        let answer = answer(id);
        let (first, second): (&str, &str) = if early {
            (&answer, STARTED)
        } else {
            (STARTED, &answer)
        };
        assert_eq!(route(&router, &[first]).errands, []);
        assert_eq!(
            route(&router, &[second]).errands,
            [Errand::interrupt("t", "u")]
        );
        finish_turn(&router);
    }
    // Given up by one while another waits for its answer, and then by that one.
    let first = written(7);
    route(&router, &[&answer(7), STARTED]);
    let second = written(8);
    let mailbox = first.take_subscription().unwrap();
    assert_eq!(
        router.give_up_turn(&mailbox),
        None,
        "the other may be answered with it"
    );
    second.abandon();
    router.forget_start(&second);
    assert_eq!(
        route(&router, &[&answer(8)]).errands,
        [Errand::interrupt("t", "u")]
    );
    finish_turn(&router);
    // Who joins it after that comes too late.
    let call = written(5);
    route(&router, &[&answer(5)]);
    router.give_up_turn(&call.take_subscription().unwrap());
    let _joined = router.subscribe_turn("t", "u");
    assert_eq!(
        route(&router, &[STARTED]).errands,
        [Errand::interrupt("t", "u")]
    );
}

#[test]
fn a_start_waits_until_the_turn_that_was_given_up_is_over() {
    let router = router();
    let start = |id| Arc::new(Call::new(id, "turn/start", Some("t")));
    let first = start(1);
    begin(&router, &first);
    assert!(first.admit() && first.mark_sent() && first.mark_written());
    route(
        &router,
        &[r#"{"id":1,"result":{"turn":{"id":"u"}}}"#, STARTED],
    );
    // One on its way to the writer in that moment, and one that has not stood in line yet.
    let (admitted, new) = (start(2), start(3));
    assert!(!router.hold(&admitted));
    assert!(
        router
            .give_up_turn(&first.take_subscription().unwrap())
            .is_some()
    );
    let begun = router.begin(&admitted, b"line".to_vec());
    assert!(matches!(begun, Begun::Held), "{begun:?}");
    // Nobody waits for one that was given up in the writer's queue, so it keeps no place.
    let unwanted = start(5);
    unwanted.abandon();
    begin(&router, &unwanted);
    router.retract(&unwanted);
    assert!(router.hold(&new));
    assert!(!router.hold(&Arc::new(Call::new(4, "turn/start", Some("other")))));
    assert!(
        router.own_thread(&"t".into(), pause()).is_none(),
        "turns wait"
    );
    assert_eq!(router.held().starts, 2);
    let gone = route(&router, &[COMPLETED]).starts;
    let gone: Vec<_> = gone
        .into_iter()
        .map(|one| (one.call.id, one.line))
        .collect();
    assert_eq!(gone, [(2, Some(b"line".to_vec())), (3, None)]);
    assert_eq!(router.held(), Held::default());
}

/// Ends the turn "u" and makes it unknown, so that the id can be used again.
fn finish_turn(router: &Router) {
    let others = (0..5000).map(|number| COMPLETED.replace(r#""u""#, &format!(r#""x{number}""#)));
    let lines: Vec<String> = std::iter::once(COMPLETED.to_owned())
        .chain(others)
        .collect();
    route(
        router,
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert_eq!(router.held().turns, 0);
}

#[test]
fn a_turn_that_is_over_is_missed_and_not_waited_for() {
    let router = router();
    assert!(!router.subscribe_turn("t", "u").missed);
    route(&router, &[COMPLETED]);
    let late = router.subscribe_turn("t", "u");
    assert!(late.missed && late.is_over());
    assert!(matches!(late.take(), Taken::Finished));
    assert_eq!(router.held().turns, 0);
}

#[test]
fn a_goals_result_wakes_when_the_goal_is_over() {
    let router = router();
    let mailbox = router.own_thread(&"t".into(), pause()).unwrap();
    assert_eq!(mailbox.owe(), None);
    mailbox.select(Selection::Result);
    let waker = Arc::new(LoopWaker::new().unwrap());
    assert!(!mailbox.gate().arm(&waker, 7));
    assert!(
        route(&router, &[STARTED, DELTA, COMPLETED])
            .dirty
            .is_empty()
    );
    let batch = route(&router, &[REACHED]);
    assert_eq!(batch.dirty.len(), 1);
    assert_eq!(methods(&mailbox), ["turn/started", "turn/completed"]);
}
