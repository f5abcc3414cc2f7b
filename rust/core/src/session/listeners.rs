//! Who listens to notifications of many turns and subjects, and to which. Owns the filters and the
//! sum of them, by which an event that nobody asked for is passed over with one look: a turn's
//! deltas come by the thousand, while most listeners want what is rare.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::inbox::mailbox::Mailbox;
use crate::wire::envelope::find_notification;
use crate::wire::protocol::NOTIFICATIONS;

const WORDS: usize = NOTIFICATIONS.len().div_ceil(64);

/// A set of methods. Those that the schema knows are bits; others are compared by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Methods {
    known: [u64; WORDS],
    unknown: Vec<Box<str>>,
}

impl Methods {
    fn has(&self, spec: Option<u16>, method: &str) -> bool {
        match spec {
            Some(index) => self.known[usize::from(index / 64)] & (1 << (index % 64)) != 0,
            None => self.unknown.iter().any(|name| **name == *method),
        }
    }

    fn extend(&mut self, other: &Self) {
        for (mine, more) in self.known.iter_mut().zip(other.known) {
            *mine |= more;
        }
        self.unknown.extend_from_slice(&other.unknown);
    }
}

impl<'m> FromIterator<&'m str> for Methods {
    fn from_iter<I: IntoIterator<Item = &'m str>>(names: I) -> Self {
        let mut methods = Self::default();
        for name in names {
            match find_notification(name) {
                Some(index) => methods.known[usize::from(index / 64)] |= 1 << (index % 64),
                None => methods.unknown.push(name.into()),
            }
        }
        methods
    }
}

/// Which notifications a listener gets.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this thread.
    pub thread: Option<Arc<str>>,
    /// These, a turn's included; `None`: whatever is no turn's.
    pub methods: Option<Methods>,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heading<'e> {
    pub spec: Option<u16>,
    pub method: &'e str,
    pub thread: Option<&'e str>,
    pub in_turn: bool,
}

impl Filter {
    fn keeps(&self, heading: Heading<'_>) -> bool {
        let wanted = match &self.methods {
            Some(methods) => methods.has(heading.spec, heading.method),
            None => !heading.in_turn,
        };
        wanted
            && self
                .thread
                .as_deref()
                .is_none_or(|id| heading.thread == Some(id))
    }
}

/// Those of one thread, or those of all.
#[derive(Debug, Default)]
struct Group {
    all: Vec<(Filter, Arc<Mailbox>)>,
    /// What any of them wants of turns.
    of_turns: Methods,
}

impl Group {
    fn add(&mut self, filter: &Filter, mailbox: &Arc<Mailbox>) {
        self.all.push((filter.clone(), Arc::clone(mailbox)));
        if let Some(methods) = &filter.methods {
            self.of_turns.extend(methods);
        }
    }

    fn remove(&mut self, mailbox: &Arc<Mailbox>) {
        self.all.retain(|(_, other)| !Arc::ptr_eq(other, mailbox));
        self.of_turns = Methods::default();
        for methods in self.all.iter().filter_map(|(one, _)| one.methods.as_ref()) {
            self.of_turns.extend(methods);
        }
    }

