//! What a campaign's message leaves open: its templates, and what the text of each is held against.
//!
//! All else in a body is the same for every row. So a row whose texts are fine, each by itself, is as right as the row
//! before, and only of the others the whole body has to be looked at. In doubt a text is not fine here: what is then
//! found with the whole body counts.

use serde_json::Value;

use crate::model::Channel;

use super::body::look;
use super::check::Check;
use super::{link, text};
use crate::message::path::Path;
use crate::message::schema::types::Shape;

/// The templates of a message.
pub struct Open {
    /// For each template what it has to be; none where anything goes.
    shapes: Vec<Option<Shape>>,
    /// The most bytes that all of them may have together.
    most: usize,
}

impl Open {
    /// What `message` leaves open at these places, which are those of all its templates. `None` where the texts cannot
    /// be looked at each by itself: one of them says a kind, or has to differ from others.
    pub fn of<'p>(channel: Channel, message: &Value, places: impl Iterator<Item = &'p str>) -> Option<Self> {
        let mut check = look(channel, message, Check::new(true));
        let mut shapes = Vec::new();
        for path in places {
            let known = check.open.iter().position(|place| place.path == path);
            shapes.push(known.map(|index| check.open.swap_remove(index).shape));
        }
        (check.open.is_empty() && !check.entangled.get()).then_some(Self { shapes, most: check.spare })
    }

    /// Whether there is nothing to tell of the text of this template, by its number, but for its characters.
    #[must_use]
    pub fn is_fine(&self, place: usize, text: &str) -> bool {
        let mut check = Check::new(false);
        match self.shapes.get(place) {
            Some(None) => {}
            Some(Some(Shape::Text(rules))) => text::check(&mut check, rules, text, &Path::Root),
            Some(Some(Shape::Exactly(word))) => return text == *word,
            Some(Some(Shape::Link(media))) => link::check(&mut check, Some(media), text, &Path::Root),
            Some(Some(Shape::Url)) => link::check(&mut check, None, text, &Path::Root),
            _ => return false,
        }
        check.findings.is_empty()
    }

    /// Whether so many bytes are not too much for all texts together.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.most
    }
}
