//! What each command prints, changes and returns.

mod find; // one person over all runs
mod pause_and_rate; // pause, resume and rate, from a second process
mod privacy; // numbers, names and credentials that nobody may see
mod reports; // every format, filter and comparison, and a report as the next list
mod run_and_resume; // run, resume, retry, reconcile
mod settle; // a person's decision on uncertain rows
pub(crate) mod untrusted_answers; // no text of the provider reaches a terminal, a log or a page unescaped
