//! Media links: each link of the rows that can be sent is collected once during the scan, and probed after it.
//!
//! Memory is bounded: at most [`MAX_LINKS`] links are collected, and none longer than [`MAX_LINK_BYTES`].

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use crate::media::{AskError, File, Hosts, MediaProber, shown};
use crate::message::{self, Media, Translation};
use crate::model::{Channel, Event, Events, Finding, ProviderApi, RowNumber};

/// Maximum number of different links.
const MAX_LINKS: usize = 10_000;
/// Maximum length of a link in bytes; servers commonly refuse longer ones.
const MAX_LINK_BYTES: usize = 8_000;
/// Number of rows remembered for each link.
const MAX_ROWS_KEPT: usize = 3;

/// The media links of the rows that can be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Each link once for every kind of file it is used as, in the order of the first rows.
    pub list: Vec<Link>,
    /// Rows with a link that was not collected: there were 10,000 others before, or it is longer than 8,000 bytes.
    pub rows_left_out: u64,
}

/// A media link. `Debug` does not show it, because it may identify a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    link: String,
    media: &'static Media,
    /// Where the link is in the body of the first row.
    pub path: String,
    /// The first rows with this link.
    pub first: Vec<RowNumber>,
    /// Number of rows with this link.
    pub rows: u64,
    last: RowNumber,
}

