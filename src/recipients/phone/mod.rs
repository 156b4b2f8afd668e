//! Converts phone numbers, as people write them, to international form.

pub(super) mod numbering_plan; // lengths and prefixes of the numbers of each country
pub(super) mod parse;
