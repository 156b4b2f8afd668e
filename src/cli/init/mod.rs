//! Makes a campaign from a list and a template, for `campaigner init`.
//!
//! `options` are the flags, and `asker` asks for what they leave open. `list` opens the list, `numbers` finds the
//! column with the numbers and their region, `template` chooses the message and `slots` fills its variables from
//! columns. `campaign_text` is the campaign, with a comment for each guess, and `skeleton` is `campaigner.toml`.
//! `draft` writes both once everything is known.
//!
//! A guess is never silent, and never one that could turn a number into a stranger's: then a person decides.

mod asker;
mod campaign_text;
mod draft;
mod guess;
mod list;
mod numbers;
mod options;
mod skeleton;
mod slots;
mod template;

pub(in crate::cli) use draft::{Draft, gather, remove};
pub(in crate::cli) use guess::open_points;
pub(in crate::cli) use options::Options;
