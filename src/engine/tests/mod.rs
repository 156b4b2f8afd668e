//! Tests of the engine as a whole.

mod check_and_simulator;
mod examples;
mod week_of_windows;
