//! A store on a PostgreSQL server, which processes on several machines can share.
//!
//! `connect` opens connections with the settings that the promises depend on, and `server` opens the store. `schema`
//! creates the tables of `schema.sql`. `lease` shows which processes are alive, and holds the locks. `pace` keeps all
//! processes together within an account's rate, by the server's `clock`. `mark` notices a database that was set back
//! under a process, and `home` one that is a copy.
//!
//! The statements are those of the other folders: each transaction that writes first locks the only row of `store`. So
//! only one writes at a time, as in SQLite, and each sees what the one before it committed.

mod clock;
mod connect;
mod durability;
mod home;
mod lease;
pub(super) mod mark;
pub(super) mod pace;
mod schema;
mod server;
#[cfg(test)]
mod tests;

pub(super) use lease::ServerLock;
pub(super) use server::Server;
