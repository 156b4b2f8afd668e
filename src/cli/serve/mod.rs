//! `campaigner serve [DIR]`: watches a folder of campaigns, runs what is due, collects the statuses of every run, and
//! serves HTTP.
//!
//! One loop decides once a second; each run has its own task. They share state only through the store, so a second
//! service on the same store does no harm, and a killed service continues where it was. The loop waits for its store
//! but never for other files: a folder or a list that cannot be read delays nothing else, not even shutdown.

mod accounts;
mod campaign_folder;
mod common;
mod http;
mod scheduler;
mod service;
mod state;
mod status_board;
mod supervisor;
mod task;
mod webhooks;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::cli::config::{self, hook};
use crate::cli::confirmed::Confirmed;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::{file_limit, session};
use crate::engine::StopHandle;
use crate::store::Store;

pub(super) use campaign_folder::files;
pub(super) use http::{Token, token};
pub(super) use work::{WorkArgs, work};

use accounts::Accounts;
use campaign_folder::Folder;
use common::{aborted, checkpoint, logged};
use state::{Service, ServiceContext, Takes};
use status_board::StatusBoard;
use webhooks::Webhooks;

/// The arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of campaigns; every `.yaml` and `.yml` file in it is read as a campaign
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Serve HTTP at this address; other machines need the token in CAMPAIGNER_TOKEN
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8088", value_parser = address)]
    listen: SocketAddr,
    /// Do not serve HTTP
    #[arg(long, conflicts_with = "listen")]
    no_http: bool,
    /// Accept webhooks: from INCS at /webhook/SECRET, with the secret in CAMPAIGNER_WEBHOOK_SECRET, and from Meta at
    /// /webhook/meta/NAME for each provider NAME (docs/webhooks.md)
    #[arg(long, conflicts_with = "no_http")]
    webhook: bool,
    /// Write the reports to DIR/RUN/
    #[arg(long, value_name = "DIR", default_value = "reports")]
    report_dir: PathBuf,
    #[command(flatten)]
    confirmed: Confirmed,
}

/// The most requests to resume a run that can be queued.
const MAX_REQUESTS: usize = 16;
/// The most requests in flight over all runs; fewer if the limit on open files is lower.
const MAX_IN_FLIGHT: usize = 1024;

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let folder = Folder::open(&args.dir, config::apis(global).await?)?;
    let token = http::token()?;
    hook::hook(global).await?;
    let webhooks = if args.webhook { Some(webhooks::settings(global).await?) } else { None };
    let listener = match args.no_http {
        true => None,
        false => Some(listen(args.listen, token.is_some()).await?),
    };
    let board = Arc::new(StatusBoard::default());
    let store = match args.confirmed.moved {
        true => Store::open_or_make(&global.db).await?,
        false => Store::open(&global.db).await?,
    };
    args.confirmed.check(&store).await?;
    let serving = store.lock_service().await?;
    let (resume_request, resume_requests) = mpsc::channel(MAX_REQUESTS);
    let webhooks = match webhooks {
        Some(settings) => settings.open(&store).await?,
        None => Webhooks::default(),
    };
    let looks = Arc::default();
    let app = http::App {
        store: store.clone(),
        board: board.clone(),
        token,
        open: args.listen.ip().is_loopback(),
        resume_request,
        webhook: webhooks.incs,
        meta: webhooks.meta,
        webhook_counts: webhooks.counts,
        looks,
    };
    let (in_flight, connections) =
        file_limit::enough_for_both(MAX_IN_FLIGHT, if args.no_http { 0 } else { http::MAX_CONNECTIONS });
    let accounts = Accounts::new(global.clone());
    let to_checkpoint = store.clone();
    let context = ServiceContext { store, global: global.clone(), reports: args.report_dir.clone(), accounts, board };
    let service = Service::new(serving, context, folder, Takes::Own, in_flight);
    let stop = StopHandle::default();
    let events = logged();
    tracing::info!(folder = %args.dir.display(), store = %global.db, "service started");
    let whole = async {
        let (answering, over) = oneshot::channel::<()>();
        let served = async {
            if let Some(listener) = listener {
                http::serve(listener, app, connections, &stop).await;
            }
            drop(answering);
        };
        let collected = async {
            if let Some(writer) = webhooks.writer {
                writer.work(over).await;
            }
        };
        let tasks = LocalSet::new();
        tokio::join!(tasks.run_until(service.work(resume_requests, &stop)), served, collected)
    };
    match session::unless_aborted_on(&to_checkpoint, &stop, &events, whole).await {
        Some((worked, (), ())) => {
            worked?;
            checkpoint(&to_checkpoint).await;
            tracing::info!("service stopped; nothing is in flight");
            Ok(Exit::Done)
        }
        None => Err(aborted("serve")),
    }
}

/// Parses an address to listen on. `localhost` is accepted too, because it needs no name lookup.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8088 or [::1]:8088".to_owned())
}

async fn listen(address: SocketAddr, token: bool) -> Result<TcpListener, CliError> {
    if !address.ip().is_loopback() && !token {
        return Err(CliError::new(
            Exit::Wrong,
            format!("{address} can be reached from other machines; set a token in CAMPAIGNER_TOKEN first"),
        ));
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let words = format!("cannot listen on {address}: {error}; choose another with --listen, or pass --no-http");
        CliError::new(Exit::Environment, words)
    })?;
    tracing::info!(address = %listener.local_addr().unwrap_or(address), "serving HTTP");
    if !address.ip().is_loopback() {
        tracing::warn!("the token is sent unencrypted; put a reverse proxy with TLS in front");
    }
    Ok(listener)
}
