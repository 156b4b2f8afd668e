//! Reads the rows of a campaign without storing any.

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::problem_groups::ProblemGroups;
use crate::cli::session;
use crate::engine::{Bad, Checked, Plan};
use crate::store::Store;

/// Reads every row without storing any, and collects the rows that cannot be sent.
pub(super) async fn read_rows(
    plan: Plan,
    store: Option<&Store>,
    global: &Global,
) -> Result<(Checked, ProblemGroups), CliError> {
    let progress = session::progress(global);
    let mut groups = ProblemGroups::default();
    let each = |bad: Bad<'_>| {
        groups.add(&bad);
        Ok(())
    };
    let checked = plan.check(store, each, &progress.events()).await;
    progress.finish();
    Ok((checked?, groups))
}
