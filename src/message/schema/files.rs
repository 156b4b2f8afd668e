//! IANA content types of files. The provider's documentation lists only extensions, so these are what a server sends
//! for them.

pub(super) const JPEG: &str = "image/jpeg";
pub(super) const PNG: &str = "image/png";
pub(super) const WEBP: &str = "image/webp";
pub(super) const GIF: &str = "image/gif";
pub(super) const THREE_GP: &str = "video/3gpp";
pub(super) const MP4: &str = "video/mp4";
pub(super) const AAC: &str = "audio/aac";
pub(super) const AMR: &str = "audio/amr";
pub(super) const MP3: &str = "audio/mpeg";
pub(super) const M4A: &str = "audio/mp4";
pub(super) const OGG: &str = "audio/ogg";
pub(super) const TXT: &str = "text/plain";
pub(super) const CSV: &str = "text/csv";
pub(super) const PDF: &str = "application/pdf";
pub(super) const DOC: &str = "application/msword";
pub(super) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub(super) const XLS: &str = "application/vnd.ms-excel";
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(super) const PPT: &str = "application/vnd.ms-powerpoint";
pub(super) const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
