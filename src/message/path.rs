//! Places in a body, in the syntax of campaign files and templates: `template.components[0].parameters[1].text`.
//!
//! A path is a chain of borrowed steps on the stack. It is formatted only when there is a problem to report.

use std::fmt;

/// A place in a body.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// The body itself.
    Root,
    /// The value of a key of the object at a path.
    Key(&'a Path<'a>, &'a str),
    /// An item of the list at a path.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// Returns the path of this key.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    /// Returns the path of the item at this index.
    pub(super) fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(list, index) => write!(f, "{list}[{index}]"),
            Self::Key(object, key) => {
                let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
                match (object, plain) {
                    (_, false) => write!(f, "{object}[{}]", serde_json::Value::from(*key)),
                    (Self::Root, true) => f.write_str(key),
                    (_, true) => write!(f, "{object}.{key}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_are_written_as_campaign_files_write_them() {
        let template = Path::Root.key("template");
        let list = template.key("a list");
        assert_eq!(list.item(3).key("text").to_string(), "template[\"a list\"][3].text");
        assert_eq!(Path::Root.key("").to_string(), "[\"\"]");
    }
}
