//! Everything that more than one test file uses.

pub(crate) mod campaign; // campaigns and recipient lists
pub(crate) mod documented; // the request bodies of the provider's document
pub(crate) mod http; // HTTP messages as bytes
#[path = "../../../src/store/tests/server.rs"]
pub(crate) mod postgres; // a PostgreSQL server
mod process; // the binary, running and finished
pub(crate) mod rates; // the most moments in any window
pub(crate) mod raw_server; // a scripted socket, for failures that no HTTP server makes
mod report; // the lines of a report
mod scripted_provider; // the provider that most runs send to, and the record of all it received
pub(crate) mod service; // `campaigner serve` and requests to it
pub(crate) mod template_server; // a simulated provider of templates, and a connection that loses requests on purpose
pub(crate) mod terminal; // a terminal in which a person answers questions
mod test_env; // a folder, and the binary started in it
pub(crate) mod tls; // TLS at a server
mod wait; // the one way to wait

pub(crate) use campaign::{CampaignFile, Channel, csv, phone, text_of, xlsx_of};
pub(crate) use process::{Finished, Running};
pub(crate) use report::{HEADER, ReportLine, parse_report};
pub(crate) use scripted_provider::{
    Answer, CREDENTIAL, Script, ScriptedProvider, Sent, Wire, envelope, message_id, meta, read_in_the_end,
};
pub(crate) use test_env::{ABORTED, TestEnv, counts, crash_at};
pub(crate) use wait::{SOON, wait_until};
