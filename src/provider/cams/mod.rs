//! Alibaba Cloud's Chat App Message Service (CAMS): its components, its signature, its error codes, and a client.
//!
//! It follows the documentation of `ModifyChatappTemplate`, version 2020-06-06, and related operations. The code for
//! the other provider does not use it.

mod call_rate;
mod components;
mod error_codes;
mod signature;
mod template_client;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;

pub use components::{from_details, kept, to_request};
pub use error_codes::advice;
pub use signature::{Request, sign};
pub use template_client::{CamsAccount, CamsClient};
