//! Templates as a table.

use crate::cli::error::CliError;
use crate::cli::output::table;
use crate::template::TemplateSummary;

/// Prints a table of templates, as wide as its contents.
pub(in crate::cli) fn print(list: &[TemplateSummary]) -> Result<(), CliError> {
    let head = ["ID", "NAME", "LANGUAGE", "CATEGORY", "STATUS"].map(str::to_owned);
    let row = |listed: &TemplateSummary| {
        let reason = listed.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let TemplateSummary { id, name, language, category, status, .. } = listed;
        [id.clone(), name.clone(), language.clone(), category.clone(), format!("{status}{reason}")]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(list.iter().map(row)).collect();
    table::print(&rows)
}
