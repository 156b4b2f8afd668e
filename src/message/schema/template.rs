//! WhatsApp templates: the parameters for a template that Meta has approved.
//!
//! The number and kinds of parameters depend on the template, which is not known here.

use super::common::TEXT;
use super::media::{ANY_DOCUMENT, ANY_IMAGE, ANY_VIDEO};
use super::types::{Field, Kind, Kinds, List, ListRule, Number, Object, ObjectRule, Shape, TextRule};

/// The most characters of a header including its parameter, and so of the parameter.
pub(super) const HEADER_CHARS: usize = 60;
/// The same for a body with its parameters.
pub(super) const BODY_CHARS: usize = 1024;
/// The most characters of a coupon code or an authentication code.
const CODE_CHARS: usize = 15;
/// A header, a body, a carousel, an offer and ten buttons.
pub(super) const COMPONENTS_MOST: usize = 14;
/// A moment in 2001, in milliseconds: a time in seconds is smaller.
const FIRST_MILLISECOND: i64 = 1_000_000_000_000;

/// Marks what the provider's documentation does not show. The provider passes parameters on to Meta.
pub(in crate::message) const AS_META: &str = "*Meta's.*";

pub(super) static TEMPLATE: Object = Object::of(&[
    Field::required("name", Shape::Text(&[TextRule::Most(512), TextRule::TemplateName])),
    Field::optional("code", Shape::Text(&[TextRule::Most(CODE_CHARS)]))
        .note("Only for templates of category AUTHENTICATION, in place of components."),
    Field::optional("components", Shape::List(&COMPONENTS)),
    Field::undocumented("language").note("The provider determines the language from the template's name."),
])
.rules(&[ObjectRule::NotShownTogether("code", "components")]);

static COMPONENTS: List = List::of(Shape::Object(&COMPONENT), 0, COMPONENTS_MOST)
    .rules(&[ListRule::OnceEach { tag: "type", but: "button" }, ListRule::Unique(&["index"])]);

static COMPONENT: Object = Object::of(&[]).kinds(Kinds {
    tag: "type",
    any_case: true,
    list: &[
        Kind::new("header", &[Field::required("parameters", Shape::List(&HEADER_PARAMETERS))]),
        BODY,
        BUTTON,
        Kind::new("carousel", &[Field::required("cards", Shape::List(&CARDS))]).note(AS_META),
        Kind::new("limited_time_offer", &[Field::required("parameters", Shape::List(&OFFER_PARAMETERS))]).note(AS_META),
    ],
});

static BODY: Kind = Kind::new("body", &[Field::required("parameters", Shape::List(&BODY_PARAMETERS))]);

static BUTTON: Kind = Kind {
    name: "button",
    adds: Object::of(&[Field::required("index", Shape::Number(Number::whole(0, 9).or_text()))
        .note("The position of the button in the template.")])
    .kinds(Kinds { tag: "sub_type", any_case: true, list: BUTTONS }),
    note: "",
};

/// A button of a card, which has at most two.
static CARD_BUTTON: Kind = Kind {
    name: "button",
    adds: Object::of(&[Field::required("index", Shape::Number(Number::whole(0, 1).or_text()))
        .note("The position of the button on the card.")])
    .kinds(Kinds { tag: "sub_type", any_case: true, list: BUTTONS }),
    note: "",
};

static HEADER_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[
            Kind::new(
                "text",
                &[Field::required("text", Shape::Text(&[TextRule::Most(HEADER_CHARS), TextRule::Parameter])), NAME],
            ),
            IMAGE,
            VIDEO,
            Kind::new("document", &[Field::required("document", Shape::Object(&ANY_DOCUMENT))]).note(AS_META),
            Kind::new("location", &[Field::required("location", Shape::Object(&LOCATION_PLACE))]).note(AS_META),
            PRODUCT,
        ],
    )),
    1,
    1,
);

static IMAGE: Kind = Kind::new("image", &[Field::required("image", Shape::Object(&ANY_IMAGE))]);
static VIDEO: Kind = Kind::new("video", &[Field::required("video", Shape::Object(&ANY_VIDEO))]).note(AS_META);
static PRODUCT: Kind = Kind::new("product", &[Field::required("product", Shape::Object(&PRODUCT_ID))]).note(AS_META);

pub(super) static PRODUCT_ID: Object =
    Object::of(&[Field::optional("product_retailer_id", TEXT), Field::optional("catalog_id", TEXT)]);

pub(super) static LOCATION_PLACE: Object = Object::of(&[
    Field::required("latitude", Shape::Number(Number::degrees(90))),
    Field::required("longitude", Shape::Number(Number::degrees(180))),
    Field::optional("name", TEXT),
    Field::optional("address", TEXT),
]);

pub(super) static NAME: Field =
    Field::optional("parameter_name", TEXT).note("*Meta's.* For templates with named variables.");

static BODY_PARAMETERS: List = List::of_any(
    Shape::Object(&Object::of(&[NAME]).kinds(Kinds {
        tag: "type",
        any_case: false,
        list: &[
            Kind::new(
                "text",
                &[Field::required("text", Shape::Text(&[TextRule::Most(BODY_CHARS), TextRule::Parameter]))],
            ),
            Kind::new("currency", &[Field::required("currency", Shape::Object(&CURRENCY))]).note(AS_META),
            Kind::new("date_time", &[Field::required("date_time", Shape::Object(&DATE_TIME))]).note(AS_META),
        ],
    })),
    1,
)
.rules(BODY_RULES);

pub(super) static BODY_RULES: &[ListRule] = &[
    ListRule::CharactersInAll("text", BODY_CHARS),
    ListRule::AllOrNone("parameter_name"),
    ListRule::Unique(&["parameter_name"]),
];

