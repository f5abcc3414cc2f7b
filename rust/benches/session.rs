//! What it costs to bring a pipe full of deltas to the mailboxes of 1 to 5,000 turns, and to take
//! them out: all but the reading and the objects. `All` keeps them, `Result` does not.

mod traffic;

use std::sync::Arc;
use std::time::Instant;

use codex_core::inbox::budget::Budget;
use codex_core::inbox::mailbox::{Mailbox, Taken};
use codex_core::inbox::selection::Selection;
use codex_core::session::Session;
use codex_core::session::admission::Limits;
use codex_core::session::effects::Effects;
use codex_core::session::incoming::Incoming;
use codex_core::session::stats::Stats;
use codex_core::wire::envelope::{Message, Reader};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn route(session: &mut Session, envelopes: &mut Reader, out: &mut Effects, lines: &[Vec<u8>]) {
    let parsed: Vec<Incoming<'_>> = lines
        .iter()
        .map(|line| match envelopes.read(line.trim_ascii_end()) {
            Ok(Message::Notification(notification)) => notification.into(),
            other => panic!("no notification: {other:?}"),
        })
        .collect();
    let now = Instant::now();
    for incoming in &parsed {
        session.notification(incoming, now, out);
    }
}

fn empty(mailboxes: &[Arc<Mailbox>]) -> usize {
    let mut taken = 0;
    for mailbox in mailboxes {
        while let Taken::Segment(segment) = mailbox.take() {
            taken += segment.len();
        }
    }
    taken
}

fn session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    for selection in [Selection::All, Selection::Result] {
        for turns in [1, 10, 100, 1000, 5000] {
            let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
            let mut session = Session::new(Limits::default(), Arc::new(Stats::default()), budget);
            let mailboxes: Vec<_> = (0..turns)
                .map(|turn| session.follow_turn("", &traffic::turn_id(turn), Instant::now()))
                .map(|subscription| subscription.mailbox)
                .collect();
            for mailbox in &mailboxes {
                mailbox.select(selection);
            }
            let lines = traffic::chunk(turns);
            let kept = if selection == Selection::All { 320 } else { 0 };
            // A chunk reaches 80 turns at most; the others stay empty and are not looked at.
            let met = &mailboxes[..turns.min(80)];
            let (mut envelopes, mut out) = (Reader::default(), Effects::default());
            group.throughput(Throughput::Elements(lines.len() as u64));
            let id = BenchmarkId::new(format!("{selection:?}"), turns);
            group.bench_with_input(id, &lines, |bench, lines| {
                bench.iter(|| {
                    route(&mut session, &mut envelopes, &mut out, lines);
                    assert_eq!(empty(met), kept);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, session);
criterion_main!(benches);
