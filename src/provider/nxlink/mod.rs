//! NXLink: its fields, its signature, its error codes, and a client that speaks them.
//!
//! By NXLink's document "WhatsApp template API". Nothing here is known to the other provider's dialect.

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
pub use template_client::{Flow, Media, NxlinkAccount, NxlinkClient};
