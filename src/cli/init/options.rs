//! The flags that describe the campaign.

use std::path::PathBuf;

use encoding_rs::Encoding;

use crate::campaign_file::{parse_encoding, parse_name, parse_rate, parse_region, parse_start, parse_time_zone};
use crate::model::{Channel, When};

/// The word for no region and no schedule.
pub(super) const NONE: &str = "none";

/// What the campaign should be, as far as the flags say.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// Use this list: a CSV file, or a spreadsheet (.xlsx, .xlsm, .xls, .ods)
    #[arg(long, value_name = "FILE")]
    pub(super) list: Option<PathBuf>,
    /// Read this sheet of the spreadsheet
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Read the list in this encoding, such as gbk
    #[arg(long, value_parser = parse_encoding)]
    pub(super) encoding: Option<&'static Encoding>,
    /// Read the numbers from this column
    #[arg(long, value_name = "COLUMN")]
    pub(super) to: Option<String>,
    /// Read national numbers as numbers of this region, such as HK; `none` if every number in the list has its
    /// country code
    #[arg(long, value_name = "CODE", value_parser = region)]
    pub(super) region: Option<String>,
    /// Give the campaign this name; default: the name of the list
    #[arg(long, value_parser = parse_name)]
    pub(super) name: Option<String>,
    /// Send through this provider: simulator, incs, meta, or a name from campaigner.toml
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
    /// Send on this channel: whatsapp, viber or rcs
    #[arg(long, value_parser = channel)]
    pub(super) channel: Option<Channel>,
    /// Send this WhatsApp template
    #[arg(long, value_name = "NAME", conflicts_with = "text")]
    pub(super) template: Option<String>,
    /// Use the template in this language, such as en_US
    #[arg(long, value_name = "CODE", requires = "template")]
    pub(super) language: Option<String>,
    /// Fill the variables of the template's body with these columns, in order
    #[arg(long, value_name = "COLUMNS", conflicts_with = "text")]
    pub(super) params: Option<String>,
    /// Send this text; `{{ column }}` inserts a value
    #[arg(long)]
    pub(super) text: Option<String>,
    /// Limit sending to this rate, such as 20/s or 1000/min
    #[arg(long, value_parser = rate)]
    pub(super) rate: Option<String>,
    /// Start the campaign with `campaigner serve` at a given time (2027-01-31T09:00) or on a cron schedule
    /// ("0 9 * * MON"); `none` for no schedule
    #[arg(long, value_name = "TIME", value_parser = start)]
    pub(super) schedule: Option<Start>,
    /// Read the schedule in this time zone, such as Asia/Hong_Kong
    #[arg(long, value_name = "ZONE", requires = "schedule", value_parser = timezone)]
    pub(super) timezone: Option<String>,
}

/// When a campaign starts automatically, as written.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Never,
    At(String),
    Cron(String),
}

/// A schedule.
pub(super) struct NewSchedule {
    pub(super) start: Start,
    /// The time zone's IANA name.
    pub(super) timezone: String,
}

/// Reads a region, or the word for none.
pub(super) fn region(text: &str) -> Result<String, String> {
    match text.eq_ignore_ascii_case(NONE) {
        true => Ok(NONE.to_owned()),
        false => parse_region(text).map_err(|error| error.to_string()),
    }
}

/// Reads a channel's name.
pub(super) fn channel(text: &str) -> Result<Channel, String> {
    Channel::from_name(text).ok_or_else(|| "the channels are whatsapp, viber and rcs".to_owned())
}

/// Checks a rate, and returns it as it is written.
pub(super) fn rate(text: &str) -> Result<String, String> {
    parse_rate(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Checks when a campaign starts; `none` or nothing is never.
pub(super) fn start(text: &str) -> Result<Start, String> {
    if text.is_empty() || text.eq_ignore_ascii_case(NONE) {
        return Ok(Start::Never);
    }
    match parse_start(text).map_err(|error| error.to_string())? {
        When::At(_) => Ok(Start::At(text.to_owned())),
        When::Cron { .. } => Ok(Start::Cron(text.to_owned())),
    }
}

/// Checks the name of a time zone.
pub(super) fn timezone(text: &str) -> Result<String, String> {
    parse_time_zone(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
