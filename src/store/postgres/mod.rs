//! A store on a PostgreSQL server, which processes on several machines can share.
//!
//! `connect` opens connections, with the settings that the promises depend on, and `server` the store. `schema` creates the tables of
//! `schema.sql`. `lease` shows who is alive, and holds the locks. `pace` keeps an account's rate over all processes, by the server's `clock`. The statements are those of the other folders: whoever
//! writes locks the line of `store` first, so transactions follow each other as in SQLite, and each sees what the one
//! before it committed.

mod clock;
mod connect;
mod durability;
mod lease;
pub(super) mod pace;
mod schema;
mod server;

pub(super) use lease::ServerLock;
pub(super) use server::Server;
