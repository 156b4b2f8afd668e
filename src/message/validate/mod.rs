//! Checks a body against the schema of its channel.

mod body; // the whole body or message
mod check; // the findings so far
mod fast_path; // checks rows by their texts alone, if possible
mod link; // URLs of media and buttons
mod list_rules; // rules about several items or keys
mod text; // rules about one text
mod walk; // from the root to each value

pub use body::{SESSION_ONLY, check, check_message};
pub use fast_path::Open;
pub use link::{is_public, why_not_public};
