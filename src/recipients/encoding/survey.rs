//! Reads a file once, to find out what its bytes may be.

use std::collections::HashSet;
use std::io::{self, Read};

use encoding_rs::{BIG5, Decoder, DecoderResult, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE};

/// The bytes per read.
const CHUNK: usize = 64 * 1024;
/// The most different words that are kept. Far fewer are enough to recognise a language.
const MAX_WORDS: usize = 20_000;
/// The longest word that is kept, in bytes.
const MAX_WORD: usize = 256;
/// In UTF-16 text, at least one in eight of this many bytes at the start is zero.
const START: usize = 4 * 1024;

/// The encodings in which a character may have several bytes.
pub(super) const MULTI_BYTE: [&Encoding; 5] = [GBK, BIG5, SHIFT_JIS, EUC_KR, EUC_JP];

/// What a first, fast reading finds.
#[derive(Default)]
pub(super) struct FirstLook {
    pub(super) is_utf8: bool,
    /// Whether there is a byte beyond ASCII.
    pub(super) beyond_ascii: bool,
    /// Whether lines end with CR alone.
    pub(super) cr_only: bool,
    /// Whether there are as many zeros at the start as text in UTF-16 has.
    pub(super) has_zeros: bool,
}

impl FirstLook {
    /// Reads until it is clear that the text is not UTF-8.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut look = Self { is_utf8: true, ..Self::default() };
        let (mut lf, mut cr, mut zeros, mut start) = (false, false, 0, 0);
        // The end of a chunk may be in the middle of a character.
        let mut open = 0;
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = read_some(input, chunk.get_mut(open..).unwrap_or_default())?;
            let bytes = chunk.get(..open + count).unwrap_or_default();
            let fresh = bytes.get(open..).unwrap_or_default();
            if start < START {
                let fresh = fresh.get(..(START - start).min(fresh.len())).unwrap_or_default();
                zeros += fresh.iter().filter(|byte| **byte == 0).count();
                start += fresh.len();
                look.has_zeros = zeros * 8 >= start && zeros > 0;
            }
            look.beyond_ascii = look.beyond_ascii || !fresh.is_ascii();
            lf = lf || fresh.contains(&b'\n');
            cr = cr || (!lf && fresh.contains(&b'\r'));
            let whole = match std::str::from_utf8(bytes) {
                Ok(_) => bytes.len(),
                Err(error) if error.error_len().is_none() && count > 0 => error.valid_up_to(),
                Err(_) => {
                    look.is_utf8 = false;
                    bytes.len()
                }
            };
            if count == 0 || !look.is_utf8 && lf && start == START {
                look.cr_only = cr && !lf;
                return Ok(look);
            }
            open = bytes.len() - whole;
            chunk.copy_within(whole..whole + open, 0);
        }
    }
}

/// What a whole reading of a file finds that is not UTF-8.
pub(super) struct Survey {
    /// The different words with non-ASCII bytes, in the order of the file.
    pub(super) words: Vec<Vec<u8>>,
    /// Non-ASCII words that are UTF-8, and those that are not, repeats included.
    pub(super) utf8_words: u64,
    pub(super) other_words: u64,
    /// Of the words that are UTF-8, those whose characters have three bytes or more, as Chinese ones and emoji have;
    /// and of these, those with a byte that common characters of GBK and Big5 do not have.
    pub(super) cjk_words: u64,
    pub(super) certain_words: u64,
    /// Which bytes occur.
    pub(super) bytes: [bool; 256],
    /// The encodings of [`MULTI_BYTE`] in which all of the file can be decoded.
    pub(super) decodable: Vec<&'static Encoding>,
}

impl Survey {
    /// Reads to the end.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut survey = Self {
            words: Vec::new(),
            utf8_words: 0,
            other_words: 0,
            cjk_words: 0,
            certain_words: 0,
            bytes: [false; 256],
            decodable: Vec::new(),
        };
        let mut seen = HashSet::new();
        let mut trials = MULTI_BYTE.map(Trial::new);
        let mut word = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = read_some(input, &mut chunk)?;
            let bytes = chunk.get(..count).unwrap_or_default();
            trials.iter_mut().for_each(|trial| trial.feed(bytes, count == 0));
            for byte in bytes {
                if let Some(seen) = survey.bytes.get_mut(usize::from(*byte)) {
                    *seen = true;
                }
                match separates(*byte) {
                    true => survey.end_word(&mut word, &mut seen),
                    // Only the start of an overlong one counts.
                    false if word.len() <= MAX_WORD => word.push(*byte),
                    false => {}
                }
            }
            if count == 0 {
                survey.end_word(&mut word, &mut seen);
                survey.decodable = trials.iter().filter(|trial| trial.fits).map(|trial| trial.encoding).collect();
                return Ok(survey);
            }
        }
    }

    fn end_word(&mut self, word: &mut Vec<u8>, seen: &mut HashSet<Vec<u8>>) {
        if !word.is_ascii() {
            match std::str::from_utf8(word) {
                Ok(text) => {
                    self.utf8_words += 1;
                    if text.chars().all(|c| c.is_ascii() || c.len_utf8() >= 3) {
                        self.cjk_words += 1;
                        self.certain_words += u64::from(word.iter().any(|byte| matches!(byte, 0x80..=0xa0)));
                    }
                }
                Err(_) => self.other_words += 1,
            }
            if word.len() <= MAX_WORD && self.words.len() < MAX_WORDS && !seen.contains(word) {
                seen.insert(word.clone());
                self.words.push(word.clone());
            }
        }
        word.clear();
    }
}

/// Whether a byte is never part of a word, nor of a non-ASCII character: blanks, digits and most punctuation.
fn separates(byte: u8) -> bool {
    byte < b'@'
}

/// An attempt to decode a file.
pub(super) struct Trial {
    encoding: &'static Encoding,
    decoder: Decoder,
    fits: bool,
    text: String,
}

impl Trial {
    fn new(encoding: &'static Encoding) -> Self {
        Self { encoding, decoder: encoding.new_decoder_without_bom_handling(), fits: true, text: String::new() }
    }

    /// Decodes more, into `text`.
    fn feed(&mut self, bytes: &[u8], last: bool) {
        if !self.fits {
            return;
        }
        self.text.clear();
        self.text.reserve(self.decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0));
        let (result, _) = self.decoder.decode_to_string_without_replacement(bytes, &mut self.text, last);
        self.fits = result == DecoderResult::InputEmpty;
    }
}

/// Returns the byte order in which the whole file is valid UTF-16 text; `None` if neither is, or both are.
pub(super) fn utf16(input: &mut impl Read) -> io::Result<Option<&'static Encoding>> {
    let mut trials = [UTF_16LE, UTF_16BE].map(|encoding| (Trial::new(encoding), false));
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = read_some(input, &mut chunk)?;
        for (trial, has_lines) in &mut trials {
            trial.feed(chunk.get(..count).unwrap_or_default(), count == 0);
            *has_lines |= trial.text.contains(['\n', '\r']);
            // Line ends in the other byte order are U+0A00 and U+0D00.
            let odd = |c: char| matches!(c, '\u{a00}' | '\u{d00}') || (c.is_control() && !c.is_whitespace());
            trial.fits &= !trial.text.contains(odd);
        }
        if count == 0 {
            let mut fitting = trials.iter().filter(|(trial, has_lines)| trial.fits && *has_lines);
            return Ok(match (fitting.next(), fitting.next()) {
                (Some((trial, _)), None) => Some(trial.encoding),
                _ => None,
            });
        }
    }
}

/// Reads at least one byte, unless it is the end.
fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
