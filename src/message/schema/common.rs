//! Fields that every channel has.

use super::types::{Field, Shape, TextRule};

/// The recipient: the same on every channel.
pub(super) static TO: Field = Field::required("to", Shape::Text(&[TextRule::Digits]))
    .note("The country code and the number. Filled in for every row.");

/// Text without any rule, except that it is not blank.
pub(super) const TEXT: Shape = Shape::Text(&[]);
