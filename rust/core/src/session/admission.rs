//! How many requests are in flight. The runtime queues 128 messages and forgets requests beyond that, so each kind of
//! request has a window, first come first served; what waits holds a place in line and nothing else, its params are
//! not serialised yet.
//!
//! Plain data; the session's lock is around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::call::{Call, Lane};

/// Requests in flight, per window. Together they stay below the runtime's queue of 128.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub short: usize,
    pub long: usize,
    pub control: usize,
    pub cleanup: usize,
}

impl Default for Limits {
    /// 32 short requests in flight completed 1,000 of 1,000 thread starts; twice as many long ones
    /// only wait inside the runtime; control calls must never stand behind either.
    fn default() -> Self {
        Self {
            short: 32,
            long: 64,
            control: 16,
            cleanup: 8,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Admission {
    windows: [AdmissionWindow; 4],
}

#[derive(Debug)]
struct AdmissionWindow {
    limit: usize,
    in_flight: usize,
    waiting: VecDeque<Arc<Call>>,
    /// When a request of this window was last answered.
    served: Option<Instant>,
}

impl Admission {
    pub fn new(limits: Limits) -> Self {
        let Limits {
            short,
            long,
            control,
            cleanup,
        } = limits;
        let windows = [short, long, control, cleanup].map(|limit| AdmissionWindow {
            limit,
            in_flight: 0,
            waiting: VecDeque::new(),
            served: None,
        });
        Self { windows }
    }

    fn window(&mut self, lane: Lane) -> &mut AdmissionWindow {
        &mut self.windows[lane as usize]
    }

    /// Takes a place in line; true when the call is admitted at once because there is room.
    pub fn enter(&mut self, call: &Arc<Call>, now: Instant) -> bool {
        let window = self.window(call.lane);
        if window.in_flight < window.limit && window.waiting.is_empty() {
            let admitted = call.admit(now);
            window.in_flight += usize::from(admitted);
            return admitted;
        }
        window.waiting.push_back(Arc::clone(call));
        false
    }

    /// A place is free: who is next in line is admitted, and returned.
    pub fn release(&mut self, lane: Lane, now: Instant) -> Option<Arc<Call>> {
        let window = self.window(lane);
        window.in_flight = window.in_flight.saturating_sub(1);
        while window.in_flight < window.limit {
            let next = window.waiting.pop_front()?;
            if next.admit(now) {
                window.in_flight += 1;
                return Some(next);
            }
        }
        None
    }

    /// A request of this window was answered.
    pub fn note_served(&mut self, lane: Lane, now: Instant) {
        self.window(lane).served = Some(now);
    }

    /// When a request of this window was last answered.
    pub fn served(&self, lane: Lane) -> Option<Instant> {
        self.windows[lane as usize].served
    }

    /// Calls that wait for a place, and calls that hold one.
    pub fn load(&self, lane: Lane) -> (usize, usize) {
        let window = &self.windows[lane as usize];
        (window.waiting.len(), window.in_flight)
    }

    /// A queued call was given up: it leaves the line, so that cancelled work holds no memory.
    pub fn leave(&mut self, call: &Arc<Call>) {
        let waiting = &mut self.window(call.lane).waiting;
        waiting.retain(|other| !Arc::ptr_eq(other, call));
    }

    /// Nobody stands in line or holds a place any more.
    pub fn clear(&mut self) {
        for window in &mut self.windows {
            window.in_flight = 0;
            window.waiting.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::cleanup::Cleanup;

    fn admission(limit: usize) -> Admission {
        Admission::new(Limits {
            short: limit,
            long: limit,
            control: limit,
            cleanup: limit,
        })
    }

    fn call(id: i64, method: &str) -> Arc<Call> {
        Arc::new(Call::new(id, method, Instant::now()))
    }

    #[test]
    fn the_line_is_first_come_first_served() {
        let mut admission = admission(2);
        let calls: Vec<_> = (0..5).map(|id| call(id, "thread/read")).collect();
        let admitted: Vec<_> = calls
            .iter()
            .map(|one| admission.enter(one, Instant::now()))
            .collect();
        assert_eq!(admitted, [true, true, false, false, false]);
        assert_eq!(admission.load(Lane::Short), (3, 2));
        let next: Vec<_> = (0..4)
            .map(|_| admission.release(Lane::Short, Instant::now()))
            .collect();
        let ids: Vec<_> = next
            .iter()
            .map(|one| one.as_ref().map(|one| one.id))
            .collect();
        assert_eq!(ids, [Some(2), Some(3), Some(4), None]);
    }

    #[test]
    fn who_left_the_line_is_passed_over() {
        let mut admission = admission(1);
        let calls: Vec<_> = (0..4).map(|id| call(id, "thread/read")).collect();
        for one in &calls {
            admission.enter(one, Instant::now());
        }
        admission.leave(&calls[1]);
        calls[2].give_up();
        let next = admission.release(Lane::Short, Instant::now()).unwrap();
        assert_eq!((next.id, admission.load(Lane::Short)), (3, (0, 1)));
    }

    #[test]
    fn lanes_do_not_hold_each_other_up() {
        let (mut admission, now) = (admission(1), Instant::now());
        let short = [call(1, "thread/read"), call(2, "thread/read")];
        assert!(admission.enter(&short[0], now) && !admission.enter(&short[1], now));
        assert!(admission.enter(&call(3, "turn/interrupt"), now));
        let cleanup = Cleanup::interrupt("t", "u");
        let by_itself = Call::by_itself(4, &cleanup, Lane::Cleanup, now);
        assert!(admission.enter(&Arc::new(by_itself), now));
    }
}
