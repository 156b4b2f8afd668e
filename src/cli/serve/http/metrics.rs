//! `GET /metrics`: metrics in the format of Prometheus.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::app::App;
use super::live;
use super::response::{failed, text};
use crate::engine::RunActivity;
use crate::model::Millis;
use crate::store::StoreError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(app): State<App>) -> Response {
    match page(&app).await {
        Ok(page) => text(StatusCode::OK, "text/plain; version=0.0.4", page),
        Err(error) => failed(&error),
    }
}

/// A page of metrics that is being written.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

async fn page(app: &App) -> Result<String, StoreError> {
    let unfinished = app.store.unfinished().await?;
    let (ran, skipped) = app.store.occurrences_so_far().await?;
    let mut stages = std::collections::BTreeMap::new();
    for (run, _) in &unfinished {
        *stages.entry(RunActivity::of(&app.store, run, Millis::now()).await?.name()).or_insert(0_u32) += 1;
    }
    let mut workers = std::collections::BTreeMap::new();
    for worker in app.store.workers().await? {
        *workers.entry(worker.run.to_string()).or_insert(0_u32) += 1;
    }
    let mut tallies = Vec::new();
    for (run, _) in &unfinished {
        let is_known = app.board.status().runs.contains_key(&run.id.to_string());
        if is_known {
            tallies.push((run.id.to_string(), live::tally(app, run).await?));
        }
    }
    let status = app.board.status();
    let mut page = Page(String::new());

    page.family("campaigner_build_info", "gauge", "The running version.");
    page.sample("campaigner_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);

    page.family("campaigner_unfinished_runs", "gauge", "Unfinished runs by stage.");
    for (stage, runs) in stages {
        page.sample("campaigner_unfinished_runs", &[("stage", stage)], runs.into());
    }

    page.family("campaigner_workers", "gauge", "Number of processes that send a run, if the store is on a server.");
    for (run, count) in &workers {
        page.sample("campaigner_workers", &[("run", run)], (*count).into());
    }

    page.family("campaigner_run_rows", "gauge", "Rows of an unfinished run by state, as last counted by the service.");
    for (run, tally) in &tallies {
        for (state, rows) in tally.iter() {
            page.sample("campaigner_run_rows", &[("run", run), ("state", state.as_str())], rows as f64);
        }
    }
    page.family("campaigner_run_halted", "gauge", "1 for a run of this service that stopped and needs attention.");
    for (run, seen) in &status.runs {
        page.sample("campaigner_run_halted", &[("run", run)], f64::from(u8::from(seen.halted.is_some())));
    }

    page.family("campaigner_occurrences_total", "counter", "Occurrences of scheduled campaigns by result.");
    page.sample("campaigner_occurrences_total", &[("became", "run")], ran as f64);
    page.sample("campaigner_occurrences_total", &[("became", "skipped")], skipped as f64);

    page.family("campaigner_next_due_timestamp_seconds", "gauge", "When a scheduled campaign is due next.");
    for (name, campaign) in &status.campaigns {
        if let Some(next) = campaign.next {
            let seconds = next.0 as f64 / 1000.0;
            page.sample("campaigner_next_due_timestamp_seconds", &[("campaign", name)], seconds);
        }
    }

    page.family("campaigner_wrong_files", "gauge", "Files in the folder that are not valid campaigns.");
    page.sample("campaigner_wrong_files", &[], status.wrong.len() as f64);

    page.family("campaigner_account_rate", "gauge", "Rate limit of a provider account in requests per second.");
    for (provider, rate) in &status.rates {
        page.sample("campaigner_account_rate", &[("provider", provider)], *rate);
    }

    if let Some(counts) = &app.webhook_counts {
        page.family("campaigner_callbacks_total", "counter", "Webhooks received from the provider by result.");
        for (became, callbacks) in counts.read() {
            page.sample("campaigner_callbacks_total", &[("became", became)], callbacks as f64);
        }
    }
    Ok(page.0)
}
