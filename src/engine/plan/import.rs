//! Plan: every row read, normalised, rendered and checked before the first message goes out.
//!
//! One scan serves `run` (which puts the rows into the store) and `check` (which only counts and tells). How it goes
//! over the rows is in `scan`.

use std::path::Path;
use std::time::Duration;

use crate::model::{Campaign, Event, Events, Millis, Notice, Phone, RowNumber, RowProblem, TemplateSource};
use crate::recipients::{self, Record};
use crate::render::Renderer;
use crate::send_window::RowTiming;
use crate::store::{LeaveOut, LeftOut, Listing, Owner, PlannedRow, Reached, Store};
use crate::template;

use crate::engine::error::PANICKED;
use crate::engine::plan::error::PlanError;
use crate::engine::plan::media_links::Links;
use crate::engine::plan::scan::{self, Chunk, Keep, ScanSummary};
use crate::engine::plan::validate::{Measure, RowValidator, Times, Warning};

/// A campaign whose recipients are open and whose message is compiled.
pub struct Plan {
    reader: recipients::Reader,
    measure: Measure,
    /// The campaign's name, by which earlier runs are known.
    name: String,
    /// Whom an earlier run reached within this time is left out.
    skip_sent_within: Option<Duration>,
    /// Whether everyone is left out whom an earlier run reached.
    only_new: bool,
    /// The template that the rows are held against, if it was pulled, as it is kept with the run.
    snapshot: Option<String>,
}

/// What `check` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows read.
    pub rows: u64,
    /// Rows that cannot become a message.
    pub invalid: u64,
    /// Rows with the number of an earlier one.
    pub duplicates: u64,
    /// What may not be right with the rows that can be sent.
    pub warnings: Vec<Warning>,
    /// The media links of the rows that can be sent, duplicates among them; see [`Plan::noting_links`].
    pub links: Links,
    /// When the rows that can be sent may leave, by their own times; nothing where there are none.
    pub times: Option<Times>,
    /// Rows that would be left out all the same, where there is a store to tell.
    pub left_out: LeftOut,
    /// Whom earlier runs of the campaign reached, where there is a store to tell.
    pub reached: Reached,
}

impl Checked {
    /// Rows that would be sent.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows - self.invalid - self.duplicates - self.left_out.rows()
    }
}

impl Plan {
    /// Opens the recipients and compiles the message over their columns. Whose definition is at a provider is to be
    /// held against what was pulled; see [`Plan::held_against`].
    ///
    /// # Errors
    /// Where either cannot be done; nothing was stored.
    pub fn open(campaign: &Campaign) -> Result<Self, PlanError> {
        let reader = recipients::open(&campaign.recipients).map_err(PlanError::Open)?;
        let renderer = Renderer::compile(&campaign.message, reader.columns()).map_err(PlanError::Templates)?;
        let mut measure = Measure::new(campaign.channel, &campaign.message, renderer);
        if let Some(TemplateSource::File(path)) = &campaign.definition {
            measure = measure.held_against(template::read(path).map_err(PlanError::Definition)?);
        }
        measure.timed = RowTiming::new(&campaign.timing, reader.columns(), Millis::now()).map_err(PlanError::Timing)?;
        let skip_sent_within = campaign.recipients.skip_sent_within;
        Ok(Self { reader, measure, name: campaign.name.clone(), skip_sent_within, only_new: false, snapshot: None })
    }

    /// Leaves out everyone whom an earlier run of the campaign's name reached, if so.
    #[must_use]
    pub fn only_new(mut self, whether: bool) -> Self {
        self.only_new = whether;
        self
    }

    /// Whom it leaves out of those that earlier runs reached.
    fn leave_out(&self) -> Option<LeaveOut> {
        match self.skip_sent_within {
            _ if self.only_new => Some(LeaveOut::Everyone),
            within => within.map(|within| LeaveOut::Since(Millis::now().minus(within))),
        }
    }

    /// The same, and every message has to agree with this template.
    #[must_use]
    pub fn held_against(mut self, template: template::Loaded, snapshot: String) -> Self {
        self.measure = self.measure.held_against(template);
        self.snapshot = Some(snapshot);
        self
    }

    /// The snapshot of the template that the rows are held against, if there is one.
    #[must_use]
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    /// Has [`Plan::check`] note media links, if so.
    #[must_use]
    pub fn noting_links(mut self, whether: bool) -> Self {
        self.measure.links = whether;
        self
    }

