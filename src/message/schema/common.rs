//! Fields that every channel has.

use super::types::{Field, Shape, TextRule};

/// The recipient: the same on every channel.
pub(super) static TO: Field = Field::required("to", Shape::Text(&[TextRule::Digits]))
    .note("The country code and the number. Filled in for every row.");

/// What INCS's bodies have on every channel. Meta's constants are left out of the message; only another value is an
/// error.
pub(super) static ENVELOPE: &[Field] = &[TO, PRODUCT, RECIPIENT_TYPE, RECIPIENT, REFERENCE];

/// Meta's product.
pub(super) static PRODUCT: Field = Field::optional("messaging_product", Shape::Exactly("whatsapp"));
/// Meta's kind of recipient: a message for a group would reach people who are not in the list.
pub(super) static RECIPIENT_TYPE: Field = Field::optional("recipient_type", Shape::Exactly("individual"));
/// Meta's other way to name the recipient.
pub(super) static RECIPIENT: Field =
    Field::forbidden("recipient").note("Each message goes to the number in its row, and to nobody else.");
/// What Meta returns with each status.
pub(super) static REFERENCE: Field = Field::forbidden("biz_opaque_callback_data")
    .note("campaigner fills in its own value, to recognise the message's statuses.");

/// Text without any rule, except that it is not blank.
pub(super) const TEXT: Shape = Shape::Text(&[]);
