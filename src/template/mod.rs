//! Templates: one definition in WhatsApp's vocabulary for both providers.
//!
//! A definition is read from YAML ([`read`]), checked against the documented rules ([`check`]), compared with a
//! provider's version ([`diff()`]), and compared with a rendered message ([`Loaded::hold`]). A provider's version can
//! be stored as a [`Snapshot`]. The conversions and clients for each provider are in `provider`. This module knows
//! nothing about campaigns, rows or the store.

mod conformance;
mod decode;
mod definition;
mod diff;
mod file;
pub(crate) mod placeholders;
mod remote;
pub(crate) mod rules;
mod snapshot;

#[cfg(test)]
pub(crate) mod tests;

pub use conformance::Disagreement;
pub use definition::{
    Body, Button, ButtonKind, Card, Category, Component, Definition, Examples, Footer, HeaderComponent, HeaderFormat,
    Nxlink, Offer,
};
pub use diff::{Difference, diff};
pub use file::{Loaded, parse, read};
pub(crate) use remote::left_out;
pub(crate) use remote::{CHECK_FIRST, REPEAT};
pub use remote::{ChangeAnswer, Error, RemoteTemplate, TemplateSummary, Translated};
pub use rules::check;
pub use snapshot::Snapshot;
