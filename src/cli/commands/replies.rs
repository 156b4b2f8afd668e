//! `campaigner replies [RUN]`: lists replies, one per line.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::commands::report;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::value_parsers::run_id;
use crate::model::{Phone, RunId};
use crate::store::{KeptReply, Run, Store};
use crate::text::escape_formula;

/// The arguments of `replies`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The run, NAME-N; the newest if left out
    #[arg(value_parser = run_id)]
    run: Option<RunId>,
    /// List only replies that do not belong to a message in this store
    #[arg(long, conflicts_with = "run")]
    loose: bool,
    /// List only replies in which this button or list row was chosen; give its id or title
    #[arg(long, value_name = "ID")]
    choice: Option<String>,
    /// Print one JSON object per line instead of CSV
    #[arg(long)]
    json: bool,
    /// Write to this file, readable only by you, instead of standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The header of the CSV. `to` is the number that the message went to or, if that is unknown, the sender's.
const COLUMNS: [&str; 7] = ["row", "to", "time", "kind", "id", "title", "text"];
/// Replies read in one query.
const PAGE: u32 = 1_000;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let store = Store::open_existing(&global.db).await?;
    let run = if args.loose { None } else { Some(store.run(args.run.as_ref()).await?) };
    run.iter().try_for_each(Run::not_purged)?;
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            if let Some(run) = &run {
                report::refuse_the_lists(&store, &[Some(&run.id)], path).await?;
            }
            let mut file = report::new_file(path, global)?;
            write(args, &store, run.as_ref(), &mut file).await?;
            file.replace().map_err(|error| CliError::of(Exit::Environment, &error))?;
            if !global.quiet {
                console::info(&format!("{}", path.display()));
            }
        }
        None => {
            let mut out = console::data_of_others();
            write(args, &store, run.as_ref(), &mut out).await?;
            out.flush().map_err(cannot_print)?;
        }
    }
    Ok(Exit::Done)
}

async fn write(args: &Args, store: &Store, run: Option<&Run>, out: &mut impl Write) -> Result<(), CliError> {
    if !args.json {
        write!(out, "{}\r\n", COLUMNS.join(",")).map_err(cannot_print)?;
    }
    let mut after = 0;
    loop {
        let mut page = store.replies(run, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.place;
        if let Some(choice) = &args.choice {
            page.retain(|kept| {
                [&kept.reply.choice, &kept.reply.title].into_iter().flatten().any(|name| name == choice)
            });
        }
        let lines = if args.json { json_lines(&page) } else { csv_lines(&page).map_err(cannot_print)? };
        out.write_all(&lines).map_err(cannot_print)?;
    }
}

fn csv_lines(page: &[KeptReply]) -> std::io::Result<Vec<u8>> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for kept in page {
        csv.write_record(cells(kept).iter().map(|cell| escape_formula(cell).into_owned()))?;
    }
    csv.into_inner().map_err(|error| error.into_error())
}

fn json_lines(page: &[KeptReply]) -> Vec<u8> {
    let line = |kept: &KeptReply| {
        let [_, to, time, ..] = cells(kept);
        let KeptReply { answered, reply, .. } = kept;
        let line = json!({
            "row": answered.map(|(row, _)| row.0), "to": Some(to).filter(|to| !to.is_empty()), "time": time, "kind": reply.kind, "id": reply.choice,
            "title": reply.title, "text": reply.text,
        });
        format!("{line}\n")
    };
    page.iter().map(line).collect::<String>().into_bytes()
}

fn cells(KeptReply { answered, reply, .. }: &KeptReply) -> [String; 7] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let to = answered.map(|(_, to)| to).or(reply.from);
    [
        answered.map(|(row, _)| row.to_string()).unwrap_or_default(),
        to.map(Phone::digits).unwrap_or_default(),
        reply.at.to_string(),
        reply.kind.clone(),
        text(&reply.choice),
        text(&reply.title),
        text(&reply.text),
    ]
}
