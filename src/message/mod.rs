//! Messages: a request body in, what is wrong with it out, so that everything that can be known before sending is.
//!
//! What each channel takes is in tables; the check reads them, and so does the reference ([`reference()`]), so that the
//! two cannot say different things. The limits are those of the document "Messages API" of INCS and, for the
//! parameters of WhatsApp templates, of Meta's Cloud API, which the provider hands them on to.
//!
//! What a document does not forbid passes, with a warning where it is not known to be right. Nothing is sent or
//! fetched here: whether a template exists and what it needs are for the provider to say, how large a file is for
//! its server.

mod check;
mod finding;
mod link;
mod links;
mod open;
mod path;
mod reference;
mod rules;
mod shape;
mod tables;
mod text;
mod validate;
mod walk;
mod words;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Severity};
pub use link::{is_public, why_not_public};
pub use links::links;
pub use open::Open;
pub use reference::reference;
pub use shape::Media;
pub use validate::{SESSION_ONLY, check, check_message};
