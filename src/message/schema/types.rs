//! What the tables are made of: the parts of a body, what each may hold, and the rules between parts.
//!
//! A table is read by two: the check walks a body along it, and the reference writes it out. So a limit is a number in
//! one place, and what people read about it cannot be another number. There is nothing here but data; the sentences
//! are in `words`, the checking is in `walk`, `text`, `link` and `rules`.

/// What one channel takes.
pub(in crate::message) struct Sheet {
    /// The channel's name as its owner writes it.
    pub(in crate::message) title: &'static str,
    /// The body.
    pub(in crate::message) body: Object,
    /// The kinds that may be sent at any time, if the others may only follow a user's reply within 24 hours.
    pub(in crate::message) at_any_time: Option<&'static [&'static str]>,
}

/// An object: its parts, and which others it has by its kind.
#[derive(Clone, Copy)]
pub(in crate::message) struct Object {
    /// The parts it has whatever its kind.
    pub(in crate::message) fields: &'static [Field],
    /// Its kinds, where it has some.
    pub(in crate::message) kinds: Option<Kinds>,
    /// Rules between its parts.
    pub(in crate::message) rules: &'static [ObjectRule],
}

/// The kinds of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Kinds {
    /// The key under which an object says its kind.
    pub(in crate::message) tag: &'static str,
    /// Whether a kind may be written in any letter case.
    pub(in crate::message) any_case: bool,
    /// The kinds there are.
    pub(in crate::message) list: &'static [Kind],
}

/// One kind of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Kind {
    /// Its name.
    pub(in crate::message) name: &'static str,
    /// What it has more than the others.
    pub(in crate::message) adds: Object,
    /// What else is to know, as sentences for the reference.
    pub(in crate::message) note: &'static str,
}

/// A part of an object.
#[derive(Clone, Copy)]
pub(in crate::message) struct Field {
    /// Its key.
    pub(in crate::message) key: &'static str,
    /// Whether it has to be there.
    pub(in crate::message) need: Need,
    /// What it holds.
    pub(in crate::message) shape: Shape,
    /// What else is to know, as sentences.
    pub(in crate::message) note: &'static str,
}

/// Whether a part has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::message) enum Need {
    /// It has to.
    Required,
    /// It may.
    Optional,
    /// It passes, with a warning: Meta's API has it and the provider's document does not.
    Undocumented,
    /// The provider's document says that it cannot be there.
    Forbidden,
}

