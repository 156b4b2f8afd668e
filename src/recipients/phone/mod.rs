//! Numbers as people write them, made international.

pub(super) mod numbering_plan; // how long the numbers of a country are, and how they begin
pub(super) mod parse;
