//! Proves the books of a run: what must hold of any store, whatever happened to the process that wrote it.

use sqlx::Row;

use super::error::doing;
use super::{Mismatch, RowKey, Run, Store, StoreError};
use crate::model::State;

/// One rule of the books, and how many times it is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule, as a sentence that should be true.
    pub rule: &'static str,
    /// How many rows break it; 0 for a rule that holds.
    pub broken: u64,
}

/// Each rule with the statement that counts what breaks it. `?1` and `?2` bound the run's keys, `?3` is the run.
/// State numbers are inserted by name, so that they cannot drift from the model.
const RULES: [(&str, &str); 14] = [
    (
        "the rows are numbered from 1 without a gap, as many as were read",
        "SELECT abs(count(*) - (SELECT rows FROM run WHERE id = ?3)) + abs(count(*) - coalesce(max(id) - ?1, 0)) \
         FROM recipient WHERE id BETWEEN ?1 AND ?2 AND EXISTS (SELECT 1 FROM run WHERE id = ?3 AND planned_at IS NOT NULL)",
    ),
    (
        "the counts frozen at the import are those of the rows",
        "SELECT abs(r.invalid - coalesce(sum(state = {invalid}), 0)) + abs(r.duplicate - coalesce(sum(state = {duplicate}), 0)) \
         + abs(r.suppressed - coalesce(sum(state = {suppressed}), 0)) FROM run r LEFT JOIN recipient ON recipient.id BETWEEN ?1 AND ?2 \
         WHERE r.id = ?3 AND r.planned_at IS NOT NULL",
    ),
    (
        "every row to be sent has a number, every other one a reason",
        "SELECT count(*) FROM recipient WHERE id BETWEEN ?1 AND ?2 \
         AND (CASE state WHEN {pending} THEN phone IS NULL ELSE code IS NULL END)",
    ),
    (
        "only rows to be sent were taken up",
        "SELECT (SELECT count(*) FROM delivery d LEFT JOIN recipient r ON r.id = d.id \
           WHERE d.id BETWEEN ?1 AND ?2 AND r.state IS NOT {pending}) + \
         (SELECT coalesce(sum(last - first + 1), 0) FROM intent WHERE first BETWEEN ?1 AND ?2) - \
         (SELECT count(*) FROM intent i JOIN recipient r ON r.id BETWEEN i.first AND i.last \
           WHERE i.first BETWEEN ?1 AND ?2 AND r.state = {pending})",
    ),
    (
        "every accepted row has a message id or a person's word for it, and no other row has one",
        "SELECT count(*) FROM delivery d WHERE id BETWEEN ?1 AND ?2 AND \
         (state IN ({accepted},{sent},{delivered},{read},{failed})) <> (message_id IS NOT NULL AND message_id <> '') \
         AND NOT (state = {sent} AND message_id IS NULL AND doubted = 0 \
           AND EXISTS (SELECT 1 FROM decision c WHERE c.recipient = d.id AND c.state = {sent}))",
    ),
    (
        "every decision of a person is about a row that was tried",
        "SELECT count(*) FROM decision c WHERE c.recipient BETWEEN ?1 AND ?2 \
         AND (c.state NOT IN ({sent},{exhausted}) \
           OR NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = c.recipient AND d.attempts > 0))",
    ),
    (
        "no message id stands twice",
        "SELECT count(message_id) - count(DISTINCT message_id) FROM delivery WHERE id BETWEEN ?1 AND ?2",
    ),
    (
        "every attempt belongs to a row that was taken up",
        "SELECT (SELECT coalesce(sum(last - first + 1), 0) FROM attempt WHERE first BETWEEN ?1 AND ?2) - \
         (SELECT count(*) FROM attempt a CROSS JOIN delivery d ON d.id BETWEEN a.first AND a.last \
           WHERE a.first BETWEEN ?1 AND ?2)",
    ),
    (
        "every row's attempts are in the ledger, each once",
        "SELECT count(*) FROM delivery d LEFT JOIN ( \
           SELECT r.id AS id, count(*) AS n, max(a.attempt) AS top FROM attempt a \
           CROSS JOIN delivery r ON r.id BETWEEN a.first AND a.last WHERE a.first BETWEEN ?1 AND ?2 GROUP BY r.id \
         ) a ON a.id = d.id WHERE d.id BETWEEN ?1 AND ?2 \
         AND (coalesce(a.n, 0) <> d.attempts OR coalesce(a.top, 0) <> d.attempts)",
    ),
    (
        "no row was accepted twice without a person's yes",
        "SELECT count(*) FROM (SELECT d.id FROM attempt a CROSS JOIN delivery d ON d.id BETWEEN a.first AND a.last \
         WHERE a.first BETWEEN ?1 AND ?2 AND a.outcome = {accepted} \
         GROUP BY d.id HAVING count(*) > 1 + max(d.put_back))",
    ),
    (
        "an intent is there as long as one of its rows is in the air",
        "SELECT count(*) FROM intent i WHERE i.first BETWEEN ?1 AND ?2 \
         AND NOT EXISTS (SELECT 1 FROM air a WHERE a.intent = i.id)",
    ),
    (
        "a row that is sending is in the air",
        "SELECT count(*) FROM delivery d WHERE d.id BETWEEN ?1 AND ?2 AND d.state = {sending} \
         AND NOT EXISTS (SELECT 1 FROM air a WHERE a.id = d.id)",
    ),
    (
        "what waits has a time: pending rows for their next try, and no final row for anything",
        "SELECT count(*) FROM delivery WHERE id BETWEEN ?1 AND ?2 AND ((state = {pending}) <> (due_at IS NOT NULL) \
         OR (poll_at IS NOT NULL AND (state NOT IN ({accepted},{sent},{delivered}) OR code IS NOT NULL)))",
    ),
    (
        "the times and the problem of an accepted row fit its state",
        // A row that a person settled as sent has no message id, and its code says who did it.
        "SELECT count(*) FROM delivery WHERE id BETWEEN ?1 AND ?2 AND ( \
         (delivered_at IS NOT NULL AND state NOT IN ({delivered},{read})) OR (read_at IS NOT NULL AND state <> {read}) \
         OR (state = {failed} AND code IS NULL) \
         OR (state IN ({accepted},{sent}) AND message_id IS NOT NULL AND code IS NOT NULL))",
    ),
];

