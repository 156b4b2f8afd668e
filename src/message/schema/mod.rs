//! The tables: what INCS's document "Messages API" says about the bodies of each channel.
//!
//! WhatsApp templates are the exception. The document shows only a few, and the provider passes them on to Meta, so the
//! rest follows Meta's Cloud API, marked in the notes. Data only.

mod common;
pub(super) mod describe;
mod files;
mod interactive;
mod media;
mod rcs;
mod template;
pub(super) mod types;
mod viber;
mod whatsapp;

use crate::model::Channel;

use types::Sheet;

/// Returns what a channel accepts.
pub(super) fn sheet(channel: Channel) -> &'static Sheet {
    match channel {
        Channel::Whatsapp => &whatsapp::SHEET,
        Channel::Viber => &viber::SHEET,
        Channel::Rcs => &rcs::SHEET,
    }
}
