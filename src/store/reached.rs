//! Whom earlier runs of a campaign reached, or may have: left out of the next one where the campaign or a person says so, and
//! told before one is begun.
//!
//! A number counts as reached by the states of its rows in all runs of the name: accepted, sent, delivered, read, uncertain,
//! or in flight. One that failed, was refused or never tried does not.

use std::collections::HashMap;

use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::error::doing;
use super::{RowKey, Store, StoreError, Writer, options};
use crate::model::{Millis, Phone, RowNo, RunId, State};

/// Which of the people that earlier runs reached are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveOut {
    /// Those reached after this moment, as the campaign's `skip_sent_within` says.
    Since(Millis),
    /// All of them, as `--only-new` says.
    Everyone,
}

impl LeaveOut {
    fn since(self) -> Millis {
        match self {
            Self::Since(since) => since,
            Self::Everyone => Millis(i64::MIN),
        }
    }

    /// The code of a row that is left out for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Since(_) => "sent_recently",
            Self::Everyone => "already_reached",
        }
    }
}

impl Writer {
    /// Leaves people out of a run that is being planned: their rows are suppressed, with the code of `which`. Gives back
    /// how many there are.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn leave_out(&mut self, run: i64, which: LeaveOut) -> Result<u64, StoreError> {
        let failed = || doing("look for whom earlier runs reached");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let name: String = sqlx::query_scalar("SELECT name FROM run WHERE id = ?1")
            .bind(run)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        collect(&mut tx, &name, Some(run), which.since()).await.map_err(failed())?;
        let done = sqlx::query(
            "UPDATE recipient SET state = ?3, code = ?5, message = reached.words FROM temp.reached \
             WHERE recipient.id BETWEEN ?1 AND ?2 AND recipient.state = ?4 AND recipient.phone = reached.phone",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .bind(which.code())
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }
}

/// The numbers of a list, held against what the store knows of them. They are kept on disk, so that it takes any list.
#[derive(Debug)]
pub struct Listing {
    connection: SqliteConnection,
    /// The name of the campaign.
    name: String,
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

/// Whom earlier runs of a name reached of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// People on the list.
    pub of: u64,
    /// How many of them were reached.
    pub people: u64,
    /// By which runs, the newest first; each of them counts once, for the newest.
    pub runs: Vec<ReachedBy>,
    /// How many of those that were reached may not have been: they are uncertain.
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
/// Those of whom nothing else is to be told.
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
        Ok(Some(Listing { connection, name: name.to_owned() }))
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
        let Self { connection, name } = self;
        collect(connection, name, None, Millis(i64::MIN)).await.map_err(failed())?;
        let of: i64 = sqlx::query_scalar("SELECT count(*) FROM temp.listed")
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
            runs,
            uncertain: uncertain.unsigned_abs(),
            first_uncertain: first.into_iter().map(|(number, key)| (id(number), RowKey(key).row())).collect(),
        })
    }

    /// Everyone whom a run of this name would leave out now, on the list or not, with the code and the reason. For whoever
    /// looks at single rows.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn everyone(
        &mut self,
        which: Option<LeaveOut>,
    ) -> Result<HashMap<Phone, (&'static str, String)>, StoreError> {
        let failed = || doing("look for whom it leaves out");
        clear(&mut self.connection).await.map_err(failed())?;
        if let Some(which) = which {
            collect(&mut self.connection, &self.name, None, which.since()).await.map_err(failed())?;
        }
        let code = which.map_or("", LeaveOut::code);
        let rows = sqlx::query(
            "SELECT phone, coalesce(reason, 'on the suppression list'), false FROM suppression \
             UNION ALL SELECT phone, words, true FROM temp.reached",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed())?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let code = if row.try_get(2)? { code } else { "suppressed" };
            Ok((Phone::from_u64(row.try_get::<i64, _>(0)?.unsigned_abs()), (code, row.try_get(1)?)))
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(failed())
    }
}

