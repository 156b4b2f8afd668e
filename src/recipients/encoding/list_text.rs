//! The text of a list as UTF-8, whatever its encoding.

use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::decide::{self, ChosenEncoding, Unclear};
use crate::recipients::csv::bytes::Content;
use crate::recipients::error::{OpenError, ReadError};

/// The first bytes of files that are not a text table, and what they are.
const NOT_TEXT: [(&[u8], &str); 3] =
    [(b"\xff\xfe\0\0", "text in UTF-32"), (b"\0\0\xfe\xff", "text in UTF-32"), (b"%PDF", "a PDF")];

/// The first bytes of spreadsheets.
const SPREADSHEETS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
const SPREADSHEET: &str = "is a spreadsheet, not a CSV file; write `xlsx:` instead of `csv:` in the campaign, or, for \
                           `suppress import`, give the file its usual extension";

/// What web pages start with, in lower case.
const WEB_PAGES: [&[u8]; 4] = [b"<html", b"<!doctype", b"<table", b"<meta"];
const WEB_PAGE: &str = "is a web page (HTML), not a CSV file; open it in a spreadsheet program, and save it as CSV (UTF-8) or \
                        `.xlsx`";

/// The bytes per read.
const CHUNK: usize = 32 * 1024;

/// The replacement for bytes that cannot be decoded: a byte that is never part of UTF-8, so that the row is invalid.
const UNDECODABLE: u8 = 0xff;

/// The text of a list, as UTF-8. Bytes of a file in UTF-8 are passed on as they are.
pub(in crate::recipients) struct ListText {
    content: Content,
    chosen: ChosenEncoding,
    decoding: Option<Decoding>,
}

/// A file that is not UTF-8.
struct Decoding {
    decoder: Decoder,
    /// Bytes of the file.
    input: Vec<u8>,
    /// Text that was not passed on yet, and how much of it was.
    output: Vec<u8>,
    passed: usize,
    is_last: bool,
}

impl ListText {
    /// Opens a file. `named` is the encoding in the campaign: it overrides detection, but must not contradict a byte
    /// order mark.
    pub(in crate::recipients) fn open(
        path: &Path,
        mut content: Content,
        named: Option<&'static Encoding>,
    ) -> Result<Self, OpenError> {
        let from = path.display().to_string();
        let start = content.start().map_err(|source| content.error(source))?;
        if SPREADSHEETS.iter().any(|bytes| start.starts_with(bytes)) {
            return Err(OpenError::Spreadsheet { from, what: SPREADSHEET.to_owned() });
        }
        let visible = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
        if WEB_PAGES.iter().any(|tag| visible.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag))) {
            return Err(OpenError::Spreadsheet { from, what: WEB_PAGE.to_owned() });
        }
        if let Some((_, what)) = NOT_TEXT.iter().find(|(bytes, _)| start.starts_with(bytes)) {
            return Err(OpenError::NotText { from, what });
        }
        let marked = decide::of_mark(&start);
        let is_utf16 = |encoding: &'static Encoding| encoding == UTF_16LE || encoding == UTF_16BE;
        if let (Some(mark), Some(named)) = (marked, named)
            && mark != named
            && !(is_utf16(mark) && is_utf16(named))
        {
            return Err(OpenError::OtherMark { from, named: decide::label(named), mark: decide::label(mark) });
        }
        let named = marked.or(named);
        let chosen = match content.length() {
            // A pipe can be read only once.
            None => ChosenEncoding { encoding: named.unwrap_or(UTF_8), cr_only: false, sample: None },
            Some(_) => {
                let chosen = decide::choose(|| content.again(), named);
                let chosen = chosen.and_then(|chosen| content.resume().map(|()| chosen));
                let chosen = chosen.map_err(|error| content.error(error))?;
                chosen.map_err(|unclear| match unclear {
                    Unclear::Rivals(rivals) => OpenError::UnclearEncoding { from, rivals },
                    Unclear::Mixed(other) => OpenError::MixedEncodings { from, other: decide::label(other) },
                    Unclear::NotNamed(named) => OpenError::NotNamed { from, named: decide::label(named) },
                })?
            }
        };
        let decoding = (chosen.encoding != UTF_8).then(|| Decoding::new(chosen.encoding));
        Ok(Self { content, chosen, decoding })
    }

    /// The file.
    pub(in crate::recipients) fn content(&self) -> &Content {
        &self.content
    }

    /// How its bytes are read.
    pub(in crate::recipients) fn chosen(&self) -> &ChosenEncoding {
        &self.chosen
    }

    /// Reads the rest of the file and returns its fingerprint.
    pub(in crate::recipients) fn digest(&mut self) -> Result<Option<String>, ReadError> {
        self.content.digest()
    }

    /// Stops computing the fingerprint.
    pub(in crate::recipients) fn without_digest(&mut self) {
        self.content.without_digest();
    }
}

impl Read for ListText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.decoding {
            None => self.content.read(buffer)?,
            Some(decoding) => decoding.read(&mut self.content, buffer)?,
        };
        if self.chosen.cr_only {
            let read = buffer.iter_mut().take(count);
            read.filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        Ok(count)
    }
}

impl Decoding {
    fn new(encoding: &'static Encoding) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; CHUNK],
            output: Vec::new(),
            passed: 0,
            is_last: false,
        }
    }

    fn read(&mut self, content: &mut Content, buffer: &mut [u8]) -> io::Result<usize> {
        while self.passed == self.output.len() && !self.is_last {
            let count = content.read(&mut self.input)?;
            self.decode(count);
        }
        let ready = self.output.get(self.passed..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.passed += count;
        Ok(count)
    }

    /// Decodes the first bytes of the input; none of them are the end of the file.
    fn decode(&mut self, count: usize) {
        self.is_last = count == 0;
        self.passed = 0;
        self.output.clear();
        let mut input = self.input.get(..count).unwrap_or_default();
        loop {
            let written = self.output.len();
            let room = self.decoder.max_utf8_buffer_length_without_replacement(input.len()).unwrap_or(4 * CHUNK);
            self.output.resize(written + room, 0);
            let output = self.output.get_mut(written..).unwrap_or_default();
            let (result, read, count) = self.decoder.decode_to_utf8_without_replacement(input, output, self.is_last);
            self.output.truncate(written + count);
            input = input.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.output.push(UNDECODABLE),
            }
        }
    }
}
