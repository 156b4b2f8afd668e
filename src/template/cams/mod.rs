//! Alibaba Cloud's Chat App Message Service (CAMS): its components, its signature, its error codes, and a client.
//!
//! By the document of `ModifyChatappTemplate`, version 2020-06-06, and the operations beside it. Nothing here is known to
//! the other provider's dialect.

mod client;
mod codes;
mod components;
mod sign;
mod turns;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;

pub use client::{Account, Client};
pub use codes::advice;
pub use components::{from_details, kept, to_request};
pub use sign::{Request, sign};