async fn clear(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "CREATE TEMP TABLE IF NOT EXISTS reached ( \
           phone INTEGER PRIMARY KEY, id INTEGER NOT NULL, at INTEGER NOT NULL, uncertain INTEGER NOT NULL, \
           by TEXT NOT NULL, \
           words TEXT AS (by || strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'))); \
         DELETE FROM temp.reached",
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Collects in `temp.reached` everyone whom runs of this name but `except` reached after `since`: each number with the newest
/// run's row, when, and whether that may not have been.
async fn collect(
    connection: &mut SqliteConnection,
    name: &str,
    except: Option<i64>,
    since: Millis,
) -> Result<(), sqlx::Error> {
    clear(connection).await?;
    let runs: Vec<(i64, String)> = sqlx::query_as(
        "SELECT id, 'reached by ' || name || '-' || number || ' at ' FROM run WHERE name = ?1 AND id IS NOT ?2 \
         AND started_at IS NOT NULL ORDER BY number DESC",
    )
    .bind(name)
    .bind(except)
    .fetch_all(&mut *connection)
    .await?;
    for (run, by) in runs {
        sqlx::query(IN_THE_AIR)
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .bind(since.0)
            .bind(&by)
            .execute(&mut *connection)
            .await?;
        sqlx::query(DELIVERED)
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .bind(since.0)
            .bind(&by)
            .bind(reached())
            .bind(State::Pending.code())
            .bind(State::Uncertain.code())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Whose request is in flight, or was when its process ended.
const IN_THE_AIR: &str = "INSERT OR IGNORE INTO temp.reached (phone, id, at, uncertain, by) \
    SELECT r.phone, a.id, a.at, true, ?4 FROM air a JOIN recipient r ON r.id = a.id \
    WHERE a.id BETWEEN ?1 AND ?2 AND a.at > ?3";

/// Who has the message or may have it. A row in doubt that waits to be sent again is one of them.
const DELIVERED: &str = "INSERT OR IGNORE INTO temp.reached (phone, id, at, uncertain, by) \
    SELECT r.phone, d.id, coalesce(d.accepted_at, d.tried_at), d.state IN (?6, ?7), ?4 \
    FROM delivery d JOIN recipient r ON r.id = d.id \
    WHERE d.id BETWEEN ?1 AND ?2 AND coalesce(d.accepted_at, d.tried_at) > ?3 AND r.phone IS NOT NULL \
    AND (d.state IN (SELECT value FROM json_each(?5)) OR (d.state = ?6 AND d.doubted))";

/// The states of rows whose people have the message, or may have it; as a JSON array of their numbers.
fn reached() -> String {
    let states = [State::Accepted, State::Sent, State::Delivered, State::Read, State::Uncertain];
    serde_json::to_string(&states.map(State::code)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of an earlier run: 1 accepted, 2 accepted long ago, 3 in doubt and to be sent again, 4 refused and to be sent again,
    /// 5 in flight, 6 not tried yet, 7 uncertain, 8 rejected.
    async fn store() -> (tempfile::TempDir, Store, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at, started_at) \
             VALUES (1, 'job', 1, '{}', '', '', 1, 1), (2, 'job', 2, '{}', '', '', 1, NULL), (3, 'other', 1, '{}', '', '', 1, 1); \
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 8) \
             INSERT INTO recipient (id, line, state, phone, cells) \
               SELECT (run.id << 40) | i, i, 0, 852600 + i, '[]' FROM n CROSS JOIN run; \
             INSERT INTO delivery (id, run, state, attempts, tries, tried_at, accepted_at, due_at, doubted) VALUES \
               ((1 << 40) | 1, 1, 2, 1, 1, 5000, 6000, NULL, 0), ((1 << 40) | 2, 1, 2, 1, 1, 10, 11, NULL, 0), \
               ((1 << 40) | 3, 1, 0, 1, 1, 5000, NULL, 7000, 1), ((1 << 40) | 4, 1, 0, 1, 1, 5000, NULL, 7000, 0), \
               ((1 << 40) | 7, 1, 9, 1, 1, 3000, NULL, NULL, 1), ((1 << 40) | 8, 1, 7, 1, 1, 3000, NULL, NULL, 0), \
               ((3 << 40) | 6, 3, 2, 1, 1, 5000, 6000, NULL, 0); \
             INSERT INTO intent (first, last, again, attempt, at) VALUES ((1 << 40) | 5, (1 << 40) | 5, 0, 1, 8000)",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        (folder, store, writer)
    }

    fn words(row: u64, second: u32) -> (i64, String) {
        (row.cast_signed(), format!("reached by job-1 at 1970-01-01T00:00:0{second}Z"))
    }

    #[tokio::test]
    async fn whoever_may_have_the_message_of_an_earlier_run_is_left_out_of_the_next() {
        for (which, expected) in [
            (LeaveOut::Since(Millis(1000)), vec![words(1, 6), words(3, 5), words(5, 8), words(7, 3)]),
            (LeaveOut::Everyone, vec![words(1, 6), words(2, 0), words(3, 5), words(5, 8), words(7, 3)]),
        ] {
            let (_folder, _, mut writer) = store().await;
            assert_eq!(writer.leave_out(2, which).await.unwrap(), expected.len() as u64);
            let left_out: Vec<(i64, String)> = sqlx::query_as(
                "SELECT id & 0xff, message FROM recipient WHERE id >> 40 = 2 AND state <> 0 AND code = ?1 ORDER BY id",
            )
            .bind(which.code())
            .fetch_all(&mut writer.connection)
            .await
            .unwrap();
            assert_eq!(left_out, expected);
        }
    }

    #[tokio::test]
    async fn a_list_is_told_whom_it_would_leave_out_and_whom_earlier_runs_reached() {
        let (_folder, store, mut writer) = store().await;
        let phone = |n: u64| Phone::from_u64(852_600 + n);
        writer.suppress(&[phone(1), phone(4), phone(99)], Some("asked"), Millis(1)).await.unwrap();
        let mut listing = store.listing("job").await.unwrap().unwrap();
        let numbers: Vec<_> = [1, 2, 3, 4, 5, 7, 8, 9].map(|n| (phone(n), RowNo(n + 10))).into();
        listing.add(&numbers).await.unwrap();
        listing.add(&[(phone(1), RowNo(30))]).await.unwrap();

        let left_out = listing.leave_out(Some(LeaveOut::Since(Millis(1000)))).await.unwrap();
        assert_eq!((left_out.reached, left_out.suppressed), (4, 1), "one who is both counts once: {left_out:?}");
        assert_eq!(left_out.first.last(), Some(&(RowNo(14), "suppressed", "asked".to_owned())));
        let left_out = listing.leave_out(None).await.unwrap();
        assert_eq!((left_out.reached, left_out.suppressed), (0, 2));

        let reached = listing.reached().await.unwrap();
        assert_eq!((reached.people, reached.of, reached.uncertain), (5, 8, 3));
        let job = RunId::new("job", 1);
        assert_eq!(reached.first_uncertain, [3, 5, 7].map(|row| (job.clone(), RowNo(row))));
        assert_eq!(reached.runs, [ReachedBy { run: job, people: 5, first: Millis(11), last: Millis(8000) }]);
        writer.unsuppress(&[phone(1), phone(4), phone(99)]).await.unwrap();
        assert!(store.listing("new").await.unwrap().is_none() && store.listing("job").await.unwrap().is_some());
        writer.suppress(&[phone(4), phone(99)], Some("asked"), Millis(1)).await.unwrap();

        let everyone = listing.everyone(Some(LeaveOut::Everyone)).await.unwrap();
        assert_eq!(everyone[&phone(1)].0, "already_reached");
        assert_eq!(everyone[&phone(4)], ("suppressed", "asked".to_owned()));
        assert!(!everyone.contains_key(&phone(6)) && everyone.contains_key(&phone(99)));
    }
}
