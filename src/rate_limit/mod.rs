//! How fast: the rate of an account, throttling by the provider, outages, and the wait before a retry.
//!
//! Every request passes here, retries and polls included. This module knows times and numbers. It does not know what is
//! sent or where rows are kept.
//!
//! - [`AccountLimiter`]: one provider account. Each run that uses it holds a [`RunLimiter`].
//! - [`RateLimiter`] in `limiter`: spreads requests evenly ([`RateLimiter::reserve`]), keeps the rate strictly
//!   ([`RateLimiter::admit`]), and slows down after a throttle response (HTTP 429) and recovers.
//! - `sliding_window`: the strict part. `circuit_breaker`: the pauses while the provider is unreachable.
//! - [`RetryPolicy`] and [`deferral`] in `backoff`: how long a row waits before its next attempt.

mod account;
mod backoff;
mod circuit_breaker;
mod limiter;
mod sliding_window;

pub use account::{AccountLimiter, RunLimiter, Use};
pub use backoff::{FREE_DEFERRALS, RetryPolicy, deferral};
pub use circuit_breaker::Reservation;
pub(crate) use limiter::LONGEST_ADMISSION;
pub use limiter::{RateLimiter, Slowed};

#[cfg(test)]
mod tests;
