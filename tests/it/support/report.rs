//! The report of a run, `recipients.csv`, line by line.

/// The header that every report begins with.
pub(crate) const HEADER: &str =
    "row,to,channel,state,message_id,attempts,accepted_at,delivered_at,read_at,error_code,error_message";

/// One line of `recipients.csv`.
#[derive(Debug)]
pub(crate) struct ReportLine {
    pub(crate) row: u64,
    pub(crate) to: String,
    pub(crate) state: String,
    pub(crate) message_id: String,
    pub(crate) attempts: u32,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Reads a report, whose header must be the promised one.
pub(crate) fn parse_report(report: &str) -> Vec<ReportLine> {
    assert_eq!(report.lines().next(), Some(HEADER));
    let mut reader = csv::Reader::from_reader(report.as_bytes());
    let line = |cells: csv::StringRecord| ReportLine {
        row: cells[0].parse().unwrap(),
        to: cells[1].to_owned(),
        state: cells[3].to_owned(),
        message_id: cells[4].to_owned(),
        attempts: cells[5].parse().unwrap(),
        code: cells[9].to_owned(),
        message: cells[10].to_owned(),
    };
    reader.records().map(|cells| line(cells.unwrap())).collect()
}
