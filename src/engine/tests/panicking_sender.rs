//! A bug in a task that sends must neither keep a run waiting forever nor let its row be sent again.

use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::resend_after::provider;
use super::week_of_windows::{job, planned};
use crate::engine::{Clock, EngineError, RunMode};
use crate::model::{Millis, ProviderApi, State};

const CAMPAIGN: &str = r#"
name: bug
provider: meta
channel: whatsapp
recipients: {csv: list.csv, to: phone}
message: {type: text, text: Hello}
dispatch: {concurrency: 4, rate: 60000/s}
"#;

/// A log that panics once an attempt has ended.
struct PanickingLog;

impl Subscriber for PanickingLog {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target().ends_with("::dispatch::sender")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert!(!self.enabled(event.metadata()), "on purpose");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_run_ends_with_the_row_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.csv"), "phone\n85264000001\n85264000002\n").unwrap();
    let endpoint = provider(Arc::default(), 0).await;
    let (store, run, campaign) = planned(folder.path(), CAMPAIGN, ProviderApi::Meta).await;
    let clock = Clock::set(Millis(1_800_000_000_000));
    let first = {
        let _log = tracing::subscriber::set_default(PanickingLog);
        crate::engine::run(job(&store, &run, &campaign, &endpoint, &clock).await, RunMode::Send).await
    };
    assert!(matches!(first, Err(EngineError::Defect(_))), "{first:?}");
    let again = crate::engine::run(job(&store, &run, &campaign, &endpoint, &clock).await, RunMode::Send).await;
    let tally = again.unwrap().tally;
    assert_eq!((tally.of(State::Uncertain), tally.accepted()), (1, 1), "{tally:?}");
}
