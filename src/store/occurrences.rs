//! Occurrences: the times at which a scheduled campaign was due, each decided once, in one transaction with the run that
//! it becomes.

use sqlx::{Connection, Sqlite, Transaction};

use super::error::doing;
use super::runs::{in_the_way, insert, newest};
use super::{NewRun, Run, Store, StoreError, Writer};
use crate::model::{Millis, RunId};

/// What became of an occurrence that was to begin.
#[derive(Clone, Debug)]
pub enum Begun {
    /// It is this run now.
    Made(Run),
    /// It was decided before, here or by another process.
    Decided,
    /// An earlier run of the campaign is not sent yet.
    InTheWay(Run),
    /// The campaign runs once, and a person has had it run with the same content: the occurrence is skipped.
    Ran(Run),
}

/// An occurrence that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When it was due.
    pub due: Millis,
    /// The run that it became, or why it was skipped.
    pub became: Result<RunId, String>,
    /// When that was decided.
    pub decided: Millis,
}

impl Writer {
    /// From when on the times of a campaign's schedule count: since this `rule` was first seen.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn see_schedule(&mut self, name: &str, rule: &str, now: Millis) -> Result<Millis, StoreError> {
        let since: i64 = sqlx::query_scalar(
            "INSERT INTO schedule (name, rule, since) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE \
             SET since = CASE WHEN rule = excluded.rule THEN min(since, excluded.since) ELSE excluded.since END, \
                 rule = excluded.rule RETURNING since",
        )
        .bind(name)
        .bind(rule)
        .bind(now.0)
        .fetch_one(&mut self.connection)
        .await
        .map_err(doing("note a schedule"))?;
        Ok(Millis(since))
    }

    /// Makes an occurrence of a campaign a run, unless it was decided before or may not begin yet. With `once`, content
    /// that was run already is not run again.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn begin_occurrence(
        &mut self,
        new: &NewRun,
        due: Millis,
        once: bool,
        now: Millis,
    ) -> Result<Begun, StoreError> {
        let failed = || doing("begin an occurrence");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let decided: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM occurrence WHERE name = ?1 AND due_at = ?2)")
                .bind(&new.name)
                .bind(due.0)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
        if decided {
            return Ok(Begun::Decided);
        }
        let same = "campaign_print = ?2 AND recipients_print = ?3 AND planned_at IS NOT NULL";
        if once && let Some(run) = newest(&mut tx, new, same).await? {
            let reason = format!("the same content was run as {}", run.id);
            decide(&mut tx, &new.name, due, Err(&reason), now).await?;
            tx.commit().await.map_err(failed())?;
            return Ok(Begun::Ran(run));
        }
        if let Some(run) = in_the_way(&mut *tx, &new.name).await? {
            return Ok(Begun::InTheWay(run));
        }
        let run = insert(&mut tx, new, now, false).await?;
        decide(&mut tx, &new.name, due, Ok(run.key), now).await?;
        tx.commit().await.map_err(failed())?;
        Ok(Begun::Made(run))
    }

    /// Records that an occurrence is skipped; false where it was decided before.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn skip_occurrence(
        &mut self,
        name: &str,
        due: Millis,
        reason: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let failed = || doing("skip an occurrence");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let new = decide(&mut tx, name, due, Err(reason), now).await?;
        tx.commit().await.map_err(failed())?;
        Ok(new)
    }

    /// Records that an occurrence is skipped after all: its run was given up before anything was sent.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn unmake_occurrence(&mut self, run: i64, reason: &str, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE occurrence SET run = NULL, reason = ?2, decided_at = ?3 WHERE run = ?1")
            .bind(run)
            .bind(reason)
            .bind(now.0)
            .execute(&mut self.connection)
            .await
            .map_err(doing("skip an occurrence"))?;
        Ok(())
    }

    /// Gives a run whose import was broken off the content that its files have now. Does nothing to one that is planned.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn renew(&mut self, run: i64, new: &NewRun) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE run SET campaign = ?2, campaign_print = ?3, recipients_print = ?4 WHERE id = ?1 AND planned_at IS NULL",
        )
        .bind(run)
        .bind(&new.campaign)
        .bind(&new.campaign_print)
        .bind(&new.recipients_print)
        .execute(&mut self.connection)
        .await
        .map_err(doing("begin an import anew"))?;
        Ok(())
    }
}

