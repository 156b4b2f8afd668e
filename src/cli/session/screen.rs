//! How the progress of a run is shown.

use std::time::Duration;

use crate::cli::global::{Global, LogFormat, ProgressStyle};
use crate::cli::output::terminal;
use crate::progress;

/// Returns how progress is shown.
pub(in crate::cli) fn progress(global: &Global) -> progress::Progress {
    let mode = match global.progress {
        _ if global.log_format == LogFormat::Json => progress::Mode::Json,
        // Log lines would break up the bars.
        ProgressStyle::Auto if global.verbose > 0 => progress::Mode::Plain,
        ProgressStyle::Auto | ProgressStyle::Bar => progress::Mode::Bars,
        ProgressStyle::Plain | ProgressStyle::None => progress::Mode::Plain,
    };
    let only_notices = matches!(global.progress, ProgressStyle::None);
    progress::reporter(mode, only_notices, global.quiet, terminal::bar_style())
}

/// Redraws progress regularly, for ever.
pub(super) async fn tick(progress: &progress::Progress) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(TICK).await;
        progress.tick();
    }
}

/// How often the screen is redrawn while nothing happens.
const TICK: Duration = Duration::from_secs(1);
