//! `campaigner serve [DIR]`: watches a folder of campaigns, has what is due run, collects the statuses of every run, and
//! answers over HTTP.
//!
//! One loop decides, once a second; the work on each run is a task of its own, and nothing is handed from one to the other
//! that does not stand in the store. So a second service on the same store is no harm, and one that is killed goes on where
//! it was. The loop waits for its store and never for other files: a folder or a list that cannot be read for now holds up
//! nothing else, nor the service's end.

mod accounts;
mod board;
mod folder;
mod http;
mod occurrences;
mod runs;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::exit::{Exit, Failure};
use super::{Global, open_files, session, webhook};
use crate::engine::{Reason, RunResult, Stop, WebhookWriter};
use crate::model::{Millis, Problem, RunId};
use crate::store::{Store, StoreError};

pub(super) use folder::files;
pub(super) use http::Token;

use accounts::Accounts;
use board::Board;
use folder::{Folder, News};
use occurrences::{Known, Opened};
use runs::{AtWork, Rest};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of campaigns; every `.yaml` and `.yml` file in it is one
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to answer over HTTP. Beyond this machine only with a token in CAMPAIGNER_TOKEN, which then all requests need
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8088", value_parser = address)]
    listen: SocketAddr,
    /// Do not answer over HTTP
    #[arg(long, conflicts_with = "listen")]
    no_http: bool,
    /// Take the provider's callbacks, statuses and replies, at POST /webhook/SECRET; the secret is that of
    /// CAMPAIGNER_WEBHOOK_SECRET (docs/webhooks.md)
    #[arg(long, conflicts_with = "no_http")]
    webhook: bool,
    /// Where the reports go: DIR/RUN/
    #[arg(long, value_name = "DIR", default_value = "reports")]
    report_dir: PathBuf,
    /// Confirm that this store was moved or restored and no other copy will be used
    #[arg(long)]
    moved: bool,
}

/// How often the service looks at the clock, the folder and the store.
const LOOK: Duration = Duration::from_secs(1);
/// Wishes of people that wait to be looked at.
const WISHES: usize = 16;
/// Requests in flight at most, over all runs; fewer where fewer files may be open.
const IN_FLIGHT: usize = 1024;

/// What every task of the service uses.
struct Means {
    store: Store,
    global: Global,
    reports: PathBuf,
    accounts: Accounts,
    board: Arc<Board>,
}

/// The loop and what it remembers. All that must outlive it stands in the store.
struct Service {
    means: Rc<Means>,
    folder: Folder,
    /// The look at the folder that is under way, and since when.
    looking: JoinSet<(Folder, Vec<News>)>,
    looking_since: Instant,
    folder_is_slow: bool,
    /// Campaigns that are due and whose files are being read.
    opening: JoinSet<Opened>,
    /// What is known of each scheduled campaign.
    known: HashMap<String, Known>,
    /// The runs that are worked on here, by their key in the store.
    at_work: HashMap<i64, AtWork>,
    /// Runs that are left alone for now.
    resting: HashMap<i64, Rest>,
    /// Runs that a person handed to the service.
    adopted: HashSet<i64>,
    jobs: JoinSet<(i64, Result<RunResult, Failure>)>,
    in_flight: usize,
}

pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let token = http::token()?;
    let webhook = if args.webhook { Some(webhook::settings(global).await?) } else { None };
    let listener = match args.no_http {
        true => None,
        false => Some(listen(args.listen, token.is_some()).await?),
    };
    let board = Arc::new(Board::default());
    let store = match args.moved {
        true => Store::open_or_make(&global.db).await?,
        false => Store::open(&global.db).await?,
    };
    store.may_send(args.moved).await?;
    let (wish, wishes) = mpsc::channel(WISHES);
    let (webhook, collector) = match webhook {
        Some((secret, opt_out)) => {
            let (callbacks, collector) = WebhookWriter::new(&store, opt_out).await?;
            (Some(http::Webhook { secret, callbacks }), Some(collector))
        }
        None => (None, None),
    };
    let open = args.listen.ip().is_loopback();
    let looks = Arc::default();
    let app = http::App { store: store.clone(), board: board.clone(), token, open, wish, webhook, looks };
    let (in_flight, connections) =
        open_files::enough_for_both(IN_FLIGHT, if args.no_http { 0 } else { http::MOST_CONNECTIONS });
    let accounts = Accounts::new(global.clone());
    let to_fold = store.clone();
    let means = Means { store, global: global.clone(), reports: args.report_dir.clone(), accounts, board };
    let service = Service {
        means: Rc::new(means),
        folder,
        looking: JoinSet::new(),
        looking_since: Instant::now(),
        folder_is_slow: false,
        opening: JoinSet::new(),
        known: HashMap::new(),
        at_work: HashMap::new(),
        resting: HashMap::new(),
        adopted: HashSet::new(),
        jobs: JoinSet::new(),
        in_flight,
    };
    let stop = Stop::default();
    let events: crate::model::Events = Arc::new(|event| {
        if let crate::model::Event::Said(words) = event {
            tracing::info!("{words}");
        }
    });
    tracing::info!(folder = %args.dir.display(), store = %global.db.display(), "the service begins");
    let whole = async {
        let (answering, over) = oneshot::channel::<()>();
        let served = async {
            if let Some(listener) = listener {
                http::serve(listener, app, connections, &stop).await;
            }
            drop(answering);
        };
        let collected = async {
            if let Some(collector) = collector {
                collector.work(over).await;
            }
        };
        let tasks = LocalSet::new();
        tokio::join!(tasks.run_until(service.work(wishes, &stop)), served, collected)
    };
    match session::unless_aborted(&stop, &events, whole).await {
        Some((worked, (), ())) => {
            worked?;
            // So that the one file is the whole store for whoever copies or moves it.
            if let Err(error) = to_fold.checkpoint().await {
                tracing::warn!(%error, "the log stays beside the store for now");
            }
            tracing::info!("the service has ended; nothing is in flight");
            Ok(Exit::Done)
        }
        None => Err(Failure::new(
            Exit::Stopped,
            "aborted; what was in flight is uncertain and will not be sent again by itself. The next `serve` goes on",
        )),
    }
}

