//! The types of the tables: the parts of a body, what each may contain, and the rules between parts.
//!
//! Both the check and the reference use a table, so every limit is in one place and the documentation cannot differ.
//! This is only data; `model::problem::words` has the sentences, `validate` does the checking.

/// What a channel accepts.
pub(in crate::message) struct Sheet {
    /// The channel's brand name.
    pub(in crate::message) title: &'static str,
    /// The body.
    pub(in crate::message) body: Object,
    /// The kind of a body that names none, if the API allows that.
    pub(in crate::message) default_kind: Option<&'static str>,
    /// The kinds that may be sent at any time, if others may only follow a user's message within 24 hours.
    pub(in crate::message) at_any_time: Option<&'static [&'static str]>,
}

/// An object: its parts, and additional ones that depend on its kind.
#[derive(Clone, Copy)]
pub(in crate::message) struct Object {
    /// The parts that every kind has.
    pub(in crate::message) fields: &'static [Field],
    /// Its kinds, if any.
    pub(in crate::message) kinds: Option<Kinds>,
    /// Rules between its parts.
    pub(in crate::message) rules: &'static [ObjectRule],
}

/// The kinds of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Kinds {
    /// The key of the kind.
    pub(in crate::message) tag: &'static str,
    /// Whether upper and lower case do not matter in the name of a kind.
    pub(in crate::message) any_case: bool,
    /// The known kinds.
    pub(in crate::message) list: &'static [Kind],
}

/// One kind of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Kind {
    /// Its name.
    pub(in crate::message) name: &'static str,
    /// The additional parts of this kind.
    pub(in crate::message) adds: Object,
    /// A note for the reference, in sentences.
    pub(in crate::message) note: &'static str,
}

/// A part of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Field {
    /// Its key.
    pub(in crate::message) key: &'static str,
    /// Whether it is required.
    pub(in crate::message) need: Need,
    /// Its contents.
    pub(in crate::message) shape: Shape,
    /// A note, in sentences.
    pub(in crate::message) note: &'static str,
}

/// Whether a part is required.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::message) enum Need {
    /// It is required.
    Required,
    /// It is optional.
    Optional,
    /// It passes with a warning: Meta's API has it, but the provider's documentation does not.
    Undocumented,
    /// The provider's documentation forbids it.
    Forbidden,
}

