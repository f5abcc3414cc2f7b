//! Every turn that was started is owned, detached, or being stopped, in every order: consumers that start, join, give up
//! at each stage, detach, follow, interrupt, own goals, watch, record and watch when they have left, and a connection that
//! is closed under them.
//!
//! At the end no turn may run but one that somebody has detached, no detached turn may have been interrupted by anybody
//! but the program itself, and nothing may be left over. Who watches is told the end of its turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use codex_core::connection::{Connection, Settings};
use codex_core::inbox::mailbox::{About, Mailbox, Taken};
use codex_core::io::memory::Memory;
use codex_core::session::Counts;
use codex_core::session::admission::Limits;
use codex_core::session::call::{Call, Outcome};
use codex_core::session::cleanup::Cleanup;
use codex_core::session::subscriptions::{Leave, Subscription};
use codex_core::sync::waker::LoopWaker;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::check;
use crate::runtime::{Record, Runtime};

/// What the consumers of one run have done, for the verdict.
#[derive(Debug, Default)]
struct Deeds {
    /// Turns that somebody has detached.
    detached: BTreeSet<String>,
    /// The program has interrupted a turn itself.
    interrupts: bool,
    /// A goal goes on.
    goal: bool,
}

/// Who watches a turn or a goal, and waits for its end.
#[derive(Debug)]
struct Watch {
    subscription: Subscription,
    waker: Arc<LoopWaker>,
    /// It has heard of the end.
    told: bool,
}

impl Watch {
    fn of(subscription: Subscription) -> Self {
        let waker = Arc::new(LoopWaker::new().unwrap());
        let told = subscription.mailbox.gate().arm(&waker, 1);
        Self {
            subscription,
            waker,
            told,
        }
    }

    fn look(&mut self) {
        self.told |= self.waker.take().is_some();
    }

    /// What it says at last.
    fn see_end(&mut self) {
        self.look();
        assert!(self.told, "{self:?}");
        let mailbox = &self.subscription.mailbox;
        let mut last = String::new();
        let end = loop {
            match mailbox.take() {
                Taken::Segment(segment) => {
                    last.clear();
                    last.push_str(segment.get(segment.len() - 1).method);
                }
                end => break end,
            }
        };
        match end {
            Taken::Finished if mailbox.about == About::Turn && !mailbox.missed => {
                assert_eq!(last, "turn/completed");
            }
            Taken::Finished | Taken::Cut(_) | Taken::Closed(_) => {}
            other => panic!("it was woken for {other:?}"),
        }
    }
}

struct Model {
    connection: Connection,
    deeds: Mutex<Deeds>,
    /// What is watched to the end.
    watches: Mutex<Vec<Watch>>,
}

impl Model {
    fn chance(odds: f64) -> bool {
        thread_rng().gen_bool(odds)
    }

    /// Opens a request, and gives up at one of the stages, or returns it answered.
    fn request(&self, method: &str, thread_id: Option<&str>) -> Option<Arc<Call>> {
        let call = self.connection.open_call(method, thread_id, None);
        let at = thread_rng().gen_range(0..6);
        if at == 0 {
            self.connection.abandon(&call);
            return None;
        }
        call.gate().wait(None);
        if at == 1 {
            self.connection.abandon(&call);
            return None;
        }
        if self.connection.send(&call, Some(b"{}")).is_err() {
            self.connection.abandon(&call);
            return None;
        }
        if at == 2 {
            thread::yield_now();
            self.connection.abandon(&call);
            return None;
        }
        call.gate().wait(None);
        if at == 3 {
            // Lost with its answer.
            self.connection.release(&call);
            return None;
        }
        Some(call)
    }

    fn start(self: &Arc<Self>, plan: Plan) {
        let Some(call) = self.request("turn/start", Some("t")) else {
            return;
        };
        let held = call.take_subscription();
        let answered = matches!(call.take(), Some(Outcome::Result(_)));
        self.connection.release(&call);
        let Some(turn) = held else {
            assert!(!answered, "an answered start has a part in its turn");
            return;
        };
        self.watched(plan, &turn, || {
            self.hold(&turn);
            false
        });
    }

