//! Parses real-world CSV: bytes become a table with a header, and the table becomes records.

pub(super) mod bytes; // the input as UTF-8, its encoding and its digest
pub(super) mod quotes; // finds quotes that are never closed
pub(super) mod record_buffer; // the bytes of the record that is being read
pub(super) mod table; // header and records
