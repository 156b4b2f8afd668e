//! One line of the report.

use super::{Channel, Millis, RowNo, State};

/// All that the report says of one row.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The record's number in the input.
    pub row: RowNo,
    /// The normalised number, or the input's text where it is not one.
    pub to: String,
    /// The channel of the campaign.
    pub channel: Channel,
    /// Where the row stands.
    pub state: State,
    /// The provider's id of the message, once accepted.
    pub message_id: Option<String>,
    /// Requests made for this row.
    pub attempts: u32,
    /// When the provider's acceptance arrived here.
    pub accepted_at: Option<Millis>,
    /// When the provider says it was delivered; `None` beside a `read_at` means no later than that.
    pub delivered_at: Option<Millis>,
    /// When the provider says it was read.
    pub read_at: Option<Millis>,
    /// The last problem's code.
    pub error_code: Option<String>,
    /// The last problem's words.
    pub error_message: Option<String>,
    /// The row's own cells, in the order of the input's columns; empty unless they were asked for.
    pub cells: Vec<String>,
}

impl ReportRow {
    /// A row of which nothing is known but its number.
    #[must_use]
    pub fn untried(row: RowNo, channel: Channel) -> Self {
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
    /// Without the number and the cells, which are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { row, state, .. } = self;
        write!(f, "ReportRow({row}: {state})")
    }
}
