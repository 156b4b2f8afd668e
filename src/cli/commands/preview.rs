//! `campaigner preview FILE`: prints the exact bodies that would be posted.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use jiff::civil::Date;

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::load;
use crate::model::{Phone, RowNumber};
use crate::store::Store;

/// The arguments of `preview`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Print only this row; 1 is the first after the header
    #[arg(long, value_name = "N")]
    row: Option<u64>,
    /// Print at most N bodies
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Read this day's list: this date replaces `{{ date }}` in the list's file name; default: today
    #[arg(long, value_name = "DATE")]
    date: Option<Date>,
    /// Print the bodies for this provider instead of the campaign's `provider`
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
}

/// Rows looked up in the store in one query.
const PAGE: usize = 500;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let loaded = load::dated(load::read_undated(&args.file, global)?, args.date)?;
    let loaded = load::through(loaded, args.provider.as_deref(), global).await?;
    let store = Store::open_if_there(&global.db).await?;
    let mut plan = load::plan(&loaded, store.as_ref(), global).await?;
    let mut listing = plan.listing(store.as_ref()).await?;
    let mut bodies = plan.bodies();
    // A number that appears twice gets one body, just as it would get one message.
    let mut seen = HashSet::new();
    let (mut printed, mut trouble, mut wanted_row_is_bad, mut last) = (0, None, false, None);
    'all: loop {
        let page = bodies.by_ref().take(PAGE).collect::<Result<Vec<_>, _>>()?;
        if page.is_empty() {
            break;
        }
        let phones: Vec<Phone> = page.iter().filter_map(|(_, body)| Some(body.as_ref().ok()?.0)).collect();
        let left_out = match &mut listing {
            Some(listing) => listing.of(&phones).await?,
            None => HashMap::new(),
        };
        for (row, body) in page {
            last = Some(row.0);
            let wanted = args.row.is_none_or(|wanted| RowNumber(wanted) == row);
            match body {
                Ok((phone, body)) => {
                    let first = seen.insert(phone.line());
                    if wanted && !first {
                        console::info(&format!("row {row}: the same number as an earlier row"));
                    } else if let (true, Some((code, reason))) = (wanted, left_out.get(&phone)) {
                        console::info_to_person(
                            &format!("row {row}: left out: {reason} [{code}]"),
                            &format!("row {row}: left out: {code}"),
                        );
                    } else if wanted {
                        match print(&body, args.pretty) {
                            Ok(()) => printed += 1,
                            Err(error) => trouble = Some(error),
                        }
                    }
                }
                Err(problems) if wanted => {
                    wanted_row_is_bad = args.row.is_some();
                    for problem in problems {
                        let code = problem.code();
                        console::info_to_person(
                            &format!("row {row}: {problem} [{code}]"),
                            &format!("row {row}: {code}"),
                        );
                    }
                }
                Err(_) => {}
            }
            let enough =
                args.limit.is_some_and(|limit| printed >= limit) || args.row.is_some_and(|wanted| row.0 >= wanted);
            if enough || trouble.is_some() {
                break 'all;
            }
        }
    }
    match trouble {
        // The reader, such as `head`, closed the pipe.
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        Some(error) => return Err(cannot_print(error)),
        None => {}
    }
    match args.row {
        Some(_) if wanted_row_is_bad => Ok(Exit::Wrong),
        Some(row) if printed == 0 => Err(CliError::new(
            Exit::Wrong,
            match last {
                _ if row == 0 => "rows are counted from 1".to_owned(),
                Some(last) if last >= row => format!("row {row} cannot be previewed; the reason is shown above"),
                Some(last) => format!("the list has no row {row}; its last row is {last}"),
                None => "the list has no rows".to_owned(),
            },
        )),
        _ => Ok(Exit::Done),
    }
}

fn print(body: &[u8], pretty: bool) -> std::io::Result<()> {
    let text = String::from_utf8_lossy(body);
    if pretty {
        let value: serde_json::Value = serde_json::from_str(&text)?;
        return console::stream(&serde_json::to_string_pretty(&value)?);
    }
    console::stream(&text)
}
