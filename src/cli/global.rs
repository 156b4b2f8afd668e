//! The options of every command.

use std::path::PathBuf;

use clap::ValueEnum;

use super::value_parsers::StoreLocation;
use crate::store::Location;
use crate::text::shell_word;

/// The options of every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(in crate::cli) struct Global {
    /// Use this store: a file, or a PostgreSQL database, written as postgres://USER@HOST/DATABASE
    /// (docs/several-machines.md)
    #[arg(
        long, global = true, value_name = "FILE|URL", env = "CAMPAIGNER_DB", hide_env_values = true,
        default_value = "campaigner.db", value_parser = StoreLocation
    )]
    pub(in crate::cli) db: Location,
    /// Read this configuration; default: campaigner.toml, if it exists
    #[arg(long, global = true, value_name = "FILE", env = "CAMPAIGNER_CONFIG")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Print only errors
    #[arg(short, long, global = true)]
    pub(in crate::cli) quiet: bool,
    /// Log to standard error: -v events, -vv every request, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
    /// Write standard error as text, or as JSON with one event per line (docs/logs.md)
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(in crate::cli) log_format: LogFormat,
    /// Choose how progress is shown
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto)]
    pub(in crate::cli) progress: ProgressStyle,
}

impl Global {
    /// Returns how a suggested command for the same store and configuration starts. Without `--db` it would use another
    /// store, or create one.
    pub(in crate::cli) fn command(&self) -> String {
        let db = Some(self.db.to_string()).filter(|db| db != "campaigner.db");
        let options = [("--db", db), ("--config", self.config.as_ref().map(|path| path.display().to_string()))];
        let mut command = "campaigner".to_owned();
        for (flag, value) in options {
            if let Some(value) = value {
                command.push_str(&format!(" {flag} {}", shell_word(&value)));
            }
        }
        command
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ProgressStyle {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars
    Bar,
    /// One line every few seconds
    Plain,
    /// Only warnings and notices
    None,
}
