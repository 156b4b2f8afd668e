//! What is wrong inside a message, and how each channel says it: 10002, 10003 and 10004, and on WhatsApp a text that
//! begins with Meta's own number.

use crate::model::Channel;
use crate::simulator::incs::refusal::Refusal;

/// Something wrong inside a message.
pub(super) struct Fault {
    /// What kind of thing.
    pub(super) flaw: Flaw,
    /// The field and what it must be; of one that is missing, the field alone.
    pub(super) what: String,
}

/// The kinds of things that can be wrong, as Meta tells them apart.
#[derive(Clone, Copy)]
pub(super) enum Flaw {
    /// A field that is needed is not there, or empty.
    Missing,
    /// A value of another JSON type, or put together in another way.
    Form,
    /// Too few or too many of something.
    Count,
    /// A value that the field cannot have.
    Value,
    /// A text that is too long.
    Length,
    /// A file that the channel does not take.
    File,
    /// There can be no template of this name.
    Name,
    /// A template's parameter with a line break, a tab, or more than four spaces in a row.
    Lines,
    /// What an RCS template does not take: all of it is in the words.
    CustomParams,
}

impl Flaw {
    /// Meta's number and title. Inside a template, what does not fit is held against the template.
    fn told(self, in_template: bool) -> (u32, &'static str) {
        match (self, in_template) {
            (Self::Missing, _) => (131_008, "Required parameter is missing"),
            (Self::Form, true) => (132_012, "Parameter format does not match format in the created template"),
            (Self::Count, true) => (132_000, "Number of parameters does not match the expected number of params"),
            (Self::Length, true) => (132_005, "Translated text too long"),
            (Self::Form | Self::Count | Self::Length | Self::Value | Self::CustomParams, _) => {
                (131_009, "Parameter value is not valid")
            }
            (Self::File, _) => (131_053, "Media upload error"),
            (Self::Name, _) => (132_001, "Template name does not exist in the translation"),
            (Self::Lines, _) => (132_018, "There's an issue with the parameters in your template"),
        }
    }
}

impl Fault {
    /// The refusal by a channel.
    pub(super) fn refusal(self, channel: Channel, in_template: bool) -> Refusal {
        let (number, title) = self.flaw.told(in_template);
        let what = self.what;
        let (code, message) = match (channel, self.flaw) {
            (Channel::Whatsapp, _) => (10002, format!("(#{number}) {title}: {what}")),
            (Channel::Viber, _) => (10003, format!("{title}: {what}")),
            (Channel::Rcs, Flaw::CustomParams) => (10004, what),
            (Channel::Rcs, _) => (10004, format!("{title}: {what}")),
        };
        Refusal { code, message: message.into() }
    }
}
