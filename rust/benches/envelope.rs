//! What it costs to see what a line says: a delta, a whole item, an answer.

mod traffic;

use std::hint::black_box;

use codex_core::wire::envelope::Reader;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const ITEM: &str = concat!(
    r#"{"method":"item/completed","params":{"threadId":"01a1fb35-bac0-74f3-9218-8a01c599bd1a","#,
    r#""turnId":"01a1fb35-bad1-7f10-8c1e-000000000001","item":{"type":"agentMessage","id":"m1","#,
    r#""text":"I changed `read_lines` so that it yields what is left, and added a test for it.","#,
    r#""phase":"final_answer","memoryCitation":null,"delivery":null,"questions":null},"#,
    r#""completedAtMs":1795215824000},"emittedAtMs":1795215824000}"#
);
const ANSWER: &str = r#"{"id":4711,"result":{"data":[],"nextCursor":null}}"#;

fn envelope(criterion: &mut Criterion) {
    let delta = traffic::delta(1, 1);
    // White space is beyond the short way, so the general reader reads it.
    let spaced = [b" ", delta.trim_ascii_end()].concat();
    let lines = [
        ("delta", delta.trim_ascii_end()),
        ("delta, the general way", &spaced),
        ("item", ITEM.as_bytes()),
        ("answer", ANSWER.as_bytes()),
    ];
    let mut group = criterion.benchmark_group("envelope");
    for (name, line) in lines {
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), line, |bench, line| {
            let mut reader = Reader::default();
            bench.iter(|| black_box(reader.read(black_box(line))).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, envelope);
criterion_main!(benches);
