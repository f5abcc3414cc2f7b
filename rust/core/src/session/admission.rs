//! How many requests are in flight. The runtime queues 128 messages and forgets requests beyond
//! that, so each kind of request has a window, first come first served; what waits holds a place in
//! line and nothing else, its params are not serialised yet.
//!
//! Lock order: a queue's lock, then a call's. No two queues are held at once.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::session::call::{Call, Lane, Outcome};
use crate::sync::closing::CloseReason;

/// Requests in flight, per window. Together they stay below the runtime's queue of 128.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub short: usize,
    pub long: usize,
    pub control: usize,
    pub errand: usize,
}

impl Default for Limits {
    /// 32 short requests in flight completed 1,000 of 1,000 thread starts; twice as many long ones
    /// only wait inside the runtime; control calls must never stand behind either.
    fn default() -> Self {
        Self {
            short: 32,
            long: 64,
            control: 16,
            errand: 8,
        }
    }
}

#[derive(Debug)]
pub struct Admission {
    queues: [Mutex<Queue>; 4],
}

#[derive(Debug)]
struct Queue {
    limit: usize,
    in_flight: usize,
    waiting: VecDeque<Arc<Call>>,
    closed: Option<Arc<CloseReason>>,
}

impl Admission {
    pub fn new(limits: Limits) -> Self {
        let Limits {
            short,
            long,
            control,
            errand,
        } = limits;
        let queues = [short, long, control, errand].map(|limit| {
            let waiting = VecDeque::new();
            Mutex::new(Queue {
                limit,
                in_flight: 0,
                waiting,
                closed: None,
            })
        });
        Self { queues }
    }

    fn queue(&self, lane: Lane) -> &Mutex<Queue> {
        &self.queues[match lane {
            Lane::Short => 0,
            Lane::Long => 1,
            Lane::Control => 2,
            Lane::Errand => 3,
        }]
    }

    /// Takes a place in line; true when the call is admitted at once because there is room.
    pub fn enter(&self, call: &Arc<Call>) -> bool {
        let mut queue = self.queue(call.lane).lock();
        if let Some(reason) = queue.closed.clone() {
            drop(queue);
            finish(call, &reason);
            return false;
        }
        if queue.in_flight < queue.limit && queue.waiting.is_empty() {
            let admitted = call.admit();
            queue.in_flight += usize::from(admitted);
            return admitted;
        }
        queue.waiting.push_back(Arc::clone(call));
        false
    }

    /// A place is free: who is next in line is admitted. Returns the errands among them, which
    /// nobody else sends.
    pub fn release(&self, lane: Lane) -> Vec<Arc<Call>> {
        let mut queue = self.queue(lane).lock();
        let mut errands = Vec::new();
        queue.in_flight = queue.in_flight.saturating_sub(1);
        while queue.in_flight < queue.limit {
            let Some(next) = queue.waiting.pop_front() else {
                break;
            };
            if next.admit() {
                queue.in_flight += 1;
                if lane == Lane::Errand {
                    errands.push(next);
                }
            }
        }
        errands
    }

    /// Calls that wait for a place, and calls that hold one.
    pub fn load(&self, lane: Lane) -> (usize, usize) {
        let queue = self.queue(lane).lock();
        (queue.waiting.len(), queue.in_flight)
    }

    /// A queued call was given up: it leaves the line, so that cancelled work holds no memory.
    pub fn leave(&self, call: &Arc<Call>) {
        let mut queue = self.queue(call.lane).lock();
        queue.waiting.retain(|waiting| !Arc::ptr_eq(waiting, call));
    }

    /// Ends every wait in line, now and later.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        for queue in &self.queues {
            let waiting = {
                let mut queue = queue.lock();
                queue.closed = Some(Arc::clone(reason));
                queue.in_flight = 0;
                std::mem::take(&mut queue.waiting)
            };
            for call in waiting {
                finish(&call, reason);
            }
        }
    }
}

fn finish(call: &Call, reason: &Arc<CloseReason>) {
    if let Some(wake) = call.answer(Outcome::Closed(Arc::clone(reason)), None) {
        call.fire(wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::call::Undo;
    use crate::session::errands::Errand;

    fn call(id: i64, method: &str) -> Arc<Call> {
        Arc::new(Call::new(id, method, None))
    }

    fn admission(limit: usize) -> Admission {
        Admission::new(Limits {
            short: limit,
            long: limit,
            control: limit,
            errand: limit,
        })
    }

    #[test]
    fn the_window_is_bounded_and_first_come_first_served() {
        let admission = admission(2);
        let calls: Vec<_> = (0..5).map(|id| call(id, "thread/read")).collect();
        for call in &calls {
            admission.enter(call);
        }
        let admitted = || {
            calls
                .iter()
                .map(|call| call.is_admitted())
                .collect::<Vec<_>>()
        };
        assert_eq!(admitted(), [true, true, false, false, false]);
        admission.release(Lane::Short);
        assert_eq!(admitted(), [true, true, true, false, false]);
        assert_eq!(admission.load(Lane::Short), (2, 2));
    }

    #[test]
    fn a_call_that_was_given_up_does_not_take_a_place() {
        let admission = admission(1);
        let (first, second, third) = (
            call(1, "thread/read"),
            call(2, "thread/read"),
            call(3, "thread/read"),
        );
        for one in [&first, &second, &third] {
            admission.enter(one);
        }
        assert!(matches!(second.abandon(), Undo::Line));
        admission.leave(&second);
        assert_eq!(admission.load(Lane::Short), (1, 1));
        admission.release(Lane::Short);
        assert!(third.is_admitted());
    }

    #[test]
    fn control_calls_do_not_stand_behind_short_ones() {
        let admission = admission(1);
        let (reading, waiting, interrupt) = (
            call(1, "thread/read"),
            call(2, "thread/read"),
            call(3, "turn/interrupt"),
        );
        for one in [&reading, &waiting, &interrupt] {
            admission.enter(one);
        }
        assert!(!waiting.is_admitted());
        assert!(interrupt.is_admitted());
    }

    #[test]
    fn closing_ends_present_and_later_waits() {
        let admission = admission(1);
        let (first, second, late) = (
            call(1, "thread/read"),
            call(2, "thread/read"),
            call(3, "thread/read"),
        );
        admission.enter(&first);
        admission.enter(&second);
        admission.close(&Arc::new(CloseReason::by_client()));
        admission.enter(&late);
        for one in [second, late] {
            assert!(matches!(one.take(), Some(Outcome::Closed(_))));
        }
        assert_eq!(admission.load(Lane::Short), (0, 0));
        admission.release(first.lane);
        assert_eq!(admission.load(Lane::Short), (0, 0));
    }

    #[test]
    fn errands_are_handed_out_when_their_turn_comes() {
        let admission = admission(1);
        let errand = |id| Arc::new(Call::errand(id, Errand::interrupt("t", "u")));
        let (first, second, third) = (errand(1), errand(2), errand(3));
        assert!(admission.enter(&first));
        assert!(!admission.enter(&second));
        assert!(!admission.enter(&third));
        assert!(matches!(second.abandon(), Undo::Line));
        let next = admission.release(Lane::Errand);
        assert_eq!(next.iter().map(|call| call.id).collect::<Vec<_>>(), [3]);
    }
}
