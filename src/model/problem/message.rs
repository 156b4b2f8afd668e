//! Problems of a rendered message, by what its channel accepts.

use serde::{Deserialize, Serialize};

use super::cell::OddCharacter;
use super::rule::Rule;
use crate::model::Millis;

/// Why the provider refuses a message, or may refuse it. Quoted text is shortened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageProblem {
    /// The message is not an object.
    NoObject(Is),
    /// On this channel, a message of this kind reaches only people who wrote recently.
    SessionOnly {
        /// The channel, as its owner writes it.
        channel: String,
        /// The kind.
        kind: String,
        /// The kinds that reach everyone.
        others: Vec<String>,
    },
    /// Something is missing.
    Missing {
        /// What it must be.
        rule: Rule,
        /// A key that is probably a misspelling of it.
        meant: Option<String>,
        /// The schema's note on it, a phrase.
        note: Option<String>,
    },
    /// It has the wrong type.
    WrongType {
        /// What it must be.
        rule: Rule,
        /// What it is.
        is: Is,
        /// What to do.
        fix: Option<TypeFix>,
    },
    /// The kind is unknown.
    UnknownKind {
        /// The kind.
        written: String,
        /// The known kinds.
        kinds: Vec<String>,
        /// The one that was probably meant.
        meant: Option<String>,
        /// The APIs that have this kind.
        #[serde(default)]
        elsewhere: Vec<String>,
    },
    /// The message names no kind.
    NoKind {
        /// The kind of its parts.
        kind: String,
        /// The kind that the API takes it for.
        default: String,
    },
    /// It must be one specific word.
    WrongWord {
        /// What it is.
        text: String,
        /// The word.
        word: String,
    },
    /// It must be one of several words.
    NotOneOf {
        /// What it is.
        text: String,
        /// The words.
        words: Vec<String>,
    },
    /// The number is too small or too large.
    OutOfRange {
        /// The number.
        value: String,
        /// Its bounds.
        rule: Rule,
    },
    /// There are too few items, or too many.
    WrongCount {
        /// How many there are.
        count: usize,
        /// The fewest allowed.
        least: usize,
        /// The most allowed.
        most: Option<usize>,
    },
    /// Several lists together have too many items.
    TooManyInAll {
        /// How many there are.
        count: usize,
        /// The key of the lists.
        key: String,
        /// The most allowed.
        most: usize,
    },
    /// The documentation does not list the key.
    UnknownKey {
        /// The key that was probably meant.
        meant: Option<String>,
    },
    /// Meta's API has the key, but the documentation does not list it.
    UndocumentedKey {
        /// The schema's note on it.
        note: Option<String>,
    },
    /// It is not allowed here.
    NotAllowed {
        /// The schema's note on it.
        note: Option<String>,
    },
    /// A value that must be unique appears twice.
    NotUnique {
        /// The value.
        value: String,
        /// The keys that lead to it.
        keys: String,
    },
    /// There is a second item of a kind that may appear only once.
    SecondOfKind {
        /// The kind.
        kind: String,
        /// The kind that may appear more than once.
        but: String,
    },
    /// The items are not numbered from 0.
    NotInOrder {
        /// The number in the item.
        found: i64,
        /// The right number.
        wanted: usize,
        /// The key of the number.
        key: String,
    },
    /// The card has different parts from the first.
    CardsDiffer,
    /// Some items have this key, others do not.
    Mixed(String),
    /// An item of several lacks this key.
    Untitled(String),
    /// Exactly one of several groups of keys must be complete, and it is not.
    OneOf {
        /// How many groups have at least one key.
        begun: usize,
        /// The groups.
        groups: Vec<Vec<String>>,
    },
    /// The documentation never shows these two keys together.
    NotTogether(String, String),
    /// The text is empty or blank.
    EmptyText {
        /// Whether it is blank, but not empty.
        blank: bool,
    },
    /// The text is too long.
    TooLong {
        /// The text.
        text: String,
        /// Its characters.
        chars: usize,
        /// The limit.
        most: usize,
        /// Whether longer text may still be accepted.
        advised: bool,
        /// How many characters must go, if a text that contains this one is too long by more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        excess: Option<usize>,
    },
    /// Several texts are too long together.
    TooLongInAll {
        /// Their characters.
        chars: usize,
        /// Their key.
        key: String,
        /// The limit.
        most: usize,
    },
    /// The text cannot be a template parameter.
    BadParameter {
        /// The text.
        text: String,
        /// What it contains.
        holds: NoParameter,
    },
    /// The text has too many line breaks.
    TooManyLines {
        /// The text.
        text: String,
        /// Its line breaks.
        breaks: usize,
        /// The limit.
        most: usize,
    },
    /// The text may contain only letters and digits.
    NotAlphanumeric {
        /// The text.
        text: String,
    },
    /// The number may contain only digits.
    NotDigits,
    /// The number must be a plus and digits.
    NotInternational,
    /// The text does not look like the id of a WhatsApp message.
    NoMessageId {
        /// The text.
        text: String,
    },
    /// The text is not a valid template name.
    TemplateName {
        /// The text.
        text: String,
    },
    /// The text contains a character that is not allowed in messages.
    Character {
        /// The character.
        bad: OddCharacter,
        /// The text.
        text: String,
    },
    /// The link is not a valid URL.
    BadLink {
        /// The link.
        link: String,
        /// Why not.
        why: LinkFlaw,
    },
    /// The provider cannot reach the link.
    PrivateLink {
        /// The link.
        link: String,
        /// Why not.
        why: LinkFlaw,
    },
    /// The link has `&amp;`, the HTML escape for `&`.
    EscapedLink {
        /// The link.
        link: String,
    },
    /// The limited-time offer ended at this time.
    OfferEnded {
        /// When.
        at: Millis,
    },
    /// The link points to another type of file.
    WrongExtension {
        /// The file's extension.
        extension: String,
        /// The accepted kind.
        media: String,
        /// The accepted extensions.
        taken: Vec<String>,
    },
    /// The documentation uses this extension in a sample but does not list it.
    UndocumentedExtension {
        /// The file's extension.
        extension: String,
        /// The accepted kind.
        media: String,
        /// The accepted extensions.
        taken: Vec<String>,
    },
    /// The file name does not show the file type.
    UnclearExtension {
        /// The file's name.
        file: String,
        /// The accepted kind.
        media: String,
        /// The accepted extensions.
        taken: Vec<String>,
    },
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Is {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
    /// This text.
    TheText(String),
    /// This number.
    TheNumber(String),
}

