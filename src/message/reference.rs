//! The reference: writes the tables as a page of Markdown.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::{Channel, ProviderApi, Rule};

use super::schema;
use super::schema::AS_META;
use super::schema::describe::list;
use super::schema::types::{Field, Kind, Kinds, List, Media, Need, Object, Shape};

/// Returns a page of Markdown with what each channel accepts, and its limits. It is generated from the tables that
/// bodies are checked against.
#[must_use]
pub fn reference() -> String {
    let mut page = Page { text: INTRODUCTION.to_owned(), ..Page::default() };
    for channel in Channel::ALL {
        page.sheet(ProviderApi::Incs, channel);
    }
    page.sheet(ProviderApi::Meta, Channel::Whatsapp);
    page.text.push_str(SPELLINGS);
    page.text.push_str(CONTRADICTIONS);
    page.text
}

/// What Meta's section says first.
const OF_META: &str = "
Every message may also have two more keys: `context`, which contains the `message_id` of the message being answered, and
`recipient_identity_key_hash`. A `message_id` that does not start with `wamid.` passes with a warning.

";

const CONTRADICTIONS: &str = "
## Where the documents contradict each other

| topic | what the documents say | what campaigner does |
| --- | --- | --- |
| parameters for a template with named variables | INCS shows parameters by position, without names. Meta requires a `parameter_name`. NXLink and CAMS store variables under their names. | Parameters with and without a `parameter_name` pass. With one, the name must be one of the component's variables. Without one, the position decides: the parameters are in the order in which the variables first appear in the component's text. The request contains what the campaign says. |
| the length of `to` | INCS gives the example `8526841511234`, with 10 digits after +852. All its samples have 8, as the numbering plan requires. | Follows the numbering plan: a row with a longer number is invalid. |
| `.jpg` | INCS lists .jpeg and .png, but uses .jpg in a sample. | Passes with a warning. |
| `index` of a button | INCS has text; Meta has text and numbers. | Both pass and are sent unchanged. |
| a body without `type` | Meta's documentation says that `type` is required, but also that a body without it is treated as `text`. One of its samples has no `type`, although its body is of another kind. | Passes if the body has exactly one key that is the name of a kind. Meta gets the body unchanged, with a warning unless that key is `text`. For INCS, campaigner adds the `type`. |
| contacts in a message | Meta's description of the API allows 5; Meta's documentation allows 257. | Allows 257. |
| a coupon code | Meta allows 20 characters, but 15 in a limited-time offer. | Through Meta, a code of more than 15 characters passes with a warning. Through INCS, the limit is 15. |
| `type` of a card with quick replies | INCS has `cta_url`, the same as for a card with a link. | Follows INCS. |
| documents in a template's header | INCS lists eight file types; Meta's API accepts only PDF. | Each provider's own limit applies. |
| an uploaded file in a header | INCS has `id` next to `link`, but shows no way to upload a file. | `id` and `link` pass. |
";

const SPELLINGS: &str = "
## One message for every provider

You write a message once, and campaigner sends it in each provider's own form. You can write either form, whichever
provider you use:

| topic | through INCS | through Meta |
| --- | --- | --- |
| `text` of a message | the text itself; `preview_url` is left out | an object with `body` |
| `language` of a template | left out | `{code: en_US}`; you can also write only `en_US` |
| the code of an AUTHENTICATION template | `code`. If the template has a `language`, you can also write components: a body and the first button, of type `url`, each with the code as its only parameter | a body and a button with the code |
| `type` and `sub_type` of components and buttons | as written | in lower case, except `CATALOG`, which is sent as written |
| `messaging_product: whatsapp`, `recipient_type: individual` | left out | filled in |
| the recipient's number | digits | `+` and digits, because Meta may treat a number without `+` as a number in another country |

The keys `recipient` and `biz_opaque_callback_data`, and any other value of `messaging_product` or `recipient_type`, are
reported as errors: a message goes to the number in its row and to nobody else, and campaigner fills in
`biz_opaque_callback_data` itself, with a reference by which it recognises the message's statuses.

Anything that a provider's API does not support is reported as an error, with its line. If it is a kind of message, the
error also names the API that supports it.
";

