//! The plan: every row is read, normalised, rendered and checked before the first message is sent.
//!
//! One scan serves `run`, which imports the rows into the store, and `check`, which only counts and reports. `scan`
//! does the reading.

use std::time::Duration;

use crate::message::Translation;
use crate::model::{Campaign, Event, Events, Millis, Notice, Phone, RowNumber, RowProblem, TemplateSource};
use crate::recipients::{self, Record};
use crate::render::Renderer;
use crate::send_window::{RowTiming, day_of};
use crate::store::{LeaveOut, LeftOut, Listing, Owner, PlannedRow, Reached, Store};
use crate::template;

use crate::engine::error::PANICKED;
use crate::engine::plan::due_rows::DueRows;
use crate::engine::plan::error::PlanError;
use crate::engine::plan::media_links::Links;
use crate::engine::plan::row_lines::RowLines;
use crate::engine::plan::scan::{self, Chunk, Keep, ScanSummary};
use crate::engine::plan::validate::{Measure, RowValidator};
use crate::engine::plan::warnings::Warning;

/// A campaign whose recipients are open and whose message is compiled.
pub struct Plan {
    reader: recipients::Reader,
    measure: Measure,
    /// The campaign's name, which identifies its earlier runs.
    name: String,
    /// Numbers that an earlier run reached within this time are skipped.
    skip_sent_within: Option<Duration>,
    /// Whether all numbers that an earlier run reached are skipped.
    only_new: bool,
    /// The snapshot of the provider's template that the rows are checked against; stored with the run.
    snapshot: Option<String>,
    /// The start of today on the campaign's clock, if it has a quota.
    quota_day: Option<Millis>,
}

/// The result of `check`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows read.
    pub rows: u64,
    /// Rows that cannot become a message.
    pub invalid: u64,
    /// Rows with the same number as an earlier row.
    pub duplicates: u64,
    /// Rows that can be sent and whose numbers start with +1, duplicates and skipped rows included.
    pub plus_one: u64,
    /// Warnings about the rows that can be sent.
    pub warnings: Vec<Warning>,
    /// The media links of the rows that can be sent, duplicates included; see [`Plan::noting_links`].
    pub links: Links,
    /// When the rows that can be sent are due, duplicates and skipped rows included.
    pub due: DueRows,
    /// Rows that would still be skipped, if there is a store to check.
    pub left_out: LeftOut,
    /// Numbers that earlier runs of the campaign reached, if there is a store to check.
    pub reached: Reached,
    /// How many messages count against today's quota, with the start of today on the campaign's clock; if it has a
    /// quota and there is a store to check.
    pub taken_on: Option<(Millis, u64)>,
}

impl Checked {
    /// Rows that would be sent.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows - self.invalid - self.duplicates - self.left_out.rows()
    }
}

impl Plan {
    /// Opens the recipients and compiles the message over their columns. If the template's definition is at a provider,
    /// check the plan against it with [`Plan::with_template`].
    ///
    /// # Errors
    /// When the recipients cannot be opened or the message cannot be compiled. Nothing is stored.
    pub fn open(campaign: &Campaign) -> Result<Self, PlanError> {
        let reader = recipients::open(&campaign.recipients).map_err(PlanError::Open)?;
        let Campaign { api, channel, .. } = *campaign;
        let translation = Translation::new(api, channel, &campaign.message);
        let renderer = Renderer::compile(api, &translation.message, reader.columns());
        let renderer = renderer.map_err(|mut problems| {
            for problem in &mut problems {
                problem.path = translation.written(&problem.path).to_owned();
            }
            PlanError::Templates(problems)
        })?;
        let mut measure = Measure::new((api, channel), translation, renderer);
        if let Some(TemplateSource::File(path)) = &campaign.definition {
            measure = measure.with_template(template::read(path).map_err(PlanError::Definition)?);
        }
        measure.now = Millis::now();
        measure.timed = RowTiming::new(&campaign.timing, reader.columns(), measure.now).map_err(PlanError::Timing)?;
        let skip_sent_within = campaign.recipients.skip_sent_within;
        let timing = &campaign.timing;
        let quota_day = timing.quota.map(|_| day_of(measure.now, timing.timezone.as_deref()).0);
        let name = campaign.name.clone();
        Ok(Self { reader, measure, name, skip_sent_within, only_new: false, snapshot: None, quota_day })
    }

