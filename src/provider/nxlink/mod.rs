//! NXLink: its fields, its signature, its error codes, and a client.
//!
//! It follows NXLink's document "WhatsApp template API". The code for the other provider does not use it.

mod error_codes;
mod events;
mod fields;
mod signature;
mod template_client;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;

pub use error_codes::{advice, status};
pub use fields::{from_details, from_request, kept, to_request};
pub use signature::sign;
pub use template_client::{Flow, NxlinkAccount, NxlinkClient, UploadedMedia};