impl Store {
    /// Checks every rule of the books of a run, and SQLite's own check of the file.
    ///
    /// # Errors
    /// Where the store cannot be read at all.
    pub async fn verify(&self, run: &Run) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::with_capacity(RULES.len() + 3);
        let faults: Vec<String> =
            sqlx::query_scalar("PRAGMA quick_check").fetch_all(&self.readers).await.map_err(doing("check its file"))?;
        let broken = if faults == ["ok"] { 0 } else { faults.len() as u64 };
        findings.push(Finding { rule: "the file is whole", broken });
        let is_older = match self.may_send(false).await {
            Err(StoreError::WentBack { why, .. }) => why == Mismatch::Older,
            may_send => may_send.map(|()| false)?,
        };
        findings.push(Finding { rule: "the store has recorded every message sent", broken: is_older.into() });
        let tally = self.tally(run).await?;
        let rows: i64 = sqlx::query_scalar("SELECT rows FROM run WHERE id = ?1")
            .bind(run.key)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("verify"))?;
        findings.push(Finding {
            rule: "the states of all rows add up to the rows read",
            broken: tally.rows().abs_diff(rows.unsigned_abs()),
        });
        for (rule, sql) in RULES {
            let row = sqlx::query(sqlx::AssertSqlSafe(with_states(sql)))
                .bind(RowKey::first(run.key))
                .bind(RowKey::last(run.key))
                .bind(run.key)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("verify"))?;
            let broken: i64 = row.try_get(0).map_err(doing("verify"))?;
            findings.push(Finding { rule, broken: broken.unsigned_abs() });
        }
        Ok(findings)
    }
}

