//! Templates through Meta. A template has a language; the rest is as INCS passes it on, with a few more parts.

use super::media::{ANY_GIF, ANY_IMAGE, ANY_TEMPLATE_DOCUMENT, ANY_VIDEO};
use super::order::{ORDER_DETAILS, ORDER_STATUS};
use crate::message::schema::common::TEXT;
use crate::message::schema::template::{
    BODY_CHARS, BODY_RULES, CATALOG_PARAMETERS, COMPONENTS_MOST, CURRENCY, FLOW_PARAMETERS, HEADER_CHARS,
    LOCATION_PLACE, NAME, OFFER_PARAMETERS, PAYLOAD, PRODUCT_ID, PRODUCTS_PARAMETERS, SUFFIX_PARAMETERS,
};
use crate::message::schema::types::{Field, Kind, Kinds, List, ListRule, Number, Object, Shape, TextRule};

/// The most characters of a coupon code: 20 since December 2025, but 15 in a limited-time offer.
const COUPON_CHARS: usize = 20;
const OFFER_COUPON_CHARS: usize = 15;

pub(super) static TEMPLATE: Object = Object::of(&[
    Field::required("name", Shape::Text(&[TextRule::Most(512), TextRule::TemplateName])),
    Field::required("language", Shape::Object(&LANGUAGE))
        .note("The language of the template, such as `{code: en_US}`."),
    Field::optional("components", Shape::List(&COMPONENTS)),
    Field::forbidden("code").note("Use `components` instead: write the code in a body and a button."),
]);

static LANGUAGE: Object =
    Object::of(&[Field::required("code", TEXT), Field::optional("policy", Shape::Exactly("deterministic"))]);

static COMPONENTS: List = List::of(Shape::Object(&COMPONENT), 0, COMPONENTS_MOST)
    .rules(&[ListRule::OnceEach { tag: "type", but: "button" }, ListRule::Unique(&["index"])]);

static COMPONENT: Object = Object::of(&[]).kinds(Kinds {
    tag: "type",
    any_case: true,
    list: &[
        Kind::new("header", &[Field::required("parameters", Shape::List(&HEADER_PARAMETERS))]),
        BODY,
        button(&[Field::required("index", Shape::Number(Number::whole(0, 9).or_text()))
            .note("The position of the button in the template.")]),
        Kind::new("carousel", &[Field::required("cards", Shape::List(&CARDS))]),
        Kind::new("limited_time_offer", &[Field::required("parameters", Shape::List(&OFFER_PARAMETERS))]),
        Kind::new("order_status", &[Field::required("parameters", Shape::List(&STATUS_PARAMETERS))]),
    ],
});

static BODY: Kind = Kind::new("body", &[Field::required("parameters", Shape::List(&BODY_PARAMETERS))]);

const fn button(fields: &'static [Field]) -> Kind {
    let adds = Object::of(fields).kinds(Kinds { tag: "sub_type", any_case: true, list: BUTTONS });
    Kind { name: "button", adds, note: "" }
}

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
            Kind::new("document", &[Field::required("document", Shape::Object(&ANY_TEMPLATE_DOCUMENT))]),
            Kind::new("location", &[Field::required("location", Shape::Object(&LOCATION_PLACE))]),
            PRODUCT,
            Kind::new("gif", &[Field::required("gif", Shape::Object(&ANY_GIF))])
                .note("Only through the Marketing Messages API."),
        ],
    )),
    1,
    1,
);

static IMAGE: Kind = Kind::new("image", &[Field::required("image", Shape::Object(&ANY_IMAGE))]);
static VIDEO: Kind = Kind::new("video", &[Field::required("video", Shape::Object(&ANY_VIDEO))]);
static PRODUCT: Kind = Kind::new("product", &[Field::required("product", Shape::Object(&PRODUCT_ID))]);

static BODY_PARAMETERS: List = List::of_any(
    Shape::Object(
        &Object::of(&[NAME]).kinds(Kinds {
            tag: "type",
            any_case: false,
            list: &[
                Kind::new(
                    "text",
                    &[Field::required("text", Shape::Text(&[TextRule::Most(BODY_CHARS), TextRule::Parameter]))],
                ),
                Kind::new("currency", &[Field::required("currency", Shape::Object(&CURRENCY))]),
                Kind::new("date_time", &[Field::required("date_time", Shape::Object(&DATE_TIME))])
                    .note("The phone shows only `fallback_value`."),
            ],
        }),
    ),
    1,
)
.rules(BODY_RULES);

