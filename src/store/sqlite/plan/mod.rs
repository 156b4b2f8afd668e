//! What planning a run leaves in the store, and what it asks about earlier runs.

pub(super) mod import; // the frozen rows
pub(super) mod reached; // whom earlier runs reached
pub(super) mod templates; // templates that were pulled
