//! A zip archive with XML files in it, which is what `.xlsx` and `.ods` are, read in bounded memory.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use quick_xml::events::{BytesRef, BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::unreadable::{Parsed, Unreadable};

/// The most bytes of the text of a cell. Spreadsheets take 32,767 characters.
pub(super) const MAX_CELL: usize = 1024 * 1024;
pub(super) const CELL_LIMIT: &str = "a cell of more than 1 MiB";
/// The most bytes of an unpacked sheet, or of its texts. A sheet of a million rows has about half of it.
pub(super) const MAX_SHEET: u64 = 1024 * 1024 * 1024;
/// The most bytes of an unpacked file that says what is in the workbook.
pub(super) const MAX_SMALL: u64 = 64 * 1024 * 1024;

/// The archive.
pub(super) struct Package {
    zip: ZipArchive<Cursor<Vec<u8>>>,
}

impl Package {
    pub(super) fn open(bytes: Vec<u8>) -> Parsed<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Unreadable::damaged())?;
        Ok(Self { zip })
    }

    /// Returns the name of a file in the archive as it is written there; some programs write other cases.
    fn name(&self, path: &str) -> Option<String> {
        let is_same = |name: &str| name.trim_start_matches('/').replace('\\', "/").eq_ignore_ascii_case(path);
        self.zip.file_names().flatten().find(|name| is_same(name)).map(Cow::into_owned)
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.name(path).is_some()
    }

    /// Whether a file with such a name is in it.
    pub(super) fn has_any(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.zip.file_names().flatten().any(|name| is_wanted(&name))
    }

    /// Opens a file in the archive of at most `most` bytes.
    pub(super) fn part(&mut self, path: &str, most: u64) -> Parsed<Xml<'_>> {
        let name = self.name(path).ok_or_else(Unreadable::damaged)?;
        let file = self.zip.by_name(&name).map_err(|_| Unreadable::damaged())?;
        let bounded = Bounded { file: BufReader::with_capacity(64 * 1024, file), most, left: most, left_of_event: 0 };
        let mut reader = quick_xml::Reader::from_reader(bounded);
        reader.config_mut().expand_empty_elements = true;
        Ok(Xml { reader, buffer: Vec::new(), depth: 0 })
    }
}

/// Reads a file of the archive until it or one of its elements turns out to be too large, whatever size the archive
/// claims.
struct Bounded<'p> {
    file: BufReader<ZipFile<'p, Cursor<Vec<u8>>>>,
    most: u64,
    left: u64,
    left_of_event: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        if let (Some(from), Some(to)) = (available.get(..count), buffer.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let what = format!("a part of more than {} MiB", self.most / (1024 * 1024));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        if self.left_of_event == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, CELL_LIMIT));
        }
        let most = usize::try_from(self.left.min(self.left_of_event)).unwrap_or(usize::MAX);
        let available = self.file.fill_buf()?;
        Ok(available.get(..most).unwrap_or(available))
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count as u64);
        self.left_of_event = self.left_of_event.saturating_sub(count as u64);
        self.file.consume(count);
    }
}

/// An XML file of the archive. An empty element is read as a start and an end.
pub(super) struct Xml<'p> {
    reader: quick_xml::Reader<Bounded<'p>>,
    buffer: Vec<u8>,
    /// Elements that are open.
    depth: usize,
}

/// The deepest nesting of elements. The reader keeps their names.
const MAX_DEPTH: usize = 256;

impl Xml<'_> {
    /// Reads the next event.
    pub(super) fn next(&mut self) -> Parsed<Event<'_>> {
        self.reader.get_mut().left_of_event = MAX_CELL as u64;
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer)?;
        match &event {
            Event::Start(_) if self.depth == MAX_DEPTH => return Err(Unreadable::damaged()),
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }

    /// Reads to the end of the current element, whose start was read, and appends the text of all elements `wanted` in
    /// it to `text`, except those within `skipped`.
    pub(super) fn text_into(&mut self, text: &mut String, wanted: &str, skipped: &str) -> Parsed<()> {
        let (mut depth, mut wanted_at, mut skipped_at) = (0_usize, None, None);
        loop {
            match self.next()? {
                Event::Start(start) => {
                    depth += 1;
                    let name = start.local_name();
                    if name.as_ref() == skipped && skipped_at.is_none() {
                        skipped_at = Some(depth);
                    } else if name.as_ref() == wanted && wanted_at.is_none() {
                        wanted_at = Some(depth);
                    }
                }
                Event::End(_) if depth == 0 => return Ok(()),
                Event::End(_) => {
                    skipped_at = skipped_at.filter(|at| *at != depth);
                    wanted_at = wanted_at.filter(|at| *at != depth);
                    depth -= 1;
                }
                Event::Eof => return Err(Unreadable::damaged()),
                event if skipped_at.is_none() && wanted_at.is_some() => push_text(text, &event)?,
                _ => {}
            }
        }
    }
}

/// Appends the text of an event, if it is one.
pub(super) fn push_text(text: &mut String, event: &Event<'_>) -> Parsed<()> {
    if text.len() > MAX_CELL {
        return Err(Unreadable::too_large(CELL_LIMIT));
    }
    match event {
        Event::Text(part) => text.push_str(&part.xml10_content()),
        Event::CData(part) => text.push_str(&part.xml10_content()),
        Event::GeneralRef(entity) => text.push(character(entity)?),
        _ => {}
    }
    Ok(())
}

/// Returns the character of an entity such as `amp` or `#10`. Others would be defined by a document type, which
/// spreadsheets do not have.
fn character(entity: &BytesRef<'_>) -> Parsed<char> {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return Ok(c);
    }
    match &*entity.xml10_content() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Unreadable::damaged()),
    }
}

/// Returns an attribute of an element by its name without a prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Parsed<Option<String>> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute?;
        if attribute.key.local_name().as_ref() == name {
            return match quick_xml::escape::unescape(&attribute.value) {
                Ok(value) => Ok(Some(value.into_owned())),
                Err(_) => Err(Unreadable::damaged()),
            };
        }
    }
    Ok(None)
}
