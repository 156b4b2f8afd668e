//! Files in WhatsApp messages, wherever they appear.

use super::common::TEXT;
use super::files;
use super::types::{Field, Media, Object, ObjectRule, Shape};

static IMAGE: Media = Media {
    name: "image",
    extensions: &["jpeg", "png"],
    only_in_samples: &["jpg"],
    types: &[files::JPEG, files::PNG],
    megabytes: Some(5),
    needs_length: false,
    inside: "",
};

pub(super) static VIDEO: Media = Media {
    name: "video",
    extensions: &["3gp", "mp4"],
    only_in_samples: &[],
    types: &[files::THREE_GP, files::MP4],
    megabytes: Some(16),
    needs_length: false,
    inside: "only H.264 and AAC, at most one audio stream",
};

pub(super) static AUDIO: Media = Media {
    name: "audio file",
    extensions: &["aac", "amr", "mp3", "m4a", "ogg"],
    only_in_samples: &[],
    types: &[files::AAC, files::AMR, files::MP3, files::M4A, files::OGG],
    megabytes: Some(16),
    needs_length: false,
    inside: "",
};

pub(super) static DOCUMENT: Media = Media {
    name: "document",
    extensions: &["txt", "xls", "xlsx", "doc", "docx", "ppt", "pptx", "pdf"],
    only_in_samples: &[],
    types: &[files::TXT, files::XLS, files::XLSX, files::DOC, files::DOCX, files::PPT, files::PPTX, files::PDF],
    megabytes: Some(100),
    needs_length: false,
    inside: "",
};

static IMAGE_LINK: Field = Field::required("link", Shape::Link(&IMAGE));
static VIDEO_LINK: Field = Field::required("link", Shape::Link(&VIDEO));
static AUDIO_LINK: Field = Field::required("link", Shape::Link(&AUDIO));
static DOCUMENT_LINK: Field = Field::required("link", Shape::Link(&DOCUMENT));

pub(super) static IMAGE_MESSAGE: Object = Object::of(&[IMAGE_LINK, Field::undocumented("caption")]);
pub(super) static VIDEO_MESSAGE: Object = Object::of(&[VIDEO_LINK, Field::undocumented("caption")]);
pub(super) static AUDIO_MESSAGE: Object = Object::of(&[AUDIO_LINK]);
pub(super) static DOCUMENT_MESSAGE: Object =
    Object::of(&[DOCUMENT_LINK, Field::undocumented("caption"), Field::undocumented("filename")]);

/// The files of headers that must be links.
pub(super) static IMAGE_FILE: Object = Object::of(&[IMAGE_LINK]);
pub(super) static VIDEO_FILE: Object = Object::of(&[VIDEO_LINK]);
pub(super) static DOCUMENT_FILE: Object = Object::of(&[DOCUMENT_LINK, Field::undocumented("filename")]);

/// The files of headers that may be links or uploaded files.
pub(super) static ANY_IMAGE: Object =
    Object::of(&[Field::optional("link", Shape::Link(&IMAGE)), UPLOADED]).rules(LINK_OR_ID);
pub(super) static ANY_VIDEO: Object =
    Object::of(&[Field::optional("link", Shape::Link(&VIDEO)), UPLOADED]).rules(LINK_OR_ID);
pub(super) static ANY_DOCUMENT: Object =
    Object::of(&[Field::optional("link", Shape::Link(&DOCUMENT)), UPLOADED, Field::undocumented("filename")])
        .rules(LINK_OR_ID);

static UPLOADED: Field = Field::optional("id", TEXT)
    .note("The id of an uploaded file; the provider's documentation shows no way to upload one.");
static LINK_OR_ID: &[ObjectRule] = &[ObjectRule::OneOf(&[&["link"], &["id"]])];
