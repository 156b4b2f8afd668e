//! Chooses the encoding of a file.
//!
//! A wrong choice garbles the names of the people who get the message, so none is made on a hunch: either one text
//! fits, or there are enough words, and each third of them points to the same encoding.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_1252};

use super::fit::{fitting, has_strangers, same_text};
use super::survey::{FirstLook, Survey, utf16};
use crate::recipients::note::ListNote;
use crate::text::escaped;

/// The fewest different words that decide between encodings that fit. With fewer, a third of them says nothing.
const MIN_WORDS: usize = 12;
/// As above, if not even the likely encoding fits.
const MIN_RARE_WORDS: usize = 30;
/// The most encodings that a refusal names.
const MAX_RIVALS: usize = 4;
/// Words of a sample, and characters of each.
const SAMPLE_WORDS: usize = 3;
const SAMPLE_CHARS: usize = 20;

/// The encodings that are read without being named in the campaign.
const DETECTED: [&Encoding; 5] = [GBK, GB18030, BIG5, SHIFT_JIS, WINDOWS_1252];

/// How the bytes of a file are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::recipients) struct ChosenEncoding {
    pub(in crate::recipients) encoding: &'static Encoding,
    /// Whether lines end with CR alone.
    pub(in crate::recipients) cr_only: bool,
    /// If it was detected: some words, decoded. They may be names of people.
    pub(in crate::recipients) sample: Option<String>,
}

impl ChosenEncoding {
    /// Returns a note about what was detected.
    pub(in crate::recipients) fn note(&self) -> Option<ListNote> {
        let sample = escaped(self.sample.as_deref()?).into_owned();
        let label = label(self.encoding);
        let message =
            format!("the list is read as {label}; sample words: {sample}; if they look wrong, set `encoding`");
        Some(ListNote { code: "detected_encoding", message, rows: 0 })
    }
}

/// An encoding that a file may have.
#[derive(Clone, PartialEq, Eq)]
pub struct Rival {
    /// What to write as `encoding`.
    pub label: String,
    /// Some words, decoded. They may be names of people.
    pub sample: String,
}