static DATE_TIME: Object = Object::of(&[
    Field::required("fallback_value", TEXT),
    Field::optional("calendar", TEXT),
    Field::optional("year", Shape::Anything),
    Field::optional("month", Shape::Anything),
    Field::optional("day_of_month", Shape::Anything),
    Field::optional("day_of_week", Shape::Anything),
    Field::optional("hour", Shape::Anything),
    Field::optional("minute", Shape::Anything),
]);

/// The kinds of buttons that accept a parameter.
static BUTTONS: &[Kind] = &[
    Kind::new("quick_reply", &[Field::required("parameters", Shape::List(&QUICK_REPLY_PARAMETERS))]),
    Kind::new("url", &[Field::required("parameters", Shape::List(&SUFFIX_PARAMETERS))])
        .note("Also for the button of an AUTHENTICATION template, with the code as its text."),
    Kind::new("copy_code", &[Field::required("parameters", Shape::List(&COUPON_PARAMETERS))]),
    Kind::new("flow", &[Field::optional("parameters", Shape::List(&FLOW_PARAMETERS))]),
    Kind::new("catalog", &[Field::optional("parameters", Shape::List(&CATALOG_PARAMETERS))]),
    Kind::new("mpm", &[Field::required("parameters", Shape::List(&PRODUCTS_PARAMETERS))]),
    Kind::new("voice_call", &[Field::optional("parameters", Shape::Anything)]),
    Kind::new("order_details", &[Field::required("parameters", Shape::List(&ORDER_PARAMETERS))]),
];

static QUICK_REPLY_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[
            PAYLOAD,
            Kind::new("text", &[Field::required("text", Shape::Anything)]).note("Used in one of Meta's samples."),
        ],
    )),
    1,
    1,
);

static COUPON_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new(
            "coupon_code",
            &[Field::required(
                "coupon_code",
                Shape::Text(&[
                    TextRule::Most(COUPON_CHARS),
                    TextRule::MostAdvised(OFFER_COUPON_CHARS),
                    TextRule::Alphanumeric,
                ]),
            )],
        )],
    )),
    1,
    1,
);

static ORDER_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new("action", &[Field::required("action", Shape::Object(&ORDER_ACTION))])],
    )),
    1,
    1,
);

static ORDER_ACTION: Object = Object::of(&[Field::required("order_details", Shape::Object(&ORDER_DETAILS))]);

static STATUS_PARAMETERS: List = List::of(
    Shape::Object(&Object::by(
        "type",
        &[Kind::new("order_status", &[Field::required("order_status", Shape::Object(&ORDER_STATUS))])],
    )),
    1,
    1,
);

static CARDS: List =
    List::of(Shape::Object(&CARD), 1, 10).rules(&[ListRule::Counted("card_index"), ListRule::CardsAlike]);

static CARD: Object = Object::of(&[
    Field::required("card_index", Shape::Number(Number::whole(0, 9))).note("0 for the leftmost."),
    Field::required("components", Shape::List(&CARD_COMPONENTS)),
]);

static CARD_COMPONENTS: List = List::of(
    Shape::Object(
        &Object::of(&[]).kinds(Kinds {
            tag: "type",
            any_case: true,
            list: &[
                Kind::new("header", &[Field::required("parameters", Shape::List(&CARD_HEADER_PARAMETERS))]),
                BODY,
                button(&[Field::required("index", Shape::Number(Number::whole(0, 1).or_text()))
                    .note("The position of the button on the card.")]),
            ],
        }),
    ),
    1,
    COMPONENTS_MOST,
)
.rules(&[ListRule::OnceEach { tag: "type", but: "button" }, ListRule::Unique(&["index"])]);

static CARD_HEADER_PARAMETERS: List = List::of(Shape::Object(&Object::by("type", &[IMAGE, VIDEO, PRODUCT])), 1, 1);
