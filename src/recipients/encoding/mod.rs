//! Encodings: decides how the bytes of a list are to be read, and reads them as UTF-8.
//!
//! `survey` reads a file once and collects the words that are not ASCII. `fit` says which encodings can be the file's,
//! `decide` chooses if exactly one fits and refuses otherwise, and `list_text` decodes. The choice depends on nothing
//! but the bytes, so it is the same whenever a list is read.

mod decide;
mod fit;
mod list_text;
mod survey;

pub use decide::Rival;
pub(super) use list_text::ListText;

#[cfg(test)]
mod tests;
