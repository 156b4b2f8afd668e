//! One request at a time over kept-alive HTTP/1.1 connections, and what it means when there is no answer.
//!
//! `transport` sends. `connect` makes a connection, `connection` drives it, `pool` keeps it. `answer` and `failure` are
//! what comes of a request.

pub(super) mod answer;
pub(super) mod client;
mod connect;
mod connection;
pub(super) mod failure;
pub(super) mod pool;
pub(super) mod transport;
