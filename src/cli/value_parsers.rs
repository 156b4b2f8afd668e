//! Parsers of values on the command line.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::model::{RunId, State};
use crate::store::Location;

/// Reads a run's id.
pub(in crate::cli) fn run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|error: crate::model::BadRunId| error.to_string())
}

/// Reads a state's name.
pub(in crate::cli) fn state(text: &str) -> Result<State, String> {
    State::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.into_iter().map(State::as_str).collect();
        format!("unknown state `{text}`; the states are {}", names.join(", "))
    })
}

/// Reads where the store is. An error does not quote the text, which may contain a password.
#[derive(Clone)]
pub(in crate::cli) struct StoreLocation;

impl TypedValueParser for StoreLocation {
    type Value = Location;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Location, clap::Error> {
        let Some(text) = value.to_str() else { return Ok(Location::File(PathBuf::from(value))) };
        let wrong = |message| clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command);
        if text.is_empty() {
            return Err(wrong("`--db` needs a file or a URL\n".to_owned()));
        }
        text.parse().map_err(|error| wrong(format!("`--db`: {error}\n")))
    }
}
