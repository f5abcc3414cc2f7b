//! One goal as the reader sees it: from the request that sets it to the end of its last turn. The
//! runtime works towards a goal in turns that it starts itself, one after the other; this tells which
//! events are theirs, which turn runs now, and when no other will come. Plain data of the session.

use std::sync::Arc;

use crate::inbox::segment::{Event, Segment};

/// Where a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Standing {
    /// The thread is reserved; what it does is still somebody else's, an earlier goal's perhaps.
    #[default]
    Reserved,
    /// The request that sets the goal is on the wire.
    Asked,
    /// The runtime works towards it, or pauses between two turns.
    Active,
    /// No turn will follow the one that runs.
    Over,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is no event of the goal's turns.
    Passed,
    Kept,
    /// It is not kept, and it was the last thing to wait for.
    PassedLast,
    KeptLast,
}

#[derive(Debug, Default)]
pub struct Goal {
    standing: Standing,
    /// The first turn, whose id stands for all of them.
    first: Option<Arc<str>>,
    running: Option<Arc<str>>,
    /// The last `thread/goal/updated`.
    latest: Option<Segment>,
    /// Nobody wants it: it is being paused, and a turn that still begins is to be interrupted.
    given_up: bool,
    /// The program wants it to stop: likewise, whoever follows its turn.
    stopped: bool,
}

/// Statuses in which the runtime starts no more turns. One that this version does not know is none
/// of these: the next event says more.
const ENDED: [&str; 5] = [
    "paused",
    "blocked",
    "usageLimited",
    "budgetLimited",
    "complete",
];

impl Goal {
    /// The request that sets it goes out now.
    pub(crate) fn ask(&mut self) {
        if self.standing == Standing::Reserved {
            self.standing = Standing::Asked;
        }
    }

