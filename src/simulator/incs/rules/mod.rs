//! What the INCS documents forbid in a request to send a message, and the error for each violation.
//!
//! As at the provider, a request is checked twice. [`request`] checks what all channels share: code 422.
//! [`whatsapp`], [`viber`] and [`rcs`] check the content: codes 10002, 10003 and 10004. What the documents do not
//! mention is accepted: other fields, and lengths without a documented limit.
//!
//! These rules come from the documents alone and share nothing with the product's own check, so that a mistake in
//! either shows up against the other.

mod buttons;
mod cards;
mod files;
mod interactive;
mod node;
mod rcs;
mod request;
mod template;
mod viber;
mod violation;
mod whatsapp;

#[cfg(test)]
mod tests;

pub(in crate::simulator) use request::validate;