/// The contents of a part.
#[derive(Clone, Copy)]
pub(in crate::message) enum Shape {
    /// Non-blank text with rules.
    Text(&'static [TextRule]),
    /// This word and no other.
    Exactly(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A number.
    Number(Number),
    /// A link to a file on a public server.
    Link(&'static Media),
    /// The URL of a page.
    Url,
    /// Named text values; the template defines the names.
    Texts,
    /// Anything.
    Anything,
    /// A list.
    List(&'static List),
    /// An object.
    Object(&'static Object),
}

/// A number's bounds.
#[derive(Clone, Copy)]
pub(in crate::message) struct Number {
    /// The smallest allowed value.
    pub(in crate::message) least: i64,
    /// The largest allowed value.
    pub(in crate::message) most: i64,
    /// Whether it has no fraction.
    pub(in crate::message) whole: bool,
    /// Whether it may be written as text too.
    pub(in crate::message) or_text: bool,
}

/// The files that a link may point to.
#[derive(Debug, PartialEq, Eq)]
pub struct Media {
    /// The name of this type of file.
    pub name: &'static str,
    /// The documented extensions, without the dot; empty if none are listed.
    pub extensions: &'static [&'static str],
    /// Extensions that are not listed, but used in a sample.
    pub only_in_samples: &'static [&'static str],
    /// The content types that a server sends; `image/*` is any image, if the documentation is no more specific.
    pub types: &'static [&'static str],
    /// The largest size, in the documentation's MB; `None` if it gives no size.
    pub megabytes: Option<u64>,
    /// Whether the documentation requires the file's server to send `Content-Length`.
    pub needs_length: bool,
    /// Other documented limits, which cannot be checked without reading the file.
    pub inside: &'static str,
}

/// A list.
#[derive(Clone, Copy)]
pub(in crate::message) struct List {
    /// The shape of its items.
    pub(in crate::message) of: Shape,
    /// The fewest items.
    pub(in crate::message) least: usize,
    /// The most items.
    pub(in crate::message) most: Option<usize>,
    /// Rules between items, checked in this order up to the first broken one.
    pub(in crate::message) rules: &'static [ListRule],
}

/// A rule for a text. Characters are Unicode scalar values.
#[derive(Clone, Copy)]
pub(in crate::message) enum TextRule {
    /// At most this many characters.
    Most(usize),
    /// More characters than this may be refused: sources disagree.
    MostAdvised(usize),
    /// A valid template parameter: anything else is Meta's error 132018.
    Parameter,
    /// At most this many line breaks.
    LineBreaks(usize),
    /// ASCII letters and digits.
    Alphanumeric,
    /// ASCII digits.
    Digits,
    /// A valid name of a Meta template.
    TemplateName,
    /// A plus and ASCII digits.
    PlusDigits,
    /// The id of a WhatsApp message.
    MessageId,
}

/// A rule between the items of a list.
#[derive(Clone, Copy)]
pub(in crate::message) enum ListRule {
    /// The values found by following these keys through objects and lists are unique.
    Unique(&'static [&'static str]),
    /// The lists under this key together have at most this many items.
    MostInAll(&'static str, usize),
    /// Each kind at most once, except `but`.
    OnceEach {
        /// The key of the kind.
        tag: &'static str,
        /// The kind that may appear more than once.
        but: &'static str,
    },
    /// This key numbers the items from 0.
    Counted(&'static str),
    /// All cards have the same parts and buttons.
    CardsAlike,
    /// Either every item has this key, or none does.
    AllOrNone(&'static str),
    /// If there are several items, each has this key.
    EachIfSeveral(&'static str),
    /// The texts under this key together have at most this many characters.
    CharactersInAll(&'static str, usize),
}

/// A rule between the parts of an object.
#[derive(Clone, Copy)]
pub(in crate::message) enum ObjectRule {
    /// Exactly one of these groups of keys is present and complete.
    OneOf(&'static [&'static [&'static str]]),
    /// The documentation never shows both keys together.
    NotShownTogether(&'static str, &'static str),
}

impl Object {
    /// Returns an object with a single kind.
    pub(in crate::message) const fn of(fields: &'static [Field]) -> Self {
        Self { fields, kinds: None, rules: &[] }
    }

    /// Returns an object with its kind under `tag`.
    pub(in crate::message) const fn by(tag: &'static str, list: &'static [Kind]) -> Self {
        Self::of(&[]).kinds(Kinds { tag, any_case: false, list })
    }

    /// Sets the kinds.
    pub(in crate::message) const fn kinds(mut self, kinds: Kinds) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// Sets the rules.
    pub(in crate::message) const fn rules(mut self, rules: &'static [ObjectRule]) -> Self {
        self.rules = rules;
        self
    }
}

impl Kind {
    /// Returns a kind with these additional parts.
    pub(in crate::message) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, adds: Object::of(fields), note: "" }
    }

    /// Sets the note.
    pub(in crate::message) const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

impl Field {
    const fn new(key: &'static str, need: Need, shape: Shape) -> Self {
        Self { key, need, shape, note: "" }
    }

    /// Returns a required part.
    pub(in crate::message) const fn required(key: &'static str, shape: Shape) -> Self {
        Self::new(key, Need::Required, shape)
    }

    /// Returns an optional part.
    pub(in crate::message) const fn optional(key: &'static str, shape: Shape) -> Self {
        Self::new(key, Need::Optional, shape)
    }

    /// Returns an undocumented part.
    pub(in crate::message) const fn undocumented(key: &'static str) -> Self {
        Self::new(key, Need::Undocumented, Shape::Anything)
    }

    /// Returns a forbidden part.
    pub(in crate::message) const fn forbidden(key: &'static str) -> Self {
        Self::new(key, Need::Forbidden, Shape::Anything)
    }

    /// Sets the note.
    pub(in crate::message) const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

impl Number {
    /// Returns a whole number.
    pub(in crate::message) const fn whole(least: i64, most: i64) -> Self {
        Self { least, most, whole: true, or_text: false }
    }

    /// Also allows the number as text.
    pub(in crate::message) const fn or_text(mut self) -> Self {
        self.or_text = true;
        self
    }

    /// Returns a number with or without a fraction, also as text.
    pub(in crate::message) const fn degrees(most: i64) -> Self {
        Self { least: -most, most, whole: false, or_text: true }
    }
}

impl List {
    /// Returns a list of at least `least` and at most `most` items.
    pub(in crate::message) const fn of(of: Shape, least: usize, most: usize) -> Self {
        Self { of, least, most: Some(most), rules: &[] }
    }

    /// Returns a list of at least `least` items.
    pub(in crate::message) const fn of_any(of: Shape, least: usize) -> Self {
        Self { of, least, most: None, rules: &[] }
    }

    /// Sets the rules.
    pub(in crate::message) const fn rules(mut self, rules: &'static [ListRule]) -> Self {
        self.rules = rules;
        self
    }
}
