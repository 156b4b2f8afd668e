//! What the service remembers between two looks at the clock. All that must outlive it stands in the store.

use std::collections::{HashMap, HashSet};
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
use crate::model::{Millis, RunId};
use crate::store::{NewRun, Store};

/// What every task of the service uses.
pub(super) struct ServiceContext {
    pub(super) store: Store,
    pub(super) global: Global,
    pub(super) reports: PathBuf,
    pub(super) accounts: Accounts,
    pub(super) board: Arc<StatusBoard>,
}

/// The loop and what it remembers. All that must outlive it stands in the store.
pub(super) struct Service {
    pub(super) context: Rc<ServiceContext>,
    pub(super) folder: Folder,
    /// The look at the folder that is under way, and since when.
    pub(super) looking: JoinSet<(Folder, Vec<News>)>,
    pub(super) looking_since: std::time::Instant,
    pub(super) folder_is_slow: bool,
    /// Campaigns that are due and whose files are being read.
    pub(super) opening: JoinSet<Opened>,
    /// What is known of each scheduled campaign.
    pub(super) known: HashMap<String, ScheduledCampaign>,
    /// The runs that are worked on here, by their key in the store.
    pub(super) active: HashMap<i64, ActiveRun>,
    /// Runs that are left alone for now.
    pub(super) resting: HashMap<i64, Resting>,
    /// Runs that a person handed to the service.
    pub(super) adopted: HashSet<i64>,
    pub(super) jobs: JoinSet<(i64, Result<RunResult, CliError>)>,
    pub(super) in_flight: usize,
}

/// A run that is worked on here.
pub(super) struct ActiveRun {
    pub(super) id: RunId,
    pub(super) stop: StopHandle,
    pub(super) sends: bool,
    pub(super) in_flight: usize,
}

/// Why a run is left alone.
pub(super) enum Resting {
    /// Until then by this process's own clock.
    Until(Instant),
    /// Its rows wait until then.
    Waits(Millis),
    /// Until a person says so.
    Halted,
}

/// The recipients of a run that are to be put into the store first.
pub(super) enum Import {
    /// As they were opened when the run was begun, with their fingerprint.
    Opened(Box<Plan>, String),
    /// As their files are now: an import broke off.
    Again(Arc<Loaded>, Millis),
}

/// What the loop knows of a scheduled campaign.
pub(super) struct ScheduledCampaign {
    pub(super) rule: String,
    /// Everything up to here was decided.
    pub(super) decided: Millis,
    /// Not to be tried again before.
    pub(super) not_before: Instant,
    /// The campaign whose files are being read for what is due, and since when.
    pub(super) opening: Option<(Arc<Loaded>, Instant)>,
    /// Why what is due does not begin.
    pub(super) trouble: Option<String>,
}

/// A campaign that is due, and what was read for it.
pub(super) struct Opened {
    pub(super) loaded: Arc<Loaded>,
    pub(super) due: Millis,
    pub(super) once: bool,
    pub(super) content: Result<(Plan, NewRun), CliError>,
}

/// How long until what failed is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(10);
/// How long files may take to be read before that is told.
pub(super) const SLOW: Duration = Duration::from_secs(30);

/// That files are not read as quickly as they should be.
pub(super) fn slow(what: &str) -> String {
    format!("{what} is still being read after {} s; the disk or network share may not respond", SLOW.as_secs())
}
