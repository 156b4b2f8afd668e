//! RCS: templates with named parameters, text and files. The documentation gives no lengths or sizes.

use super::common::{ENVELOPE, TEXT};
use super::files;
use super::types::{Field, Kind, Kinds, Media, Object, Shape, Sheet};

pub(super) static SHEET: Sheet = Sheet {
    title: "RCS",
    body: Object::of(ENVELOPE).kinds(Kinds {
        tag: "type",
        any_case: false,
        list: &[
            Kind::new("template", &[Field::required("template", Shape::Object(&TEMPLATE))]),
            Kind::new("text", &[Field::required("text", TEXT)]),
            Kind::new("image", &[Field::required("image", Shape::Object(&IMAGE_MESSAGE))]),
            Kind::new("video", &[Field::required("video", Shape::Object(&VIDEO_MESSAGE))]),
            Kind::new("document", &[Field::required("document", Shape::Object(&DOCUMENT_MESSAGE))]),
        ],
    }),
    default_kind: None,
    at_any_time: Some(&["template"]),
};

static TEMPLATE: Object = Object::of(&[
    Field::required("name", TEXT),
    Field::optional("parameters", Shape::Texts)
        .note("A value for every variable of the template; no value may be blank."),
]);

/// A file that the documentation does not limit.
const fn a(name: &'static str) -> Media {
    Media { name, extensions: &[], only_in_samples: &[], types: &[], megabytes: None, needs_length: false, inside: "" }
}

static IMAGE_MESSAGE: Object =
    Object::of(&[Field::required("link", Shape::Link(&Media { types: &["image/*"], ..a("image") }))]);

static VIDEO_MESSAGE: Object =
    Object::of(&[Field::required("link", Shape::Link(&Media { types: &["video/*"], ..a("video") }))]);

static DOCUMENT_MESSAGE: Object = Object::of(&[Field::required(
    "link",
    Shape::Link(&Media { extensions: &["pdf"], types: &[files::PDF], ..a("document") }),
)]);
