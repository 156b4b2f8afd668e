//! The times of a row, from its columns and its number.

use jiff::tz::TimeZone;

use super::time_zones::named;
use super::{Hours, zones_of};
use crate::model::{
    Flaw, Header, Millis, NO_HEADER, NotAfter, Phone, RowProblem, TimeProblem, Timing, WhoseClock, WrittenTime,
};
use crate::text::{ambiguous_column, find_column};

/// The campaign names a time column that its recipients do not have.
///
/// Its `Display` shows nothing from the header, which may hold personal data; see [`NoColumn::to_person`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`recipients.{key}`: {}", self.words())]
pub struct NoColumn {
    /// The key that names it.
    pub key: &'static str,
    /// The column's name.
    pub column: String,
    /// The names in the header.
    pub header: Header,
    /// Which columns have this name, from 1, if two have it.
    pub same: Option<(usize, usize)>,
}

impl NoColumn {
    fn words(&self) -> String {
        let column = &self.column;
        match self.same {
            Some((first, second)) => format!(
                "columns {first} and {second} of the recipients have the same name `{column}`; give each column its own \
                 name"
            ),
            None if self.header.is_person() => format!("the recipients have no column `{column}`; {NO_HEADER}"),
            None => format!("the recipients have no column `{column}`"),
        }
    }

    /// Returns the message for a person at the terminal: with the header's names, shortened and without phone numbers.
    #[must_use]
    pub fn to_person(&self) -> String {
        let hint = if self.same.is_none() { self.header.hint(&self.column) } else { None };
        hint.map_or_else(|| self.to_string(), |hint| format!("{self}; {hint}"))
    }
}

/// A campaign's timing rules, over the columns of its recipients.
#[derive(Clone, Debug)]
pub struct RowTiming {
    timing: Timing,
    begun: Millis,
    /// The deadline of every row.
    not_after: Option<Millis>,
    /// The columns' positions.
    timezone: Option<usize>,
    send_at: Option<usize>,
    late: Option<usize>,
}

/// What is known about a row's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTimes {
    /// The time zones it may be in, separated by `&`; empty if there is no window.
    pub zones: String,
    /// The earliest time.
    pub send_at: Option<Millis>,
    /// The deadline: not at or after this time.
    pub not_after: Option<Millis>,
}

/// Whether a row may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaySend {
    /// Now, and until this time without checking again.
    Leave {
        /// That time.
        before: Millis,
    },
    /// Not before this time.
    Wait(Millis),
    /// Never: this is its deadline, and it may not be sent before it.
    Expire(Millis),
}

impl RowTiming {
    /// Returns the timing over these columns, for a run created at `begun`. `None` if no row ever has to wait.
    ///
    /// # Errors
    /// When a column that it names is missing.
    pub fn new(timing: &Timing, columns: &[String], begun: Millis) -> Result<Option<Self>, NoColumn> {
        let find = |key, column: &Option<String>| {
            let Some(column) = column else { return Ok(None) };
            let at = find_column(columns, column);
            let same = ambiguous_column(columns, column);
            at.map(Some).ok_or_else(|| NoColumn { key, column: column.clone(), header: Header::new(columns), same })
        };
        let timed = Self {
            timing: timing.clone(),
            begun,
            not_after: timing.not_after.map(|late| match late {
                NotAfter::At(at) => at,
                NotAfter::Within(time) => begun.plus(time),
            }),
            timezone: find("timezone", &timing.columns.timezone)?,
            send_at: find("send_at", &timing.columns.send_at)?,
            late: find("not_after", &timing.columns.not_after)?,
        };
        Ok(timing.holds_rows().then_some(timed))
    }

    /// Returns the column with the time before which a row is not sent.
    #[must_use]
    pub fn send_at_column(&self) -> Option<&str> {
        self.timing.columns.send_at.as_deref()
    }

    /// Returns the column with the time from which on a row is not sent any more.
    #[must_use]
    pub fn not_after_column(&self) -> Option<&str> {
        self.timing.columns.not_after.as_deref()
    }

    /// Returns the hours of its window, if it has one.
    #[must_use]
    pub fn hours(&self) -> Option<Hours> {
        self.timing.window.clone().map(Hours::new)
    }

    /// Returns the times of every row, if they are the same for all.
    #[must_use]
    pub fn of_all(&self) -> Option<RowTimes> {
        let by_row = self.clock() == Some(WhoseClock::Recipient) || self.send_at.or(self.late).is_some();
        (!by_row).then(|| RowTimes { zones: self.campaign_zone(), send_at: None, not_after: self.not_after })
    }

    /// Returns when rows may be sent again, if none may be sent at `now` because of times that are the same for all.
    #[must_use]
    pub fn closed_until(&self, now: Millis) -> Option<Millis> {
        match Self::may(&self.of_all()?, self.hours().as_mut(), now) {
            MaySend::Wait(at) => Some(at),
            MaySend::Leave { .. } | MaySend::Expire(_) => None,
        }
    }

