//! Contact cards.

use crate::message::schema::common::TEXT;
use crate::message::schema::types::{Field, List, Object, Shape, TextRule};

/// What a number or an address is for, such as `HOME` or `WORK`.
static TYPE: Field = Field::optional("type", TEXT);

pub(super) static CONTACT: Object = Object::of(&[
    Field::required("name", Shape::Object(&NAME)),
    Field::optional("phones", Shape::List(&PHONES)),
    Field::optional("emails", Shape::List(&EMAILS)),
    Field::optional("addresses", Shape::List(&ADDRESSES)),
    Field::optional("org", Shape::Object(&ORGANIZATION)),
    Field::optional("urls", Shape::List(&URLS)),
    Field::optional("birthday", TEXT).note("As YYYY-MM-DD."),
]);

static NAME: Object = Object::of(&[
    Field::required("formatted_name", TEXT).note("The full name, as it is displayed."),
    Field::optional("first_name", TEXT),
    Field::optional("middle_name", TEXT),
    Field::optional("last_name", TEXT),
    Field::optional("prefix", TEXT),
    Field::optional("suffix", TEXT),
]);

static PHONES: List = List::of_any(
    Shape::Object(&Object::of(&[
        Field::required("phone", TEXT),
        TYPE,
        Field::optional("wa_id", Shape::Text(&[TextRule::Digits])).note("The person's number on WhatsApp."),
    ])),
    1,
);

static EMAILS: List = List::of_any(Shape::Object(&Object::of(&[Field::required("email", TEXT), TYPE])), 1);
static URLS: List = List::of_any(Shape::Object(&Object::of(&[Field::required("url", Shape::Url), TYPE])), 1);

static ADDRESSES: List = List::of_any(
    Shape::Object(&Object::of(&[
        Field::optional("street", TEXT),
        Field::optional("city", TEXT),
        Field::optional("state", TEXT),
        Field::optional("zip", TEXT),
        Field::optional("country", TEXT),
        Field::optional("country_code", TEXT).note("Two letters, as in ISO 3166."),
        TYPE,
    ])),
    1,
);

static ORGANIZATION: Object = Object::of(&[
    Field::optional("company", TEXT),
    Field::optional("department", TEXT),
    Field::optional("title", TEXT),
]);