impl std::fmt::Debug for Rival {
    /// Leaves out the sample.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rival").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Why no encoding was chosen.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::recipients) enum Unclear {
    /// There are several likely ones, the likeliest first; or none.
    Rivals(Vec<Rival>),
    /// Some of the text is UTF-8, and the rest is in this encoding.
    Mixed(&'static Encoding),
    /// The file is UTF-8, but not its named encoding.
    NotNamed(&'static Encoding),
}

/// Chooses how a file is read. `again` opens it at its start; `named` is its encoding if that is certain.
pub(super) fn choose<R: Read>(
    mut again: impl FnMut() -> io::Result<R>,
    named: Option<&'static Encoding>,
) -> io::Result<Result<ChosenEncoding, Unclear>> {
    let look = FirstLook::read(&mut again()?)?;
    let plain = |encoding| Ok(Ok(ChosenEncoding { encoding, cr_only: look.cr_only && !look.has_zeros, sample: None }));
    if let Some(named) = named {
        // Hardly any text in another encoding is valid UTF-8.
        if look.is_utf8 && look.beyond_ascii && named != UTF_8 && named.is_ascii_compatible() {
            return Ok(Err(Unclear::NotNamed(named)));
        }
        return plain(named);
    }
    if look.has_zeros
        && let Some(encoding) = utf16(&mut again()?)?
    {
        return plain(encoding);
    }
    if look.is_utf8 || look.has_zeros {
        return plain(UTF_8);
    }
    let survey = Survey::read(&mut again()?)?;
    Ok(of_words(&survey).map(|encoding| ChosenEncoding {
        encoding,
        cr_only: look.cr_only,
        sample: (encoding != UTF_8).then(|| sample(encoding, &survey.words)),
    }))
}

/// Chooses the encoding of a file that is not UTF-8.
fn of_words(survey: &Survey) -> Result<&'static Encoding, Unclear> {
    let Survey { words, utf8_words, other_words, .. } = survey;
    if utf8_words > other_words {
        // Some rows are damaged.
        return Ok(UTF_8);
    }
    let guessed = guess(words.iter());
    let of_others = || guess(words.iter().filter(|word| std::str::from_utf8(word).is_err()));
    if let Some(other) = (survey.certain_words > 0).then(of_others)
        && [GBK, GB18030, BIG5].contains(&other)
    {
        return Err(Unclear::Mixed(other));
    }
    let fits = fitting(survey);
    let unclear = || Err(unclear(guessed, &fits, survey));
    let same = |other: &'static Encoding| same_text(guessed, other, survey);
    // A text of rare characters, such as traditional ones in GBK, fits nowhere.
    let is_rare = fits.is_empty()
        && words.len() >= MIN_RARE_WORDS
        && survey.decodable.contains(&guessed)
        && thirds_agree(guessed, survey);
    if !is_rare && !fits.iter().any(|fit| same(fit)) {
        return unclear();
    }
    let several = !fits.iter().all(|fit| same(fit));
    // A few East Asian characters look right in more encodings than one.
    let other_decodes = !guessed.is_single_byte() && survey.decodable.iter().any(|other| *other != guessed);
    let is_short = words.len() < MIN_WORDS && (several || other_decodes);
    if is_short || several && (fits.contains(&MACINTOSH) || !thirds_agree(guessed, survey)) {
        return unclear();
    }
    let Some(encoding) = [WINDOWS_1252, guessed].into_iter().find(|it| same(it) && DETECTED.contains(it)) else {
        return unclear();
    };
    // Of longer words, very few are UTF-8 by accident.
    if encoding != WINDOWS_1252 && survey.cjk_words > other_words / 1000 {
        return Err(Unclear::Mixed(encoding));
    }
    let (is_odd, most_utf8) = match encoding == WINDOWS_1252 {
        // A word that is UTF-8 in a file of one byte per character is no accident.
        true => (several && has_strangers(survey), 0),
        // Some Chinese and Japanese words happen to be UTF-8, but few.
        false => (false, other_words / 4),
    };
    if is_odd || *utf8_words > most_utf8 {
        return unclear();
    }
    Ok(encoding)
}

/// Whether each third of the words points to the same text.
fn thirds_agree(guessed: &'static Encoding, survey: &Survey) -> bool {
    (0..3).all(|third| same_text(guess(survey.words.iter().skip(third).step_by(3)), guessed, survey))
}

/// Returns the likeliest encoding of words.
fn guess<'w>(words: impl Iterator<Item = &'w Vec<u8>>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for word in words {
        detector.feed(word, false);
        detector.feed(b"\n", false);
    }
    detector.feed(b"", true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Returns the encodings that a person may choose from: those that fit, or else those that can be decoded.
fn unclear(guessed: &'static Encoding, fits: &[&'static Encoding], survey: &Survey) -> Unclear {
    let others = [&survey.decodable[..], &[WINDOWS_1252]].concat();
    let mut rivals: Vec<Rival> = Vec::new();
    let mut listed: Vec<&'static Encoding> = Vec::new();
    let likely = fits.iter().copied().filter(|fit| same_text(guessed, fit, survey) || fits.len() > 1);
    for encoding in [guessed].into_iter().chain(likely).chain(others.iter().copied().filter(|_| fits.is_empty())) {
        let is_listed = listed.iter().any(|other| same_text(encoding, other, survey));
        if rivals.len() < MAX_RIVALS && !is_listed {
            listed.push(encoding);
            rivals.push(Rival { label: label(encoding), sample: sample(encoding, &survey.words) });
        }
    }
    Unclear::Rivals(rivals)
}

/// Returns what to write as `encoding`.
pub(super) fn label(encoding: &'static Encoding) -> String {
    encoding.name().to_lowercase()
}

/// Returns the first words of a file, decoded and shortened.
fn sample(encoding: &'static Encoding, words: &[Vec<u8>]) -> String {
    let words = words.iter().map(|word| {
        let text = encoding.decode_without_bom_handling(word).0;
        let mut short: String = text.chars().take(SAMPLE_CHARS).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    });
    words.take(SAMPLE_WORDS).collect::<Vec<_>>().join(", ")
}

/// Returns the encoding that a byte order mark at the start of a file says.
pub(super) fn of_mark(start: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(start).map(|(encoding, _)| encoding)
}
