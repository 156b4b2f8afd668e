//! The end of a run, told to whoever wants to know: at least once for each end, as long as it can be told within
//! minutes.
//!
//! It is told behind the reports and before the end is noted: a crash in between leaves a run that is taken up again,
//! and is told again with the same id. Nobody's not listening changes how the run went.

use std::path::Path;

use serde_json::json;

use crate::engine::stop::Stop;
use crate::hook::{Hook, Told};
use crate::model::{Event, Events, Notice};
use crate::rate_limit::RetryPolicy;
use crate::store::Run;

/// Calls in all: the last one some three minutes after the first.
const CALLS: u32 = 8;

/// Who is told that a run is over.
pub struct Done {
    /// Who.
    pub hook: Hook,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// Who watches.
    pub events: Events,
    /// How it is stopped.
    pub stop: Stop,
}

impl Done {
    /// Tells the end of a run with what is in its `summary.json`. False where it was stopped before it could: then the
    /// end must not be noted.
    pub(in crate::engine) async fn tell(&self, run: &Run, summary: &Path) -> bool {
        let Some(told) = what(run, summary).await else { return true };
        for call in 1..=CALLS {
            let failed = match self.hook.call(&told).await {
                Ok(()) => return true,
                Err(failed) => failed,
            };
            tracing::warn!(run = %run.id, call, %failed, "the done hook was not taken");
            if call == 1 && failed.may_pass {
                (self.events)(Event::Notice(Notice::HookRetried { failed: failed.to_string() }));
            }
            if !failed.may_pass || call == CALLS {
                let (run, failed, summary) = (run.id.clone(), failed.to_string(), summary.to_owned());
                (self.events)(Event::Notice(Notice::HookFailed { run, failed, summary }));
                return true;
            }
            tokio::select! {
                () = tokio::time::sleep(self.retry.wait(call, None)) => {}
                () = self.stop.all_ended() => return false,
            }
        }
        true
    }
}

/// What is told. The same each time, for an end that is told again.
async fn what(run: &Run, summary: &Path) -> Option<Told> {
    let summary = summary.to_owned();
    let summary = tokio::task::spawn_blocking(|| std::fs::read(summary)).await.ok()?.ok()?;
    let summary: serde_json::Value = serde_json::from_slice(&summary).ok()?;
    // A run that is sent on by a `retry` ends once more, and at another time.
    let id = format!("{}@{}", run.id, run.dispatched_at.unwrap_or(run.created_at).0);
    let body = json!({"event": "done", "id": id, "run": run.id.to_string(), "summary": summary});
    Some(Told { id, body: body.to_string().into_bytes() })
}