    /// Adds warnings about the campaign as a whole.
    #[must_use]
    pub fn warned(mut self, warnings: Vec<Warning>) -> Self {
        self.measure.warnings.extend(warnings);
        self
    }

    /// Skips all numbers that an earlier run of this campaign reached, if `whether` is true.
    #[must_use]
    pub fn only_new(mut self, whether: bool) -> Self {
        self.only_new = whether;
        self
    }

    /// Returns which of the numbers reached by earlier runs are skipped.
    fn leave_out(&self) -> Option<LeaveOut> {
        match self.skip_sent_within {
            _ if self.only_new => Some(LeaveOut::Everyone),
            within => within.map(|within| LeaveOut::Since(Millis::now().minus(within))),
        }
    }

    /// Checks, before a run is created, that it is known whom it has to skip.
    ///
    /// # Errors
    /// When an earlier run was purged that may have reached them, or the store cannot be read.
    pub async fn knows_reached(&self, store: &Store) -> Result<(), PlanError> {
        match self.leave_out() {
            Some(which) => store.knows_reached(&self.name, which).await.map_err(PlanError::Store),
            None => Ok(()),
        }
    }

    /// Requires every message to conform to this template.
    #[must_use]
    pub fn with_template(mut self, template: template::Loaded, snapshot: String) -> Self {
        self.measure = self.measure.with_template(template);
        self.snapshot = Some(snapshot);
        self
    }

    /// Returns the snapshot of the template that the rows are checked against, if there is one.
    #[must_use]
    pub fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    /// Makes [`Plan::check`] collect media links, if `whether` is true.
    #[must_use]
    pub fn noting_links(mut self, whether: bool) -> Self {
        self.measure.links = whether;
        self
    }

