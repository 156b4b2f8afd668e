//! A rule that the content of a message breaks, and how each channel reports it: codes 10002, 10003 and 10004, on
//! WhatsApp with Meta's error code in front of the message.

use crate::model::Channel;
use crate::simulator::incs::refusal::Refusal;

/// A broken rule.
pub(super) struct Violation {
    pub(super) kind: ViolationKind,
    /// The field and what it must be; the field alone if it is missing.
    pub(super) what: String,
}

/// The kinds of violations that Meta distinguishes.
#[derive(Clone, Copy)]
pub(super) enum ViolationKind {
    /// A required field is missing or empty.
    Missing,
    /// A value has the wrong JSON type or structure.
    Format,
    /// There are too few or too many of something.
    Count,
    /// A value is not allowed in its field.
    Value,
    /// A text is too long.
    Length,
    /// The channel does not take this type of file.
    File,
    /// No template can have this name.
    Name,
    /// A template's parameter has a line break, a tab, or more than four spaces in a row.
    Whitespace,
    /// An RCS template does not take the parameters. The message has no title.
    CustomParams,
}

impl ViolationKind {
    /// Returns Meta's error code and title. They are different inside a template.
    fn meta_error(self, in_template: bool) -> (u32, &'static str) {
        match (self, in_template) {
            (Self::Missing, _) => (131_008, "Required parameter is missing"),
            (Self::Format, true) => (132_012, "Parameter format does not match format in the created template"),
            (Self::Count, true) => (132_000, "Number of parameters does not match the expected number of params"),
            (Self::Length, true) => (132_005, "Translated text too long"),
            (Self::Format | Self::Count | Self::Length | Self::Value | Self::CustomParams, _) => {
                (131_009, "Parameter value is not valid")
            }
            (Self::File, _) => (131_053, "Media upload error"),
            (Self::Name, _) => (132_001, "Template name does not exist in the translation"),
            (Self::Whitespace, _) => (132_018, "There's an issue with the parameters in your template"),
        }
    }
}

impl Violation {
    /// Returns the refusal with which the channel reports it.
    pub(super) fn refusal(self, channel: Channel, in_template: bool) -> Refusal {
        let (number, title) = self.kind.meta_error(in_template);
        let what = self.what;
        let (code, message) = match (channel, self.kind) {
            (Channel::Whatsapp, _) => (10002, format!("(#{number}) {title}: {what}")),
            (Channel::Viber, _) => (10003, format!("{title}: {what}")),
            (Channel::Rcs, ViolationKind::CustomParams) => (10004, what),
            (Channel::Rcs, _) => (10004, format!("{title}: {what}")),
        };
        Refusal { code, message: message.into() }
    }
}
