//! WhatsApp as Meta's Cloud API takes it.
//!
//! The kinds and limits come from Meta's published OpenAPI description of the Business Messaging API (v23.0) and from
//! the reference of `/messages`; a note names what only another page of Meta's says. Tables that are the same for INCS
//! are INCS's.

mod contacts;
mod interactive;
mod media;
mod order;
mod template;

use super::common::{PRODUCT, RECIPIENT, RECIPIENT_TYPE, REFERENCE, TEXT};
use super::types::{Field, Kind, Kinds, List, Need, Number, Object, Shape, Sheet, TextRule};

use media::{AUDIO_MESSAGE, DOCUMENT_MESSAGE, IMAGE_MESSAGE, STICKER_MESSAGE, VIDEO_MESSAGE};

/// The most characters of a text message.
const TEXT_CHARS: usize = 4096;
/// The most contacts in a message. The OpenAPI description says 5, the page about contacts 257.
const CONTACTS_MOST: usize = 257;

pub(super) static SHEET: Sheet = Sheet {
    title: "WhatsApp through Meta",
    body: Object::of(&[
        Field::required("to", Shape::Text(&[TextRule::PlusDigits])),
        required(PRODUCT),
        required(RECIPIENT_TYPE),
        RECIPIENT,
        REFERENCE,
        Field::optional("context", Shape::Object(&CONTEXT)),
        Field::optional("recipient_identity_key_hash", TEXT),
    ])
    .kinds(Kinds {
        tag: "type",
        any_case: false,
        list: &[
            Kind::new("template", &[Field::required("template", Shape::Object(&template::TEMPLATE))]),
            Kind::new("text", &[Field::required("text", Shape::Object(&TEXT_MESSAGE))]),
            Kind::new("image", &[Field::required("image", Shape::Object(&IMAGE_MESSAGE))]),
            Kind::new("video", &[Field::required("video", Shape::Object(&VIDEO_MESSAGE))]),
            Kind::new("audio", &[Field::required("audio", Shape::Object(&AUDIO_MESSAGE))]),
            Kind::new("document", &[Field::required("document", Shape::Object(&DOCUMENT_MESSAGE))]),
            Kind::new("sticker", &[Field::required("sticker", Shape::Object(&STICKER_MESSAGE))]),
            Kind::new("location", &[Field::required("location", Shape::Object(&LOCATION))]),
            Kind::new("contacts", &[Field::required("contacts", Shape::List(&CONTACTS))]),
            Kind::new("reaction", &[Field::required("reaction", Shape::Object(&REACTION))]),
            Kind::new("interactive", &[Field::required("interactive", Shape::Object(&interactive::INTERACTIVE))]),
        ],
    }),
    default_kind: Some("text"),
    at_any_time: Some(&["template"]),
};

const fn required(mut field: Field) -> Field {
    field.need = Need::Required;
    field
}

static MESSAGE_ID: Field = Field::required("message_id", Shape::Text(&[TextRule::MessageId]));

static CONTEXT: Object = Object::of(&[MESSAGE_ID]);

static TEXT_MESSAGE: Object = Object::of(&[
    Field::required("body", Shape::Text(&[TextRule::Most(TEXT_CHARS)])),
    Field::optional("preview_url", Shape::Flag).note("Whether the first link in the text gets a preview."),
]);

static LOCATION: Object = Object::of(&[
    Field::required("latitude", Shape::Number(Number::degrees(90))),
    Field::required("longitude", Shape::Number(Number::degrees(180))),
    Field::optional("name", TEXT),
    Field::optional("address", TEXT),
]);

static CONTACTS: List = List::of(Shape::Object(&contacts::CONTACT), 1, CONTACTS_MOST);

static REACTION: Object = Object::of(&[MESSAGE_ID, Field::required("emoji", TEXT)]);
