//! Messages: what is wrong with a request body, so that everything that can be known before sending is known.
//!
//! `schema` holds what each channel takes, as data. `validate` checks a body against it, and `reference` writes the
//! documentation from it, so that the two cannot disagree. The limits are those of the document "Messages API" of INCS
//! and, for the parameters of WhatsApp templates, of Meta's Cloud API, which the provider hands them on to.
//!
//! What a document does not forbid passes, with a warning where it is not known to be right. Nothing is sent or
//! fetched: whether a template exists is for the provider to say, and how large a file is for its server.

mod media_links;
mod path;
mod reference;
mod schema;
mod validate;

#[cfg(test)]
mod tests;

pub use media_links::links;
pub use reference::reference;
pub use schema::types::Media;
pub use validate::{Open, SESSION_ONLY, check, check_message, is_public, why_not_public};
