//! `campaigner preview FILE`: the exact bodies that would be posted.

use std::collections::HashSet;
use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::{Global, cannot_print, opened, screen};
use crate::model::RowNo;
use crate::store::Store;

/// What `preview` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Only this row (1 is the first after the header)
    #[arg(long, value_name = "N")]
    row: Option<u64>,
    /// So many bodies at most
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Indented, over several lines
    #[arg(long)]
    pretty: bool,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let loaded = opened::read(&args.file)?;
    let store = Store::open_if_there(&global.db).await?;
    let plan = opened::plan(&loaded, store.as_ref(), global).await?;
    // What was seen, so that a number that stands twice gets one body, as it would get one message.
    let mut seen = HashSet::new();
    let mut printed = 0;
    let mut trouble: Option<std::io::Error> = None;
    let mut wanted_row_is_bad = None;
    let left_out = plan.left_out(store.as_ref()).await?;
    plan.bodies(|row, body| {
        let wanted = args.row.is_none_or(|wanted| RowNo(wanted) == row);
        match body {
            Ok((phone, body)) => {
                let first = seen.insert(phone);
                if wanted && !first {
                    screen::say(&format!("row {row}: the same number as an earlier row"));
                } else if let (true, Some((code, reason))) = (wanted, left_out.get(&phone)) {
                    screen::say(&format!("row {row}: left out: {reason} [{code}]"));
                } else if wanted {
                    match print(&body, args.pretty) {
                        Ok(()) => printed += 1,
                        Err(error) => trouble = Some(error),
                    }
                }
            }
            Err(problems) if wanted => {
                wanted_row_is_bad = args.row;
                for problem in problems {
                    screen::say(&format!("row {row}: {problem} [{}]", problem.code));
                }
            }
            Err(_) => {}
        }
        let enough = args.limit.is_some_and(|limit| printed >= limit) || args.row.is_some_and(|wanted| row.0 >= wanted);
        !enough && trouble.is_none()
    })?;
    match trouble {
        // `| head` has seen enough.
        Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        Some(error) => return Err(cannot_print(error)),
        None => {}
    }
    match args.row {
        Some(_) if wanted_row_is_bad.is_some() => Ok(Exit::Wrong),
        Some(row) if printed == 0 => Err(Failure::new(Exit::Wrong, format!("there is no message for row {row}"))),
        _ => Ok(Exit::Done),
    }
}

fn print(body: &[u8], pretty: bool) -> std::io::Result<()> {
    let text = String::from_utf8_lossy(body);
    if pretty {
        let value: serde_json::Value = serde_json::from_str(&text)?;
        return screen::stream(&serde_json::to_string_pretty(&value)?);
    }
    screen::stream(&text)
}
