//! Providers over HTTP: those that send messages and report their statuses, and those that store templates.
//!
//! A message goes through [`Provider`], which is one of the folders `incs` and `meta`. Each has a `classify`, which
//! alone decides what a response means, with `whatsapp_errors` (what WhatsApp's codes mean) and `gateway` (answers that
//! are not the provider's own). `cams`, `nxlink` and `meta` store templates; [`TemplateApi`] is one of them. They all
//! share `http`, which knows whether a byte of a request may have been sent. `account` has what a provider says of an
//! account before a run's first message.
//!
//! A call makes one request, and [`Provider::account`] a few: this module does not wait for a rate limit, and knows
//! neither rows nor the store.

mod account;
pub mod cams;
mod endpoint;
mod error;
mod gateway;
mod http;
mod incs;
mod lenient_json;
mod listed_template;
mod meta;
pub mod nxlink;
mod refusal_words;
mod sender;
mod template_api;
mod webhook;
mod whatsapp_errors;

pub use account::{
    AccountAnswers, HealthAnswer, NumberAnswer, NumberCondition, NumberFacts, RemoteParts, TemplateAnswer,
    TemplateFacts,
};
pub use endpoint::{Endpoint, EndpointError, INCS_BASE_URL, META_BASE_URL, MetaAccount};
pub use error::{PollError, SetupError};
pub use http::answer::LONGEST_WISH;
pub use incs::client::{LONGEST_URL, MOST_IDS};
#[cfg(fuzzing)]
pub use incs::fuzzing;
pub use incs::webhook::callback;
#[cfg(fuzzing)]
pub use meta::fuzzing as meta_fuzzing;
pub use meta::receiver::MetaReceiver;
pub use meta::templates::MetaTemplates;
pub use meta::webhook::signed_callback;
pub use sender::{NO_MESSAGE, Provider};
pub use template_api::TemplateApi;
pub use webhook::{BadCallback, Callback};
pub use whatsapp_errors::advice;
