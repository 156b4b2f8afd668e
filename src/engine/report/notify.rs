//! Calls the `on_done` hook when a run has ended: at least once for each end, unless it fails for minutes.
//!
//! The hook runs after the reports are written and before the run is marked finished. After a crash in between the run
//! is resumed and the hook runs again with the same id. A hook that fails never changes the result of a run.

use std::path::Path;

use serde_json::json;

use crate::engine::stop::StopHandle;
use crate::hook::{Hook, Notification};
use crate::model::{Event, Events, Notice};
use crate::rate_limit::RetryPolicy;
use crate::store::Run;

/// Maximum number of calls. The last is about four minutes after the first.
const CALLS: u32 = 8;

/// Calls the hook when a run has ended.
pub struct Notifier {
    /// The hook.
    pub hook: Hook,
    /// Where notices go.
    pub events: Events,
    /// Ends the waiting between calls.
    pub stop: StopHandle,
}

impl Notifier {
    /// Sends the run's `summary.json`. Returns `false` if it was stopped before that worked; then the run must not be
    /// marked finished.
    pub(in crate::engine) async fn notify(&self, run: &Run, summary: &Path) -> bool {
        let Some(notification) = notification(run, summary).await else { return true };
        for call in 1..=CALLS {
            let failed = match self.hook.call(&notification).await {
                Ok(()) => return true,
                Err(failed) => failed,
            };
            tracing::warn!(run = %run.id, call, %failed, "on_done hook failed");
            if call == 1 && failed.may_pass {
                (self.events)(Event::Notice(Notice::HookRetried { failed: failed.to_string() }));
            }
            if !failed.may_pass || call == CALLS {
                let (run, failed, summary) = (run.id.clone(), failed.to_string(), summary.to_owned());
                (self.events)(Event::Notice(Notice::HookFailed { run, failed, summary }));
                return true;
            }
            tokio::select! {
                () = tokio::time::sleep(RetryPolicy::default().wait(call, None)) => {}
                () = self.stop.all_ended() => return false,
            }
        }
        true
    }
}

/// Builds the notification: the same bytes for every call about one end.
async fn notification(run: &Run, summary: &Path) -> Option<Notification> {
    let summary = summary.to_owned();
    let summary = tokio::task::spawn_blocking(|| std::fs::read(summary)).await.ok()?.ok()?;
    let summary: serde_json::Value = serde_json::from_slice(&summary).ok()?;
    // A run continued by `retry` ends again, at another time.
    let id = format!("{}@{}", run.id, run.dispatched_at.unwrap_or(run.created_at).0);
    let body = json!({"event": "done", "id": id, "run": run.id.to_string(), "summary": summary});
    Some(Notification { id, body: body.to_string().into_bytes() })
}