    /// What a handle does with its part in a turn.
    fn hold(&self, turn: &Subscription) {
        let id = turn.id;
        let key = turn.mailbox.key.to_string();
        match thread_rng().gen_range(0..6) {
            // A `run()` that is stopped.
            0 | 1 => {
                self.connection.own(id);
                self.connection.leave(id, Leave::GiveUp);
            }
            // A handle that is lost on its way.
            2 => {}
            // A plain turn whose handle is dropped.
            3 => {
                self.note_detached(key);
                self.connection.detach(id);
            }
            // A plain turn that is owned later: by a block that is left after its stream was closed.
            4 => {
                self.connection.detach(id);
                thread::yield_now();
                let closes_first = Self::chance(0.5);
                if closes_first {
                    self.connection.leave(id, Leave::Close);
                }
                self.connection.own(id);
                if !closes_first {
                    self.connection.leave(id, Leave::Close);
                }
                self.connection.leave(id, Leave::GiveUp);
            }
            _ => {
                self.deeds.lock().unwrap().interrupts = true;
                let call = self.connection.interrupt("t", &key);
                self.connection.abandon(&call);
                self.connection.leave(id, Leave::GiveUp);
            }
        }
    }

    /// Watches what a consumer holds, perhaps: `hold` is what it does with that before it is gone, and says if it is.
    fn watched(self: &Arc<Self>, plan: Plan, of: &Subscription, hold: impl FnOnce() -> bool) {
        let leave = |is_gone: bool| {
            if !is_gone {
                self.connection.leave(of.id, Leave::Drop);
            }
        };
        if !plan.watches {
            return leave(hold());
        }
        let watched = || {
            let draft = of.mailbox.draft().unwrap();
            self.connection.watch(of.id, &of.mailbox, draft)
        };
        let watch = if plan.records {
            assert!(of.mailbox.record(None));
            let is_gone = hold();
            let watch = watched();
            assert!(is_gone || watch.is_some());
            if Self::chance(0.3) {
                self.connection.forget(of.id, &of.mailbox);
            }
            leave(is_gone);
            watch
        } else {
            let watch = watched();
            leave(hold());
            assert!(watch.is_some());
            watch
        };
        let Some(watch) = watch else {
            return;
        };
        if Self::chance(0.3) {
            let leave = [Leave::Close, Leave::GiveUp, Leave::Drop];
            self.connection
                .leave(watch.id, leave[thread_rng().gen_range(0..3)]);
            return;
        }
        self.watches.lock().unwrap().push(Watch::of(watch));
    }

    fn note_detached(&self, turn: String) {
        self.deeds.lock().unwrap().detached.insert(turn);
    }

    fn follow(self: &Arc<Self>, plan: Plan) {
        let turn = format!("u{}", thread_rng().gen_range(1..3));
        let follower = self.connection.follow_turn("t", &turn);
        // One that has ended unheard would be watched for ever.
        let plan = Plan {
            watches: plan.watches && !plan.unsubscribes,
            ..plan
        };
        self.watched(plan, &follower, || {
            thread::yield_now();
            let leave = [Leave::Close, Leave::GiveUp, Leave::Drop];
            // Of one that is gone nothing is recorded.
            let count = if plan.records { 2 } else { 3 };
            self.connection
                .leave(follower.id, leave[thread_rng().gen_range(0..count)]);
            false
        });
    }

