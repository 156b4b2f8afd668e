//! YAML files with places: parses text into a tree or JSON, and reports every problem with its line and column.
//!
//! Both campaigns and template definitions are read with it. It knows nothing about the contents of a file except how
//! problems refer to it (`FileKind`).

mod characters;
mod describe;
mod file;
mod file_kind;
mod json;
mod problem;
mod syntax_hints;
mod tree;

pub use file_kind::MAX_BYTES;
pub use json::Places;
pub use problem::{Document, FileError, FileProblem, FileProblems, Place};

pub(crate) use describe::{is_null, kind};
pub(crate) use file::{parse, read};
pub(crate) use file_kind::FileKind;
pub(crate) use json::json;
pub(crate) use problem::FoundProblems;
pub(crate) use tree::{Entry, Meaning, Node, Value};