/// What a part holds.
#[derive(Clone, Copy)]
pub(in crate::message) enum Shape {
    /// A text that is not blank, under rules.
    Text(&'static [TextRule]),
    /// This word and no other.
    Exactly(&'static str),
    /// A number.
    Number(Number),
    /// A link to a file on a public server.
    Link(&'static Media),
    /// The address of a page.
    Url,
    /// Texts by names that the template gives.
    Texts,
    /// Whatever the provider makes of it.
    Anything,
    /// A list.
    List(&'static List),
    /// An object.
    Object(&'static Object),
}

/// A number's bounds.
#[derive(Clone, Copy)]
pub(in crate::message) struct Number {
    /// The least it may be.
    pub(in crate::message) least: i64,
    /// The most it may be.
    pub(in crate::message) most: i64,
    /// Whether it has no fraction.
    pub(in crate::message) whole: bool,
    /// Whether it may be written as text too.
    pub(in crate::message) or_text: bool,
}

/// The files that a link may lead to.
#[derive(Debug, PartialEq, Eq)]
pub struct Media {
    /// What such a file is called.
    pub name: &'static str,
    /// The extensions that the document lists, without the dot; none if it lists none.
    pub extensions: &'static [&'static str],
    /// Extensions that it does not list, but uses in a sample.
    pub only_in_samples: &'static [&'static str],
    /// The content types of such files, as a server names them; `image/*` is every kind of image, where the document
    /// says no more than that.
    pub types: &'static [&'static str],
    /// The most that the file may have, in the document's MB; none if it gives no size.
    pub megabytes: Option<u64>,
    /// Whether the document demands that the file's server sends `Content-Length`.
    pub needs_length: bool,
    /// What else the document says of the file, which nobody can tell without reading it.
    pub inside: &'static str,
}

/// A list.
#[derive(Clone, Copy)]
pub(in crate::message) struct List {
    /// What its items are.
    pub(in crate::message) of: Shape,
    /// How many there are at least.
    pub(in crate::message) least: usize,
    /// How many there are at most.
    pub(in crate::message) most: Option<usize>,
    /// Rules between items, looked at in this order up to the first that is broken.
    pub(in crate::message) rules: &'static [ListRule],
}

/// A rule for a text. Characters are Unicode scalar values.
#[derive(Clone, Copy)]
pub(in crate::message) enum TextRule {
    /// At most this many characters.
    Most(usize),
    /// More characters than this are refused according to some, and not according to others.
    MostAdvised(usize),
    /// What a template takes as a parameter: Meta's error 132018 is about anything else.
    Parameter,
    /// At most this many line breaks.
    LineBreaks(usize),
    /// Letters and digits of ASCII.
    Alphanumeric,
    /// Digits of ASCII.
    Digits,
    /// What Meta takes as a template's name.
    TemplateName,
}

/// A rule between the items of a list.
#[derive(Clone, Copy)]
pub(in crate::message) enum ListRule {
    /// What is found by following these keys through objects and lists differs from item to item.
    Unique(&'static [&'static str]),
    /// The lists under this key have at most this many items, together.
    MostInAll(&'static str, usize),
    /// Each kind at most once, but for this one.
    OnceEach {
        /// The key under which an item says its kind.
        tag: &'static str,
        /// The kind that may be there more than once.
        but: &'static str,
    },
    /// Under this key the items count themselves, from 0.
    Counted(&'static str),
    /// All cards have the same parts and buttons.
    CardsAlike,
    /// Either every item has this key or none.
    AllOrNone(&'static str),
    /// The texts under this key have at most this many characters, together.
    CharactersInAll(&'static str, usize),
}

/// A rule between the parts of an object.
#[derive(Clone, Copy)]
pub(in crate::message) enum ObjectRule {
    /// One of these groups of keys is there, whole, and none of the others.
    OneOf(&'static [&'static [&'static str]]),
    /// The document knows the two, but never together.
    NotShownTogether(&'static str, &'static str),
}

impl Object {
    /// An object of one kind only.
    pub(in crate::message) const fn of(fields: &'static [Field]) -> Self {
        Self { fields, kinds: None, rules: &[] }
    }

    /// An object that says its kind under `tag`.
    pub(in crate::message) const fn by(tag: &'static str, list: &'static [Kind]) -> Self {
        Self::of(&[]).kinds(Kinds { tag, any_case: false, list })
    }

    /// The same object in these kinds.
    pub(in crate::message) const fn kinds(mut self, kinds: Kinds) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// The same object under rules.
    pub(in crate::message) const fn rules(mut self, rules: &'static [ObjectRule]) -> Self {
        self.rules = rules;
        self
    }
}

impl Kind {
    /// A kind with these parts more than the others.
    pub(in crate::message) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, adds: Object::of(fields), note: "" }
    }

    /// The same kind with a note.
    pub(in crate::message) const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

impl Field {
    const fn new(key: &'static str, need: Need, shape: Shape) -> Self {
        Self { key, need, shape, note: "" }
    }

    /// A part that has to be there.
    pub(in crate::message) const fn required(key: &'static str, shape: Shape) -> Self {
        Self::new(key, Need::Required, shape)
    }

    /// A part that may be there.
    pub(in crate::message) const fn optional(key: &'static str, shape: Shape) -> Self {
        Self::new(key, Need::Optional, shape)
    }

    /// A part that the document does not have.
    pub(in crate::message) const fn undocumented(key: &'static str) -> Self {
        Self::new(key, Need::Undocumented, Shape::Anything)
    }

    /// A part that cannot be there.
    pub(in crate::message) const fn forbidden(key: &'static str) -> Self {
        Self::new(key, Need::Forbidden, Shape::Anything)
    }

    /// The same part with a note.
    pub(in crate::message) const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

impl Number {
    /// A whole number.
    pub(in crate::message) const fn whole(least: i64, most: i64) -> Self {
        Self { least, most, whole: true, or_text: false }
    }

    /// The same number, or a text of it.
    pub(in crate::message) const fn or_text(mut self) -> Self {
        self.or_text = true;
        self
    }

    /// A number with or without a fraction, or a text of it.
    pub(in crate::message) const fn degrees(most: i64) -> Self {
        Self { least: -most, most, whole: false, or_text: true }
    }
}

impl List {
    /// A list of at least `least` and at most `most` items.
    pub(in crate::message) const fn of(of: Shape, least: usize, most: usize) -> Self {
        Self { of, least, most: Some(most), rules: &[] }
    }

    /// A list of at least `least` items, however many.
    pub(in crate::message) const fn of_any(of: Shape, least: usize) -> Self {
        Self { of, least, most: None, rules: &[] }
    }

    /// The same list under rules.
    pub(in crate::message) const fn rules(mut self, rules: &'static [ListRule]) -> Self {
        self.rules = rules;
        self
    }
}
