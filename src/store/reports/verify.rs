//! Checks a run's records for consistency: what must hold in any store, whatever happened to the process that wrote it.

use crate::model::State;
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{query, query_scalar};
use crate::store::{BrokenRule, RowKey, Run, StoreError, StoreMismatch};

/// The rule that only a provider can break.
const UNIQUE_IDS: &str = "every message id is unique";

/// Each rule with the statement that counts its violations. `$1` and `$2` bound the run's keys, `$3` is the run. State
/// numbers are inserted by name, so that they cannot drift from the model.
const RULES: [(&str, &str); 15] = [
    (
        "rows are numbered from 1 without gaps, and there are as many as were read",
        "SELECT abs(count(*) - (SELECT rows FROM run WHERE id = $3)) + abs(count(*) - coalesce(max(id) - $1, 0)) \
         FROM recipient WHERE id BETWEEN $1 AND $2 AND EXISTS (SELECT 1 FROM run WHERE id = $3 AND planned_at IS NOT NULL)",
    ),
    (
        "the counts saved by the import match the rows",
        "SELECT coalesce(max(abs(r.invalid - c.invalid) + abs(r.duplicate - c.duplicate) + abs(r.suppressed - c.suppressed)), 0) \
         FROM run r CROSS JOIN (SELECT count(*) FILTER (WHERE state = {invalid}) AS invalid, \
           count(*) FILTER (WHERE state = {duplicate}) AS duplicate, count(*) FILTER (WHERE state = {suppressed}) AS suppressed \
           FROM recipient WHERE id BETWEEN $1 AND $2) c ON true WHERE r.id = $3 AND r.planned_at IS NOT NULL",
    ),
    (
        "every row to be sent has a number, and every other row has a reason",
        "SELECT count(*) FROM recipient WHERE id BETWEEN $1 AND $2 \
         AND (CASE state WHEN {pending} THEN phone IS NULL ELSE error_code IS NULL END)",
    ),
    (
        "only rows to be sent were claimed",
        "SELECT count(*) FROM delivery d LEFT JOIN recipient r ON r.id = d.id \
         WHERE d.id BETWEEN $1 AND $2 AND r.state IS DISTINCT FROM {pending}",
    ),
    (
        "no row was skipped: all rows up to the last claimed one were claimed",
        "SELECT count(*) FROM recipient r WHERE r.id BETWEEN $1 AND $2 AND r.state = {pending} \
         AND r.id <= coalesce((SELECT next_row FROM progress WHERE run = $3), 0) \
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = r.id)",
    ),
    (
        "every accepted row has a message id or a person's decision, and no other row has a message id",
        "SELECT count(*) FROM delivery d WHERE id BETWEEN $1 AND $2 AND \
         (state IN ({accepted},{sent},{delivered},{read},{failed})) <> (message_id IS NOT NULL AND message_id <> '') \
         AND NOT (state = {sent} AND message_id IS NULL AND NOT in_doubt \
           AND EXISTS (SELECT 1 FROM resolution c WHERE c.row = d.id AND c.state = {sent}))",
    ),
    (
        "every decision by a person is about a row that was sent",
        "SELECT count(*) FROM resolution c WHERE c.row BETWEEN $1 AND $2 \
         AND (c.state NOT IN ({sent},{exhausted}) \
           OR NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = c.row AND d.attempts > 0))",
    ),
    (
        UNIQUE_IDS,
        "SELECT count(message_id) - count(DISTINCT message_id) FROM ( \
           SELECT message_id FROM delivery WHERE id BETWEEN $1 AND $2 \
           UNION ALL SELECT message_id FROM past_attempt WHERE row BETWEEN $1 AND $2) AS message",
    ),
    (
        "every past attempt belongs to a row that was claimed again, or will be",
        "SELECT count(*) FROM past_attempt p LEFT JOIN delivery d ON d.id = p.row \
         WHERE p.row BETWEEN $1 AND $2 AND (d.id IS NULL OR p.claim > d.claim)",
    ),
    (
        "every attempt of every row is recorded exactly once",
        "SELECT count(*) FROM delivery d LEFT JOIN ( \
           SELECT row, count(*) AS n FROM past_attempt WHERE row BETWEEN $1 AND $2 GROUP BY row) p ON p.row = d.id \
         WHERE d.id BETWEEN $1 AND $2 AND coalesce(p.n, 0) + iif(d.outcome IS NOT NULL, 1, 0) <> d.attempts",
    ),
    (
        // A row in doubt was sent again because the campaign or a person allowed it.
        "no row was accepted twice without permission to resend it",
        "SELECT count(*) FROM delivery d JOIN ( \
           SELECT row, count(*) AS n FROM past_attempt WHERE row BETWEEN $1 AND $2 \
           AND outcome IN ({accepted},{sent},{delivered},{read},{failed}) GROUP BY row) p ON p.row = d.id \
         WHERE p.n + iif(d.outcome IS NOT DISTINCT FROM {accepted}, 1, 0) > 1 + d.requeues AND NOT d.in_doubt",
    ),
    (
        "no row is pending or uncertain after one of its attempts was accepted",
        "SELECT count(*) FROM delivery d WHERE id BETWEEN $1 AND $2 AND state IN ({pending},{uncertain}) AND EXISTS ( \
           SELECT 1 FROM past_attempt WHERE row = d.id AND outcome IN ({accepted},{sent},{delivered},{read}))",
    ),
    (
        "every row that is being sent has a claim",
        "SELECT count(*) FROM delivery WHERE id BETWEEN $1 AND $2 AND state = {sending} \
         AND (claim = 0 OR worker IS NULL OR started_at IS NULL OR outcome IS NOT NULL)",
    ),
    (
        "every pending row has a time for its next attempt, and no row in a final state is due for a status request",
        "SELECT count(*) FROM delivery WHERE id BETWEEN $1 AND $2 AND ((state = {pending}) <> (next_attempt_at IS NOT NULL) \
         OR (next_poll_at IS NOT NULL AND (state NOT IN ({accepted},{sent},{delivered}) \
         OR (error_code IS NOT NULL AND NOT (state = {accepted} AND error_code = 'held')))))",
    ),
    (
        "the times and the problem of an accepted row match its state",
        // A row that a person settled as sent has no message id, and its code says who decided.
        "SELECT count(*) FROM delivery WHERE id BETWEEN $1 AND $2 AND ( \
         (delivered_at IS NOT NULL AND state NOT IN ({delivered},{read})) OR (read_at IS NOT NULL AND state <> {read}) \
         OR (state = {failed} AND error_code IS NULL) \
         OR (state IN ({accepted},{sent}) AND message_id IS NOT NULL AND error_code IS NOT NULL \
           AND NOT (state = {accepted} AND error_code = 'held')))",
    ),
];

