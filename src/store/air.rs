//! What is in the air, as the writer keeps it in mind: the rows with an intent and no outcome. Decides which intents may
//! be, and which lines of `intent` are done with; reads the store once and never writes it.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::dispatch::last_tried;
use super::error::doing;
use super::{Grant, Intent, RowKey, StoreError};

/// The rows in the air of one run.
#[derive(Debug)]
pub(super) struct Air {
    /// Each with its line in `intent`.
    rows: BTreeMap<RowKey, i64>,
    /// The lines there are, with how many of their rows are in the air.
    lines: BTreeMap<i64, u32>,
    /// The last row that was ever taken up for the first time.
    last_fresh: Option<RowKey>,
    /// Lines in the store that have no row in the air any more.
    done: Vec<i64>,
}

/// A line of `intent`: rows that lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) first: RowKey,
    pub(super) last: RowKey,
    pub(super) intent: Intent,
}

impl Air {
    /// As the store has it.
    pub(super) async fn read(store: &mut SqliteConnection, run: i64) -> Result<Self, StoreError> {
        let failed = || doing("read the open intents");
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT id, intent FROM air WHERE id BETWEEN ?1 AND ?2")
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .fetch_all(&mut *store)
            .await
            .map_err(failed())?;
        let done = sqlx::query_scalar(
            "SELECT id FROM intent i WHERE first BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM air a WHERE a.intent = i.id)",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .fetch_all(&mut *store)
        .await
        .map_err(failed())?;
        let last_fresh = last_tried(store, run).await?;
        let mut air = Self { rows: BTreeMap::new(), lines: BTreeMap::new(), last_fresh, done };
        for (id, line) in rows {
            air.put(RowKey(id), line);
        }
        Ok(air)
    }

    fn put(&mut self, row: RowKey, line: i64) {
        self.rows.insert(row, line);
        *self.lines.entry(line).or_default() += 1;
    }

    /// Takes rows out of the air.
    ///
    /// # Errors
    /// An outcome of a row that is not in the air.
    pub(super) fn land(&mut self, rows: impl IntoIterator<Item = RowKey>) -> Result<(), StoreError> {
        for row in rows {
            let line = self.rows.remove(&row);
            let line = line.ok_or_else(|| StoreError::Damaged("an outcome has no intent".to_owned()))?;
            let left = self.lines.get_mut(&line).map_or(0, |rows| {
                *rows -= 1;
                *rows
            });
            if left == 0 {
                self.lines.remove(&line);
                self.done.push(line);
            }
        }
        Ok(())
    }

    /// The lines that have no row in the air any more, which then are to be removed.
    pub(super) fn done(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.done)
    }

    /// Which of these may be taken up for the first time: in input order each once, so all that ever were lie before
    /// the last. The others are refused, those that were taken up before among them.
    pub(super) fn fresh(&mut self, intents: &[Intent]) -> Vec<Grant> {
        let grant = |intent: &Intent| {
            if intent.again || self.last_fresh.is_some_and(|last| intent.key <= last) {
                return Grant::Refused;
            }
            self.last_fresh = Some(intent.key);
            Grant::Granted
        };
        intents.iter().map(grant).collect()
    }

    /// Lets the granted ones of these take off. Gives the lines to be written for them: as few as there can be.
    pub(super) fn take_off(&mut self, intents: &[Intent], granted: &[Grant]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for (intent, grant) in intents.iter().zip(granted) {
            if *grant != Grant::Granted {
                continue;
            }
            match lines.last_mut().filter(|line| line.goes_on_with(intent)) {
                Some(line) => line.last = intent.key,
                None => lines.push(Line { id: line_id(intent), first: intent.key, last: intent.key, intent: *intent }),
            }
            if let Some(line) = lines.last() {
                self.put(intent.key, line.id);
            }
        }
        lines
    }
}

/// A line's key follows from its first row, since the writers of other runs make lines too.
fn line_id(intent: &Intent) -> i64 {
    (intent.key.0 << 1) | i64::from(intent.again)
}

impl Line {
    /// Whether `intent` is for the row behind its last. When it was taken up may differ by the little that lies within
    /// a commit.
    fn goes_on_with(&self, intent: &Intent) -> bool {
        !self.intent.again && !intent.again && self.last.is_followed_by(intent.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptNo, Millis, RowNo};

    fn key(row: u64) -> RowKey {
        RowKey::new(1, RowNo(row))
    }

    fn intent(row: u64, again: bool) -> Intent {
        Intent { key: key(row), attempt: AttemptNo(1 + u32::from(again)), at: Millis(5), again }
    }

    fn empty() -> Air {
        Air { rows: BTreeMap::new(), lines: BTreeMap::new(), last_fresh: None, done: Vec::new() }
    }

    #[test]
    fn rows_side_by_side_share_a_line_until_the_last_of_them_lands() {
        let mut air = empty();
        let intents = [1, 2, 3, 5, 6].map(|row| intent(row, false));
        let granted = air.fresh(&intents);
        assert_eq!(granted, [Grant::Granted; 5]);
        let lines = air.take_off(&intents, &granted);
        let ends: Vec<_> = lines.iter().map(|line| (line.id, line.first.row().0, line.last.row().0)).collect();
        assert_eq!(ends, [(key(1).0 << 1, 1, 3), (key(5).0 << 1, 5, 6)]);
        air.land([2, 6, 1].map(key)).unwrap();
        assert!(air.done().is_empty());
        air.land([3, 5].map(key)).unwrap();
        assert_eq!(air.done(), [key(1).0 << 1, key(5).0 << 1]);
        assert!(air.land([key(5)]).is_err(), "it landed");
        assert_eq!(air.fresh(&[intent(6, false), intent(7, true), intent(8, false)])[..2], [Grant::Refused; 2]);
    }

    #[test]
    fn a_row_that_was_taken_up_before_has_a_line_of_its_own() {
        let mut air = empty();
        let intents = [intent(1, false), intent(2, true), intent(3, false)];
        assert_eq!(air.take_off(&intents, &[Grant::Granted; 3]).len(), 3);
    }

    /// A run of millions goes on at once: what is in the air is found by the few lines of intents alone.
    #[tokio::test]
    async fn the_rows_in_the_air_are_found_by_their_keys() {
        use sqlx::Row;
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join("s.db")).await.unwrap();
        for statement in [
            "EXPLAIN QUERY PLAN SELECT id, at FROM air",
            "EXPLAIN QUERY PLAN SELECT id, at FROM air WHERE id BETWEEN 1 AND 2",
        ] {
            let rows = sqlx::query(statement).fetch_all(&store.readers).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
            let by_key = "SEARCH r USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
            assert!(plan.iter().any(|step| step == by_key), "{plan:?}");
        }
    }
}
