//! A list of numbers, compared with the store before there is a run: who would be left out, and whom earlier runs reached.

use std::collections::HashMap;

use sqlx::{ConnectOptions, SqliteConnection};

use super::error::doing;
use super::reached::{LeaveOut, clear, collect};
use super::{RowKey, Store, StoreError, options};
use crate::model::{Millis, Phone, RowNo, RunId};

/// The numbers of a list, to compare with the store. They are kept on disk, so that a list of any length fits.
#[derive(Debug)]
pub struct Listing {
    connection: SqliteConnection,
    /// The name of the campaign.
    name: String,
    /// The code of those who were reached.
    code: &'static str,
}

/// Rows that would be left out of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Rows whose number is on the suppression list.
    pub suppressed: u64,
    /// Rows whose number an earlier run reached.
    pub reached: u64,
    /// The code of these; see [`LeaveOut::code`].
    pub reached_code: &'static str,
    /// The first rows of either kind, each with its code and the reason.
    pub first: Vec<(RowNo, &'static str, String)>,
}

impl LeftOut {
    /// All rows that would be left out.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.suppressed + self.reached
    }
}

/// People on the list reached by earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// People on the list.
    pub of: u64,
    /// How many of them were reached.
    pub people: u64,
    /// How many of them were not, and are not on the suppression list.
    pub new: u64,
    /// By which runs, the newest first; each of them counts once, for the newest.
    pub runs: Vec<ReachedBy>,
    /// Reached people whose delivery is uncertain.
    pub uncertain: u64,
    /// The first of these.
    pub first_uncertain: Vec<(RunId, RowNo)>,
}

/// People that one run reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachedBy {
    /// The run.
    pub run: RunId,
    /// How many.
    pub people: u64,
    /// When the first of them.
    pub first: Millis,
    /// When the last of them.
    pub last: Millis,
}

/// Rows shown of each kind.
const SHOWN: u32 = 3;
/// Uncertain rows shown.
const UNCERTAIN_SHOWN: u32 = 10;

const REACHED: [&str; 2] = [
    "SELECT count(*) FROM temp.listed JOIN temp.reached USING (phone)",
    "SELECT row, words FROM temp.listed JOIN temp.reached USING (phone) ORDER BY row LIMIT ?1",
];
/// Suppressed numbers that were not reached before.
const SUPPRESSED: [&str; 2] = [
    "SELECT count(*) FROM temp.listed JOIN suppression USING (phone) \
     WHERE phone NOT IN (SELECT phone FROM temp.reached)",
    "SELECT row, coalesce(reason, 'on the suppression list') FROM temp.listed JOIN suppression USING (phone) \
     WHERE phone NOT IN (SELECT phone FROM temp.reached) ORDER BY row LIMIT ?1",
];

impl Store {
    /// An empty listing for a campaign of this name; nothing where the store has nobody to leave out of it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn listing(&self, name: &str) -> Result<Option<Listing>, StoreError> {
        let failed = || doing("hold the list against it");
        let anyone: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM suppression) \
             OR EXISTS (SELECT 1 FROM run WHERE name = ?1 AND started_at IS NOT NULL)",
        )
        .bind(name)
        .fetch_one(&self.readers)
        .await
        .map_err(failed())?;
        if !anyone {
            return Ok(None);
        }
        let mut connection = options(&self.path).connect().await.map_err(failed())?;
        sqlx::raw_sql("CREATE TEMP TABLE listed (phone INTEGER PRIMARY KEY, row INTEGER NOT NULL)")
            .execute(&mut connection)
            .await
            .map_err(failed())?;
        Ok(Some(Listing { connection, name: name.to_owned(), code: "" }))
    }
}

