//! What waits in a run for a time that lies ahead only because the clock was set back: begins to wait anew.

use super::{EngineError, Job};
use crate::model::Event;
use crate::store::{Waits, Writer};

/// Rows that wait for their next try.
pub(super) async fn tries(job: &Job, writer: &mut Writer) -> Result<(), EngineError> {
    let mended = writer.mend_times(job.run.key, Waits::Tries, job.clock.now()).await?;
    tell(job, mended);
    Ok(())
}

/// Messages that wait to be asked about.
pub(super) async fn polls(job: &Job) -> Result<(), EngineError> {
    let (run, now) = (job.run.key, job.clock.now());
    if job.store.has_polls_ahead(run, now).await? {
        let mut writer = job.store.writer().await?;
        tell(job, writer.mend_times(run, Waits::Polls, now).await?);
        writer.close().await?;
    }
    Ok(())
}

/// The same beside the sending, which a look at millions of messages would hold up. Ends only where it fails.
pub(super) async fn polls_beside(job: &Job, sends: bool) -> EngineError {
    match sends {
        true => match polls(job).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        },
        false => std::future::pending().await,
    }
}

fn tell(job: &Job, mended: u64) {
    if mended > 0 {
        let words = format!("this machine's clock was set back since the run stopped: {mended} waits begin anew");
        (job.events)(Event::Said(words));
    }
}
