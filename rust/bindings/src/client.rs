//! A connection as the classes of this module share it, and where threads that read and wait meet.

use std::ops::Deref;
use std::sync::Arc;

use codex_core::connection::Connection;

use crate::turnstile::Turnstile;

pub struct Client {
    connection: Connection,
    turnstile: Arc<Turnstile>,
}

impl Client {
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            turnstile: Turnstile::of_process(),
        }
    }

    pub fn turnstile(&self) -> &Turnstile {
        &self.turnstile
    }
}

impl Deref for Client {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