impl Link {
    /// Returns the link without parts that may be secret: its user and what follows `?`.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.link)
    }

    fn file(&self) -> File {
        let Media { name, types, megabytes, needs_length, .. } = *self.media;
        File { link: self.link.clone(), name, types, megabytes, needs_length }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The links collected so far.
#[derive(Default)]
pub(in crate::engine) struct Noted {
    /// A channel has only a handful of file kinds.
    kinds: Vec<(&'static Media, HashMap<String, Link>)>,
    links: usize,
    rows_left_out: u64,
    /// The last row with a link that was not collected.
    left_out: Option<RowNumber>,
}

/// A link in the body of a row.
pub(in crate::engine) struct LinkSeen {
    row: RowNumber,
    path: String,
    link: String,
    media: &'static Media,
}

/// Collects the links of a row's body.
pub(in crate::engine) fn see(
    (api, channel): (ProviderApi, Channel),
    translation: &Translation,
    body: &Value,
    row: RowNumber,
    seen: &mut Vec<LinkSeen>,
) {
    message::links(api, channel, body, &mut |path, link, media| {
        seen.push(LinkSeen {
            row,
            path: translation.written(&path.to_string()).to_owned(),
            link: link.to_owned(),
            media,
        });
    });
}

impl Noted {
    /// Adds a link. Links of the same row arrive together, and rows arrive in order.
    pub(in crate::engine) fn add(&mut self, LinkSeen { row, path, link, media }: LinkSeen) {
        let kind = self.kinds.iter().position(|(known, _)| *known == media).unwrap_or_else(|| {
            self.kinds.push((media, HashMap::new()));
            self.kinds.len() - 1
        });
        let known = &mut self.kinds[kind].1;
        if let Some(known) = known.get_mut(&link) {
            if known.last != row {
                known.last = row;
                known.rows += 1;
                if known.first.len() < MAX_ROWS_KEPT {
                    known.first.push(row);
                }
            }
        } else if self.links < MAX_LINKS && link.len() <= MAX_LINK_BYTES {
            self.links += 1;
            let new = Link { link: link.clone(), media, path, first: vec![row], rows: 1, last: row };
            known.insert(link, new);
        } else if self.left_out != Some(row) {
            self.left_out = Some(row);
            self.rows_left_out += 1;
        }
    }

    /// Returns the collected links, in the order of the rows.
    pub(in crate::engine) fn into_links(self) -> Links {
        let mut list: Vec<Link> = self.kinds.into_iter().flat_map(|(_, links)| links.into_values()).collect();
        list.sort_by(|a, b| (&a.first, &a.path, &a.link).cmp(&(&b.first, &b.path, &b.link)));
        Links { list, rows_left_out: self.rows_left_out }
    }
}

/// Probes the file of every link. Returns the findings for each, in the order of the links.
///
/// # Errors
/// When nothing can be probed at all; a server's behaviour is always a finding.
pub async fn ask(links: &[Link], events: &Events) -> Result<Vec<Vec<Finding>>, AskError> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let prober = MediaProber::new(Hosts { refused: message::why_not_public, is_public: message::is_public })?;
    let mut findings = vec![Vec::new(); links.len()];
    let (mut done, total) = (0, links.len() as u64);
    events(Event::Asked { done, total });
    let each = |index: usize, found| {
        findings[index] = found;
        done += 1;
        events(Event::Asked { done, total });
    };
    prober.ask_all(links.iter().map(Link::file).collect(), each).await?;
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(link: &str) -> Value {
        json!({"to": "85268411234", "type": "image", "image": {"link": link}})
    }

    impl Noted {
        fn row(&mut self, channel: Channel, body: &Value, row: RowNumber) {
            let mut seen = Vec::new();
            let on = (ProviderApi::Incs, channel);
            see(on, &Translation::new(on.0, channel, body), body, row, &mut seen);
            seen.into_iter().for_each(|seen| self.add(seen));
        }
    }

    #[test]
    fn a_link_is_noted_once_with_its_first_rows_and_their_number() {
        let mut noted = Noted::default();
        for row in 1..=7 {
            let link = if row % 2 == 0 { "https://example.com/even.png" } else { "https://example.com/odd.png" };
            noted.row(Channel::Viber, &image(link), RowNumber(row));
        }
        let links = noted.into_links();
        let seen: Vec<_> = links.list.iter().map(|link| (link.shown(), link.first.clone(), link.rows)).collect();
        let expected = [
            ("https://example.com/odd.png".to_owned(), [1, 3, 5].map(RowNumber).to_vec(), 4),
            ("https://example.com/even.png".to_owned(), [2, 4, 6].map(RowNumber).to_vec(), 3),
        ];
        assert_eq!(seen, expected);
        assert_eq!((links.list[0].path.as_str(), links.rows_left_out), ("image.link", 0));
        assert!(!format!("{links:?}").contains("example.com"));
    }

    #[test]
    fn a_row_that_has_a_link_twice_counts_once() {
        let part = |kind: &str| {
            let parameters = json!([{"type": kind, kind: {"link": "https://example.com/a"}}]);
            json!({"type": "header", "parameters": parameters})
        };
        let cards = json!([{"components": [part("image")]}, {"components": [part("image")]}]);
        let components = json!([part("document"), {"type": "carousel", "cards": cards}]);
        let body = json!({"to": "1", "type": "template", "template": {"name": "a", "components": components}});
        let mut noted = Noted::default();
        noted.row(Channel::Whatsapp, &body, RowNumber(1));
        let links = noted.into_links().list;
        let names: Vec<_> = links.iter().map(|link| (link.media.name, link.rows)).collect();
        assert_eq!(names, [("document", 1), ("image", 1)], "as two kinds of files it is held against both");
    }

    #[test]
    fn no_more_links_are_noted_than_there_is_room_for() {
        let mut noted = Noted::default();
        noted.row(Channel::Viber, &image(&format!("https://example.com/{}", "a".repeat(MAX_LINK_BYTES))), RowNumber(1));
        for row in 0..MAX_LINKS as u64 + 5 {
            noted.row(Channel::Viber, &image(&format!("https://example.com/{row}.png")), RowNumber(row + 2));
        }
        noted.row(Channel::Viber, &image("https://example.com/0.png"), RowNumber(1_000_000));
        let links = noted.into_links();
        assert_eq!((links.list.len(), links.rows_left_out, links.list[0].rows), (MAX_LINKS, 6, 2));
    }
}
