//! What it costs to find the lines in what was read: one pipe full of deltas, and one huge line.

mod traffic;

use std::hint::black_box;

use codex_core::wire::framing::LineBuffer;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const READ: usize = 64 * 1024;

fn lines(buffer: &mut LineBuffer, bytes: &[u8]) -> usize {
    let mut found = 0;
    for read in bytes.chunks(READ) {
        buffer.add(read).expect("no line is too long");
        for line in buffer.take_lines() {
            black_box(line);
            found += 1;
        }
    }
    found
}

fn framing(criterion: &mut Criterion) {
    let deltas = traffic::chunk(1000).concat();
    let mut huge = vec![b'x'; 16 * 1024 * 1024];
    huge.push(b'\n');
    let mut group = criterion.benchmark_group("framing");
    for (name, bytes, expected) in [("deltas", deltas, 320), ("one line of 16 MB", huge, 1)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &bytes, |bench, bytes| {
            let mut buffer = LineBuffer::default();
            bench.iter(|| assert_eq!(lines(&mut buffer, bytes), expected));
        });
    }
    group.finish();
}

criterion_group!(benches, framing);
criterion_main!(benches);
