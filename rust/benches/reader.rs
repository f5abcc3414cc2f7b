//! What the reader does with a line from the bytes to the mailboxes: deltas that nobody wants, and whole short turns.

mod traffic;

use std::sync::Arc;

use codex_core::connection::{Connection, Settings};
use codex_core::inbox::selection::Selection;
use codex_core::io::memory::Memory;
use codex_core::session::admission::Limits;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Deltas in one round: enough that what a wake-up costs is little beside them.
const DELTAS: usize = 6400;

struct Reading {
    memory: Arc<Memory>,
    connection: Connection,
}

impl Reading {
    fn new() -> Self {
        let (memory, endpoint) = Memory::pair(false);
        let settings = Settings {
            limits: Limits::default(),
            mailbox_budget: 1 << 28,
            total_budget: 1 << 30,
            wire: None,
        };
        let connection = Connection::open(endpoint, &settings).unwrap();
        Self { memory, connection }
    }

    /// Until the reader has applied these lines.
    fn read(&self, lines: &[u8]) {
        let call = self.connection.open_call("thread/read", None, None);
        self.connection.send(&call, Some(b"{}")).unwrap();
        let answer = format!("{{\"id\":{},\"result\":{{}}}}\n", call.id);
        assert!(self.memory.hear().is_some());
        self.memory.say(&[lines, answer.as_bytes()].concat());
        assert!(call.gate().wait(None));
    }
}

fn reader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reader");
    let deltas: Vec<u8> = (0..DELTAS)
        .flat_map(|text| traffic::delta(1, text))
        .collect();
    let turns: Vec<u8> = (0..200).flat_map(traffic::turn).collect();
    for (name, lines) in [("delta", deltas), ("turn", turns)] {
        let reading = Reading::new();
        let turn = reading.connection.follow_turn("", &traffic::turn_id(1));
        turn.mailbox.select(Selection::Result);
        let count = lines.split(|byte| *byte == b'\n').count() - 1;
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &lines, |bench, lines| {
            bench.iter(|| reading.read(lines));
        });
    }
    group.finish();
}

criterion_group!(benches, reader);
criterion_main!(benches);