    /// The input's columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.reader.columns()
    }

    /// What tells of single rows whether a run would leave them out, where the store has anybody to leave out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn listing(&self, store: Option<&Store>) -> Result<Option<Listing>, PlanError> {
        let mut listing = listing(store, &self.name).await?;
        if let Some(listing) = &mut listing {
            listing.prepare(self.leave_out()).await.map_err(PlanError::Store)?;
        }
        Ok(listing)
    }

    /// The bodies of the rows, in order: for a row that cannot become a message, why. An error where reading breaks
    /// off.
    pub fn bodies(&mut self) -> impl Iterator<Item = Result<(RowNumber, RowBody), PlanError>> {
        let Self { reader, measure, .. } = self;
        let (mut record, mut judge) = (Record::default(), RowValidator::new(measure));
        std::iter::from_fn(move || match reader.read(&mut record) {
            Ok(true) => Some(Ok((record.row, judge.body(&record)))),
            Ok(false) => None,
            Err(error) => Some(Err(PlanError::Read(error))),
        })
    }

    /// Puts every row into the store and ends the import of the run. `digest` is what the recipients' content was when
    /// the run was made. Gives what may not be right with the rows that will be sent.
    ///
    /// # Errors
    /// Where reading breaks off, the content is another than it was, or the store fails. The import then starts anew
    /// the next time.
    pub async fn import(
        self,
        store: &Store,
        owner: Owner,
        digest: &str,
        events: &Events,
    ) -> Result<Vec<Warning>, PlanError> {
        store.begin_import(owner, self.columns(), self.snapshot.as_deref()).await.map_err(PlanError::Store)?;
        let folder = store.path().parent().unwrap_or(Path::new(".")).to_owned();
        let leave_out = self.leave_out();
        let (scan, mut planned) = scan::start(self.reader, self.measure, folder, Keep::Every);
        let mut imported = 0;
        let mut found = None;
        let mut warnings = Vec::new();
        while let Some(chunk) = planned.recv().await {
            match chunk {
                Chunk::Rows { rows, read, bytes, total, .. } => {
                    store.add_rows(owner, &rows).await.map_err(PlanError::Store)?;
                    imported += read;
                    events(Event::Imported { rows: imported, bytes, total_bytes: total });
                }
                Chunk::Duplicates(pairs) => {
                    store.mark_duplicates(owner, &pairs).await.map_err(PlanError::Store)?;
                }
                Chunk::End { digest, told } => (found, warnings) = (digest, told.warnings),
            }
        }
        scan.await.map_err(|_| PlanError::Defect(PANICKED.to_owned()))??;
        if found.as_deref().is_some_and(|found| found != digest) {
            return Err(PlanError::Changed);
        }
        if let Some(which) = leave_out {
            let rows = store.leave_out(owner, which).await.map_err(PlanError::Store)?;
            if rows > 0 {
                events(Event::Notice(Notice::LeftOut { rows, code: which.code() }));
            }
        }
        store.finish_import(owner, Millis::now()).await.map_err(PlanError::Store)?;
        Ok(warnings)
    }

    /// Scans every row without storing any. `each` sees every row that cannot become a message and every duplicate
    /// (with the row that has the number first). Who would be left out is what the store says, if there is one.
    ///
    /// # Errors
    /// Where reading breaks off, the store cannot be read, or `each` fails.
    pub async fn check(
        self,
        store: Option<&Store>,
        mut each: impl FnMut(Bad<'_>) -> Result<(), PlanError>,
        events: &Events,
    ) -> Result<Checked, PlanError> {
        let folder = std::env::temp_dir();
        let leave_out = self.leave_out();
        let mut listing = listing(store, &self.name).await?;
        let (scan, mut planned) = scan::start(self.reader, self.measure, folder, Keep::Bad);
        let mut checked = Checked::default();
        while let Some(chunk) = planned.recv().await {
            match chunk {
                Chunk::Rows { rows, numbers, read, bytes, total } => {
                    checked.rows += read;
                    checked.invalid += rows.len() as u64;
                    rows.iter().try_for_each(|row| each(Bad::Invalid(row)))?;
                    if let Some(listing) = &mut listing {
                        listing.add(&numbers).await.map_err(PlanError::Store)?;
                    }
                    events(Event::Imported { rows: checked.rows, bytes, total_bytes: total });
                }
                Chunk::Duplicates(pairs) => {
                    checked.duplicates += pairs.len() as u64;
                    for (row, earlier) in pairs {
                        each(Bad::Duplicate { row, earlier })?;
                    }
                }
                Chunk::End { told: ScanSummary { warnings, links, times }, .. } => {
                    (checked.warnings, checked.links, checked.times) = (warnings, links, times);
                }
            }
        }
        if let Some(listing) = &mut listing {
            checked.reached = listing.reached().await.map_err(PlanError::Store)?;
            checked.left_out = listing.leave_out(leave_out).await.map_err(PlanError::Store)?;
        }
        scan.await.map_err(|_| PlanError::Defect(PANICKED.to_owned()))??;
        Ok(checked)
    }
}

/// What holds a list against the store, where that has anybody to leave out.
async fn listing(store: Option<&Store>, name: &str) -> Result<Option<Listing>, PlanError> {
    match store {
        Some(store) => store.listing(name).await.map_err(PlanError::Store),
        None => Ok(None),
    }
}

/// The body that a row would be sent with, to this number; or why it cannot become a message.
pub type RowBody = Result<(Phone, Vec<u8>), Vec<RowProblem>>;

/// A row that will not be sent.
pub enum Bad<'a> {
    /// It cannot become a message, for its problems.
    Invalid(&'a PlannedRow),
    /// It has the number of an earlier row.
    Duplicate {
        /// The row.
        row: RowNumber,
        /// The first row with that number.
        earlier: RowNumber,
    },
}
