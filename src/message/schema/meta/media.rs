//! Files in messages through Meta: by link, or by the id of a file that was uploaded to Meta.

use crate::message::schema::common::TEXT;
use crate::message::schema::files;
use crate::message::schema::media::{AUDIO, DOCUMENT, VIDEO};
use crate::message::schema::types::{Field, Media, Object, ObjectRule, Shape, TextRule};

/// Meta's samples have `.jpg` too.
static IMAGE: Media = Media {
    name: "image",
    extensions: &["jpeg", "jpg", "png"],
    only_in_samples: &[],
    types: &[files::JPEG, files::PNG],
    megabytes: Some(5),
    needs_length: false,
    inside: "",
};

static STICKER: Media = Media {
    name: "sticker",
    extensions: &["webp"],
    only_in_samples: &[],
    types: &[files::WEBP],
    megabytes: None,
    needs_length: false,
    inside: "at most 100 KB, or 500 KB if it is animated",
};

/// "Only PDF documents are supported for media-based message templates."
static TEMPLATE_DOCUMENT: Media = Media {
    name: "template document",
    extensions: &["pdf"],
    only_in_samples: &[],
    types: &[files::PDF],
    megabytes: Some(100),
    needs_length: false,
    inside: "",
};

/// A GIF is sent as a video.
static GIF: Media = Media {
    name: "GIF",
    extensions: &["mp4"],
    only_in_samples: &[],
    types: &[files::MP4],
    megabytes: None,
    needs_length: false,
    inside: "",
};

const fn link(media: &'static Media) -> Field {
    Field::optional("link", Shape::Link(media))
}

static ID: Field = Field::optional("id", TEXT).note("The id of a file that was uploaded to Meta.");
static CAPTION: Field = Field::optional("caption", Shape::Text(&[TextRule::Most(1024)]));
static FILE_NAME: Field = Field::optional("filename", TEXT);
static LINK_OR_ID: &[ObjectRule] = &[ObjectRule::OneOf(&[&["link"], &["id"]])];

pub(super) static IMAGE_MESSAGE: Object = Object::of(&[link(&IMAGE), ID, CAPTION]).rules(LINK_OR_ID);
pub(super) static VIDEO_MESSAGE: Object = Object::of(&[link(&VIDEO), ID, CAPTION]).rules(LINK_OR_ID);
pub(super) static AUDIO_MESSAGE: Object = Object::of(&[
    link(&AUDIO),
    ID,
    Field::optional("voice", Shape::Flag).note("Whether it is shown as a voice message; only for .ogg."),
])
.rules(LINK_OR_ID);
pub(super) static DOCUMENT_MESSAGE: Object = Object::of(&[link(&DOCUMENT), ID, CAPTION, FILE_NAME]).rules(LINK_OR_ID);
pub(super) static STICKER_MESSAGE: Object = Object::of(&[link(&STICKER), ID]).rules(LINK_OR_ID);

/// The files of headers, which have no caption.
pub(super) static ANY_IMAGE: Object = Object::of(&[link(&IMAGE), ID]).rules(LINK_OR_ID);
pub(super) static ANY_VIDEO: Object = Object::of(&[link(&VIDEO), ID]).rules(LINK_OR_ID);
pub(super) static ANY_DOCUMENT: Object = Object::of(&[link(&DOCUMENT), ID, FILE_NAME]).rules(LINK_OR_ID);
pub(super) static ANY_TEMPLATE_DOCUMENT: Object =
    Object::of(&[link(&TEMPLATE_DOCUMENT), ID, FILE_NAME]).rules(LINK_OR_ID);
pub(super) static ANY_GIF: Object = Object::of(&[link(&GIF), ID]).rules(LINK_OR_ID);
