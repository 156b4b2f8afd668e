//! Test messages. No run, count, quota or report reads this table.

use crate::model::{Millis, Phone, Problem, RowNumber};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{JsonText, query, query_as, query_scalar};
use crate::store::{NewTestMessage, StoreError, TestMessage};

/// A line of the table, without the number.
type Line = (
    String,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<JsonText>,
);

impl Store {
    /// Records a test message before it is sent. Returns its key.
    ///
    /// # Errors
    /// When the store cannot be written; then it must not be sent.
    pub async fn add_test(&self, new: &NewTestMessage, now: Millis) -> Result<i64, StoreError> {
        query_scalar("INSERT INTO test_message (name, row, phone, started_at) VALUES ($1, $2, $3, $4) RETURNING id")
            .bind(&new.name)
            .bind(new.row.0.cast_signed())
            .bind(new.phone.as_u64().cast_signed())
            .bind(now.0)
            .fetch_one(self.write().await?.alone())
            .await
            .map_err(doing("record a test message"))
    }

    /// Records the outcome of a test message: its name, the provider's id, and what went wrong.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end_test(
        &self,
        key: i64,
        outcome: &str,
        message_id: Option<&str>,
        problem: Option<&Problem>,
    ) -> Result<(), StoreError> {
        self.update_test(key, [Some(outcome), message_id, None], problem).await
    }

    /// Records a status of a test message, and why it failed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_test_status(&self, key: i64, status: &str, problem: Option<&Problem>) -> Result<(), StoreError> {
        self.update_test(key, [None, None, Some(status)], problem).await
    }

    async fn update_test(
        &self,
        key: i64,
        [outcome, message_id, status]: [Option<&str>; 3],
        problem: Option<&Problem>,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE test_message SET outcome = coalesce($2, outcome), message_id = coalesce($3, message_id), \
             status = coalesce($4, status), error_code = $5, error_message = $6, error_values = $7 WHERE id = $1",
        )
        .bind(key)
        .bind(outcome)
        .bind(message_id)
        .bind(status)
        .bind(problem.map(|problem| problem.code.as_str()))
        .bind(problem.and_then(Problem::provider_message))
        .bind(problem.and_then(Problem::values))
        .execute(self.write().await?.alone())
        .await
        .map(drop)
        .map_err(doing("record the result of a test message"))
    }

    /// Returns the test messages to a number, in any of its spellings, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tests_to(&self, phone: Phone) -> Result<Vec<TestMessage>, StoreError> {
        let lines: Vec<Line> = query_as(
            "SELECT name, row, started_at, outcome, message_id, status, error_code, error_message, error_values \
             FROM test_message WHERE phone IN ($1, $2) ORDER BY id",
        )
        .bind(phone.as_u64().cast_signed())
        .bind(phone.other_spelling().map(|phone| phone.as_u64().cast_signed()))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the test messages"))?;
        Ok(lines.into_iter().map(test_message).collect())
    }
}

fn test_message((name, row, started_at, outcome, message_id, status, code, words, values): Line) -> TestMessage {
    let problem = code.map(|code| {
        let words = Problem::stored(code.clone(), words, values.as_deref()).message().to_string();
        (code, words)
    });
    TestMessage {
        name,
        row: RowNumber(row.cast_unsigned()),
        started_at: Millis(started_at),
        outcome,
        message_id,
        status,
        problem,
    }
}
