//! NXLink: its fields, its signature, its error codes, and a client that speaks them.
//!
//! By NXLink's document "WhatsApp template API". Nothing here is known to the other provider's dialect.

mod client;
mod codes;
mod events;
mod fields;
mod sign;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;

pub use client::{Account, Client, Flow, Media};
pub use codes::{DELETED, advice, status};
pub use fields::{from_details, from_request, kept, to_request};
pub use sign::sign;
