//! What planning writes to the store, and what it reads about earlier runs.

pub(super) mod import; // the rows of a run
pub(super) mod reached; // people whom earlier runs reached
pub(super) mod templates; // pulled templates
