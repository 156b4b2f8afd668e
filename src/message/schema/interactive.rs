//! WhatsApp's interactive messages: a button with a link, a list, a carousel, reply buttons.

use super::media::{ANY_DOCUMENT, ANY_IMAGE, ANY_VIDEO, DOCUMENT_FILE, IMAGE_FILE, VIDEO_FILE};
use super::types::{Field, Kind, List, ListRule, Number, Object, ObjectRule, Shape, TextRule};

/// The most characters of a header or a footer.
const MARGIN_CHARS: usize = 60;
/// The most characters of a button's label.
const LABEL_CHARS: usize = 20;
/// The most characters of a title in a list.
const TITLE_CHARS: usize = 24;
/// The most characters of the id that a button sends back.
const BUTTON_ID_CHARS: usize = 256;

pub(super) static INTERACTIVE: Object = Object::by(
    "type",
    &[
        Kind::new(
            "cta_url",
            &[
                Field::optional("header", Shape::Object(&Object::by("type", LINKED_HEADERS))),
                BODY,
                FOOTER,
                Field::required("action", Shape::Object(&LINK_ACTION)),
            ],
        )
        .note("One button with a link."),
        Kind::new(
            "list",
            &[
                Field::optional("header", Shape::Object(&Object::by("type", &[HEADER_TEXT]))),
                LIST_BODY,
                FOOTER,
                Field::required("action", Shape::Object(&LIST_ACTION)),
            ],
        )
        .note("A button that opens a list to choose from."),
        Kind::new(
            "carousel",
            &[
                Field::forbidden("header").note("The headers are in the cards."),
                BODY,
                Field::forbidden("footer"),
                Field::required("action", Shape::Object(&CAROUSEL_ACTION)),
            ],
        )
        .note("Cards side by side, each with an image or video and the same buttons."),
        Kind::new(
            "button",
            &[
                Field::optional("header", Shape::Object(&Object::by("type", ANY_HEADERS))),
                BODY,
                FOOTER,
                Field::required("action", Shape::Object(&REPLY_ACTION)),
            ],
        )
        .note("Reply buttons."),
    ],
);

pub(super) const fn text(rules: &'static [TextRule]) -> Field {
    Field::required("text", Shape::Text(rules))
}

pub(super) static BODY: Field = Field::required("body", Shape::Object(&BODY_TEXT));
pub(super) static FOOTER: Field = Field::optional("footer", Shape::Object(&FOOTER_TEXT));

static BODY_TEXT: Object = Object::of(&[text(&[TextRule::Most(1024)])]);
pub(super) static LIST_BODY: Field =
    Field::required("body", Shape::Object(&Object::of(&[text(&[TextRule::Most(4096)])])));

static FOOTER_TEXT: Object = Object::of(&[text(&[TextRule::Most(MARGIN_CHARS)])]);

static LINKED_HEADERS: &[Kind] = &[
    HEADER_TEXT,
    HEADER_IMAGE,
    HEADER_VIDEO,
    Kind::new("document", &[Field::required("document", Shape::Object(&DOCUMENT_FILE))]),
];

static ANY_HEADERS: &[Kind] = &[
    HEADER_TEXT,
    Kind::new("image", &[Field::required("image", Shape::Object(&ANY_IMAGE))]),
    Kind::new("video", &[Field::required("video", Shape::Object(&ANY_VIDEO))]),
    Kind::new("document", &[Field::required("document", Shape::Object(&ANY_DOCUMENT))]),
];

static HEADER_TEXT: Kind = Kind::new("text", &[text(&[TextRule::Most(MARGIN_CHARS)])]);
pub(super) static HEADER_IMAGE: Kind = Kind::new("image", &[Field::required("image", Shape::Object(&IMAGE_FILE))]);
pub(super) static HEADER_VIDEO: Kind = Kind::new("video", &[Field::required("video", Shape::Object(&VIDEO_FILE))]);

pub(super) static LINK_ACTION: Object = Object::of(&[ACTION_NAME, LINK_BUTTON]);

