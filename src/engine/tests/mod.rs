//! Tests of the engine as a whole.

mod check_and_simulator;
mod examples;
mod panicking_sender;
mod resend_after;
mod shared_account;
mod week_of_windows;
