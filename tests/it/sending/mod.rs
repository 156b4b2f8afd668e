//! From the first request to the last status: who is messaged, when, how fast, and what each answer means.

mod account; // what the provider says of the account before the first message
mod activity; // what is happening with a run, as status shows it
mod earlier_runs; // who was reached by an earlier run gets nothing unless a person says so
mod halt; // refusals stop the run, after few requests
mod outcomes; // what each answer of the provider makes of a row
mod pauses; // pauses that the provider asks for hold, also after a restart
mod proxy; // a proxy that carries messages, or refuses to
mod rate; // no second holds more than the rate
mod request_failures; // each way in which one request can fail, and what it counts as
mod test_message; // one message to a number of one's own
mod whatsapp_codes; // what WhatsApp's own error codes make of a row and of the run
mod whole_job; // the main job, from the file to the report
mod windows; // send windows, times of single rows, quotas
