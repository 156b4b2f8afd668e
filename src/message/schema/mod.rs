//! The tables: what the document "Messages API" of INCS says of each channel's bodies.
//!
//! Templates of WhatsApp are the exception. Of them the document shows a few, and the provider hands them on to Meta;
//! so what it does not show is as in Meta's Cloud API, and its notes say so. Data only.

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

/// What a channel takes.
pub(super) fn sheet(channel: Channel) -> &'static Sheet {
    match channel {
        Channel::Whatsapp => &whatsapp::SHEET,
        Channel::Viber => &viber::SHEET,
        Channel::Rcs => &rcs::SHEET,
    }
}
