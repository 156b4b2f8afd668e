//! Viber: codes, text and files. Its documentation has no 24-hour session: every kind may be sent at any time.

use super::common::{ENVELOPE, TEXT};
use super::files;
use super::types::{Field, Kind, Kinds, Media, Number, Object, Shape, Sheet, TextRule};

pub(super) static SHEET: Sheet = Sheet {
    title: "Viber",
    body: Object::of(ENVELOPE).kinds(Kinds {
        tag: "type",
        any_case: false,
        list: &[
            Kind::new("otp", &[Field::required("otp", Shape::Object(&OTP))]),
            Kind::new("text", &[Field::required("text", Shape::Text(&[TextRule::Most(1000)]))]),
            Kind::new("image", &[Field::required("image", Shape::Object(&IMAGE_MESSAGE))]),
            Kind::new("video", &[Field::required("video", Shape::Object(&VIDEO_MESSAGE))]),
            Kind::new("document", &[Field::required("document", Shape::Object(&DOCUMENT_MESSAGE))]),
        ],
    }),
    default_kind: None,
    at_any_time: None,
};

static OTP: Object = Object::of(&[
    Field::required("code", TEXT),
    Field::required("language", TEXT).note("For example, `en`; the documentation does not list the languages."),
    Field::required("code_expiration_minutes", Shape::Number(Number::whole(1, i64::MAX))).note("A number, not text."),
]);

static IMAGE_MESSAGE: Object = Object::of(&[Field::required(
    "link",
    Shape::Link(&Media {
        name: "image",
        extensions: &["png", "jpeg", "jpg", "gif"],
        only_in_samples: &[],
        types: &[files::PNG, files::JPEG, files::GIF],
        megabytes: Some(200),
        needs_length: false,
        inside: "",
    }),
)]);

static VIDEO_MESSAGE: Object = Object::of(&[Field::required(
    "link",
    Shape::Link(&Media {
        name: "video",
        extensions: &["mp4"],
        only_in_samples: &[],
        types: &[files::MP4],
        megabytes: Some(200),
        needs_length: true,
        inside: "at most 10 minutes",
    }),
)]);

static DOCUMENT_MESSAGE: Object = Object::of(&[Field::required(
    "link",
    Shape::Link(&Media {
        name: "document",
        extensions: &["doc", "docx", "xls", "xlsx", "csv", "pdf"],
        only_in_samples: &[],
        types: &[files::DOC, files::DOCX, files::XLS, files::XLSX, files::CSV, files::PDF],
        megabytes: Some(200),
        needs_length: false,
        inside: "",
    }),
)]);
