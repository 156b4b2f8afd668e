//! Providers over HTTP: one that sends messages and reports their statuses, and two that keep templates.
//!
//! `incs` speaks the INCS Messages API, and so does the simulator. What an answer or a failure means is decided in
//! `incs::classify` alone. `cams` and `nxlink` keep templates; [`TemplateApi`] is either of them. `http` is what all of
//! them share: it knows whether a byte of a request can have left.
//!
//! A call makes one request: nothing here waits for a reservation, or knows rows or the store.

pub mod cams;
mod endpoint;
mod error;
mod http;
mod incs;
mod lenient_json;
mod listed_template;
pub mod nxlink;
mod template_api;

pub use endpoint::{Endpoint, EndpointError, INCS_BASE_URL};
pub use error::{PollError, SetupError};
pub use http::answer::LONGEST_WISH;
pub use incs::client::{LONGEST_URL, MOST_IDS, Provider};
pub use incs::error_codes::advice;
#[cfg(fuzzing)]
pub use incs::fuzzing;
pub use incs::webhook::{BadCallback, Callback, callback};
pub use template_api::TemplateApi;
