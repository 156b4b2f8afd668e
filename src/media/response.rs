//! Compares a server's answer with what the file may be.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName};
use reqwest::{Method, Response, StatusCode};

use super::finding::{File, error, warning};
use crate::model::Finding;
use crate::text::any_of;

/// The content types that servers send for unknown files.
const UNKNOWN: [&str; 3] = ["application/octet-stream", "binary/octet-stream", "application/unknown"];

/// Other names that servers use for a content type.
const ALIASES: &[(&str, &str)] = &[
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("video/3gp", "video/3gpp"),
    ("audio/3gpp", "video/3gpp"),
    ("audio/x-aac", "audio/aac"),
    ("audio/aacp", "audio/aac"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/m4a", "audio/mp4"),
    ("audio/x-m4a", "audio/mp4"),
    ("application/ogg", "audio/ogg"),
    ("application/csv", "text/csv"),
    ("application/x-pdf", "application/pdf"),
];

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileAnswer {
    status: StatusCode,
    /// The content type in lower case without its parameters; empty if missing.
    content_type: String,
    /// Size of the whole file in bytes.
    length: Option<u64>,
}

impl FileAnswer {
    /// Reads the head of an answer.
    pub(super) fn of(method: &Method, response: &Response) -> Self {
        let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let of_range = || text(CONTENT_RANGE)?.rsplit_once('/')?.1.parse().ok();
        let status = response.status();
        let length = match status {
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => of_range(),
            // A server that does not determine the length before GET sends 0.
            _ => text(CONTENT_LENGTH)
                .and_then(|length| length.parse().ok())
                .filter(|length| *length > 0 || *method != Method::HEAD),
        };
        let content_type = text(CONTENT_TYPE).and_then(|words| words.split(';').next()).unwrap_or_default();
        Self { status, content_type: content_type.trim().to_ascii_lowercase(), length }
    }

    /// Returns the findings about the file.
    pub(super) fn findings(&self, file: &File) -> Vec<Finding> {
        // A file without a first byte is empty.
        let is_empty = self.length == Some(0) && self.status == StatusCode::RANGE_NOT_SATISFIABLE;
        if !self.status.is_success() && !is_empty {
            let words = format!("its server answered {}", self.status);
            return vec![error("media_refused", words, self.way_out())];
        }
        self.of_type(file).into_iter().chain(self.of_size(file)).collect()
    }

    fn way_out(&self) -> &'static str {
        match self.status.as_u16() {
            404 | 410 => "upload the file there, or fix the link",
            401 | 402 | 403 | 407 => "make it public: the provider cannot sign in",
            429 | 503 => "the server may be busy: check again later",
            300..=399 => "link to the file itself",
            _ => "the provider would get the same answer: fix the link or the server",
        }
    }

    fn of_type(&self, file: &File) -> Option<Finding> {
        let is = |known: &&str| match known.strip_suffix('*') {
            Some(family) => self.content_type.starts_with(family),
            None => **known == self.content_type,
        };
        if file.types.is_empty() || file.types.iter().any(is) {
            return None;
        }
        let taken = format!("{}s must be {}", file.name, any_of(file.types));
        let says = format!("its server sends it as `{}`", short(&self.content_type));
        let means = ALIASES.iter().find(|(other, _)| *other == self.content_type).map(|(_, known)| known);
        if self.content_type.is_empty() || UNKNOWN.contains(&self.content_type.as_str()) {
            let says = if self.content_type.is_empty() { "its server sends no Content-Type" } else { &says };
            let hint = "configure the server to send the file's Content-Type; otherwise the file may be refused";
            return Some(warning("media_type", format!("{says}; {taken}"), hint));
        }
        if let Some(known) = means.filter(|known| file.types.contains(known)) {
            let hint =
                format!("configure the server to send the standard type, `{known}`; otherwise the file may be refused");
            return Some(warning("media_type", format!("{says}; {taken}"), &hint));
        }
        let hint = match self.content_type.as_str() {
            "text/html" => "this is a web page: link to the file itself, and make sure it needs no sign-in",
            _ => "use another file, or configure the server to send the right Content-Type",
        };
        Some(error("media_type", format!("{says}; {taken}"), hint))
    }

    fn of_size(&self, file: &File) -> Option<Finding> {
        let at_most = || file.megabytes.map(|most| format!("{}s can be at most {most} MB", file.name));
        let Some(bytes) = self.length else {
            if file.needs_length {
                let words = "its server does not send `Content-Length`, which the provider requires";
                let hint = "use a server that sends it, such as a static file server";
                return Some(error("media_length", words, hint));
            }
            let words = format!("its server does not send the file's size; {}", at_most()?);
            return Some(warning("media_length", words, "check the size yourself"));
        };
        if bytes == 0 {
            return Some(error("media_size", "it is empty", "upload the file again"));
        }
        let most = file.megabytes?;
        let words = || format!("it is {bytes} bytes ({}); {}", megabytes(bytes), at_most().unwrap_or_default());
        if bytes > most << 20 {
            return Some(error("media_size", words(), "make it smaller"));
        }
        let hint = "make it smaller: it is too large if 1 MB means 1,000,000 bytes, and the provider's documentation \
                    does not say which definition applies";
        (bytes > most * 1_000_000).then(|| warning("media_size", words(), hint))
    }
}