    /// Returns the times of a row with this number and these cells.
    ///
    /// # Errors
    /// When a cell cannot be read, or the row needs a time zone and none is known.
    pub fn of_row<C: AsRef<str>>(&self, phone: Phone, cells: &[C]) -> Result<RowTimes, RowProblem> {
        let cell = |column: Option<usize>| {
            column.and_then(|column| cells.get(column)).map(|cell| cell.as_ref().trim()).filter(|cell| !cell.is_empty())
        };
        let columns = &self.timing.columns;
        let zones = self.zones_of_row(phone, cell(self.timezone));
        let time = |bad: TimeProblem, cell: Option<&str>, column: &Option<String>| {
            let Some(text) = cell else { return Ok(None) };
            let problem = match moment(text, zones.as_ref().map(String::as_str)) {
                Ok(at) => return Ok(Some(at)),
                Err(Some(problem)) => problem,
                Err(None) => bad.into(),
            };
            // A problem with a column is one of the time zone.
            if !problem.columns.is_empty() {
                return Err(problem);
            }
            Err(problem.column(column.as_deref().unwrap_or_default()).value(text))
        };
        let send_at = time(TimeProblem::BadSendAt, cell(self.send_at), &columns.send_at)?;
        let own = time(TimeProblem::BadNotAfter, cell(self.late), &columns.not_after)?;
        let not_after = [own, self.not_after].into_iter().flatten().min();
        if let (Some(send_at), Some(late)) = (send_at, not_after)
            && send_at >= late
        {
            let problem = RowProblem::from(TimeProblem::TooLate(send_at, late));
            return Err(problem.column(columns.send_at.as_deref().unwrap_or_default()));
        }
        // A wrong zone is reported even if nothing depends on it; a missing one is not.
        let zones = match zones {
            Err(problem) if self.clock() == Some(WhoseClock::Recipient) || is_wrong_zone(&problem) => {
                return Err(problem);
            }
            Ok(zones) if self.clock() == Some(WhoseClock::Recipient) => zones,
            _ => self.campaign_zone(),
        };
        Ok(RowTimes { zones, send_at, not_after })
    }

    /// Returns the row's times, or all of its problems: those of [`RowTiming::of_row`], and a window that is never open
    /// for it. `hours` are those of the window.
    ///
    /// # Errors
    /// When the row has a problem.
    pub fn validate<C: AsRef<str>>(
        &self,
        hours: Option<&mut Hours>,
        phone: Phone,
        cells: &[C],
    ) -> Result<RowTimes, RowProblem> {
        let row = self.of_row(phone, cells)?;
        match hours.map(|hours| hours.at(&row.zones, self.begun)) {
            Some(stretch) if !stretch.open && stretch.until.is_none() => Err(never(&row.zones)),
            _ => Ok(row),
        }
    }

    fn clock(&self) -> Option<WhoseClock> {
        self.timing.window.as_ref().map(|window| window.clock)
    }

    fn campaign_zone(&self) -> String {
        self.timing.timezone.clone().unwrap_or_default()
    }

    /// Returns the time zones that a row may be in.
    fn zones_of_row(&self, phone: Phone, cell: Option<&str>) -> Result<String, RowProblem> {
        if let Some(name) = cell {
            return match TimeZone::get(name) {
                Ok(_) => Ok(name.to_owned()),
                Err(_) => Err(RowProblem::from(TimeProblem::NoSuchZone)
                    .column(self.timing.columns.timezone.as_deref().unwrap_or_default())
                    .value(name)),
            };
        }
        let of_number = || zones_of(phone).map(str::to_owned);
        let of_campaign = || self.timing.timezone.clone();
        let zones = match self.clock() {
            Some(WhoseClock::Recipient) => of_number().or_else(of_campaign),
            _ => of_campaign().or_else(of_number),
        };
        zones.ok_or_else(|| TimeProblem::NoZone.into())
    }

    /// Returns whether a row may be sent at `now`.
    #[must_use]
    pub fn may(row: &RowTimes, hours: Option<&mut Hours>, now: Millis) -> MaySend {
        let late = row.not_after.unwrap_or(Millis(i64::MAX));
        let stretch = hours.map(|hours| hours.at(&row.zones, now));
        let until = match (row.send_at.filter(|at| now < *at), stretch) {
            _ if now >= late => return MaySend::Expire(late),
            (Some(send_at), _) => Some(send_at),
            (None, None) => return MaySend::Leave { before: late },
            (None, Some(stretch)) if stretch.open => {
                return MaySend::Leave { before: stretch.until.unwrap_or(late).min(late) };
            }
            (None, Some(stretch)) => stretch.until,
        };
        match until {
            Some(at) if at < late => MaySend::Wait(at),
            _ => MaySend::Expire(late),
        }
    }
}

/// Returns the problem of a row whose window never opens: usually its number may be in time zones that are too far
/// apart.
fn never(zones: &str) -> RowProblem {
    match zones.split('&').count() {
        1 => TimeProblem::NeverOpen(zones.into()).into(),
        count => TimeProblem::NeverOpenInAll(count).into(),
    }
}

/// Whether the row has an unknown time zone.
fn is_wrong_zone(problem: &RowProblem) -> bool {
    matches!(problem.what, Flaw::Time(TimeProblem::NoSuchZone))
}

/// Reads a moment from a text: with its own offset, or on the clock of the row's only zone. Returns `Err(None)` if the
/// text is not a time.
fn moment(text: &str, zones: Result<&str, &RowProblem>) -> Result<Millis, Option<RowProblem>> {
    let time = WrittenTime::read(text).ok_or(None)?;
    if let WrittenTime::At(at) = time {
        return Ok(at);
    }
    let names = zones.map_err(|problem| Some(problem.clone()))?;
    let moments = named(names).into_iter().flatten().map(|zone| time.by_the_clock_of(&zone));
    let mut moments: Vec<Millis> = moments.collect::<Option<_>>().ok_or(None)?;
    moments.sort_unstable();
    moments.dedup();
    match moments.as_slice() {
        [one] => Ok(*one),
        _ => Err(Some(TimeProblem::SeveralZones.into())),
    }
}
