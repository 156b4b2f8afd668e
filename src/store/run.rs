//! A run as the store knows it.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::{Millis, Phone, RowNumber, RowProblem, RunId};

/// Requests, and the length of time that they are meant for.
pub type Rate = (NonZeroU32, Duration);

/// A run as the store knows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The store's own number for it.
    pub key: i64,
    /// Its public id.
    pub id: RunId,
    /// The frozen campaign, as JSON.
    pub campaign: String,
    /// The hash of the campaign's meaning.
    pub campaign_hash: String,
    /// The hash of the recipients.
    pub recipients_hash: String,
    /// The input's columns.
    pub columns: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When the last row was in the store. Before that nothing may be sent.
    pub planned_at: Option<Millis>,
    /// When dispatch began.
    pub started_at: Option<Millis>,
    /// When no row was left to send.
    pub dispatched_at: Option<Millis>,
    /// When no status was waited for any more.
    pub finished_at: Option<Millis>,
    /// When a person asked for no further sends.
    pub cancelled_at: Option<Millis>,
    /// Who did.
    pub cancelled_by: Option<String>,
    /// When a person asked for a pause that was not lifted yet.
    pub paused_at: Option<Millis>,
    /// Who did.
    pub paused_by: Option<String>,
    /// The rate that a person gave it instead of the campaign's.
    pub rate: Option<Rate>,
    /// When.
    pub rate_at: Option<Millis>,
    /// Who did.
    pub rate_by: Option<String>,
    /// Status requests made so far.
    pub polls: u64,
    /// The template that its rows were held against, where it was pulled from a provider: its snapshot.
    pub template: Option<String>,
    /// Whether it leaves out everyone that earlier runs of its name reached.
    pub only_new: bool,
}

/// What a new run is made from.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The campaign's name.
    pub name: String,
    /// The frozen campaign, as JSON.
    pub campaign: String,
    /// The hash of its meaning.
    pub campaign_hash: String,
    /// The hash of its recipients.
    pub recipients_hash: String,
}

/// The points in a run's life that are noted once each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Dispatch begins.
    Started,
    /// No row is left to send.
    Dispatched,
    /// No status is waited for any more.
    Finished,
}

/// What stands ordered of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// No further sends, for good.
    pub cancelled: bool,
    /// No further sends until the pause is lifted.
    pub paused: bool,
    /// The rate, where it is to be another than the campaign's.
    pub rate: Option<Rate>,
}

/// A record of the input as the plan judged it.
/// There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// Its number in the input.
    pub row: RowNumber,
    /// Its first line in the file.
    pub line: u64,
    /// The number, or the input's text where it is not one.
    pub to: Result<Phone, String>,
    /// The cells, as a JSON array.
    pub cells: String,
    /// Why it cannot become a message; none for a row to be sent.
    pub problems: Vec<RowProblem>,
}

/// What became of rows that were to be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Rows that are sent again.
    pub rows: u64,
    /// Rows that stay as they are, since another run of the name reached their people, or is about to.
    pub left_out: u64,
}