pub(super) static CURRENCY: Object = Object::of(&[
    Field::required("fallback_value", TEXT),
    Field::required("code", TEXT).note("The ISO 4217 currency code, such as `EUR`."),
    Field::required("amount_1000", Shape::Number(Number::whole(i64::MIN, i64::MAX)))
        .note("The amount times 1000: 12340 is 12.34."),
]);

static DATE_TIME: Object = Object::of(&[Field::required("fallback_value", TEXT)]);

/// The kinds of buttons that accept a parameter.
static BUTTONS: &[Kind] = &[
    Kind::new("copy_code", &[Field::required("parameters", Shape::List(&COUPON_PARAMETERS))])
        .note("The provider's documentation spells it `COPY_CODE`."),
    QUICK_REPLY,
    URL,
    Kind::new("flow", &[Field::optional("parameters", Shape::List(&FLOW_PARAMETERS))]).note(AS_META),
    Kind::new("catalog", &[Field::optional("parameters", Shape::List(&CATALOG_PARAMETERS))]).note(AS_META),
    Kind::new("mpm", &[Field::required("parameters", Shape::List(&PRODUCTS_PARAMETERS))]).note(AS_META),
    Kind::new("voice_call", &[Field::optional("parameters", Shape::Anything)]).note(AS_META),
];

static QUICK_REPLY: Kind =
    Kind::new("quick_reply", &[Field::required("parameters", Shape::List(&PAYLOAD_PARAMETERS))]).note(AS_META);
static URL: Kind = Kind::new("url", &[Field::required("parameters", Shape::List(&SUFFIX_PARAMETERS))]).note(AS_META);

static COUPON_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new(
            "coupon_code",
            &[Field::required("coupon_code", Shape::Text(&[TextRule::Most(CODE_CHARS), TextRule::Alphanumeric]))],
        )],
    )),
    1,
    1,
);

static PAYLOAD_PARAMETERS: List = List::of(Shape::Object(&Object::by("type", &[PAYLOAD])), 1, 1);

pub(super) static PAYLOAD: Kind =
    Kind::new("payload", &[Field::required("payload", Shape::Text(&[TextRule::MostAdvised(256)]))]);

pub(super) static SUFFIX_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new(
            "text",
            &[
                Field::required("text", Shape::Text(&[TextRule::Parameter]))
                    .note("The text that completes the template's URL."),
                NAME,
            ],
        )],
    )),
    1,
    1,
);

pub(super) static FLOW_PARAMETERS: List = List::of(
    Shape::Object(&Object::by("type", &[Kind::new("action", &[Field::required("action", Shape::Object(&FLOW))])])),
    0,
    1,
);

static FLOW: Object =
    Object::of(&[Field::optional("flow_token", TEXT), Field::optional("flow_action_data", Shape::Anything)]);

pub(super) static CATALOG_PARAMETERS: List = List::of(
    Shape::Object(&Object::by("type", &[Kind::new("action", &[Field::required("action", Shape::Object(&CATALOG))])])),
    0,
    1,
);

static THUMBNAIL: Field = Field::optional("thumbnail_product_retailer_id", TEXT);

static CATALOG: Object = Object::of(&[THUMBNAIL]);

pub(super) static PRODUCTS_PARAMETERS: List = List::of(
    Shape::Object(&Object::by("type", &[Kind::new("action", &[Field::required("action", Shape::Object(&PRODUCTS))])])),
    1,
    1,
);

static PRODUCTS: Object = Object::of(&[THUMBNAIL, Field::required("sections", Shape::List(&PRODUCT_SECTIONS))]);

static PRODUCT_SECTIONS: List = List::of(
    Shape::Object(&Object::of(&[
        Field::optional("title", TEXT),
        Field::required("product_items", Shape::List(&PRODUCT_ITEMS)),
    ])),
    1,
    10,
)
.rules(&[ListRule::MostInAll("product_items", 30)]);

pub(super) static PRODUCT_ITEMS: List =
    List::of_any(Shape::Object(&Object::of(&[Field::required("product_retailer_id", TEXT)])), 1);

static CARDS: List =
    List::of(Shape::Object(&CARD), 1, 10).rules(&[ListRule::Counted("card_index"), ListRule::CardsAlike]);

static CARD: Object = Object::of(&[
    Field::required("card_index", Shape::Number(Number::whole(0, 9))).note("0 for the leftmost."),
    Field::required("components", Shape::List(&CARD_COMPONENTS)),
]);

static CARD_COMPONENTS: List = List::of(
    Shape::Object(&Object::of(&[]).kinds(Kinds {
        tag: "type",
        any_case: true,
        list: &[
            Kind::new("header", &[Field::required("parameters", Shape::List(&CARD_HEADER_PARAMETERS))]),
            BODY,
            CARD_BUTTON,
        ],
    })),
    1,
    COMPONENTS_MOST,
)
.rules(&[ListRule::OnceEach { tag: "type", but: "button" }, ListRule::Unique(&["index"])]);

static CARD_HEADER_PARAMETERS: List = List::of(Shape::Object(&Object::by("type", &[IMAGE, VIDEO, PRODUCT])), 1, 1);

pub(super) static OFFER_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new("limited_time_offer", &[Field::required("limited_time_offer", Shape::Object(&OFFER))])],
    )),
    1,
    1,
);

static OFFER: Object =
    Object::of(&[Field::required("expiration_time_ms", Shape::Number(Number::whole(FIRST_MILLISECOND, i64::MAX)))
        .note("In milliseconds since 1970, not seconds.")]);
