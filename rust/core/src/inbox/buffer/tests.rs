//! What a buffer keeps, drops and tells.

use super::*;
use crate::wire::envelope::find_notification;

const BUDGET: usize = 100_000;

fn event<'e>(method: &'e str, params: &'e [u8]) -> Event<'e> {
    Event {
        spec: find_notification(method),
        method,
        params,
        shared: None,
    }
}

fn topic(total: usize) -> (Buffer, Arc<Budget>) {
    let budget = Arc::new(Budget::new(BUDGET, total));
    (
        Buffer::new(Arc::clone(&budget), OverflowPolicy::Newest),
        budget,
    )
}

/// What a consumer would see, gaps as the number of events lost there.
fn seen(buffer: &mut Buffer) -> Vec<Result<String, u64>> {
    std::iter::from_fn(|| buffer.take(true))
        .flat_map(texts)
        .collect()
}

fn texts(next: Next) -> Vec<Result<String, u64>> {
    match next {
        Next::Gap(loss) => vec![Err(loss.events)],
        Next::Events(segment) => segment
            .iter()
            .map(|one| Ok(String::from_utf8_lossy(one.params).trim_start().to_owned()))
            .collect(),
    }
}

fn numbered(number: usize) -> Vec<u8> {
    format!("{number:>1000}").into_bytes()
}