fn with_states(sql: &str) -> String {
    State::ALL
        .into_iter()
        .fold(sql.to_owned(), |sql, state| sql.replace(&format!("{{{state}}}"), &state.code().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptNo, Millis, RowNo};
    use crate::store::{Batch, Intent, Settled};

    fn accepted(row: u64) -> Settled {
        Settled::accepted_at_first(RowKey::new(1, RowNo(row)))
    }

    /// The rules that do not hold after a statement, of a run of 6 rows that are all accepted.
    async fn broken_by(statement: &'static str) -> Vec<(&'static str, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO run (name, number, campaign, campaign_print, recipients_print, created_at, planned_at, rows) \
             VALUES ('sale', 1, '{}', 'a', 'b', 1, 2, 6); \
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 6) \
             INSERT INTO recipient (id, line, state, phone, cells) SELECT (1 << 40) + i, i, 0, 85264000000 + i, '[]' FROM n",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        let intent =
            |row| Intent { key: RowKey::new(1, RowNo(row)), attempt: AttemptNo(1), at: Millis(1), again: false };
        writer.commit(1, &Batch { intents: (1..=6).map(intent).collect(), ..Batch::default() }).await.unwrap();
        // Two commits, so two lines in the ledger.
        for rows in [1..=4, 5..=6] {
            writer.commit(1, &Batch { settled: rows.map(accepted).collect(), ..Batch::default() }).await.unwrap();
        }
        sqlx::raw_sql(statement).execute(&mut writer.connection).await.unwrap();
        let run = store.run(None).await.unwrap();
        let findings = store.verify(&run).await.unwrap();
        findings
            .into_iter()
            .filter(|finding| finding.broken > 0)
            .map(|finding| (finding.rule, finding.broken))
            .collect()
    }

    #[tokio::test]
    async fn times_and_problems_that_do_not_fit_the_state_are_found() {
        let fits = "the times and the problem of an accepted row fit its state";
        let set = |change: &str| -> &'static str {
            format!("UPDATE delivery SET poll_at = NULL, {change} WHERE id = (1 << 40) + 2").leak()
        };
        for (right, wrong) in [
            ("state = 4, delivered_at = 9", "state = 3, delivered_at = 9"),
            ("state = 5, read_at = 9", "state = 4, read_at = 9"),
            ("state = 5, delivered_at = 9, code = '131049'", "state = 6, delivered_at = 9, code = '131049'"),
            ("state = 6, code = '131049'", "state = 6"),
            ("state = 4, code = '131049'", "state = 2, code = '131049'"),
        ] {
            assert_eq!(broken_by(set(right)).await, [], "{right}");
            assert_eq!(broken_by(set(wrong)).await, [(fits, 1)], "{wrong}");
        }
        let polled = "what waits has a time: pending rows for their next try, and no final row for anything";
        let contradicted = "UPDATE delivery SET state = 4, code = '131049' WHERE id = (1 << 40) + 2";
        assert_eq!(broken_by(contradicted).await, [(polled, 1)]);
    }

    #[tokio::test]
    async fn whatever_is_wrong_in_the_ledger_is_found() {
        let (stray, once) =
            ("every attempt belongs to a row that was taken up", "every row's attempts are in the ledger, each once");
        let twice = "no row was accepted twice without a person's yes";
        assert_eq!(broken_by("SELECT 1").await, []);
        assert_eq!(broken_by("DELETE FROM attempt WHERE last - first = 3").await, [(once, 4)]);
        assert_eq!(broken_by("UPDATE attempt SET last = last - 1").await, [(once, 2)]);
        assert_eq!(broken_by("UPDATE attempt SET last = last + 1").await, [(stray, 1), (once, 1), (twice, 1)]);
        let again = "INSERT INTO attempt (first, last, attempt, at, ended_at, outcome) SELECT last, last, 2, 3, 4, outcome FROM attempt";
        assert_eq!(broken_by(again).await, [(once, 2), (twice, 2)]);
        assert_eq!(broken_by("UPDATE attempt SET attempt = 2").await, [(once, 6)]);
    }
}
