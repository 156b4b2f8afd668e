//! Fields of every channel.

use super::types::{Field, Shape, TextRule};

/// Who gets the message: the same on every channel.
pub(super) static TO: Field = Field::required("to", Shape::Text(&[TextRule::Digits]))
    .note("The country code and the number. Put in for every row.");

/// A text under no rule but that it is not blank.
pub(super) const TEXT: Shape = Shape::Text(&[]);
