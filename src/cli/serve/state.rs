//! The state of the service in memory. Everything that must survive the process is in the store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accounts::Accounts;
use super::campaign_folder::{Folder, News};
use super::status_board::StatusBoard;
use crate::campaign_file::Loaded;
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::engine::{Plan, RunResult, StopHandle};
use crate::model::{Millis, ProviderApi, RunId};
use crate::store::{NewRun, RunLock, ServiceLock, Store};

/// What every task of the service uses.
pub(super) struct ServiceContext {
    pub(super) store: Store,
    pub(super) global: Global,
    pub(super) reports: PathBuf,
    pub(super) accounts: Accounts,
    pub(super) board: Arc<StatusBoard>,
}

/// The state of the service's loop.
pub(super) struct Service {
    /// Tells `status` elsewhere that somebody continues the runs.
    pub(super) serving: ServiceLock,
    pub(super) context: Rc<ServiceContext>,
    pub(super) folder: Folder,
    /// The current scan of the folder, and when it started.
    pub(super) scanning: JoinSet<(Folder, Vec<News>)>,
    pub(super) scanning_since: std::time::Instant,
    pub(super) folder_is_slow: bool,
    /// Due campaigns whose files are being read.
    pub(super) opening: JoinSet<Opened>,
    /// The state of each scheduled campaign, by name.
    pub(super) known: HashMap<String, ScheduledCampaign>,
    /// The runs that this service is working on, by their key in the store.
    pub(super) active: HashMap<i64, ActiveRun>,
    /// Runs that wait for a time or for a person.
    pub(super) resting: HashMap<i64, Resting>,
    /// Which runs it sends that are not its own.
    pub(super) takes: Takes,
    pub(super) jobs: JoinSet<(i64, Result<RunResult, CliError>)>,
    pub(super) in_flight: usize,
}

impl Service {
    /// Returns the state at the start: nothing is known yet. At most `in_flight` requests run at the same time.
    pub(super) fn new(
        serving: ServiceLock,
        context: ServiceContext,
        folder: Folder,
        takes: Takes,
        in_flight: usize,
    ) -> Self {
        Self {
            serving,
            context: Rc::new(context),
            folder,
            scanning: JoinSet::new(),
            scanning_since: std::time::Instant::now(),
            folder_is_slow: false,
            opening: JoinSet::new(),
            known: HashMap::new(),
            active: HashMap::new(),
            resting: HashMap::new(),
            takes,
            jobs: JoinSet::new(),
            in_flight,
        }
    }
}

/// Which runs a service sends, apart from those that it started and those that a person asked it to resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// None.
    Own,
    /// All that no problem and no person stopped.
    All {
        /// Whether it ends when nothing is left to do.
        until_idle: bool,
    },
}

/// A run that this service is working on.
pub(super) struct ActiveRun {
    pub(super) id: RunId,
    pub(super) api: ProviderApi,
    pub(super) stop: StopHandle,
    pub(super) sends: bool,
    pub(super) in_flight: usize,
}

/// Until when a run is not worked on.
pub(super) enum Resting {
    /// Until this instant of the monotonic clock.
    Until(Instant),
    /// Until its first row is due. The lock tells other processes that the service sends it then. Its statuses are
    /// polled meanwhile, after the instant.
    Waits { id: RunId, until: Millis, lock: Option<RunLock>, polls_from: Instant },
    /// Until a person resumes it.
    Halted,
}

/// The recipients of a run that must be imported first.
pub(super) enum Import {
    /// The plan that was opened when the run was created, with the fingerprint of its recipients.
    Opened(Box<Plan>, String),
    /// An import did not finish: read the files again.
    Again(Arc<Loaded>, Millis),
}

/// The state of a scheduled campaign.
pub(super) struct ScheduledCampaign {
    pub(super) rule: String,
    /// All occurrences up to this time are decided.
    pub(super) decided: Millis,
    /// The earliest time of the next try.
    pub(super) not_before: Instant,
    /// The campaign whose files are being read for a due occurrence, and since when.
    pub(super) opening: Option<(Arc<Loaded>, Instant)>,
    /// Why the due occurrence cannot start.
    pub(super) trouble: Option<String>,
}

/// A due campaign whose files were read.
pub(super) struct Opened {
    pub(super) loaded: Arc<Loaded>,
    pub(super) due: Millis,
    pub(super) content: Result<(Plan, NewRun), CliError>,
}

/// How long until a failure is retried.
pub(super) const RETRY: Duration = Duration::from_secs(10);
/// How long files may take to be read before a warning.
pub(super) const SLOW: Duration = Duration::from_secs(30);

/// Returns the warning for files that take too long to read.
pub(super) fn slow(what: &str) -> String {
    format!("{what} is still being read after {} s; the disk or network share may not be responding", SLOW.as_secs())
}
