//! `campaigner` as a library: everything but the command line is here for tests and benches.
//!
//! The rooms, from the lowest: [`base_url`], [`crash`], `input_file` (which knows `crash`), [`model`] and [`yaml`] (which knows
//! `input_file`); the rooms of the middle know only those and never each other; [`engine`] puts them together, and
//! [`schedule`] says when; [`cli`] is the only one that prints or ends the process.

pub mod base_url;
pub mod crash;
mod input_file;
pub mod model;
pub mod yaml;

pub mod campaign_file;
pub mod hook;
pub mod media;
pub mod messages;
pub mod pace;
pub mod progress;
pub mod provider;
pub mod recipients;
pub mod render;
pub mod report;
pub mod simulator;
pub mod store;
pub mod templates;
pub mod window;

pub mod engine;
pub mod schedule;

pub mod cli;
