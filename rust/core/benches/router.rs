//! What it costs to bring a pipe full of deltas to the mailboxes of 1 to 5,000 turns, and to take
//! them out: all but the reading and the objects. `All` keeps them, `Result` does not.

mod traffic;

use std::sync::Arc;

use codex_core::inbox::budget::Budget;
use codex_core::inbox::mailbox::{Mailbox, Selection, Taken};
use codex_core::session::router::{Batch, Router};
use codex_core::session::stats::Stats;
use codex_core::wire::envelope::{Message, Reader};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn route(router: &Router, envelopes: &mut Reader, batch: &mut Batch, lines: &[Vec<u8>]) {
    let mut routing = router.routing(batch);
    for line in lines {
        match envelopes.read(line.trim_ascii_end()) {
            Ok(Message::Notification(notification)) => routing.notification(&notification),
            other => panic!("no notification: {other:?}"),
        }
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

fn router(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("router");
    for selection in [Selection::All, Selection::Result] {
        for turns in [1, 10, 100, 1000, 5000] {
            let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
            let router = Router::new(Arc::new(Stats::default()), budget);
            let mailboxes: Vec<_> = (0..turns)
                .map(|turn| router.subscribe_turn("", &traffic::turn_id(turn)))
                .collect();
            for mailbox in &mailboxes {
                mailbox.select(selection);
            }
            let lines = traffic::chunk(turns);
            let kept = if selection == Selection::All { 320 } else { 0 };
            // A chunk reaches 80 turns at most; the others stay empty and are not looked at.
            let met = &mailboxes[..turns.min(80)];
            let (mut envelopes, mut batch) = (Reader::default(), Batch::default());
            group.throughput(Throughput::Elements(lines.len() as u64));
            let id = BenchmarkId::new(format!("{selection:?}"), turns);
            group.bench_with_input(id, &lines, |bench, lines| {
                bench.iter(|| {
                    route(&router, &mut envelopes, &mut batch, lines);
                    assert_eq!(empty(met), kept);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, router);
criterion_main!(benches);
