//! Interactive messages through Meta: what INCS has, and products, flows, requests and orders.

use super::media::{ANY_DOCUMENT, ANY_IMAGE, ANY_VIDEO};
use super::order::{ORDER_DETAILS, ORDER_STATUS};
use crate::message::schema::common::TEXT;
use crate::message::schema::interactive::{
    BODY, CARD_ACTION, CARD_BODY, FOOTER, HEADER_IMAGE, HEADER_VIDEO, LINK_ACTION, LIST_BODY, REPLY_ACTION, ROWS, text,
};
use crate::message::schema::template::PRODUCT_ITEMS;
use crate::message::schema::types::{Field, Kind, Kinds, List, ListRule, Number, Object, ObjectRule, Shape, TextRule};

/// The most characters of a header.
const HEADER_CHARS: usize = 60;
/// The most characters of a button's label.
const LABEL_CHARS: usize = 20;
/// The most characters of a title in a list.
const TITLE_CHARS: usize = 24;
/// More characters on the button of a flow may be cut off.
const FLOW_LABEL_CHARS: usize = 30;
/// A button for a call works for at most 30 days.
const CALL_MINUTES: i64 = 43_200;
/// The most characters that a button for a call returns.
const CALL_PAYLOAD_CHARS: usize = 512;

pub(super) static INTERACTIVE: Object = Object::by(
    "type",
    &[
        Kind::new("button", &[HEADER, BODY, FOOTER, action(&REPLY_ACTION)]).note("Reply buttons."),
        Kind::new(
            "list",
            &[
                Field::optional("header", Shape::Object(&Object::by("type", &[HEADER_TEXT]))),
                LIST_BODY,
                FOOTER,
                action(&LIST_ACTION),
            ],
        )
        .note("A button that opens a list to choose from."),
        Kind::new("cta_url", &[HEADER, BODY, FOOTER, action(&LINK_ACTION)]).note("One button with a link."),
        Kind::new("carousel", &[BODY, action(&CAROUSEL_ACTION)]).note("Cards side by side."),
        Kind::new("flow", &[HEADER, BODY, FOOTER, action(&FLOW_ACTION)]).note("A button that opens a flow."),
        Kind::new(
            "product",
            &[Field::forbidden("header"), OPTIONAL_BODY, FOOTER, action(&Object::of(&[CATALOG_ID, PRODUCT_ID]))],
        )
        .note("One product from a catalog."),
        Kind::new(
            "product_list",
            &[
                Field::required("header", Shape::Object(&Object::by("type", HEADERS))),
                BODY,
                FOOTER,
                action(&PRODUCT_LIST_ACTION),
            ],
        )
        .note("Several products from a catalog."),
        Kind::new("catalog_message", &[BODY, FOOTER, action(&CATALOG_ACTION)]).note("A button that opens the catalog."),
        Kind::new("location_request_message", &[BODY, action(&Object::of(&[named("send_location")]))])
            .note("Asks for the person's location."),
        Kind::new("address_message", &[HEADER, BODY, FOOTER, action(&ADDRESS_ACTION)])
            .note("Asks for an address; only in India."),
        Kind::new(
            "call_permission_request",
            &[OPTIONAL_BODY, action(&Object::of(&[named("call_permission_request")]))],
        )
        .note("Asks whether the business may call."),
        Kind::new("voice_call", &[BODY, action(&CALL_ACTION)]).note("A button that calls the business."),
        Kind::new(
            "order_details",
            &[HEADER, BODY, FOOTER, action(&Object::of(&[named("review_and_pay"), parameters(&ORDER_DETAILS)]))],
        )
        .note("An order with a request for payment."),
        Kind::new(
            "order_status",
            &[BODY, FOOTER, action(&Object::of(&[named("review_order"), parameters(&ORDER_STATUS)]))],
        )
        .note("The status of an order."),
    ],
);

const fn action(object: &'static Object) -> Field {
    Field::required("action", Shape::Object(object))
}

const fn parameters(object: &'static Object) -> Field {
    Field::required("parameters", Shape::Object(object))
}

const fn named(name: &'static str) -> Field {
    Field::required("name", Shape::Exactly(name))
}

static OPTIONAL_BODY: Field = Field::optional("body", Shape::Object(&Object::of(&[text(&[TextRule::Most(1024)])])));

static HEADER: Field = Field::optional("header", Shape::Object(&Object::by("type", HEADERS)));
static HEADERS: &[Kind] = &[
    HEADER_TEXT,
    Kind::new("image", &[Field::required("image", Shape::Object(&ANY_IMAGE))]),
    Kind::new("video", &[Field::required("video", Shape::Object(&ANY_VIDEO))]),
    Kind::new("document", &[Field::required("document", Shape::Object(&ANY_DOCUMENT))]),
];
static HEADER_TEXT: Kind = Kind::new(
    "text",
    &[text(&[TextRule::Most(HEADER_CHARS)]), Field::optional("sub_text", Shape::Text(&[TextRule::Most(HEADER_CHARS)]))],
);

