//! The simulated provider: an HTTP/1.1 server on loopback that speaks the INCS Messages API, Meta's Cloud API,
//! NXLink and CAMS.
//!
//! It enforces what the providers' documents require, accepts any credential for sending, and delivers nothing.
//! [`Behaviour`] sets its latency, its faults, its throttle, and where it sends webhooks. It stores no messages: a
//! message id holds everything that decides the message's status, so a simulator started later reports the same
//! statuses.
//!
//! It shares no code with `provider` and `message`, so that their mistakes show up against it.
//!
//! A request passes through `listener`, then `server`, which hands it to one of the four providers. INCS checks
//! a message against `incs`'s rules, draws its result from `behaviour`, encodes that in a `message_id`, and
//! schedules its `webhooks`. A status request decodes the id and asks `delivery_model`.

mod behaviour;
mod cams;
mod counts;
mod delivery_model;
mod incs;
mod listener;
mod message_id;
mod meta;
mod nxlink;
mod sends;
mod server;
mod throttle;
mod webhooks;

#[cfg(test)]
mod tests;

pub use behaviour::Behaviour;
pub use counts::Counts;
pub use server::Simulator;

/// Returns the code and message with which the simulated INCS refuses `body` as a message over `channel`, or `None`
/// if it accepts it. Lets a fuzz target and a test check request bodies without a server.
#[cfg(any(test, fuzzing))]
pub fn refusal(channel: crate::model::Channel, body: &[u8]) -> Option<(u16, String)> {
    incs::validate(channel, body).err().map(|refusal| (refusal.code, refusal.message.into_owned()))
}