/// How to give a value the right type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeFix {
    /// Write this number in quotes.
    Quote(String),
    /// Write the number itself, because a placeholder always produces text.
    NumberItself,
    /// Remove the quotes.
    Unquote,
    /// Give it these keys.
    Keys(Vec<String>),
    /// Make it a list.
    MakeList,
    /// Write the text itself.
    TextItself,
}

/// What a template parameter must not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoParameter {
    /// A line break.
    LineBreak,
    /// A tab.
    Tab,
    /// More than four spaces in a row.
    Spaces,
}

/// Why a link does not point to a public server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFlaw {
    /// It contains a space.
    Blank,
    /// It does not start with `https://` or `http://`.
    NoScheme,
    /// It starts with `http://https://` or the like.
    TwoSchemes,
    /// Its port is not valid.
    BadPort,
    /// It has no host name.
    NoServer,
    /// Its host is in a private network.
    Private,
    /// Its host name is not valid.
    Impossible,
    /// Its host name has no dot.
    NoDot,
}

impl MessageProblem {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoObject(_) | Self::WrongType { .. } => "wrong_type",
            Self::SessionOnly { .. } => "session_only",
            Self::Missing { .. } | Self::Untitled(_) => "missing_field",
            Self::UnknownKind { .. } => "unknown_type",
            Self::NoKind { .. } => "no_kind",
            Self::WrongWord { .. } | Self::NotOneOf { .. } => "wrong_word",
            Self::OutOfRange { .. } => "out_of_range",
            Self::WrongCount { count, least, .. } if count < least => "too_few",
            Self::WrongCount { .. } | Self::TooManyInAll { .. } => "too_many",
            Self::UnknownKey { .. } => "unknown_field",
            Self::UndocumentedKey { .. } => "undocumented_field",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NotUnique { .. } | Self::SecondOfKind { .. } => "not_unique",
            Self::NotInOrder { .. } => "not_in_order",
            Self::CardsDiffer => "cards_differ",
            Self::Mixed(_) => "mixed_parameters",
            Self::OneOf { .. } => "one_of",
            Self::NotTogether(..) => "undocumented",
            Self::EmptyText { .. } => "empty_text",
            Self::TooLong { .. } | Self::TooLongInAll { .. } => "too_long",
            Self::BadParameter { .. } => "bad_parameter",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::NotAlphanumeric { .. } => "bad_characters",
            Self::NotDigits | Self::NotInternational => "bad_number",
            Self::NoMessageId { .. } => "message_id",
            Self::TemplateName { .. } => "template_name",
            Self::Character { bad, .. } => bad.code(),
            Self::BadLink { .. } => "bad_link",
            Self::PrivateLink { .. } => "private_link",
            Self::EscapedLink { .. } => "escaped_link",
            Self::OfferEnded { .. } => "offer_ended",
            Self::WrongExtension { .. } => "wrong_extension",
            Self::UndocumentedExtension { .. } => "undocumented_extension",
            Self::UnclearExtension { .. } => "unclear_extension",
        }
    }

    /// Returns the broken rule. `None` if the position in the message determines it, or if there is none.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        Some(match self {
            Self::Missing { rule, .. } | Self::WrongType { rule, .. } | Self::OutOfRange { rule, .. } => rule.clone(),
            Self::UnknownKind { kinds, .. } => Rule::OneOf(kinds.clone()),
            Self::WrongWord { word, .. } => Rule::Exactly(word.clone()),
            Self::NotOneOf { words, .. } => Rule::OneOf(words.clone()),
            Self::WrongCount { least, most, .. } => Rule::List { least: *least, most: *most },
            Self::TooManyInAll { key, most, .. } => Rule::MostInAll(key.clone(), *most),
            Self::NotUnique { keys, .. } => Rule::Unique(keys.clone()),
            Self::SecondOfKind { but, .. } => Rule::OnceEach(but.clone()),
            Self::NotInOrder { key, .. } => Rule::Counted(key.clone()),
            Self::CardsDiffer => Rule::CardsAlike,
            Self::Untitled(key) => Rule::EachIfSeveral(key.clone()),
            Self::Mixed(key) => Rule::AllOrNone(key.clone()),
            Self::OneOf { groups, .. } => Rule::OneGroup(groups.clone()),
            Self::NotTogether(one, other) => Rule::NotTogether(one.clone(), other.clone()),
            Self::EmptyText { .. } => Rule::NotEmpty,
            Self::TooLong { most, advised: false, .. } => Rule::MostChars(*most),
            Self::TooLong { most, advised: true, .. } => Rule::MostCharsAdvised(*most),
            Self::TooLongInAll { key, most, .. } => Rule::MostCharsInAll(key.clone(), *most),
            Self::BadParameter { .. } => Rule::Parameter,
            Self::TooManyLines { most, .. } => Rule::MostLineBreaks(*most),
            Self::NotAlphanumeric { .. } => Rule::Alphanumeric,
            Self::NotDigits => Rule::Digits,
            Self::NotInternational => Rule::PlusDigits,
            Self::NoMessageId { .. } => Rule::MessageId,
            Self::TemplateName { .. } => Rule::TemplateName,
            Self::Character { .. } => Rule::PlainCharacters,
            Self::WrongExtension { taken, .. }
            | Self::UndocumentedExtension { taken, .. }
            | Self::UnclearExtension { taken, .. } => Rule::Extensions(taken.clone()),
            Self::NoObject(_)
            | Self::NoKind { .. }
            | Self::SessionOnly { .. }
            | Self::UnknownKey { .. }
            | Self::UndocumentedKey { .. }
            | Self::NotAllowed { .. }
            | Self::BadLink { .. }
            | Self::PrivateLink { .. }
            | Self::EscapedLink { .. }
            | Self::OfferEnded { .. } => return None,
        })
    }
}
