//! Template management: one definition in WhatsApp's vocabulary, and the two providers that keep templates.
//!
//! A definition is read from YAML ([`read`]), held against the documented rules ([`check`]), translated into NXLink's
//! fields or CAMS's components, compared with what a provider has ([`diff()`]), and held against a rendered message
//! ([`Loaded::hold`]). What a provider has can be kept as it stood ([`Snapshot`]). The providers' dialects, signatures and
//! error codes are in their own folders. This module knows nothing of campaigns, rows or the store, and never prints.

mod api;
mod decode;
mod definition;
mod diff;
mod fields;
mod file;
mod finding;
mod hold;
mod http;
mod remote;
mod rules;
mod snapshot;
mod variables;

pub mod cams;
pub mod nxlink;

#[cfg(test)]
mod tests;

pub use api::TemplateApi;
pub use definition::{
    Body, Button, ButtonKind, Card, Category, Component, Definition, Examples, Footer, Format, Header, Nxlink, Offer,
};
pub use diff::{Change, diff};
pub use file::{Loaded, parse, read};
pub use finding::{Finding, Severity};
pub use hold::Disagreement;
pub use remote::{Answer, Error, RemoteTemplate, TemplateSummary, Translated};
pub use rules::check;
pub use snapshot::Snapshot;
