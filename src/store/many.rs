//! Many rows in one statement.
//!
//! Each statement costs a hand-over to SQLite's thread and back, so what is committed together is written together.
//! The text of a statement must stay the same for it to be prepared once; so there is one for each power of two, and
//! the places that are left over hold NULL keys, which the statement passes over.

use std::sync::OnceLock;

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// The largest statement, in rows. With at most 15 values a row it stays below SQLite's 32,766 parameters.
pub(super) const MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 12;

/// A statement over rows of `width` values, the first of them the row's key: `head`, the rows, `tail`.
pub(super) struct Many {
    head: &'static str,
    width: usize,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES],
}

/// A statement with some of its rows bound.
pub(super) type Bound<'a> = Query<'a, Sqlite, SqliteArguments>;

impl Many {
    /// `head` and `tail` surround the rows: `INSERT INTO t (a, b) SELECT * FROM (VALUES …) WHERE column1 IS NOT NULL`.
    pub(super) const fn new(head: &'static str, width: usize, tail: &'static str) -> Self {
        Self { head, width, tail, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// The statement for these rows, at most [`MOST`]; `bind` binds the values of one row, `width` of them.
    pub(super) fn over<'a, T>(
        &'static self,
        rows: &'a [T],
        bind: impl FnMut(Bound<'a>, &'a T) -> Bound<'a>,
    ) -> Bound<'a> {
        let size = rows.len().next_power_of_two();
        let index = (size.trailing_zeros() as usize).min(SIZES - 1);
        let text = self.texts[index].get_or_init(|| self.text(1 << index));
        self.bind(sqlx::query(text.as_str()), 1 << index, rows.iter(), bind)
    }

    /// Binds these rows in a statement of `size` rows, or in a text where this statement is next.
    pub(super) fn bind<'a, T: 'a>(
        &self,
        statement: Bound<'a>,
        size: usize,
        rows: impl ExactSizeIterator<Item = &'a T>,
        bind: impl FnMut(Bound<'a>, &'a T) -> Bound<'a>,
    ) -> Bound<'a> {
        let left_over = (rows.len() * self.width)..(size * self.width);
        let statement = rows.fold(statement, bind);
        left_over.fold(statement, |statement, _| statement.bind(None::<i64>))
    }

    /// Adds the statement for `size` rows to a text of several.
    pub(super) fn add_to(&self, text: &mut String, size: usize) {
        text.push_str(&self.text(size));
        text.push(';');
    }

    fn text(&self, rows: usize) -> String {
        let row = format!("({}?),", "?,".repeat(self.width - 1));
        let rows = row.repeat(rows);
        format!("{}{}{}", self.head, rows.trim_end_matches(','), self.tail)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Row, SqliteConnection};

    use super::*;

    static INSERT: Many =
        Many::new("INSERT INTO t (id, word) SELECT * FROM (VALUES ", 2, ") WHERE column1 IS NOT NULL");

    #[tokio::test]
    async fn every_number_of_rows_gets_in() {
        let mut store = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)").execute(&mut store).await.unwrap();
        let mut id = 0_i64;
        for rows in [1, 2, 3, 7, 64, 1000, MOST] {
            let rows: Vec<(i64, String)> = (0..rows)
                .map(|_| {
                    (id, {
                        id += 1;
                        id.to_string()
                    })
                })
                .collect();
            let statement = INSERT.over(&rows, |statement, (id, word)| statement.bind(id).bind(word));
            let done = statement.execute(&mut store).await.unwrap();
            assert_eq!(done.rows_affected(), rows.len() as u64);
        }
        let all =
            sqlx::query("SELECT count(*), sum(CAST(word AS INTEGER) = id + 1) FROM t").fetch_one(&mut store).await;
        let all = all.unwrap();
        assert_eq!((all.get::<i64, _>(0), all.get::<i64, _>(1)), (id, id));
    }
}