static ACTION_NAME: Field = Field::required("name", Shape::Exactly("cta_url"));
static LINK_BUTTON: Field = Field::required("parameters", Shape::Object(&LINK));

static LINK: Object = Object::of(&[
    Field::required("display_text", Shape::Text(&[TextRule::Most(LABEL_CHARS)])).note("The button's label."),
    Field::required("url", Shape::Url),
]);

static LIST_ACTION: Object = Object::of(&[
    Field::required("button", Shape::Text(&[TextRule::Most(LABEL_CHARS)])).note("The button's label."),
    Field::required("sections", Shape::List(&SECTIONS)),
]);

static SECTIONS: List = List::of(
    Shape::Object(&Object::of(&[
        Field::required("title", Shape::Text(&[TextRule::Most(TITLE_CHARS)])),
        Field::required("rows", Shape::List(&ROWS)),
    ])),
    1,
    10,
)
.rules(&[ListRule::MostInAll("rows", 10), ListRule::Unique(&["rows", "id"])]);

pub(super) static ROWS: List = List::of_any(
    Shape::Object(&Object::of(&[
        Field::required("id", Shape::Text(&[TextRule::Most(200)])).note("Sent back when the person chooses the row."),
        Field::required("title", Shape::Text(&[TextRule::Most(TITLE_CHARS)])),
        Field::optional("description", Shape::Text(&[TextRule::Most(72)])),
    ])),
    1,
);

static CAROUSEL_ACTION: Object = Object::of(&[
    Field::required("cards", Shape::List(&CARDS)),
    Field::forbidden("name").note("The buttons are in the cards."),
    Field::forbidden("parameters").note("The buttons are in the cards."),
    Field::forbidden("buttons").note("The buttons are in the cards."),
    Field::forbidden("button").note("The buttons are in the cards."),
    Field::forbidden("sections").note("The buttons are in the cards."),
]);

static CARDS: List =
    List::of(Shape::Object(&CARD), 2, 10).rules(&[ListRule::Counted("card_index"), ListRule::CardsAlike]);

static CARD: Object = Object::of(&[
    Field::required("card_index", Shape::Number(Number::whole(0, 9))).note("0 for the leftmost."),
    Field::required("type", Shape::Exactly("cta_url")).note("The same for cards with quick replies."),
    Field::required("header", Shape::Object(&Object::by("type", &[HEADER_IMAGE, HEADER_VIDEO]))),
    CARD_BODY,
    Field::required("action", Shape::Object(&CARD_ACTION)),
]);

pub(super) static CARD_BODY: Field =
    Field::optional("body", Shape::Object(&Object::of(&[text(&[TextRule::Most(160), TextRule::LineBreaks(2)])])));

pub(super) static CARD_ACTION: Object = Object::of(&[
    Field::optional("name", Shape::Exactly("cta_url")),
    Field::optional("parameters", Shape::Object(&LINK)),
    Field::optional("buttons", Shape::List(&QUICK_REPLIES)),
])
.rules(&[ObjectRule::OneOf(&[&["name", "parameters"], &["buttons"]])]);

static QUICK_REPLIES: List = List::of_any(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new("quick_reply", &[Field::required("quick_reply", Shape::Object(&REPLY))])],
    )),
    1,
)
.rules(&[ListRule::Unique(&["quick_reply", "id"])]);

static REPLY: Object = Object::of(&[
    Field::required("id", Shape::Text(&[TextRule::Most(BUTTON_ID_CHARS)]))
        .note("Sent back when the person taps the button."),
    Field::required("title", Shape::Text(&[TextRule::Most(LABEL_CHARS)])).note("The button's label."),
]);

pub(super) static REPLY_ACTION: Object = Object::of(&[Field::required("buttons", Shape::List(&REPLIES))]);

static REPLIES: List = List::of(
    Shape::Object(&Object::by("type", &[Kind::new("reply", &[Field::required("reply", Shape::Object(&REPLY))])])),
    1,
    3,
)
.rules(&[ListRule::Unique(&["reply", "id"]), ListRule::Unique(&["reply", "title"])]);