/// Notes what became of an occurrence; false where that was decided before.
async fn decide(
    tx: &mut Transaction<'_, Sqlite>,
    name: &str,
    due: Millis,
    became: Result<i64, &str>,
    now: Millis,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO occurrence (name, due_at, run, reason, decided_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )
    .bind(name)
    .bind(due.0)
    .bind(became.ok())
    .bind(became.err())
    .bind(now.0)
    .execute(&mut **tx)
    .await
    .map_err(doing("note an occurrence"))?;
    Ok(done.rows_affected() > 0)
}

impl Store {
    /// The last occurrence of a campaign up to `now` that was decided.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_decided(&self, name: &str, now: Millis) -> Result<Option<Millis>, StoreError> {
        let last: Option<i64> =
            sqlx::query_scalar("SELECT max(due_at) FROM occurrence WHERE name = ?1 AND due_at <= ?2")
                .bind(name)
                .bind(now.0)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("look for occurrences"))?;
        Ok(last.map(Millis))
    }

    /// The newest occurrences of a campaign that were decided, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn occurrences(&self, name: &str, limit: u32) -> Result<Vec<Occurrence>, StoreError> {
        let rows: Vec<(i64, Option<i64>, Option<String>, i64)> = sqlx::query_as(
            "SELECT due_at, (SELECT number FROM run WHERE id = occurrence.run), reason, decided_at FROM occurrence \
             WHERE name = ?1 ORDER BY due_at DESC LIMIT ?2",
        )
        .bind(name)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("list occurrences"))?;
        let read = |(due, number, reason, decided): (i64, Option<i64>, Option<String>, i64)| {
            let number = number.and_then(|number| u32::try_from(number).ok());
            let became = number.map(|number| RunId::new(name, number)).ok_or_else(|| reason.unwrap_or_default());
            Occurrence { due: Millis(due), became, decided: Millis(decided) }
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// How many occurrences became runs, and how many were skipped.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn occurrences_so_far(&self) -> Result<(u64, u64), StoreError> {
        let (ran, skipped): (i64, i64) = sqlx::query_as("SELECT count(run), count(*) - count(run) FROM occurrence")
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count occurrences"))?;
        Ok((ran.unsigned_abs(), skipped.unsigned_abs()))
    }

    /// When the occurrence was due that a run is, if it is one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_of(&self, run: i64) -> Result<Option<Millis>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar("SELECT due_at FROM occurrence WHERE run = ?1")
            .bind(run)
            .fetch_optional(&self.readers)
            .await
            .map_err(doing("look for an occurrence"))?;
        Ok(due.map(Millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptNo, RowNo};
    use crate::store::{Batch, Intent, Repeat, RowKey, Stage, StartDecision};

    fn content(recipients: &str) -> NewRun {
        NewRun {
            name: "daily".into(),
            campaign: "{}".into(),
            campaign_print: "same".into(),
            recipients_print: recipients.into(),
        }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        (folder, store)
    }

    async fn begin(writer: &mut Writer, due: i64, once: bool) -> Begun {
        writer.begin_occurrence(&content("a"), Millis(due), once, Millis(due + 5)).await.unwrap()
    }

    #[tokio::test]
    async fn of_two_processes_one_makes_the_occurrence_a_run_whatever_the_clock_does() {
        let (_folder, store) = store().await;
        let (mut one, mut two) = (store.writer().await.unwrap(), store.writer().await.unwrap());
        let (first, second) = tokio::join!(begin(&mut one, 1000, false), begin(&mut two, 1000, false));
        let made = [&first, &second].into_iter().filter(|begun| matches!(begun, Begun::Made(_))).count();
        let decided = [&first, &second].into_iter().filter(|begun| matches!(begun, Begun::Decided)).count();
        assert_eq!((made, decided), (1, 1), "{first:?} {second:?}");
        // The clock is set back, and the time comes once more.
        let again = one.begin_occurrence(&content("b"), Millis(1000), false, Millis(900)).await.unwrap();
        assert!(matches!(again, Begun::Decided), "{again:?}");
        assert!(!one.skip_occurrence("daily", Millis(1000), "late", Millis(9000)).await.unwrap());
        assert_eq!(store.last_decided("daily", Millis(999)).await.unwrap(), None, "what lies ahead decides nothing");
        assert_eq!(store.last_decided("daily", Millis(5000)).await.unwrap(), Some(Millis(1000)));
    }

    #[tokio::test]
    async fn the_next_occurrence_waits_until_the_run_before_it_is_sent() {
        let (_folder, store) = store().await;
        let mut writer = store.writer().await.unwrap();
        let Begun::Made(run) = begin(&mut writer, 1000, false).await else { panic!("it is the first") };
        let waits = begin(&mut writer, 2000, false).await;
        assert!(matches!(&waits, Begun::InTheWay(other) if other.key == run.key), "{waits:?}");
        writer.finish_plan(run.key, Millis(3)).await.unwrap();
        writer.reach(run.key, Stage::Dispatched, Millis(4)).await.unwrap();
        assert!(matches!(begin(&mut writer, 2000, false).await, Begun::Made(_)), "the same content, another day");
        let became: Vec<_> = store.occurrences("daily", 9).await.unwrap().into_iter().map(|o| o.became).collect();
        assert_eq!(became, [Ok(RunId::new("daily", 2)), Ok(RunId::new("daily", 1))]);
    }

    /// A run of which every row was taken up is in nobody's way, though some of them are in the air since a crash; one with a
    /// row that was never tried is, whatever other runs have in the air.
    #[tokio::test]
    async fn what_is_in_the_air_is_taken_up() {
        let (_folder, store) = store().await;
        let mut writer = store.writer().await.unwrap();
        let intent =
            |run, row| Intent { key: RowKey::new(run, RowNo(row)), attempt: AttemptNo(1), at: Millis(1), again: false };
        let in_the_air = |intents| Batch { intents, ..Batch::default() };
        let mut due = 0;
        let mut begun = async |writer: &mut Writer, rows: u64| {
            due += 1000;
            let Begun::Made(run) = begin(writer, due, false).await else { panic!("nothing is in its way") };
            for row in 1..=rows {
                sqlx::query("INSERT INTO recipient (id, line, state, phone, cells) VALUES (?, 1, 0, 852601, '[]')")
                    .bind(intent(run.key, row).key.0)
                    .execute(&mut writer.connection)
                    .await
                    .unwrap();
            }
            writer.finish_plan(run.key, Millis(3)).await.unwrap();
            run
        };
        let first = begun(&mut writer, 2).await;
        writer.commit(first.key, &in_the_air(vec![intent(first.key, 1)])).await.unwrap();
        assert_eq!(
            store.in_the_way("daily").await.unwrap().map(|run| run.key),
            Some(first.key),
            "row 2 was never tried"
        );
        writer.commit(first.key, &in_the_air(vec![intent(first.key, 2)])).await.unwrap();
        assert!(store.in_the_way("daily").await.unwrap().is_none());
        // The lines of run 1 have numbers that the rows of run 2 have.
        let second = begun(&mut writer, 1).await;
        assert_eq!(second.key, 2 * first.key);
        assert_eq!(store.in_the_way("daily").await.unwrap().map(|run| run.key), Some(second.key));
    }

    #[tokio::test]
    async fn what_runs_once_does_not_run_again_after_a_person_had_it_run() {
        let (_folder, store) = store().await;
        let mut writer = store.writer().await.unwrap();
        let decision = writer.start_run(&content("a"), Repeat::Unsaid, Millis(1)).await.unwrap();
        let StartDecision::New(run) = decision else { panic!("{decision:?}") };
        writer.finish_plan(run.key, Millis(2)).await.unwrap();
        assert!(matches!(begin(&mut writer, 1000, true).await, Begun::Ran(_)));
        let [skipped] = &store.occurrences("daily", 9).await.unwrap()[..] else { panic!("there is one") };
        assert_eq!(skipped.became, Err("the same content was run as daily-1".to_owned()));
        assert!(matches!(begin(&mut writer, 1000, true).await, Begun::Decided));
    }

    #[tokio::test]
    async fn a_schedule_counts_since_it_was_first_seen_and_another_one_anew() {
        let (_folder, store) = store().await;
        let mut writer = store.writer().await.unwrap();
        assert_eq!(writer.see_schedule("daily", "cron a", Millis(100)).await.unwrap(), Millis(100));
        assert_eq!(writer.see_schedule("daily", "cron a", Millis(900)).await.unwrap(), Millis(100));
        assert_eq!(
            writer.see_schedule("daily", "cron a", Millis(50)).await.unwrap(),
            Millis(50),
            "the clock went back"
        );
        assert_eq!(writer.see_schedule("daily", "cron b", Millis(900)).await.unwrap(), Millis(900));
    }
}
