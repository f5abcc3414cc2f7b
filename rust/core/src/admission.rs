//! How many requests are in flight. The runtime queues 128 messages and forgets requests beyond
//! that, so each kind of request has a window, first come first served; what waits holds a place in
//! line and nothing else, its params are not serialised yet.
//!
//! Lock order: a lane's lock, then a call's. No two lanes are held at once.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::call::{Call, Outcome};
use crate::closing::CloseReason;
use crate::protocol::Window;

/// Requests in flight, per window. Together they stay below the runtime's queue of 128.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub short: usize,
    pub long: usize,
    pub control: usize,
}

impl Default for Limits {
    /// 32 short requests in flight completed 1,000 of 1,000 thread starts; twice as many long ones
    /// only wait inside the runtime; control calls must never stand behind either.
    fn default() -> Self {
        Self {
            short: 32,
            long: 64,
            control: 16,
        }
    }
}

#[derive(Debug)]
pub struct Admission {
    lanes: [Mutex<Lane>; 3],
}

#[derive(Debug)]
struct Lane {
    limit: usize,
    in_flight: usize,
    queue: VecDeque<Arc<Call>>,
    closed: Option<Arc<CloseReason>>,
}

impl Admission {
    pub fn new(limits: Limits) -> Self {
        let lane = |limit| {
            Mutex::new(Lane {
                limit,
                in_flight: 0,
                queue: VecDeque::new(),
                closed: None,
            })
        };
        Self {
            lanes: [lane(limits.short), lane(limits.long), lane(limits.control)],
        }
    }

    fn lane(&self, window: Window) -> &Mutex<Lane> {
        &self.lanes[match window {
            Window::Short => 0,
            Window::Long => 1,
            Window::Control => 2,
        }]
    }

    /// Takes a place in line; the call is admitted at once when there is room.
    pub fn enter(&self, call: &Arc<Call>) {
        let mut lane = self.lane(call.window).lock();
        if let Some(reason) = lane.closed.clone() {
            drop(lane);
            finish(call, &reason);
        } else if lane.in_flight < lane.limit && lane.queue.is_empty() {
            if call.admit() {
                lane.in_flight += 1;
            }
        } else {
            lane.queue.push_back(Arc::clone(call));
        }
    }

    /// A place is free: the next in line is admitted.
    pub fn release(&self, window: Window) {
        let mut lane = self.lane(window).lock();
        lane.in_flight = lane.in_flight.saturating_sub(1);
        while lane.in_flight < lane.limit {
            let Some(next) = lane.queue.pop_front() else {
                break;
            };
            if next.admit() {
                lane.in_flight += 1;
            }
        }
    }

    /// Calls that wait for a place, and calls that hold one.
    pub fn load(&self, window: Window) -> (usize, usize) {
        let lane = self.lane(window).lock();
        (lane.queue.len(), lane.in_flight)
    }

    /// A queued call was given up: it leaves the line, so that cancelled work holds no memory.
    pub fn leave(&self, call: &Arc<Call>) {
        let mut lane = self.lane(call.window).lock();
        if let Some(index) = lane
            .queue
            .iter()
            .position(|queued| Arc::ptr_eq(queued, call))
        {
            lane.queue.remove(index);
        }
    }

    /// Ends every wait in line, now and later.
    pub fn close(&self, reason: &Arc<CloseReason>) {
        for lane in &self.lanes {
            let queued = {
                let mut lane = lane.lock();
                lane.closed = Some(Arc::clone(reason));
                std::mem::take(&mut lane.queue)
            };
            for call in queued {
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
    use crate::call::Undo;

    fn call(id: i64, method: &str) -> Arc<Call> {
        Arc::new(Call::new(id, method, None))
    }

    fn admission(limit: usize) -> Admission {
        Admission::new(Limits {
            short: limit,
            long: limit,
            control: limit,
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
        admission.release(Window::Short);
        assert_eq!(admitted(), [true, true, true, false, false]);
        assert_eq!(admission.load(Window::Short), (2, 2));
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
        assert_eq!(admission.load(Window::Short), (1, 1));
        admission.release(Window::Short);
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
    }
}
