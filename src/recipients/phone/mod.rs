//! Converts phone numbers, as people write them, to international form.

pub(super) mod kinds; // landline, premium rate and others
pub(super) mod numbering_plan; // lengths and prefixes of the numbers of each country
pub(super) mod parse;
mod several; // several numbers in a cell, and extensions
mod written; // digits, formatting, and what spreadsheets do to a number
