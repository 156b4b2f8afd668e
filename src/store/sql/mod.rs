//! One way to run a statement on either database.
//!
//! The statements of the store are written once, in what SQLite and PostgreSQL both understand, with parameters `$1`,
//! `$2`. The rest that differs is in two places: the functions that PostgreSQL lacks are part of its schema, and
//! `dialect` replaces a few words. `sqlx::Any` does not serve here: it cannot set the options of a connection,
//! and it boxes and copies every value.

mod batch;
mod connection;
mod dialect;
mod nul;
mod query;
mod row;
mod value;

pub(in crate::store) use batch::{Batch, batch, first_batch, last_batch};
pub(in crate::store) use connection::{DbConnection, Held, On, Pool, ServerPool, in_time, silent};
pub(in crate::store) use dialect::BEGIN;
pub(in crate::store) use query::{query, query_as, query_scalar, script};
pub(in crate::store) use row::{DbRow, JsonText};
pub(in crate::store) use value::{JsonList, json};