impl Listing {
    /// Adds numbers with their rows, in the order of the list; of a number that is there the first row counts.
    ///
    /// # Errors
    /// Where there is no room for them.
    pub async fn add(&mut self, numbers: &[(Phone, RowNo)]) -> Result<(), StoreError> {
        let numbers: Vec<(u64, u64)> = numbers.iter().map(|(phone, row)| (phone.as_u64(), row.0)).collect();
        sqlx::query("INSERT OR IGNORE INTO temp.listed SELECT value ->> 0, value ->> 1 FROM json_each(?1)")
            .bind(serde_json::to_string(&numbers).unwrap_or_default())
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(doing("note the numbers of the list"))
    }

    /// Which rows a run of this name would leave out now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn leave_out(&mut self, which: Option<LeaveOut>) -> Result<LeftOut, StoreError> {
        let failed = || doing("look for whom it leaves out");
        clear(&mut self.connection).await.map_err(failed())?;
        let mut left_out = LeftOut::default();
        if let Some(which) = which {
            collect(&mut self.connection, &self.name, None, which.since()).await.map_err(failed())?;
            left_out.reached_code = which.code();
            left_out.reached = self.count(&REACHED, which.code(), &mut left_out.first).await.map_err(failed())?;
        }
        left_out.suppressed = self.count(&SUPPRESSED, "suppressed", &mut left_out.first).await.map_err(failed())?;
        Ok(left_out)
    }

    /// Counts rows that are left out and takes note of the first: by two statements over the same rows.
    async fn count(
        &mut self,
        [count, first]: &'static [&'static str; 2],
        code: &'static str,
        rows: &mut Vec<(RowNo, &'static str, String)>,
    ) -> Result<u64, sqlx::Error> {
        let number: i64 = sqlx::query_scalar(*count).fetch_one(&mut self.connection).await?;
        let shown: Vec<(i64, String)> = sqlx::query_as(*first).bind(SHOWN).fetch_all(&mut self.connection).await?;
        rows.extend(shown.into_iter().map(|(row, words)| (RowNo(row.unsigned_abs()), code, words)));
        Ok(number.unsigned_abs())
    }

    /// Whom earlier runs of this name reached.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn reached(&mut self) -> Result<Reached, StoreError> {
        let failed = || doing("look for whom earlier runs reached");
        let Self { connection, name, .. } = self;
        collect(connection, name, None, Millis(i64::MIN)).await.map_err(failed())?;
        let of: i64 = sqlx::query_scalar("SELECT count(*) FROM temp.listed")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
        let new: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM temp.listed WHERE phone NOT IN (SELECT phone FROM temp.reached) \
             AND phone NOT IN (SELECT phone FROM suppression)",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed())?;
        let runs: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT (SELECT number FROM run WHERE id = r.id >> 40) AS number, count(*), min(r.at), max(r.at) \
             FROM temp.listed JOIN temp.reached r USING (phone) GROUP BY r.id >> 40 ORDER BY number DESC",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
        let id = |number: i64| RunId::new(name.as_str(), u32::try_from(number).unwrap_or(u32::MAX));
        let runs: Vec<ReachedBy> = runs
            .into_iter()
            .map(|(number, people, first, last)| ReachedBy {
                run: id(number),
                people: people.unsigned_abs(),
                first: Millis(first),
                last: Millis(last),
            })
            .collect();
        let uncertain: i64 =
            sqlx::query_scalar("SELECT count(*) FROM temp.listed JOIN temp.reached r USING (phone) WHERE r.uncertain")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed())?;
        let first: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT (SELECT number FROM run WHERE id = r.id >> 40), r.id FROM temp.listed JOIN temp.reached r USING (phone) \
             WHERE r.uncertain ORDER BY r.id LIMIT ?1",
        )
        .bind(UNCERTAIN_SHOWN)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
        Ok(Reached {
            of: of.unsigned_abs(),
            people: runs.iter().map(|run| run.people).sum(),
            new: new.unsigned_abs(),
            runs,
            uncertain: uncertain.unsigned_abs(),
            first_uncertain: first.into_iter().map(|(number, key)| (id(number), RowKey(key).row())).collect(),
        })
    }

    /// Gets ready to be asked by [`Listing::of`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn prepare(&mut self, which: Option<LeaveOut>) -> Result<(), StoreError> {
        let failed = || doing("look for whom it leaves out");
        clear(&mut self.connection).await.map_err(failed())?;
        if let Some(which) = which {
            self.code = which.code();
            collect(&mut self.connection, &self.name, None, which.since()).await.map_err(failed())?;
        }
        Ok(())
    }

    /// Which of these numbers a run would leave out, each with the code and the reason.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn of(&mut self, phones: &[Phone]) -> Result<HashMap<Phone, (&'static str, String)>, StoreError> {
        let failed = || doing("look for whom it leaves out");
        let phones: Vec<u64> = phones.iter().map(|phone| phone.as_u64()).collect();
        let rows: Vec<(i64, String, bool)> = sqlx::query_as(
            "SELECT value, coalesce(reason, 'on the suppression list'), false FROM json_each(?1) JOIN suppression s \
             ON s.phone = value UNION ALL SELECT value, words, true FROM json_each(?1) JOIN temp.reached r ON r.phone = value",
        )
        .bind(serde_json::to_string(&phones).unwrap_or_default())
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed())?;
        let read = |(phone, words, reached): (i64, String, bool)| {
            (Phone::from_u64(phone.unsigned_abs()), (if reached { self.code } else { "suppressed" }, words))
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::reached::tests::store;

    #[tokio::test]
    async fn a_list_is_told_whom_it_would_leave_out_and_whom_earlier_runs_reached() {
        let (_folder, store, mut writer) = store().await;
        let phone = |n: u64| Phone::from_u64(852_600 + n);
        writer.suppress(&[phone(1), phone(8), phone(99)], Some("asked"), Millis(1)).await.unwrap();
        let mut listing = store.listing("job").await.unwrap().unwrap();
        let numbers: Vec<_> = [1, 2, 3, 4, 5, 7, 8, 9].map(|n| (phone(n), RowNo(n + 10))).into();
        listing.add(&numbers).await.unwrap();
        listing.add(&[(phone(1), RowNo(30))]).await.unwrap();

        let left_out = listing.leave_out(Some(LeaveOut::Since(Millis(1000)))).await.unwrap();
        assert_eq!((left_out.reached, left_out.suppressed), (5, 1), "one who is both counts once: {left_out:?}");
        assert_eq!(left_out.first.last(), Some(&(RowNo(18), "suppressed", "asked".to_owned())));
        let left_out = listing.leave_out(None).await.unwrap();
        assert_eq!((left_out.reached, left_out.suppressed), (0, 2));

        let reached = listing.reached().await.unwrap();
        assert_eq!((reached.people, reached.new, reached.of, reached.uncertain), (6, 1, 8, 3));
        let job = RunId::new("job", 1);
        assert_eq!(reached.first_uncertain, [3, 5, 7].map(|row| (job.clone(), RowNo(row))));
        assert_eq!(reached.runs, [ReachedBy { run: job, people: 6, first: Millis(11), last: Millis(8000) }]);
        writer.unsuppress(&[phone(1), phone(8), phone(99)]).await.unwrap();
        assert!(store.listing("new").await.unwrap().is_none() && store.listing("job").await.unwrap().is_some());
        writer.suppress(&[phone(8), phone(99)], Some("asked"), Millis(1)).await.unwrap();

        listing.prepare(Some(LeaveOut::Everyone)).await.unwrap();
        let left_out = listing.of(&[phone(1), phone(8), phone(6)]).await.unwrap();
        assert_eq!(left_out[&phone(1)].0, "already_reached");
        assert_eq!(left_out[&phone(8)], ("suppressed", "asked".to_owned()));
        assert_eq!(left_out.len(), 2);
    }
}
