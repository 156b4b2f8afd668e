//! Tests of the engine as a whole.

mod check_and_simulator;
mod examples;
mod resend_after;
mod week_of_windows;
