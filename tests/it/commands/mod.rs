//! What each command prints, changes and returns.

mod cancel_and_suppress; // who gets nothing any more
mod check_and_preview; // what is wrong, where, and what would be sent
mod command_line; // help, mistakes and output files
mod confirmations; // questions before something that cannot be undone
mod doctor; // faults put there on purpose
mod find; // one person over all runs
mod init; // from a list to a checked campaign
mod pause_and_rate; // pause, resume and rate, from a second process
mod privacy; // numbers, names and credentials that nobody may see
mod purge; // runs whose recipients are deleted
mod reports; // every format, filter and comparison, and a report as the next list
mod run_and_resume; // where a run stops, and how it continues
mod settle; // a person's decision on uncertain rows
mod untrusted_answers; // no text of the provider reaches a terminal, a log or a page unescaped
