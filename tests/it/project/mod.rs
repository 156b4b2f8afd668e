//! The rules of this repository, checked against its files.

mod architecture; // which module may use which, how long a file may be, what must not be used where
mod documents; // what README.md and docs/ say is true
