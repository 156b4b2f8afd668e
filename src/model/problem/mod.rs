//! Problems: of a row of the list, of its rendered message, and of sending it.
//!
//! A problem that the program itself finds is a value, with one file per kind; only [`words`] turns it into sentences.
//! [`Known`] is such a problem as it is stored. What a provider says stays in its own words.

mod cell;
mod finding;
mod known;
mod message;
mod number;
mod row_cause;
mod row_problem;
mod rule;
mod sending;
mod shortened;
mod template;
mod time;
mod words;

#[cfg(test)]
mod tests;

pub use cell::{CellProblem, OddCharacter};
pub use finding::{Finding, Severity};
pub use known::Known;
pub use message::{Is, LinkFlaw, MessageProblem, NoParameter, TypeFix};
pub use number::{Doubt, Lengths, Misfit, NumberKind, NumberProblem};
pub use row_cause::{RowCause, WhyUncertain};
pub use row_problem::{Flaw, OffTemplate, RowProblem};
pub use rule::Rule;
pub use sending::{BadAnswer, Damage, SendProblem, TooMany};
pub use shortened::shortened;
pub use template::{Mismatch, Part};
#[cfg(test)]
pub(crate) use tests::{every_row_problem, every_send_problem};
pub use time::TimeProblem;
pub use words::{column_by_key, column_key};
