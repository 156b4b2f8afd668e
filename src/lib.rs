//! The library behind the `campaigner` binary. It is internal: for the binary, its tests, benches, examples and fuzz
//! targets, without any promise of stability.
//!
//! Modules are listed from the lowest layer to the highest. A module uses only modules of lower layers; modules of the
//! middle layers never use each other. A test enforces this.

// Shared by all other modules.
pub mod base_url;
pub mod crash_point;
mod input_file;
#[cfg(test)]
mod test_server;
pub mod text;

pub mod model;
pub mod yaml;

// What is sent: the campaign, its list, its messages and templates.
pub mod campaign_file;
pub mod media;
pub mod message;
pub mod recipients;
pub mod render;
pub mod template;

// Where it is sent, when, and how it is recorded.
pub mod provider;
pub mod rate_limit;
pub mod send_window;
pub mod store;

// The output, and a provider for trials.
pub mod hook;
pub mod progress;
pub mod report;
pub mod simulator;

// The life of a run, and when runs start.
pub mod engine;
pub mod schedule;

// What a person types and sees.
pub mod cli;