static LIST_ACTION: Object = Object::of(&[
    Field::required("button", Shape::Text(&[TextRule::Most(LABEL_CHARS)])).note("The button's label."),
    Field::required("sections", Shape::List(&SECTIONS)),
]);

static SECTIONS: List = List::of(
    Shape::Object(&Object::of(&[
        Field::optional("title", Shape::Text(&[TextRule::Most(TITLE_CHARS)])),
        Field::required("rows", Shape::List(&ROWS)),
    ])),
    1,
    10,
)
.rules(&[ListRule::MostInAll("rows", 10), ListRule::Unique(&["rows", "id"]), ListRule::EachIfSeveral("title")]);

static CAROUSEL_ACTION: Object = Object::of(&[Field::required("cards", Shape::List(&CARDS))]);

static CARDS: List =
    List::of(Shape::Object(&CARD), 2, 10).rules(&[ListRule::Counted("card_index"), ListRule::CardsAlike]);

static CARD: Object =
    Object::of(&[Field::required("card_index", Shape::Number(Number::whole(0, 9))).note("0 for the leftmost.")]).kinds(
        Kinds {
            tag: "type",
            any_case: false,
            list: &[
                Kind::new(
                    "cta_url",
                    &[
                        Field::required("header", Shape::Object(&Object::by("type", &[HEADER_IMAGE, HEADER_VIDEO]))),
                        CARD_BODY,
                        action(&CARD_ACTION),
                    ],
                )
                .note("The same for cards with quick replies."),
                Kind::new("product", &[action(&Object::of(&[CATALOG_ID, PRODUCT_ID]))]),
            ],
        },
    );

static FLOW_ACTION: Object = Object::of(&[named("flow"), parameters(&FLOW)]);

static FLOW: Object = Object::of(&[
    Field::required("flow_message_version", Shape::Exactly("3")),
    Field::optional("flow_id", TEXT),
    Field::optional("flow_name", TEXT),
    Field::required("flow_cta", Shape::Text(&[TextRule::MostAdvised(FLOW_LABEL_CHARS)])).note("The button's label."),
    Field::optional("mode", Shape::Words(&["draft", "published"])),
    Field::optional("flow_token", TEXT),
    Field::optional("flow_action", Shape::Words(&["navigate", "data_exchange"])),
    Field::optional("flow_action_payload", Shape::Object(&FLOW_PAYLOAD)),
])
.rules(&[ObjectRule::OneOf(&[&["flow_id"], &["flow_name"]])]);

static FLOW_PAYLOAD: Object = Object::of(&[
    Field::optional("screen", TEXT).note("The first screen."),
    Field::optional("data", Shape::Anything).note("The data for the first screen."),
]);

static CATALOG_ID: Field = Field::required("catalog_id", TEXT);
static PRODUCT_ID: Field = Field::required("product_retailer_id", TEXT);

static PRODUCT_LIST_ACTION: Object =
    Object::of(&[CATALOG_ID, Field::required("sections", Shape::List(&CATALOG_SECTIONS))]);

static CATALOG_SECTIONS: List = List::of(
    Shape::Object(&Object::of(&[
        Field::optional("title", Shape::Text(&[TextRule::Most(TITLE_CHARS)])),
        Field::required("product_items", Shape::List(&PRODUCT_ITEMS)),
    ])),
    1,
    10,
)
.rules(&[ListRule::MostInAll("product_items", 30), ListRule::EachIfSeveral("title")]);

static CATALOG_ACTION: Object = Object::of(&[
    named("catalog_message"),
    Field::optional(
        "parameters",
        Shape::Object(&Object::of(&[Field::optional("thumbnail_product_retailer_id", TEXT)])),
    ),
]);

static ADDRESS_ACTION: Object = Object::of(&[named("address_message"), parameters(&ADDRESS)]);

static ADDRESS: Object = Object::of(&[
    Field::required("country", TEXT).note("Two letters, as in ISO 3166."),
    Field::optional("values", Shape::Anything).note("Values that are already filled in."),
    Field::optional("saved_addresses", Shape::Anything),
    Field::optional("validation_errors", Shape::Anything),
]);

static CALL_ACTION: Object = Object::of(&[
    named("voice_call"),
    Field::optional(
        "parameters",
        Shape::Object(&Object::of(&[
            Field::optional("display_text", Shape::Text(&[TextRule::Most(LABEL_CHARS)])).note("The button's label."),
            Field::optional("ttl_minutes", Shape::Number(Number::whole(1, CALL_MINUTES)))
                .note("How many minutes the button works."),
            Field::optional("payload", Shape::Text(&[TextRule::Most(CALL_PAYLOAD_CHARS)]))
                .note("Returned when the person calls."),
        ])),
    ),
]);
