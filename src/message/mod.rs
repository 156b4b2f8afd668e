//! Messages: checks request bodies, to find every problem that can be found before sending.
//!
//! `translate` puts a campaign's message into the words of its provider. `schema` describes what each API accepts on
//! each channel, as data. `validate` checks a body against it, and `reference` generates the documentation from it, so
//! the two cannot disagree. INCS's limits come from its document "Messages API" and, for the parameters of WhatsApp
//! templates, from Meta's Cloud API, to which it passes them.
//!
//! Anything that the documentation does not forbid passes, with a warning if it may be wrong. Nothing is sent or
//! fetched: only the provider knows whether a template exists, and only a server knows the size of a file.

mod media_links;
mod path;
mod reference;
mod schema;
mod translate;
mod validate;

#[cfg(test)]
pub(crate) mod tests;

pub use media_links::links;
pub use reference::reference;
pub use schema::types::Media;
pub use translate::{Translation, translate};
pub use validate::{Open, SESSION_ONLY, check, check_message, is_public, why_not_public};
