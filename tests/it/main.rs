//! The real binary against a real HTTP server and real files. One binary, so that it links once.
//!
//! What is promised to a user is tested here, from outside: the exit code, what the provider received, what stands in
//! the report. What can be tested as a function is tested beside the function.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows that a test may, but not that its helpers are tests too"
)]

mod office; // a simulated provider of templates, and the way to it
mod provider; // the scripted provider that every test sends to
mod workplace; // a folder, a campaign, the binary; and the one way to wait

mod characters; // those that nobody sees, or that act on what shows them
mod codes; // what the channel's own error codes make of a row and of the run
mod commands; // each command: what it prints, what it leaves, how it ends
mod connections; // connections to the service that say nothing keep nobody out
mod crash; // killed at any moment, run again: nobody twice, nobody missing
#[cfg(debug_assertions)] // in other builds there are no crash points
mod crash_points; // dead at each boundary of the work, run again: the books are right
mod csv_forms; // every way of writing a recipient list ends in the same numbers
mod documented; // what the provider's document shows is what is sent
mod done; // who is told that a run is over
mod environment; // disks, stores, limits and networks that fail
mod failures; // every way in which one request can fail, and what each is taken for
mod find; // one person over all runs
mod halt; // when refusals stop the run, and how few requests left before that
mod hung; // files that do not answer hold up nothing
mod input_files; // what is read is a regular file, and nobody waits for anything else
mod live;
#[cfg(target_os = "linux")] // which has /proc/locks
mod locks; // the locks on the store stay, whatever looks at it
mod logs; // standard error as JSON, held against its document
mod marked; // marked text in every answer, looked for in everything that is printed
mod media; // what the servers of media files say, told before anything is sent
mod orders; // a pause, a rate, from a second process
mod outcomes; // what each answer or failure of the provider makes of a row
mod privacy; // what must not be seen, and by whom
mod pulled; // campaigns held against templates that were pulled, and the look before the first message
mod ran_before; // a campaign that ran before: who is told, who is left out, and what a person can say
mod rate; // no second holds more than the rate
mod refused; // what breaks a documented limit is refused before anything is sent
mod reports; // every format, filter and comparison, and a report that becomes a list
mod restored; // stores that were copied, moved, restored or deleted, and nobody is messaged twice
mod serve; // what is due runs once, whoever is there and whoever dies
mod settle; // what a person says of rows that may or may not have been accepted
mod signals; // stopped gently or not, and gone on with
mod signed; // how strict the simulated providers of templates are
mod template_words; // what is told about templates, word for word
mod templates; // templates made, shown, changed and deleted, and never made twice
mod throttled; // pauses that the provider asks for, also after a restart
mod tidy; // the rules of this repository, held against its files
mod two_at_once; // two processes at one store, and copies of a store
mod webhook; // what the provider tells of its own accord, and what people send back
mod whole_job; // the main job from the file to the report
mod windows; // when messages may leave, and what becomes of those that may not