    fn goal(self: &Arc<Self>, plan: Plan) {
        let pause = Cleanup::new("thread/goal/set", br#"{"status":"paused"}"#.to_vec());
        if let Some(goal) = self.connection.own_thread(&"t".into(), pause) {
            self.watched(plan, &goal, || self.set_goal(plan, &goal));
        }
    }

    /// Says if the goal's consumer is gone.
    fn set_goal(&self, plan: Plan, goal: &Subscription) -> bool {
        let stream = Some((goal.id, false));
        let call = self.connection.open_call("thread/goal/set", None, stream);
        call.gate().wait(None);
        let params = br#"{"status":"active"}"#;
        let sent = self.connection.send(&call, Some(params)).is_ok();
        if sent && Self::chance(0.3) {
            // Lost with its request on the way.
            self.connection.leave(goal.id, Leave::Drop);
            call.gate().wait(None);
            call.take();
            return true;
        }
        if sent && Self::chance(0.7) {
            call.gate().wait(None);
            call.take();
        }
        self.connection.abandon(&call);
        if Self::chance(0.2) {
            self.deeds.lock().unwrap().goal = true;
            self.connection.detach(goal.id);
        }
        if plan.records && Self::chance(0.5) {
            self.connection.leave(goal.id, Leave::Close);
        }
        false
    }

    /// The events of the thread come no more, or again.
    fn subscribe(&self) {
        let method = ["thread/unsubscribe", "thread/resume"][thread_rng().gen_range(0..2)];
        let call = self.connection.open_call(method, None, None);
        call.gate().wait(None);
        let params = br#"{"threadId":"t"}"#;
        if self.connection.send(&call, Some(params)).is_ok() && Self::chance(0.8) {
            call.gate().wait(None);
            call.take();
        }
        self.connection.release(&call);
    }

    fn consume(self: &Arc<Self>, plan: Plan) {
        match thread_rng().gen_range(0..10) {
            0 => self.follow(plan),
            1 if plan.goals => self.goal(plan),
            1 | 3 if plan.unsubscribes => self.subscribe(),
            2 => {
                if let Some(call) = self.request("thread/read", None) {
                    call.take();
                }
            }
            _ => self.start(plan),
        }
    }

    /// What was on its way has arrived, and whoever waited for it was told. False if the connection has ended.
    fn catch_up(&self) -> bool {
        let call = self.connection.open_call("model/list", None, None);
        call.gate().wait(None);
        if self.connection.send(&call, None).is_err() {
            return false;
        }
        call.gate().wait(None);
        call.take();
        true
    }

    /// Whether everything that was on its way has arrived.
    fn settle(&self) -> Counts {
        let mut counts = Counts::default();
        for _ in 0..12 {
            if !self.catch_up() {
                break;
            }
            counts = self.connection.counts();
            if counts == Counts::default() {
                break;
            }
        }
        counts
    }
}

/// What happens in a run besides turns.
#[derive(Debug, Default, Clone, Copy)]
struct Plan {
    /// The runtime refuses a start now and then.
    refuses: bool,
    goals: bool,
    /// The thread is unsubscribed and resumed. Each turn begins at once then: a beginning that is not heard is waited
    /// for by the clock, and here no time passes.
    unsubscribes: bool,
    /// The connection is closed in the middle.
    closes: bool,
    watches: bool,
    /// Who is watched is so after it has left, by what was recorded.
    records: bool,
}

/// So many consumers on each of several threads.
fn run(plan: Plan, threads: usize, each: usize) {
    let (memory, endpoint) = Memory::pair(false);
    let settings = Settings {
        limits: Limits {
            short: 2,
            long: 2,
            control: 1,
            cleanup: 1,
        },
        mailbox_budget: 1 << 20,
        total_budget: 1 << 20,
        wire: None,
    };
    let runtime =
        thread::spawn(move || Runtime::new(memory, plan.refuses, plan.unsubscribes).run());
    let connection = Connection::open(endpoint, &settings).unwrap();
    let model = Arc::new(Model {
        connection,
        deeds: Mutex::default(),
        watches: Mutex::default(),
    });
    let consumers: Vec<_> = (0..threads)
        .map(|_| {
            let model = Arc::clone(&model);
            thread::spawn(move || (0..each).for_each(|_| model.consume(plan)))
        })
        .collect();
    if plan.closes {
        thread::yield_now();
        model.connection.close(false);
    }
    for consumer in consumers {
        consumer.join().unwrap();
    }
    let counts = model.settle();
    if plan.watches {
        // What the last batch has ended is known before it is told.
        model.catch_up();
    }
    let mut watches = std::mem::take(&mut *model.watches.lock().unwrap());
    watches.iter_mut().for_each(Watch::look);
    let waiting = watches.iter().filter(|watch| !watch.told);
    let waiting: Vec<_> = waiting
        .map(|watch| Arc::clone(&watch.subscription.mailbox))
        .collect();
    model.connection.close(false);
    assert!(model.connection.wait(None));
    for watch in &mut watches {
        watch.see_end();
        model.connection.leave(watch.subscription.id, Leave::Drop);
    }
    let record = runtime.join().unwrap();
    if !plan.closes {
        let deeds = model.deeds.lock().unwrap();
        let counts = Counts {
            turns: counts.turns - judge_watches(&waiting, &record, &deeds),
            ..counts
        };
        judge(&counts, &record, &deeds);
    }
    assert_eq!(model.connection.counts(), Counts::default());
}

fn judge(counts: &Counts, record: &Record, deeds: &Deeds) {
    let context = || format!("{counts:?} {deeds:?}\n{}", record.log.join("\n"));
    assert_eq!(
        (
            counts.calls,
            counts.admitted,
            counts.waiting,
            counts.starting
        ),
        (0, 0, 0, 0),
        "{}",
        context()
    );
    // One that nobody runs is known no more.
    let running = usize::from(record.running.is_some());
    assert!(counts.turns <= running, "{}", context());
    if let Some(turn) = record.running.as_ref().filter(|_| !deeds.goal) {
        assert!(
            deeds.detached.contains(turn),
            "nobody wants {turn}: {}",
            context()
        );
    }
    if !deeds.interrupts && !deeds.goal {
        let stopped = record.interrupted.intersection(&deeds.detached).next();
        assert_eq!(stopped, None, "somebody wanted it: {}", context());
    }
}

/// Who still waits for an end is to be told of one that has not come. Returns how many turns are known because they are
/// watched, and were never started.
fn judge_watches(waiting: &[Arc<Mailbox>], record: &Record, deeds: &Deeds) -> usize {
    let mut expected = BTreeSet::new();
    for mailbox in waiting {
        let (about, turn) = (mailbox.about, &*mailbox.key);
        let was_started = || turn[1..].parse::<usize>().unwrap() <= record.turns;
        let goes_on = match about {
            About::Turn if was_started() => record.running.as_deref() == Some(turn),
            About::Turn => {
                expected.insert(turn);
                true
            }
            _ => deeds.goal,
        };
        assert!(
            goes_on,
            "who watches {about:?} {turn:?} is not told: {deeds:?}\n{}",
            record.log.join("\n")
        );
    }
    expected.len()
}

#[test]
fn consumers_on_several_threads() {
    check(|| run(Plan::default(), 3, 1));
}

#[test]
fn consumers_whose_starts_are_refused_at_times() {
    let plan = Plan {
        refuses: true,
        ..Plan::default()
    };
    check(move || run(plan, 3, 1));
}

#[test]
fn consumers_one_after_the_other_on_two_threads() {
    let plan = Plan {
        refuses: true,
        ..Plan::default()
    };
    check(move || run(plan, 2, 3));
}

#[test]
fn consumers_and_goals() {
    let plan = Plan {
        refuses: true,
        goals: true,
        ..Plan::default()
    };
    check(move || run(plan, 3, 2));
}

#[test]
fn consumers_of_a_thread_whose_events_stop_and_come_again() {
    let plan = Plan {
        refuses: true,
        unsubscribes: true,
        ..Plan::default()
    };
    check(move || run(plan, 3, 2));
}

#[test]
fn a_connection_that_is_closed_under_its_consumers() {
    let plan = Plan {
        refuses: true,
        goals: true,
        closes: true,
        ..Plan::default()
    };
    check(move || run(plan, 3, 1));
}

#[test]
fn consumers_who_are_watched() {
    let plan = Plan {
        refuses: true,
        watches: true,
        ..Plan::default()
    };
    check(move || run(plan, 2, 3));
}

#[test]
fn consumers_and_goals_that_are_watched() {
    let plan = Plan {
        refuses: true,
        goals: true,
        watches: true,
        ..Plan::default()
    };
    check(move || run(plan, 2, 3));
}

#[test]
fn consumers_who_are_watched_after_they_have_left() {
    let plan = Plan {
        refuses: true,
        watches: true,
        records: true,
        ..Plan::default()
    };
    check(move || run(plan, 2, 3));
}

#[test]
fn consumers_and_goals_that_are_watched_after_they_have_left() {
    let plan = Plan {
        refuses: true,
        goals: true,
        watches: true,
        records: true,
        ..Plan::default()
    };
    check(move || run(plan, 2, 3));
}

#[test]
fn consumers_who_are_watched_on_a_thread_whose_events_stop_and_come_again() {
    let plan = Plan {
        refuses: true,
        unsubscribes: true,
        watches: true,
        ..Plan::default()
    };
    check(move || run(plan, 3, 2));
}
