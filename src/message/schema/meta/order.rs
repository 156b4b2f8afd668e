//! Orders and payments, which Meta offers in a few countries with rules of their own: only what is the same in all of
//! them is checked.

use crate::message::schema::common::TEXT;
use crate::message::schema::types::{Field, List, Number, Object, Shape, TextRule};

/// The most characters of the id of an order; one of Meta's samples has more.
const REFERENCE_CHARS: usize = 35;
/// The most characters of the description of a status.
const DESCRIPTION_CHARS: usize = 120;

static REFERENCE: Field = Field::required("reference_id", Shape::Text(&[TextRule::MostAdvised(REFERENCE_CHARS)]))
    .note("The id of the order, the same in `order_details` and `order_status`.");

pub(super) static ORDER_DETAILS: Object = Object::of(&[
    REFERENCE,
    Field::optional("type", Shape::Words(&["digital-goods", "physical-goods"])),
    Field::optional("currency", TEXT),
    Field::optional("total_amount", Shape::Object(&AMOUNT)),
    Field::optional("order", Shape::Object(&ORDER)),
    Field::optional("payment_type", TEXT),
    Field::optional("payment_configuration", TEXT),
    Field::optional("payment_settings", Shape::Anything),
    Field::optional("beneficiaries", Shape::Anything),
    Field::optional("shipping_info", Shape::Anything),
]);

static AMOUNT: Object = Object::of(&[
    Field::required("value", Shape::Number(Number::whole(0, i64::MAX))).note("The amount times `offset`."),
    Field::required("offset", Shape::Number(Number::whole(1, i64::MAX))),
    Field::optional("description", TEXT),
    Field::optional("discount_program_name", TEXT),
]);

static ORDER: Object = Object::of(&[
    Field::required("status", TEXT),
    Field::optional("items", Shape::List(&ITEMS)),
    Field::optional("subtotal", Shape::Object(&AMOUNT)),
    Field::optional("tax", Shape::Object(&AMOUNT)),
    Field::optional("shipping", Shape::Object(&AMOUNT)),
    Field::optional("discount", Shape::Object(&AMOUNT)),
    Field::optional("catalog_id", TEXT),
    Field::optional("type", TEXT),
    Field::optional("expiration", Shape::Anything),
]);

static ITEMS: List = List::of_any(
    Shape::Object(&Object::of(&[
        Field::required("name", TEXT),
        Field::required("amount", Shape::Object(&AMOUNT)),
        Field::required("quantity", Shape::Number(Number::whole(1, i64::MAX))),
        Field::optional("retailer_id", TEXT),
        Field::optional("product_id", TEXT),
        Field::optional("sale_amount", Shape::Object(&AMOUNT)),
        Field::optional("image", Shape::Anything),
        Field::optional("country_of_origin", TEXT),
        Field::optional("importer_name", TEXT),
        Field::optional("importer_address", Shape::Anything),
    ])),
    0,
);

pub(super) static ORDER_STATUS: Object = Object::of(&[
    REFERENCE,
    Field::optional("order", Shape::Object(&STATUS)),
    Field::optional("payment", Shape::Anything),
]);

static STATUS: Object = Object::of(&[
    Field::required(
        "status",
        Shape::Words(&["pending", "processing", "partially_shipped", "shipped", "completed", "canceled"]),
    ),
    Field::optional("description", Shape::Text(&[TextRule::Most(DESCRIPTION_CHARS)])),
]);
