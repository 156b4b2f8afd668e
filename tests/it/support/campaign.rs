//! Campaigns and recipient lists as a test wants them.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::support::Wire;

/// A valid mobile number, another one for each `n` below a million.
pub(crate) fn phone(n: usize) -> String {
    format!("85264{n:06}")
}

/// A recipient list of `rows` good rows.
pub(crate) fn csv(rows: usize) -> String {
    let mut text = String::from("phone,first_name,discount\n");
    for n in 1..=rows {
        writeln!(text, "{},Name{n},{}%", phone(n), n % 50).unwrap();
    }
    text
}

/// What carries the text: a parameter of a WhatsApp template, or a Viber text, which may hold any character.
#[derive(Clone, Copy)]
pub(crate) enum Channel {
    Whatsapp,
    Viber,
}

/// The text in a body as it was posted.
pub(crate) fn text_of(body: &serde_json::Value) -> &str {
    let parameter = &body["template"]["components"][0]["parameters"][0]["text"];
    parameter.as_str().or(body["text"].as_str()).unwrap_or_default()
}

/// What a test may want to say about a campaign; the rest is fast and harmless.
pub(crate) struct CampaignFile {
    pub(crate) name: &'static str,
    /// Whose built-in account it uses.
    pub(crate) wire: Wire,
    pub(crate) recipients: String,
    pub(crate) channel: Channel,
    pub(crate) text: &'static str,
    pub(crate) rate: &'static str,
    pub(crate) concurrency: usize,
    pub(crate) timeout: &'static str,
    pub(crate) attempts: u32,
    pub(crate) uncertain: &'static str,
    pub(crate) horizon: &'static str,
    /// One more line of `dispatch`, such as a quota.
    pub(crate) dispatch: &'static str,
    /// More lines at the end, such as a schedule.
    pub(crate) rest: String,
}

impl Default for CampaignFile {
    fn default() -> Self {
        Self {
            name: "job",
            wire: Wire::Incs,
            recipients: "{csv: list.csv, to: phone}".to_owned(),
            channel: Channel::Whatsapp,
            text: "{{ first_name }}",
            rate: "5000/s",
            concurrency: 16,
            timeout: "20s",
            attempts: 5,
            uncertain: "hold",
            horizon: "1m",
            dispatch: "",
            rest: String::new(),
        }
    }
}

impl CampaignFile {
    pub(crate) fn yaml(&self) -> String {
        let Self { name, recipients, text, rate, concurrency, timeout, attempts, uncertain, horizon, rest, .. } = self;
        // Only Meta needs the language.
        let (provider, language) = match self.wire {
            Wire::Incs => ("incs", ""),
            Wire::Meta => ("meta", "language: {code: en_US}, "),
        };
        let (channel, message) = match self.channel {
            Channel::Whatsapp => (
                "whatsapp",
                format!(
                    "{{type: template, template: {{name: test_header_text_2, {language}components: \
                     [{{type: body, parameters: [{{type: text, text: \"{text}\"}}]}}]}}}}"
                ),
            ),
            Channel::Viber => ("viber", format!("{{type: text, text: \"{text}\"}}")),
        };
        let dispatch = if self.dispatch.is_empty() { String::new() } else { format!("  {}\n", self.dispatch) };
        format!(
            "name: {name}\n\
             provider: {provider}\n\
             channel: {channel}\n\
             recipients: {recipients}\n\
             message: {message}\n\
             dispatch:\n\
             \x20 rate: {rate}\n\
             \x20 concurrency: {concurrency}\n\
             \x20 timeout: {timeout}\n\
             \x20 attempts: {attempts}\n\
             \x20 uncertain: {uncertain}\n\
             {dispatch}\
             reconcile: {{after: 200ms, every: 300ms, for: {horizon}}}\n\
             {rest}"
        )
    }
}

/// A schedule of one time: so many seconds from now, or before now. `more` is what else it says.
pub(crate) fn schedule(seconds: i64, more: &str) -> String {
    let at = (Timestamp::now() + SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%S");
    format!("schedule: {{at: {at}, timezone: UTC{more}}}\n")
}

/// A time zone in which it is noon or soon after, so that no test runs into the next day.
pub(crate) fn zone_at_noon() -> String {
    let hour = Timestamp::now().to_zoned(TimeZone::UTC).hour();
    // The signs of these zones are reversed.
    format!("Etc/GMT{:+}", hour - 12)
}

/// A campaign file that says no more than it has to: this message, as JSON or YAML, to the column `phone` of
/// `list.csv`.
pub(crate) fn minimal(channel: &str, message: &str) -> String {
    format!(
        "name: job\nprovider: incs\nchannel: {channel}\nrecipients: {{csv: list.csv, to: phone}}\nmessage: {message}\n"
    )
}

/// Returns the sheet of a list: numbers as numbers, everything else as texts. The fourth row is hidden.
fn sheet_of(list: &str) -> String {
    let mut sheet = "<worksheet><sheetData>".to_owned();
    for (row, line) in (1..).zip(list.lines()) {
        write!(sheet, "<row r=\"{row}\" hidden=\"{}\">", u8::from(row == 4)).unwrap();
        for cell in line.split(',') {
            match cell.parse::<u64>() {
                Ok(number) => write!(sheet, "<c><v>{number}</v></c>").unwrap(),
                Err(_) => write!(sheet, "<c t=\"inlineStr\"><is><t>{cell}</t></is></c>").unwrap(),
            }
        }
        sheet.push_str("</row>");
    }
    sheet + "</sheetData></worksheet>"
}

/// A workbook with a list in the sheets `List` and `Old`.
pub(crate) fn xlsx_of(list: &str) -> Vec<u8> {
    let package =
        r#"<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let sheets = r#"<workbook><sheets><sheet name="List" id="s1"/><sheet name="Old" id="s1"/></sheets></workbook>"#;
    let book = r#"<Relationships><Relationship Id="s1" Type="x/worksheet" Target="sheet1.xml"/></Relationships>"#;
    let sheet = sheet_of(list);
    let files = [
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", package),
        ("xl/workbook.xml", sheets),
        ("xl/_rels/workbook.xml.rels", book),
        ("xl/sheet1.xml", &sheet),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