/// An address of this machine; the one name for which nobody has to be asked is taken too.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse().map_err(|_| "not an address and a port such as 127.0.0.1:8088 or [::1]:8088".to_owned())
}

async fn listen(address: SocketAddr, token: bool) -> Result<TcpListener, Failure> {
    if !address.ip().is_loopback() && !token {
        return Err(Failure::new(
            Exit::Wrong,
            format!("{address} can be reached from beyond this machine: set a token in CAMPAIGNER_TOKEN first"),
        ));
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let words = format!("cannot listen on {address}: {error}; --listen names another, --no-http does without");
        Failure::new(Exit::Environment, words)
    })?;
    tracing::info!(address = %listener.local_addr().unwrap_or(address), "answers over HTTP");
    if !address.ip().is_loopback() {
        tracing::warn!("the token travels in the open here: put a server with TLS in front");
    }
    Ok(listener)
}

impl Service {
    /// Works until it is stopped, and then until nothing is in flight any more.
    ///
    /// # Errors
    /// [`StoreError::Replaced`]: nothing that is written now would be found again.
    async fn work(mut self, mut wishes: mpsc::Receiver<RunId>, stop: &Stop) -> Result<(), StoreError> {
        let mut in_place = Ok(());
        while !stop.ends_all() {
            let now = Millis::now();
            in_place = self.means.store.is_in_place();
            if in_place.is_err() {
                // The others end too.
                stop.stop(Reason::Halt(Problem::new("store_replaced", "the store was replaced")));
                break;
            }
            self.look(stop).await;
            self.consider(now).await;
            if let Err(error) = self.take_up(now).await {
                tracing::error!(%error, "cannot look after the runs");
            } else {
                self.means.board.looked();
            }
            tokio::select! {
                () = stop.all_ended() => {}
                Some(run) = wishes.recv() => self.adopt(&run).await,
                Some(done) = self.jobs.join_next() => self.ended(done),
                Some(opened) = self.opening.join_next() => self.opened(opened).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        if !self.at_work.is_empty() {
            tracing::info!(runs = self.at_work.len(), "stopping: what is in flight ends, nothing new begins");
        }
        for at_work in self.at_work.values() {
            at_work.stop.stop(Reason::Signal);
        }
        while let Some(done) = self.jobs.join_next().await {
            self.ended(done);
        }
        in_place
    }

    /// Looks at the folder of campaigns. Where that takes long, what is known of it stands until it is done.
    async fn look(&mut self, stop: &Stop) {
        if self.looking.is_empty() {
            let mut folder = self.folder.clone();
            self.looking.spawn_blocking(move || {
                let news = folder.look();
                (folder, news)
            });
            self.looking_since = Instant::now();
        }
        tokio::select! {
            Some(looked) = self.looking.join_next() => match looked {
                Ok((folder, news)) => {
                    news.iter().for_each(News::log);
                    self.folder = folder;
                }
                Err(_) => tracing::error!("internal error while scanning the campaign folder; please report it"),
            },
            () = stop.all_ended() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let is_slow = self.looking_since.elapsed() >= SLOW;
        if is_slow && !self.folder_is_slow {
            tracing::warn!("{}", slow("the folder of campaigns"));
        }
        self.folder_is_slow = is_slow;
    }
}

/// How long files may take to be read before that is told.
const SLOW: Duration = Duration::from_secs(30);

/// That files are not read as quickly as they should be.
fn slow(what: &str) -> String {
    format!("{what} is still being read after {} s; the disk or network share may not respond", SLOW.as_secs())
}
