//! What differs between the two databases' words for the same thing.

/// Begins a transaction that writes: as in SQLite, one at a time. The line of `store` is locked before anything else is
/// read, so every statement after it sees all that was committed before.
pub(in crate::store) const BEGIN: &str = "BEGIN; SELECT mark, went_back FROM store FOR UPDATE";

/// Begins to read one state of the store.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// Each with what PostgreSQL says instead. SQLite keeps the order of the tables in a `CROSS JOIN`, and uses the index
/// that a statement names; PostgreSQL's schema and settings see to the same.
const WORDS: [(&str, &str); 10] = [
    ("CROSS JOIN", "JOIN"),
    (" INDEXED BY delivery_due", ""),
    (" INDEXED BY delivery_poll", ""),
    (" INDEXED BY reply_possible_opt_out", ""),
    ("jsonb_each(", "json_each("),
    ("json_group_array(", "json_agg("),
    // An index cannot hold a text of any length.
    ("ON CONFLICT (message_id, status, error_code)", "ON CONFLICT (md5(message_id), status, md5(error_code))"),
    ("ON CONFLICT (inbound_id)", "ON CONFLICT (md5(inbound_id))"),
    ("json_array(", "json_build_array("),
    // See `batch`.
    ("changes()", "0"),
];

/// Returns a statement as PostgreSQL reads it.
pub(super) fn translated(statement: &str) -> String {
    let has = |statement: &str, word: &str| statement.contains(word);
    WORDS.iter().fold(statement.to_owned(), |statement, (word, instead)| match has(&statement, word) {
        true => statement.replace(word, instead),
        false => statement,
    })
}
