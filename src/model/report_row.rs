//! One line of the report.

use super::{Channel, Millis, RowNumber, State};

/// What the report says about one row.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The record's number in the input.
    pub row: RowNumber,
    /// The normalised number, or the input's text if it is not a number.
    pub to: String,
    /// The channel of the campaign.
    pub channel: Channel,
    /// The state of the row.
    pub state: State,
    /// The provider's id of the message, once accepted.
    pub message_id: Option<String>,
    /// Requests made for this row.
    pub attempts: u32,
    /// When the provider's acceptance arrived here.
    pub accepted_at: Option<Millis>,
    /// When the provider says it was delivered; `None` with a `read_at` means no later than that.
    pub delivered_at: Option<Millis>,
    /// When the provider says it was read.
    pub read_at: Option<Millis>,
    /// The code of the last problem. A delivered or read row has one only if a failure was reported too.
    pub error_code: Option<String>,
    /// The last problem in words.
    pub error_message: Option<String>,
    /// The row's own cells, in the order of the input's columns; empty unless requested.
    pub cells: Vec<String>,
}

impl ReportRow {
    /// The columns of a report, in order. A header that starts with them is a report's.
    pub const COLUMNS: [&str; 11] = [
        "row",
        "to",
        "channel",
        "state",
        "message_id",
        "attempts",
        "accepted_at",
        "delivered_at",
        "read_at",
        "error_code",
        "error_message",
    ];

    /// The prefix added to a report column, repeatedly if needed, when an input column has the same name.
    pub const GIVES_WAY: &str = "report_";

    /// The first column of a file of rejected rows. It is not called `row`, which would hide the `row` of templates.
    pub const INPUT_ROW: &'static str = "input_row";

    /// Whether a header is a report header.
    #[must_use]
    pub fn is_header(names: &[String]) -> bool {
        let is = |name: &String, column: &str| name.trim_start_matches(Self::GIVES_WAY) == column;
        names.len() >= Self::COLUMNS.len() && names.iter().zip(Self::COLUMNS).all(|(name, column)| is(name, column))
    }

    /// Returns the column's name, prefixed until it differs from `others`.
    #[must_use]
    pub fn giving_way(column: &str, others: &[String]) -> String {
        let mut name = column.to_owned();
        while others.contains(&name) {
            name.insert_str(0, Self::GIVES_WAY);
        }
        name
    }

    /// Whether both a failure and a delivery were reported: the row counts as delivered, and its error is the failure.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.state.was_delivered() && self.error_code.is_some()
    }

    /// Returns a row of which only the number is known.
    #[must_use]
    pub fn untried(row: RowNumber, channel: Channel) -> Self {
        Self {
            row,
            to: String::new(),
            channel,
            state: State::Pending,
            message_id: None,
            attempts: 0,
            accepted_at: None,
            delivered_at: None,
            read_at: None,
            error_code: None,
            error_message: None,
            cells: Vec::new(),
        }
    }
}

impl std::fmt::Debug for ReportRow {
    /// Leaves out the phone number and the cells, which are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { row, state, .. } = self;
        write!(f, "ReportRow({row}: {state})")
    }
}