    /// The request was refused, or did not go out.
    pub(crate) fn refused(&mut self) {
        if self.standing == Standing::Asked {
            self.standing = Standing::Reserved;
        }
    }

    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Whether a turn that begins now is one that nobody wants.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up
    }

    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether the runtime may still start turns for it.
    pub fn goes_on(&self) -> bool {
        matches!(self.standing, Standing::Asked | Standing::Active)
    }

    /// The first turn; its id stands for the whole.
    pub fn first_turn(&self) -> Option<Arc<str>> {
        self.first.clone()
    }

    /// The turn that runs now.
    pub fn running_turn(&self) -> Option<Arc<str>> {
        self.running.clone()
    }

    pub(crate) fn running(&self) -> Option<&Arc<str>> {
        self.running.as_ref()
    }

    /// The params of the last `thread/goal/updated`.
    pub fn latest(&self) -> Option<&[u8]> {
        self.latest.as_ref().map(|one| one.get(0).params)
    }

    /// Takes in an event of the thread; `turn_id` is the turn's that it belongs to, if it does, and `status` what it
    /// says of the goal or the turn, if it says that.
    pub(crate) fn observe(
        &mut self,
        event: &Event<'_>,
        turn_id: Option<&str>,
        status: Option<&str>,
    ) -> Verdict {
        if self.standing == Standing::Reserved {
            return Verdict::Passed;
        }
        match (event.method, turn_id) {
            ("thread/goal/updated", _) => self.updated(*event, status),
            // Of the goal that this one replaces, if it is not set yet.
            ("thread/goal/cleared", _) if self.standing == Standing::Asked => Verdict::Passed,
            ("thread/goal/cleared", None) => self.over(),
            // With the thread goes the turn that runs.
            ("thread/archived" | "thread/deleted" | "thread/closed", None) => {
                self.running = None;
                self.over()
            }
            ("turn/started", Some(turn_id)) if self.standing != Standing::Over => {
                let turn_id: Arc<str> = turn_id.into();
                self.standing = Standing::Active;
                self.first.get_or_insert_with(|| Arc::clone(&turn_id));
                self.running = Some(turn_id);
                Verdict::Kept
            }
            (_, Some(turn_id)) if self.running.as_deref() == Some(turn_id) => {
                if event.ends() {
                    self.completed(status)
                } else {
                    Verdict::Kept
                }
            }
            _ => Verdict::Passed,
        }
    }

    fn updated(&mut self, event: Event<'_>, status: Option<&str>) -> Verdict {
        self.latest = Some(Segment::of(event));
        if status.is_some_and(|status| ENDED.contains(&status)) {
            return self.over();
        }
        self.standing = Standing::Active;
        Verdict::Passed
    }

    fn over(&mut self) -> Verdict {
        self.standing = Standing::Over;
        if self.running.is_some() {
            Verdict::Passed
        } else {
            Verdict::PassedLast
        }
    }

    fn completed(&mut self, status: Option<&str>) -> Verdict {
        self.running = None;
        // The runtime leaves a goal active whose turn was interrupted, and does nothing for it.
        if status == Some("interrupted") {
            self.standing = Standing::Over;
        }
        if self.standing == Standing::Over {
            Verdict::KeptLast
        } else {
            Verdict::Kept
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::envelope::find_notification;

    fn see(goal: &mut Goal, method: &str, turn_id: Option<&str>, params: &str) -> Verdict {
        let event = Event {
            spec: find_notification(method),
            method,
            params: params.as_bytes(),
            shared: None,
        };
        let status = params.split(r#""status":""#).nth(1);
        let status = status.and_then(|rest| rest.split('"').next());
        goal.observe(&event, turn_id, status)
    }

    fn set(goal: &mut Goal, status: &str) -> Verdict {
        let params = format!(r#"{{"threadId":"t","goal":{{"status":"{status}"}}}}"#);
        see(goal, "thread/goal/updated", None, &params)
    }

    fn start(goal: &mut Goal, turn_id: &str) -> Verdict {
        see(goal, "turn/started", Some(turn_id), "{}")
    }

    fn complete(goal: &mut Goal, turn_id: &str, status: &str) -> Verdict {
        let params = format!(r#"{{"turn":{{"id":"{turn_id}","status":"{status}"}}}}"#);
        see(goal, "turn/completed", Some(turn_id), &params)
    }

    fn asked() -> Goal {
        let mut goal = Goal::default();
        goal.ask();
        goal
    }

    #[test]
    fn a_goal_is_over_when_its_last_turn_is() {
        let mut goal = asked();
        assert_eq!(set(&mut goal, "active"), Verdict::Passed);
        assert_eq!(start(&mut goal, "u"), Verdict::Kept);
        assert_eq!(complete(&mut goal, "u", "completed"), Verdict::Kept);
        assert_eq!(goal.running(), None);
        assert_eq!(start(&mut goal, "v"), Verdict::Kept);
        assert_eq!(set(&mut goal, "complete"), Verdict::Passed);
        assert_eq!(
            see(&mut goal, "item/completed", Some("v"), "{}"),
            Verdict::Kept
        );
        assert_eq!(complete(&mut goal, "v", "completed"), Verdict::KeptLast);
        assert_eq!(goal.first_turn().as_deref(), Some("u"));
        assert!(
            goal.latest()
                .unwrap()
                .windows(8)
                .any(|part| part == b"complete")
        );
    }

    #[test]
    fn a_status_that_comes_after_the_turn_ends_it_too() {
        let mut goal = asked();
        start(&mut goal, "u");
        assert_eq!(complete(&mut goal, "u", "failed"), Verdict::Kept);
        assert_eq!(set(&mut goal, "blocked"), Verdict::PassedLast);
    }

    #[test]
    fn a_status_from_tomorrow_ends_nothing() {
        let mut goal = asked();
        start(&mut goal, "u");
        set(&mut goal, "pondering");
        assert_eq!(complete(&mut goal, "u", "completed"), Verdict::Kept);
    }

    #[test]
    fn an_interrupted_turn_is_the_last_one() {
        let mut goal = asked();
        set(&mut goal, "active");
        start(&mut goal, "u");
        assert_eq!(complete(&mut goal, "u", "interrupted"), Verdict::KeptLast);
    }

    #[test]
    fn what_an_earlier_goal_did_is_not_this_ones() {
        let mut goal = Goal::default();
        assert_eq!(start(&mut goal, "old"), Verdict::Passed);
        assert_eq!(set(&mut goal, "paused"), Verdict::Passed);
        goal.ask();
        assert_eq!(
            see(&mut goal, "thread/goal/cleared", None, "{}"),
            Verdict::Passed
        );
        assert_eq!(
            see(&mut goal, "item/completed", Some("old"), "{}"),
            Verdict::Passed
        );
        assert_eq!(complete(&mut goal, "old", "interrupted"), Verdict::Passed);
        assert_eq!(goal.first_turn(), None);
        assert_eq!(start(&mut goal, "u"), Verdict::Kept);
    }

    #[test]
    fn a_thread_that_goes_ends_its_goal() {
        for method in [
            "thread/archived",
            "thread/deleted",
            "thread/closed",
            "thread/goal/cleared",
        ] {
            let mut goal = asked();
            start(&mut goal, "u");
            complete(&mut goal, "u", "completed");
            assert_eq!(
                see(&mut goal, method, None, "{}"),
                Verdict::PassedLast,
                "{method}"
            );
        }
    }
}