#[test]
fn a_topic_keeps_the_oldest_and_has_one_gap_where_it_stopped() {
    let (mut buffer, budget) = topic(usize::MAX);
    let mut lost = Loss::NONE;
    for number in 0..300 {
        lost.add(buffer.push(event("fs/changed", &numbered(number)), false));
        assert!(buffer.held() <= BUDGET);
        assert_eq!(buffer.held(), budget.held());
    }
    let found = seen(&mut buffer);
    let kept = found.len() - 1;
    assert!(kept > 50, "{kept}");
    let expected: Vec<_> = (0..kept).map(|number| Ok(number.to_string())).collect();
    assert_eq!(found[..kept], expected);
    assert_eq!(found[kept], Err(lost.events));
    assert_eq!(usize::try_from(lost.events), Ok(300 - kept));
    assert_eq!(lost.bytes, lost.events * 1000);
    // It goes on after the gap.
    assert_eq!(
        buffer.push(event("fs/changed", &numbered(300)), false),
        Loss::NONE
    );
    assert_eq!(seen(&mut buffer), [Ok("300".to_owned())]);
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_topic_that_was_full_takes_events_again_when_half_is_read() {
    let (mut buffer, _) = topic(usize::MAX);
    let payload = numbered(1);
    while buffer.push(event("fs/changed", &payload), false) == Loss::NONE {}
    let mut refused = 1;
    while buffer.held() > BUDGET / 2 {
        assert_ne!(
            buffer.push(event("fs/changed", &payload), false),
            Loss::NONE
        );
        refused += 1;
        buffer.take(true);
    }
    assert_eq!(
        buffer.push(event("fs/changed", &payload), false),
        Loss::NONE
    );
    let gaps: Vec<_> = seen(&mut buffer)
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!(gaps, [refused]);
}

#[test]
fn there_is_room_for_how_a_command_ended_behind_its_output() {
    let (mut buffer, _) = topic(usize::MAX);
    let output = numbered(1);
    while buffer.push(event("process/outputDelta", &output), false) == Loss::NONE {}
    let loss = buffer.push(event("process/exited", b"rare"), false);
    assert_eq!(loss, Loss::NONE);
    let found = seen(&mut buffer);
    assert_eq!(found[found.len() - 2..], [Err(1), Ok("rare".to_owned())]);
}

#[test]
fn the_last_word_is_stored_even_when_nothing_fits() {
    let (mut buffer, _) = topic(usize::MAX);
    let huge = vec![b' '; BUDGET * 2];
    assert_eq!(buffer.push(event("process/exited", &huge), false).events, 1);
    assert_eq!(
        buffer.push(event("process/exited", b"end"), true),
        Loss::NONE
    );
    assert_eq!(seen(&mut buffer), [Err(1), Ok("end".to_owned())]);
}

#[test]
fn a_topic_gives_everything_but_the_last_word_for_the_whole_connection() {
    let (mut buffer, budget) = topic(1000);
    for number in 0..20 {
        buffer.push(event("process/outputDelta", &numbered(number)), false);
    }
    buffer.push(event("process/exited", b"end"), true);
    assert!(budget.held() > budget.total);
    let loss = buffer.relieve(true);
    assert_eq!(loss.events, 20);
    assert!(buffer.held() > 20_000 && buffer.needed() < 2000);
    assert!(buffer.take_untidy());
    while buffer.tidy().is_some() {}
    assert!(buffer.held() < 2000);
    assert_eq!(buffer.held(), budget.held());
    assert_eq!(seen(&mut buffer), [Err(20), Ok("end".to_owned())]);
}

#[test]
fn a_turn_tells_its_loss_once_and_first() {
    let budget = Arc::new(Budget::new(10_000, usize::MAX));
    let mut buffer = Buffer::new(budget, OverflowPolicy::Deltas);
    buffer.push(event("item/completed", b"kept"), false);
    for number in 0..20 {
        buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
    }
    assert_eq!(seen(&mut buffer), [Err(20), Ok("kept".to_owned())]);
    let later = buffer.push(event("item/agentMessage/delta", b"late"), false);
    assert_eq!(later.events, 1);
    assert_eq!(seen(&mut buffer), []);
}

#[test]
fn a_result_is_not_told_of_a_turns_loss() {
    let budget = Arc::new(Budget::new(2_000, usize::MAX));
    let mut buffer = Buffer::new(budget, OverflowPolicy::Deltas);
    for number in 0..5 {
        buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
    }
    buffer.push(event("turn/completed", b"end"), true);
    assert!(matches!(buffer.take(false), Some(Next::Events(_))));
    assert!(buffer.take(false).is_none());
}

#[test]
fn what_is_in_its_consumers_hands_counts_until_it_is_dropped() {
    let (mut buffer, budget) = topic(usize::MAX);
    buffer.push(event("fs/changed", &numbered(1)), false);
    let held = budget.held();
    let taken = buffer.take(true);
    assert_eq!((buffer.held(), budget.held()), (0, held));
    drop(taken);
    assert_eq!(budget.held(), 0);
}

/// A buffer of `count` deltas and as many items, in turns, all of whose deltas were dropped; and the loss.
fn thinned(count: usize) -> (Buffer, Arc<Budget>) {
    let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
    let mut buffer = Buffer::new(Arc::clone(&budget), OverflowPolicy::Deltas);
    for number in 0..count {
        buffer.push(event("item/agentMessage/delta", &numbered(number)), false);
        buffer.push(event("item/completed", &numbered(number)), false);
    }
    assert_eq!(buffer.relieve(false).events, count as u64);
    (buffer, budget)
}

#[test]
fn what_stays_of_a_loss_is_the_same_however_far_it_was_tidied() {
    const COUNT: usize = 500;
    let expected: Vec<_> = std::iter::once(Err(COUNT as u64))
        .chain((0..COUNT).map(|number| Ok(number.to_string())))
        .collect();
    let (mut whole, _) = thinned(COUNT);
    let steps = std::iter::from_fn(|| whole.tidy()).count();
    assert!(steps > 10, "{steps}");
    for tidied in 0..=steps {
        for taken in [0, 1, 3] {
            let (mut buffer, budget) = thinned(COUNT);
            let mut found = Vec::new();
            for step in 0..tidied {
                assert!(buffer.tidy().is_some());
                // The consumer reads meanwhile.
                if step < taken {
                    found.extend(buffer.take(true).map(texts).into_iter().flatten());
                }
            }
            found.extend(seen(&mut buffer));
            assert_eq!(found, expected, "{tidied} steps");
            assert_eq!(budget.held(), 0);
        }
    }
}

#[test]
fn no_more_is_held_after_a_loss_than_what_stays() {
    let (mut buffer, budget) = thinned(500);
    assert!(buffer.take_untidy() && !buffer.take_untidy());
    while buffer.tidy().is_some() {}
    let stays = 500 * (1000 + 8);
    assert!(
        (stays..stays + stays / 20).contains(&buffer.held()),
        "{}",
        buffer.held()
    );
    assert_eq!(buffer.held(), budget.held());
    buffer.push(event("item/completed", b"later"), false);
    assert_eq!(buffer.held(), budget.held());
    drop(buffer.clear());
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_segment_without_deltas_is_not_copied_when_deltas_go() {
    let budget = Arc::new(Budget::new(usize::MAX, usize::MAX));
    let mut buffer = Buffer::new(Arc::clone(&budget), OverflowPolicy::Deltas);
    let item: Arc<[u8]> = vec![b' '; 1 << 20].into();
    let large = Event {
        shared: Some(&item),
        ..event("item/completed", &item)
    };
    buffer.push(large, false);
    buffer.push(event("item/agentMessage/delta", b"gone"), false);
    assert_eq!(buffer.relieve(false).events, 1);
    assert_eq!(buffer.held(), budget.held());
    assert!(matches!(buffer.take(true), Some(Next::Gap(_))));
    let Some(Next::Events(segment)) = buffer.take(true) else {
        panic!("the item is gone");
    };
    assert!(std::ptr::eq(segment.get(0).params, &raw const *item));
}
