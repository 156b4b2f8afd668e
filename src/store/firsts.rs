//! How messages are written that were accepted the first time they were tried, as most are: a row each in `delivery`, with
//! only what differs from one to the next, and in the ledger a line for all that lie side by side. Decides nothing.

use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;

use super::{RowKey, Settled};
use crate::model::{Millis, State};

/// Rows in one statement at most. It is the same for any number of rows up to this: one prepared for each number brings
/// nothing and takes some MiB.
pub(super) const MOST: usize = 64;

/// Writes the lines that [`lines`] gives.
pub(super) const LEDGER: &str = "INSERT INTO attempt (first, last, attempt, at, ended_at, outcome) \
    SELECT value ->> 0, value ->> 1, 1, value ->> 2, value ->> 3, 2 FROM json_each(?)";

const _: () = assert!(State::Accepted as i64 == 2 && RowKey::ROW_BITS == 40, "they stand in the statements");

impl Settled {
    /// Whether it is of this kind. Then all else about it is known.
    pub(super) fn is_accepted_at_first(&self) -> bool {
        self.state == State::Accepted && !self.again && self.problem.is_none()
    }
}

/// The statement that writes up to [`MOST`] rows to `delivery`, whose values [`add`] adds.
pub(super) fn text() -> String {
    let values = "(?,?,?,?,?),".repeat(MOST);
    format!(
        "WITH rows (n) AS (VALUES (?)) \
         INSERT INTO delivery (id, run, state, attempts, tries, tried_at, accepted_at, message_id, poll_at) \
         SELECT column1, column1 >> 40, 2, 1, 1, column2, column3, column4, column5 FROM (VALUES {}) \
         LIMIT (SELECT n FROM rows);",
        values.trim_end_matches(',')
    )
}

/// Adds what that statement needs of these rows, at most [`MOST`], as the last of a text: the places that are left over
/// have no value. None of them is ever taken; if one were, its run would be NULL and the commit refused.
pub(super) fn add(values: &mut SqliteArguments, firsts: &[&Settled]) -> Result<(), BoxDynError> {
    values.reserve(1 + firsts.len() * 5, 0);
    values.add(i64::try_from(firsts.len())?)?;
    for first in firsts {
        values.add(first.key.0)?;
        values.add(first.at.0)?;
        values.add(first.ended_at.0)?;
        values.add(&first.message_id)?;
        values.add(first.poll_at.map(|at| at.0))?;
    }
    Ok(())
}

/// The lines of the ledger for these rows, as JSON: first and last row, since when in the air, and when the last outcome
/// was known.
pub(super) fn lines(firsts: &[&Settled]) -> String {
    let mut rows: Vec<(RowKey, Millis, Millis)> = firsts.iter().map(|row| (row.key, row.at, row.ended_at)).collect();
    rows.sort_unstable();
    let mut lines: Vec<(i64, i64, i64, i64)> = Vec::new();
    for (RowKey(key), Millis(at), Millis(ended_at)) in rows {
        match lines.last_mut() {
            Some((_, last, since, until)) if *last + 1 == key && *since == at => {
                *last = key;
                *until = (*until).max(ended_at);
            }
            _ => lines.push((key, key, at, ended_at)),
        }
    }
    serde_json::to_string(&lines).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptNo, RowNo};

    impl Settled {
        /// One of this kind, in the air from the first millisecond to the second.
        pub(in crate::store) fn accepted_at_first(key: RowKey) -> Self {
            Self {
                key,
                attempt: AttemptNo(1),
                again: false,
                left: true,
                at: Millis(1),
                ended_at: Millis(2),
                state: State::Accepted,
                outcome: State::Accepted,
                tries: 1,
                put_off: 0,
                message_id: Some(format!("wamid.{}", key.row().0)),
                problem: None,
                due_at: None,
                poll_at: Some(Millis(3)),
                doubted: false,
            }
        }
    }

    #[test]
    fn rows_side_by_side_that_took_off_together_are_one_line_of_the_ledger() {
        let first = |row, at, ended_at| Settled {
            at: Millis(at),
            ended_at: Millis(ended_at),
            ..Settled::accepted_at_first(RowKey::new(1, RowNo(row)))
        };
        // As they come in; 4 has not come back, and 6 took off later.
        let rows = [first(3, 10, 21), first(1, 10, 24), first(2, 10, 22), first(6, 11, 20), first(5, 10, 23)];
        let lines: Vec<(i64, i64, i64, i64)> = serde_json::from_str(&lines(&rows.each_ref())).unwrap();
        let key = |row| RowKey::new(1, RowNo(row)).0;
        assert_eq!(lines, [(key(1), key(3), 10, 24), (key(5), key(5), 10, 23), (key(6), key(6), 11, 20)]);
    }
}
