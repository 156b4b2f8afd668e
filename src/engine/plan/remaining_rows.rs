//! Checks the remaining rows of a run against a newer definition of their template.

use crate::engine::error::EngineError;
use crate::engine::plan::validate::in_the_template;
use crate::model::{Damage, RowNumber, RowProblem};
use crate::render::Renderer;
use crate::store::{Run, Store};
use crate::template::Loaded;

/// Rows read at a time.
const PAGE: u32 = 1000;
/// Maximum number of rows whose disagreements are reported.
const MAX_REPORTED: usize = 3;

/// Returns how many of the remaining rows disagree with a template, and the disagreements of the first of them.
///
/// # Errors
/// When the store fails, or a row cannot be rendered any more.
pub async fn check_remaining_rows(
    store: &Store,
    run: &Run,
    renderer: &Renderer,
    template: &Loaded,
) -> Result<(u64, Vec<(RowNumber, RowProblem)>), EngineError> {
    let (mut rows, mut problems) = (0, Vec::new());
    let mut after = None;
    let mut body = renderer.blank();
    loop {
        let page = store.remaining_rows(run.key, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((rows, problems)) };
        after = Some(last.claim.key);
        for attempt in &page {
            let row = attempt.claim.key.row();
            let damaged = |damage: Damage| EngineError::Render { row, problem: damage.into() };
            let cells: Vec<String> =
                serde_json::from_str(&attempt.cells).map_err(|error| damaged(Damage::Cells(error.to_string())))?;
            renderer
                .render_value(Some(attempt.phone), &cells, &mut body)
                .map_err(|problems| damaged(Damage::Message(problems)))?;
            let mut found = template.hold(&body);
            found.retain(|found| !found.mismatch.is_doubt());
            rows += u64::from(!found.is_empty());
            if problems.len() < MAX_REPORTED {
                let problem = found.into_iter().next().map(|found| (row, in_the_template(found, template, renderer)));
                problems.extend(problem);
            }
        }
    }
}
