//! The session, driven by hand: messages, requests and the time go in, and what comes out is looked at. No thread, no
//! process, no clock.

mod admission;
mod bounds;
mod claims;
mod closing;
mod desk;
mod goals;
mod handover;
mod idle;
mod interrupts;
mod records;
mod starts;
mod streams;
mod unheard;
mod watches;
