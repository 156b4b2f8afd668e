//! The open parts of a campaign's message: its templates, and the rules for the text of each.
//!
//! Everything else in a body is the same for every row. So a row whose texts are each fine needs no other check; for
//! other rows, the whole body is checked. If in doubt, a text is not fine here, and the findings for the whole body
//! count.

use serde_json::Value;

use crate::model::{Channel, ProviderApi};

use super::body::check_body;
use super::check::Check;
use super::{link, text};
use crate::message::path::Path;
use crate::message::schema::types::Shape;

/// The templates of a message.
pub struct Open {
    /// The shape of each template; `None` if anything is allowed.
    shapes: Vec<Option<Shape>>,
    /// The most bytes of all texts together.
    most: usize,
}

impl Open {
    /// Returns the open parts of `message` at `places`, those of all its templates. `None` if the texts cannot be
    /// checked separately, because one is a kind or must differ from others.
    pub fn of<'p>(
        (api, channel): (ProviderApi, Channel),
        message: &Value,
        places: impl Iterator<Item = &'p str>,
    ) -> Option<Self> {
        let mut check = check_body(api, channel, message, Check::new(true));
        let mut shapes = Vec::new();
        for path in places {
            let known = check.open.iter().position(|place| place.path == path);
            shapes.push(known.map(|index| check.open.swap_remove(index).shape));
        }
        (check.open.is_empty() && !check.entangled.get()).then_some(Self { shapes, most: check.spare })
    }

    /// Whether the text of the template with this number has no findings, apart from its characters.
    #[must_use]
    pub fn is_fine(&self, place: usize, text: &str) -> bool {
        let mut check = Check::new(false);
        match self.shapes.get(place) {
            Some(None) => {}
            Some(Some(Shape::Text(rules))) => text::check(&mut check, rules, text, &Path::Root),
            Some(Some(Shape::Exactly(word))) => return text == *word,
            Some(Some(Shape::Words(words))) => return words.contains(&text),
            Some(Some(Shape::Link(media))) => link::check(&mut check, Some(media), text, &Path::Root),
            Some(Some(Shape::Url)) => link::check(&mut check, None, text, &Path::Root),
            _ => return false,
        }
        check.findings.is_empty()
    }

    /// Whether this many bytes are allowed for all texts together.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.most
    }
}