/// Formats a size such as 5.1 MB, with 1 MB as 1,048,576 bytes, rounded up.
fn megabytes(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10).div_ceil(1 << 20);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// Returns a server's text on one line, shortened.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: File = File {
        link: String::new(),
        name: "image",
        types: &["image/jpeg", "image/png"],
        megabytes: Some(5),
        needs_length: false,
    };

    fn probed(file: &File, content_type: &str, length: Option<u64>) -> Vec<(bool, &'static str)> {
        let answer = FileAnswer { status: StatusCode::OK, content_type: content_type.to_owned(), length };
        answer.findings(file).into_iter().map(|finding| (finding.is_error(), finding.code)).collect()
    }

    #[test]
    fn a_size_is_held_against_both_meanings_of_a_megabyte() {
        let image = |bytes| probed(&IMAGE, "image/png", Some(bytes));
        for fits in [1, 5_000_000] {
            assert_eq!(image(fits), []);
        }
        for unclear in [5_000_001, 5 << 20] {
            assert_eq!(image(unclear), [(false, "media_size")]);
        }
        for wrong in [0, (5 << 20) + 1, u64::MAX] {
            assert_eq!(image(wrong), [(true, "media_size")]);
        }
        let any = File { megabytes: None, ..IMAGE };
        assert_eq!(probed(&any, "image/png", Some(u64::MAX)), []);
        assert_eq!(probed(&any, "image/png", None), []);
    }

    #[test]
    fn an_unknown_length_is_an_error_only_where_it_is_demanded() {
        assert_eq!(probed(&IMAGE, "image/png", None), [(false, "media_length")]);
        let video = File { types: &["video/mp4"], needs_length: true, ..IMAGE };
        assert_eq!(probed(&video, "video/mp4", None), [(true, "media_length")]);
        assert_eq!(probed(&video, "video/mp4", Some(1)), []);
    }

    #[test]
    fn a_wrong_content_type_is_an_error_and_an_unclear_one_a_warning() {
        let image = |content_type| probed(&IMAGE, content_type, Some(1));
        for wrong in ["text/html", "image/webp", "video/mp4", "image", "audio/mp3"] {
            assert_eq!(image(wrong), [(true, "media_type")], "{wrong}");
        }
        for unclear in ["", "application/octet-stream", "binary/octet-stream", "image/jpg"] {
            assert_eq!(image(unclear), [(false, "media_type")], "{unclear}");
        }
        let any_image = File { types: &["image/*"], ..IMAGE };
        assert_eq!(probed(&any_image, "image/webp", Some(1)), []);
        assert_eq!(probed(&any_image, "images/webp", Some(1)), [(true, "media_type")]);
    }

    #[test]
    fn both_sizes_are_reported() {
        let answer =
            FileAnswer { status: StatusCode::OK, content_type: "image/png".to_owned(), length: Some(5_242_881) };
        let words = &answer.findings(&IMAGE)[0].message;
        assert_eq!(words, "it is 5242881 bytes (5.1 MB); images can be at most 5 MB");
    }
}
