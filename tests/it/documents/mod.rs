//! What our documents and the provider's show is what happens.

mod documented_messages; // each request body of the provider's document is sent as shown there
mod log_events; // each line of the JSON log is in `docs/logs.md`
mod shown_commands; // each command in a code block of a document ends as it says
