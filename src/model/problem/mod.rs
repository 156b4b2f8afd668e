//! What can be wrong: with a row of the list, with its message, with its sending.

mod finding;
mod row_cause;
mod row_problem;

pub use finding::{Finding, Severity};
pub use row_cause::RowCause;
pub use row_problem::{RowProblem, shortened};
