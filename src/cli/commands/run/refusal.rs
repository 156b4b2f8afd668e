//! Why `run` starts nothing: a run that is in the way, or a list on which no one is new.

use serde_json::{Value, json};

use super::args::Args;
use crate::campaign_file::Loaded;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::{console, reached};
use crate::engine::Checked;
use crate::store::{Run, StartDecision, StoreError};
use crate::text;

/// Reports why no run starts: in words, and with `--json` also as JSON on standard output.
pub(super) fn refused(
    args: &Args,
    loaded: &Loaded,
    decision: &StartDecision,
    checked: &Checked,
    global: &Global,
) -> Result<Exit, CliError> {
    let name = &loaded.campaign.name;
    let (reason, run, failure) = match decision {
        StartDecision::New(_) | StartDecision::Resume(_) => return Ok(Exit::Done),
        StartDecision::RanBefore => ("ran_before", None, reached::refusal(&args.file, name, checked, global)),
        StartDecision::Differs { run, campaign } => {
            let reason = if *campaign { "other_campaign" } else { "other_recipients" };
            (reason, Some(&run.id), differs(run, *campaign, global))
        }
        StartDecision::ForOthers(run) => ("for_others", Some(&run.id), for_others(run, global)),
        StartDecision::Ending(run) => ("ending", Some(&run.id), StoreError::Held(run.id.clone()).into()),
    };
    if args.json {
        let mut answer = json!({"decision": "refused", "reason": reason, "run": run.map(ToString::to_string)});
        if reason == "ran_before" {
            add(&mut answer, reached::totals(checked));
            answer["reached"] = reached::as_json(&checked.reached);
        }
        console::data(&answer).map_err(cannot_print)?;
    }
    Err(failure)
}

fn add(answer: &mut Value, more: Value) {
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
}

fn differs(run: &Run, campaign: bool, global: &Global) -> CliError {
    let what = if campaign { "the campaign file has" } else { "the recipients have" };
    CliError::new(
        Exit::Wrong,
        format!(
            "{0} is unfinished, and {what} changed since it started; a run keeps its original content\n  \
             continue it as it was:  {1} resume {0}\n  \
             or stop it for good:    {1} cancel {0}, then send to the people not reached yet with `run --only-new`",
            run.id,
            global.command()
        ),
    )
}

fn for_others(run: &Run, global: &Global) -> CliError {
    let (who, flag) = match run.only_new {
        true => ("only to people not reached by an earlier run", "--again"),
        false => ("to everyone on this list, including people reached by earlier runs", "--only-new"),
    };
    CliError::new(
        Exit::Wrong,
        format!(
            "{0} is unfinished and sends {who}\n  \
             continue it as it is:  {1} resume {0}\n  \
             or stop it for good:   {1} cancel {0}, then `run` with {flag}",
            run.id,
            global.command()
        ),
    )
}

/// Returns whether earlier runs reached everyone on the list who can be sent to.
pub(super) fn has_nobody_new(checked: &Checked) -> bool {
    checked.sendable() == 0 && checked.left_out.reached > 0
}

/// Ends `--only-new` when no recipient is new. That is no error, unless rows are invalid: they may be the new ones.
pub(super) fn nobody_new(checked: &Checked, global: &Global) -> Result<Exit, CliError> {
    let counts = reached::counts(&checked.left_out);
    if checked.invalid > 0 {
        let invalid = text::count(checked.invalid, "row");
        let words = format!(
            "no one on this list can be sent the message with --only-new ({counts}, {invalid} invalid); nothing was \
             sent. Fix the problems listed above and run the command again"
        );
        return Err(CliError::new(Exit::Wrong, words));
    }
    if !global.quiet {
        console::info(&format!("no one on this list can be sent the message with --only-new ({counts})"));
    }
    Ok(Exit::Done)
}

/// Prints a decision about a list and its totals as one line of JSON.
pub(super) fn print_answer(decision: &str, checked: &Checked) -> Result<(), CliError> {
    let mut answer = json!({"decision": decision});
    add(&mut answer, reached::totals(checked));
    answer["reached"] = reached::as_json(&checked.reached);
    console::data(&answer).map_err(cannot_print)
}