    /// Returns the input's columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.reader.columns()
    }

    /// Returns the character between the cells of the input. `None` if it is not a CSV.
    #[must_use]
    pub fn delimiter(&self) -> Option<u8> {
        self.reader.delimiter()
    }

    /// Returns how the message differs from its template whatever the row, so that it is a mistake in the campaign.
    #[must_use]
    pub fn off_template(&self) -> Vec<RowProblem> {
        self.measure.off_template()
    }

    /// Whether the first row that can be read fails for a reason that may be the same for all rows, because no cell is
    /// at fault. The rows that the plan reads stay the same.
    ///
    /// # Errors
    /// When the recipients cannot be read or have no rows.
    pub fn may_fail_for_all(&self, campaign: &Campaign) -> Result<bool, PlanError> {
        let mut reader = recipients::open(&campaign.recipients).map_err(PlanError::Open)?;
        let (mut record, mut validator) = (Record::default(), RowValidator::new(&self.measure));
        while reader.read(&mut record).map_err(PlanError::Read)? {
            if record.problem.is_none() {
                let problems = validator.row(&record).err().unwrap_or_default();
                return Ok(problems.iter().any(RowProblem::may_be_of_the_campaign));
            }
        }
        if record.row.0 == 0 { Err(PlanError::NoRows) } else { Ok(false) }
    }

    /// Returns a lookup that says for single rows whether a run would skip them; `None` if the store has no numbers to
    /// skip.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn listing(&self, store: Option<&Store>) -> Result<Option<Listing>, PlanError> {
        let mut listing = listing(store, &self.name).await?;
        if let Some(listing) = &mut listing {
            listing.prepare(self.leave_out()).await.map_err(PlanError::Store)?;
        }
        Ok(listing)
    }

    /// Returns the rows' bodies in order, or why a row cannot become a message. Yields an error if reading fails
    /// midway.
    pub fn bodies(&mut self) -> impl Iterator<Item = Result<(RowNumber, RowBody), PlanError>> {
        let Self { reader, measure, .. } = self;
        let (mut record, mut validator) = (Record::default(), RowValidator::new(measure));
        std::iter::from_fn(move || match reader.read(&mut record) {
            Ok(true) => Some(Ok((record.row, validator.body(&record)))),
            Ok(false) => None,
            Err(error) => Some(Err(PlanError::Read(error))),
        })
    }

    /// Imports every row into the store and finishes the import. `digest` is that of the recipients' content when the
    /// run was created. Returns warnings about the rows that will be sent.
    ///
    /// # Errors
    /// When reading fails midway, the content has changed, or the store fails. The import then starts over next time.
    pub async fn import(
        self,
        store: &Store,
        owner: Owner,
        digest: &str,
        events: &Events,
    ) -> Result<Vec<Warning>, PlanError> {
        store.begin_import(owner, self.columns(), self.snapshot.as_deref()).await.map_err(PlanError::Store)?;
        let folder = store.folder();
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
                Chunk::End { digest, summary } => (found, warnings) = (digest, summary.warnings),
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

    /// Scans every row without storing any, and warns about the kinds of numbers. `each` gets every row that cannot
    /// become a message, and every duplicate with the first row of the same number. The store, if there is one, decides
    /// who would be skipped.
    ///
    /// # Errors
    /// When reading fails midway, the store cannot be read, or `each` fails.
    pub async fn check(
        mut self,
        store: Option<&Store>,
        mut each: impl FnMut(Bad<'_>) -> Result<(), PlanError>,
        events: &Events,
    ) -> Result<Checked, PlanError> {
        let folder = std::env::temp_dir();
        let leave_out = self.leave_out();
        let mut listing = listing(store, &self.name).await?;
        let decoder = self.reader.decoder();
        self.measure.kinds = decoder.number_kinds().map(|kinds| (kinds, decoder.number_column().to_owned()));
        let (scan, mut planned) = scan::start(self.reader.without_digest(), self.measure, folder, Keep::Bad);
        let mut checked = Checked::default();
        let mut lines = RowLines::default();
        while let Some(chunk) = planned.recv().await {
            match chunk {
                Chunk::Rows { rows, numbers, lines: next, read, bytes, total } => {
                    lines.append(&next);
                    checked.rows += read;
                    checked.invalid += rows.len() as u64;
                    checked.plus_one += numbers.iter().filter(|(phone, _)| phone.starts_with_plus_one()).count() as u64;
                    rows.iter().try_for_each(|row| each(Bad::Invalid(row)))?;
                    if let Some(listing) = &mut listing {
                        listing.add(&numbers).await.map_err(PlanError::Store)?;
                    }
                    events(Event::Imported { rows: checked.rows, bytes, total_bytes: total });
                }
                Chunk::Duplicates(pairs) => {
                    checked.duplicates += pairs.len() as u64;
                    for (row, earlier) in pairs {
                        each(Bad::Duplicate { row, line: lines.of(row), earlier, earlier_line: lines.of(earlier) })?;
                    }
                }
                Chunk::End { summary: ScanSummary { warnings, links, due }, .. } => {
                    (checked.warnings, checked.links, checked.due) = (warnings, links, due);
                }
            }
        }
        if let Some(listing) = &mut listing {
            checked.reached = listing.reached().await.map_err(PlanError::Store)?;
            checked.left_out = listing.leave_out(leave_out).await.map_err(PlanError::Store)?;
        }
        if let Some((store, day)) = store.zip(self.quota_day) {
            let taken = store.taken_since(&self.name, None, day).await.map_err(PlanError::Store)?;
            checked.taken_on = Some((day, taken));
        }
        scan.await.map_err(|_| PlanError::Defect(PANICKED.to_owned()))??;
        Ok(checked)
    }
}

/// Returns what compares a list with the store, if the store has numbers to skip.
async fn listing(store: Option<&Store>, name: &str) -> Result<Option<Listing>, PlanError> {
    match store {
        Some(store) => store.listing(name).await.map_err(PlanError::Store),
        None => Ok(None),
    }
}

/// The number and the body that a row would be sent with, or why it cannot become a message.
pub type RowBody = Result<(Phone, Vec<u8>), Vec<RowProblem>>;

/// A row that will not be sent.
pub enum Bad<'a> {
    /// The row cannot become a message.
    Invalid(&'a PlannedRow),
    /// The row has the same number as an earlier one.
    Duplicate {
        /// The row.
        row: RowNumber,
        /// Its line; `None` if it is not known.
        line: Option<u64>,
        /// The first row with that number.
        earlier: RowNumber,
        /// The line of that row.
        earlier_line: Option<u64>,
    },
}
