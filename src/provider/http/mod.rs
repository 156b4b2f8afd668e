//! Sends requests over kept-alive HTTP/1.1 connections, one at a time on each, and classifies missing responses.
//!
//! `link` is the connection to an account; `transport` sends. `connect` opens a connection, `connection` drives it,
//! `pool` keeps it. `answer` and `failure` are the results of a request.

pub(super) mod answer;
pub(super) mod client;
mod connect;
mod connection;
pub(super) mod failure;
pub(super) mod link;
mod pool;
mod transport;
