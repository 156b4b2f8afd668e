//! Providers over HTTP: one that sends messages and reports their statuses, and two that store templates.
//!
//! `incs` speaks the INCS Messages API, like the simulator. Only `incs::classify` decides what a response or a failure
//! means. `cams` and `nxlink` store templates; [`TemplateApi`] is either of them. They all share `http`, which knows
//! whether a byte of a request may have been sent.
//!
//! A call makes one request: this module does not wait for a rate limit, and knows neither rows nor the store.

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
