//! The writer that waits for room, the reader that watches for it, and the end of the connection: no wait sleeps on, none is
//! said to be over that nobody found, and nothing is held after the end.

use std::sync::Arc;

use codex_core::sync::lock::{Condvar, Mutex};
use codex_core::sync::relay::Relay;
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::check;

const WAITS: usize = 3;

/// What the reader sleeps over.
#[derive(Default)]
struct Bell {
    rings: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rings.lock() = true;
        self.rung.notify_all();
    }

    fn hear(&self) {
        let mut rings = self.rings.lock();
        while !*rings {
            rings = self.rung.wait(rings);
        }
        *rings = false;
    }
}

#[derive(Default)]
struct Connection {
    relay: Relay<Arc<usize>>,
    bell: Bell,
    found: Mutex<Vec<usize>>,
    is_gone: Mutex<bool>,
}

/// Whether it was stopped.
fn write(connection: &Connection) -> bool {
    for number in 0..WAITS {
        let stdin = Arc::new(number);
        let has_room = connection
            .relay
            .wait(Arc::clone(&stdin), || connection.bell.ring());
        let found = connection.found.lock().contains(&number);
        assert!(found || !has_room, "nobody has found {number}");
        if !has_room {
            return true;
        }
    }
    false
}

/// Of a child that is stuck there is room at times only.
fn read(connection: &Connection, is_stuck: bool) {
    loop {
        connection.bell.hear();
        let wanted = connection.relay.wanted();
        if let Some(number) = wanted
            && !(is_stuck && thread_rng().gen_bool(0.5))
        {
            connection.found.lock().push(*number);
            connection.relay.found();
        }
        if *connection.is_gone.lock() {
            return;
        }
    }
}

#[test]
fn a_writer_that_waits_for_room_is_told_of_it_or_of_the_end() {
    check(|| {
        let connection = Arc::new(Connection::default());
        // The end comes before, between, or after the waits.
        let ends = thread_rng().gen_bool(0.7);
        let reader = thread::spawn({
            let connection = Arc::clone(&connection);
            move || read(&connection, ends)
        });
        let writer = thread::spawn({
            let connection = Arc::clone(&connection);
            move || write(&connection)
        });
        let stop = || {
            connection.relay.stop();
            connection.bell.ring();
        };
        if ends {
            stop();
        }
        let stopped = writer.join().unwrap();
        assert!(ends || !stopped);
        stop();
        *connection.is_gone.lock() = true;
        connection.bell.ring();
        reader.join().unwrap();
        assert!(connection.relay.wanted().is_none());
        assert!(!connection.relay.wait(Arc::new(WAITS), || ()));
    });
}