const INTRODUCTION: &str = "\
# Messages

This page lists what each channel accepts and what campaigner checks before it sends anything. It is generated from the
tables that the check uses; to regenerate it, run `UPDATE_DOCS=1 cargo test --lib message::`.

The limits for INCS come from its document \"Messages API\", and those for the parameters of WhatsApp templates from
Meta's Cloud API, because INCS passes parameters on to Meta. The limits for Meta come from its published description of
the Business Messaging API and from its documentation. Parts marked *Meta's* are not in INCS's documentation. A key
that neither INCS nor Meta documents is sent unchanged, with a warning.

- `to` is filled in for every row and is not part of a campaign's `message`.
- Lengths are in characters (Unicode scalar values; an emoji may be several), counted after the row's values are filled
  in. Text is never blank: whitespace and invisible characters alone do not count as text.
- Text contains no control characters (U+0000 to U+001F, U+007F to U+009F, U+2028, U+2029) except line breaks and tabs.
  Where line breaks and tabs are not allowed, this page says so. A text-direction mark (U+202A to U+202E, U+2066 to
  U+2069) must be closed within the same text. Implicit direction marks and joiners are allowed anywhere; at the start and
  end of a cell they are removed.
- A link is an http or https URL of a public server: no `localhost`, no private network address, no host name without a
  dot. Its extension shows the file type; anything after `?` is ignored.
- Only `campaigner check --media` looks at the file itself: it checks that the file exists, and checks its content type and
  size. Limits use 1 MB = 1,048,576 bytes. A file that would be too large with 1 MB = 1,000,000 bytes gets a warning,
  because the documentation does not say which definition applies.
";

#[derive(Default)]
struct Page {
    text: String,
    /// The API of the section.
    api: ProviderApi,
    /// The objects and lists that were described, each with its key and the API of its section.
    seen: HashMap<*const (), (ProviderApi, &'static str)>,
    /// The kinds that the section has already described.
    described: Vec<&'static Kind>,
    /// The files that the channel's links may point to.
    files: Vec<&'static Media>,
}

impl Page {
    fn sheet(&mut self, api: ProviderApi, channel: Channel) {
        let sheet = schema::sheet(api, channel);
        self.api = api;
        let provider = match api {
            ProviderApi::Incs => String::new(),
            ProviderApi::Meta => format!(", and a provider with `kind = \"{api}\"`"),
        };
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(self.text, "\n## {}\n\n`channel: {channel}`{provider}.", sheet.title);
        if api == ProviderApi::Meta {
            self.text.push_str(OF_META);
        }
        if let Some(at_any_time) = sheet.at_any_time {
            let _ = writeln!(
                self.text,
                "You can send {} messages at any time. All others reach only people who wrote to you within the last \
                 24 hours.",
                list(at_any_time.iter().copied())
            );
        }
        for kind in sheet.body.kinds.iter().flat_map(|kinds| kinds.list) {
            let _ = writeln!(self.text, "\n### {}: `type: {}`\n", sheet.title, kind.name);
            self.described.clear();
            self.parts(0, &kind.adds);
        }
        self.files(sheet.title);
    }

    /// Writes the files of the channel, and clears the list.
    fn files(&mut self, title: &str) {
        let _ = writeln!(self.text, "\n### {title}: files\n\n| file | content types | limits |\n| --- | --- | --- |");
        for media in std::mem::take(&mut self.files) {
            let _ =
                writeln!(self.text, "| {} | {} | {} |", media.name, list(media.types.iter().copied()), media.limits());
        }
    }

    fn line(&mut self, depth: usize, words: &str) {
        let _ = writeln!(self.text, "{:indent$}- {words}", "", indent = depth * 2);
    }

    /// Writes the parts of an object, one per line.
    fn parts(&mut self, depth: usize, object: &'static Object) {
        for field in object.fields {
            self.field(depth, field);
        }
        if let Some(kinds) = &object.kinds {
            self.kinds(depth, kinds);
        }
        for rule in object.rules {
            self.line(depth, &sentence(&Rule::from(rule).to_string()));
        }
    }