impl BrokenRule {
    /// Whether only the provider can have broken it, so that the store is not damaged.
    #[must_use]
    pub fn is_the_providers(&self) -> bool {
        self.rule == UNIQUE_IDS
    }

    /// Whether the store is in an earlier state than when it last sent, and otherwise not damaged.
    #[must_use]
    pub fn is_the_marks(&self) -> bool {
        self.rule == RECORDED
    }
}

/// The rule that the mark file shows.
const RECORDED: &str = "the store has recorded every message sent";

/// The rules of a run that was purged.
const PURGED_RULES: [(&str, &str); 1] = [(
    "every row of this purged run is deleted (if not, run `campaigner purge` again to finish)",
    "SELECT (SELECT count(*) FROM recipient WHERE id BETWEEN $1 AND $2) + (SELECT count(*) FROM delivery WHERE id BETWEEN $1 AND $2) \
     + (SELECT count(*) FROM past_attempt WHERE row BETWEEN $1 AND $2) + (SELECT count(*) FROM double_send WHERE row BETWEEN $1 AND $2) \
     + (SELECT count(*) FROM resolution WHERE row BETWEEN $1 AND $2) + (SELECT count(*) FROM reply WHERE row BETWEEN $1 AND $2) \
     + (SELECT count(*) FROM run WHERE id = $3 AND purge_ended_at IS NULL)",
)];

impl Store {
    /// Checks a run's records, and a file with SQLite's own check.
    ///
    /// # Errors
    /// When the store cannot be read at all.
    pub async fn verify(&self, run: &Run) -> Result<Vec<BrokenRule>, StoreError> {
        let mut findings = Vec::with_capacity(RULES.len() + 3);
        if self.path().is_some() {
            let faults: Vec<String> =
                query_scalar("PRAGMA quick_check").fetch_all(&self.readers).await.map_err(doing("check its file"))?;
            let broken = if faults == ["ok"] { 0 } else { faults.len() as u64 };
            findings.push(BrokenRule { rule: "the file is intact", broken });
            let is_older = match self.may_send(false).await {
                Ok(()) => Some(false),
                // Of another file, or of one without its mark, it is not known.
                Err(StoreError::WentBack { why, .. }) => (why == StoreMismatch::Older).then_some(true),
                Err(error) => return Err(error),
            };
            findings.extend(is_older.map(|is| BrokenRule { rule: RECORDED, broken: is.into() }));
        }
        let broken = match self.tally(run).await {
            Ok(tally) => {
                let rows: i64 = query_scalar("SELECT rows FROM run WHERE id = $1")
                    .bind(run.key)
                    .fetch_one(&self.readers)
                    .await
                    .map_err(doing("check the run's records"))?;
                tally.rows().abs_diff(rows.unsigned_abs())
            }
            // More rows than exist, or an unknown state: the rules below find the cause.
            Err(StoreError::Damaged(_)) => 1,
            Err(error) => return Err(error),
        };
        findings.push(BrokenRule { rule: "the state counts add up to the number of rows read", broken });
        let rules: &[_] = if run.purged_at.is_some() { &PURGED_RULES } else { &RULES };
        for &(rule, sql) in rules {
            let row = query(sqlx::AssertSqlSafe(with_states(sql)))
                .bind(RowKey::first(run.key))
                .bind(RowKey::last(run.key))
                .bind(run.key)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("check the run's records"))?;
            let broken: i64 = row.try_get(0).map_err(doing("check the run's records"))?;
            findings.push(BrokenRule { rule, broken: broken.unsigned_abs() });
        }
        Ok(findings)
    }
}

fn with_states(sql: &str) -> String {
    State::ALL
        .into_iter()
        .fold(sql.to_owned(), |sql, state| sql.replace(&format!("{{{state}}}"), &state.code().to_string()))
}
