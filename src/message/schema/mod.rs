//! The tables: what each API accepts on each channel. Data only.
//!
//! INCS's tables follow its document "Messages API". WhatsApp templates are the exception: the document shows only a
//! few, and the provider passes them on to Meta, so the rest follows Meta's Cloud API, marked in the notes. `meta` has
//! what Meta itself accepts.

mod common;
pub(super) mod describe;
mod files;
mod interactive;
mod media;
mod meta;
mod rcs;
mod template;
pub(super) mod types;
mod viber;
mod whatsapp;

use serde_json::{Map, Value};

use crate::model::{Channel, ProviderApi};

pub(super) use template::AS_META;
use types::{Kind, Kinds, Object, Sheet};

/// Returns what an API accepts on a channel; on a channel that it does not have, what INCS accepts.
pub(super) fn sheet(api: ProviderApi, channel: Channel) -> &'static Sheet {
    match (api, channel) {
        (ProviderApi::Meta, Channel::Whatsapp) => &meta::SHEET,
        (_, Channel::Whatsapp) => &whatsapp::SHEET,
        (_, Channel::Viber) => &viber::SHEET,
        (_, Channel::Rcs) => &rcs::SHEET,
    }
}

/// Returns the kind of a body that names none: the only one whose part it has.
pub(super) fn only_kind(body: &'static Object, map: &Map<String, Value>) -> Option<&'static Kind> {
    only_kind_of(body.kinds.as_ref()?, map)
}

/// As [`only_kind`], among these kinds.
pub(super) fn only_kind_of<'k>(kinds: &'k Kinds, map: &Map<String, Value>) -> Option<&'k Kind> {
    let mut present = kinds.list.iter().filter(|kind| map.contains_key(kind.name));
    present.next().filter(|_| present.next().is_none())
}