    fn field(&mut self, depth: usize, field: &'static Field) {
        let mut words = format!("`{}`", field.key);
        match field.need {
            Need::Required => {}
            Need::Optional => words.push_str(" (optional)"),
            Need::Undocumented => words.push_str(" (*Meta's*; passes with a warning)"),
            Need::Forbidden => words.push_str(" (not allowed)"),
        }
        if let Shape::Link(media) = field.shape
            && !self.files.contains(&media)
        {
            self.files.push(media);
        }
        match field.shape {
            Shape::Anything | Shape::Object(_) if field.note.is_empty() => {}
            Shape::Anything | Shape::Object(_) => words.push('.'),
            _ => {
                let _ = write!(words, ": {}", limits(&field.shape));
            }
        }
        let note = match self.api {
            ProviderApi::Incs => field.note,
            ProviderApi::Meta => field.note.trim_start_matches(AS_META).trim_start(),
        };
        if !note.is_empty() {
            let _ = write!(words, " {note}");
        }
        if let Some(seen) = self.see(field) {
            words.push_str(if words.ends_with('.') { " " } else { ". " });
            words.push_str(&seen);
            return self.line(depth, &words);
        }
        self.line(depth, &words);
        self.inside(depth + 1, &field.shape);
    }

    /// Returns where the parts of a field are described already, and remembers them otherwise. INCS's sections, which
    /// come first, describe everything.
    fn see(&mut self, field: &'static Field) -> Option<String> {
        let address: *const () = match field.shape {
            Shape::List(list) => std::ptr::from_ref(list).cast(),
            Shape::Object(object) => std::ptr::from_ref(object).cast(),
            _ => return None,
        };
        let Some((api, key)) = self.seen.get(&address) else {
            self.seen.insert(address, (self.api, field.key));
            return None;
        };
        match (self.api, api) {
            (ProviderApi::Incs, _) => None,
            (ProviderApi::Meta, ProviderApi::Incs) => Some("The same as for INCS.".to_owned()),
            _ if *key == field.key => Some("As above.".to_owned()),
            _ => Some(format!("As `{key}` above.")),
        }
    }

    fn inside(&mut self, depth: usize, shape: &'static Shape) {
        match shape {
            Shape::Object(object) => self.parts(depth, object),
            Shape::List(list) => {
                self.inside(depth, &list.of);
                self.rules(depth, list);
            }
            _ => {}
        }
    }

    fn rules(&mut self, depth: usize, list: &'static List) {
        for rule in list.rules {
            self.line(depth, &sentence(&Rule::from(rule).to_string()));
        }
    }

    fn kinds(&mut self, depth: usize, kinds: &'static Kinds) {
        for kind in kinds.list {
            self.kind(depth, kinds, kind);
        }
    }

    fn kind(&mut self, depth: usize, kinds: &'static Kinds, kind: &'static Kind) {
        let mut words = format!("`{}: {}`", kinds.tag, kind.name);
        if kinds.any_case {
            words.push_str(" (case-insensitive)");
        }
        if !kind.note.is_empty() {
            let _ = write!(words, ". {}", kind.note);
        }
        let is_this = |other: &&Kind| other.name == kind.name && std::ptr::eq(other.adds.fields, kind.adds.fields);
        if self.described.iter().any(is_this) {
            words.push_str(if words.ends_with(['.', '*']) { " As above." } else { ": as above." });
            return self.line(depth, &words);
        }
        self.described.push(kind);
        self.line(depth, &words);
        self.parts(depth + 1, &kind.adds);
    }
}

/// Describes a shape and its limits in a sentence.
fn limits(shape: &Shape) -> String {
    let mut words = Rule::from(shape).to_string();
    match shape {
        Shape::Text(rules) => {
            for rule in *rules {
                let _ = write!(words, "; {}", Rule::from(rule));
            }
        }
        Shape::Link(media) => {
            if !media.extensions.is_empty() {
                let _ = write!(words, "; {media}");
            }
            if !media.only_in_samples.is_empty() {
                let _ = write!(words, " (.{} with a warning)", media.only_in_samples.join(", ."));
            }
            let limits = media.limits();
            if !limits.is_empty() {
                let _ = write!(words, "; {limits}");
            }
        }
        _ => {}
    }
    sentence(&words)
}

/// Turns words into a sentence with a full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}
