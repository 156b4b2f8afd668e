//! WhatsApp: the kinds of messages, and their files.

use super::common::{ENVELOPE, TEXT};
use super::media::{AUDIO_MESSAGE, DOCUMENT_MESSAGE, IMAGE_MESSAGE, VIDEO_MESSAGE};
use super::types::{Field, Kind, Kinds, Object, Shape, Sheet};
use super::{interactive, template};

pub(super) static SHEET: Sheet = Sheet {
    title: "WhatsApp",
    body: Object::of(ENVELOPE).kinds(Kinds {
        tag: "type",
        any_case: false,
        list: &[
            Kind::new("template", &[Field::required("template", Shape::Object(&template::TEMPLATE))]),
            Kind::new(
                "text",
                &[Field::required("text", TEXT).note("The text itself, not Meta's object with a `body`.")],
            ),
            Kind::new("image", &[Field::required("image", Shape::Object(&IMAGE_MESSAGE))]),
            Kind::new("video", &[Field::required("video", Shape::Object(&VIDEO_MESSAGE))]),
            Kind::new("audio", &[Field::required("audio", Shape::Object(&AUDIO_MESSAGE))]),
            Kind::new("document", &[Field::required("document", Shape::Object(&DOCUMENT_MESSAGE))]),
            Kind::new("interactive", &[Field::required("interactive", Shape::Object(&interactive::INTERACTIVE))]),
        ],
    }),
    default_kind: None,
    at_any_time: Some(&["template"]),
};
