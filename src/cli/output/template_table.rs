//! Templates as a table.

use crate::cli::error::{CliError, cannot_print};
use crate::cli::output::console;
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
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    for row in &rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        console::line(&format!("{text}{}", row[4])).map_err(cannot_print)?;
    }
    Ok(())
}
