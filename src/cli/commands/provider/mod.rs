//! Commands about what is stored at a template provider: templates, flows, and files for headers.

pub(super) mod flows;
pub(super) mod media;
pub(super) mod pull;
pub(super) mod templates;
