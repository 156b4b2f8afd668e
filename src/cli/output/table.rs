//! Tables on the screen, as wide as their contents.

use crate::cli::error::{CliError, cannot_print};
use crate::cli::output::console;

/// Prints rows of cells in columns.
pub(in crate::cli) fn print<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Result<(), CliError> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        console::line(cells.collect::<Vec<_>>().join("  ").trim_end()).map_err(cannot_print)?;
    }
    Ok(())
}