    fn of<'a>(&'a self, heading: Heading<'a>) -> impl Iterator<Item = &'a Arc<Mailbox>> {
        let wanted = !heading.in_turn || self.of_turns.has(heading.spec, heading.method);
        let all = if wanted { &self.all[..] } else { &[] };
        all.iter()
            .filter(move |(filter, _)| filter.keeps(heading))
            .map(|(_, mailbox)| mailbox)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Listeners {
    to_all: Group,
    /// An event looks only at its own thread's.
    to_threads: HashMap<Arc<str>, Group>,
}

impl Listeners {
    pub fn add(&mut self, filter: &Filter, mailbox: &Arc<Mailbox>) {
        let group = match &filter.thread {
            Some(id) => self.to_threads.entry(Arc::clone(id)).or_default(),
            None => &mut self.to_all,
        };
        group.add(filter, mailbox);
    }

    pub fn remove(&mut self, filter: &Filter, mailbox: &Arc<Mailbox>) {
        let Some(id) = &filter.thread else {
            return self.to_all.remove(mailbox);
        };
        if let Some(group) = self.to_threads.get_mut(id) {
            group.remove(mailbox);
            if group.all.is_empty() {
                self.to_threads.remove(id);
            }
        }
    }

    /// Who gets an event.
    pub fn of<'a>(&'a self, heading: Heading<'a>) -> impl Iterator<Item = &'a Arc<Mailbox>> {
        let group = heading.thread.and_then(|id| self.to_threads.get(id));
        let its = group.into_iter().flat_map(move |group| group.of(heading));
        self.to_all.of(heading).chain(its)
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        std::iter::once(&self.to_all).chain(self.to_threads.values())
    }

    pub fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.groups()
            .flat_map(|group| &group.all)
            .map(|(_, mailbox)| mailbox)
    }

    pub fn is_empty(&self) -> bool {
        self.to_all.all.is_empty() && self.to_threads.is_empty()
    }

    pub fn len(&self) -> usize {
        self.groups().map(|group| group.all.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::budget::Budget;

    fn heading<'e>(method: &'e str, thread: Option<&'e str>, in_turn: bool) -> Heading<'e> {
        Heading {
            spec: find_notification(method),
            method,
            thread,
            in_turn,
        }
    }

    fn only(names: &[&str]) -> Filter {
        Filter {
            thread: None,
            methods: Some(names.iter().copied().collect()),
        }
    }

    #[test]
    fn without_methods_a_listener_gets_all_that_is_no_turns() {
        let filter = Filter::default();
        assert!(filter.keeps(heading("thread/name/updated", Some("t"), false)));
        assert!(filter.keeps(heading("future/thing", None, false)));
        assert!(!filter.keeps(heading("turn/completed", Some("t"), true)));
    }

    #[test]
    fn with_methods_it_gets_these_a_turns_included() {
        let filter = only(&["turn/completed", "warning", "future/thing"]);
        assert!(filter.keeps(heading("turn/completed", Some("t"), true)));
        assert!(filter.keeps(heading("warning", None, false)));
        assert!(filter.keeps(heading("future/thing", None, true)));
        assert!(!filter.keeps(heading("future/other", None, false)));
        assert!(!filter.keeps(heading("thread/name/updated", None, false)));
    }

    #[test]
    fn with_a_thread_it_gets_that_threads() {
        let filter = Filter {
            thread: Some("t".into()),
            methods: None,
        };
        assert!(filter.keeps(heading("thread/name/updated", Some("t"), false)));
        assert!(!filter.keeps(heading("thread/name/updated", Some("other"), false)));
        assert!(!filter.keeps(heading("account/updated", None, false)));
    }

    #[test]
    fn every_method_of_the_schema_has_a_bit_of_its_own() {
        for spec in &NOTIFICATIONS {
            let only: Methods = [spec.method].into_iter().collect();
            let kept = NOTIFICATIONS.iter().filter(|other| {
                let heading = heading(other.method, None, true);
                only.has(heading.spec, heading.method)
            });
            assert_eq!(kept.count(), 1, "{}", spec.method);
        }
    }

    #[test]
    fn what_nobody_wants_of_turns_is_passed_over_until_somebody_does() {
        let mut listeners = Listeners::default();
        let mailbox = || {
            let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
            Arc::new(Mailbox::of_many("".into(), budget))
        };
        let (world, ends) = (mailbox(), mailbox());
        let end = heading("turn/completed", Some("t"), true);
        let delta = heading("item/agentMessage/delta", Some("t"), true);
        listeners.add(&Filter::default(), &world);
        assert_eq!(listeners.of(end).count(), 0);
        listeners.add(&only(&["turn/completed"]), &ends);
        assert!(listeners.of(end).all(|one| Arc::ptr_eq(one, &ends)));
        assert_eq!(listeners.of(end).count(), 1);
        assert_eq!(listeners.of(delta).count(), 0);
        listeners.remove(&only(&["turn/completed"]), &ends);
        assert_eq!(listeners.of(end).count(), 0);
        assert_eq!(listeners.len(), 1);
    }

    #[test]
    fn an_event_looks_only_at_its_own_threads_listeners() {
        let mut listeners = Listeners::default();
        let budget = Arc::new(Budget::new(1 << 20, 1 << 20));
        let of = |thread: &str| Filter {
            thread: Some(thread.into()),
            methods: None,
        };
        let mailboxes = ["t", "u"].map(|id| {
            (
                of(id),
                Arc::new(Mailbox::of_many("".into(), Arc::clone(&budget))),
            )
        });
        for (filter, mailbox) in &mailboxes {
            listeners.add(filter, mailbox);
        }
        let renamed = heading("thread/name/updated", Some("u"), false);
        assert!(
            listeners
                .of(renamed)
                .all(|one| Arc::ptr_eq(one, &mailboxes[1].1))
        );
        assert_eq!((listeners.of(renamed).count(), listeners.len()), (1, 2));
        for (filter, mailbox) in &mailboxes {
            listeners.remove(filter, mailbox);
        }
        assert_eq!((listeners.len(), listeners.to_threads.len()), (0, 0));
    }
}
