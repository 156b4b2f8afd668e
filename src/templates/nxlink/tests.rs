//! What NXLink cannot express, and its states.

use super::*;

#[test]
fn what_nxlink_has_no_field_for_is_told_by_its_place() {
    let text = "{name: a, language: en, category: AUTHENTICATION, message_send_ttl_seconds: 60, components: [\
        {type: HEADER, format: LOCATION}, {type: CAROUSEL, cards: []}, {type: LIMITED_TIME_OFFER, limited_time_offer: \
        {text: a}}, {type: BUTTONS, buttons: [{type: CATALOG, text: a}, {type: COPY_CODE, example: A}]}]}";
    let definition = super::super::tests::good(text);
    let paths: Vec<String> = to_request(&definition, 1).unwrap_err().into_iter().map(|finding| finding.path).collect();
    let components = |rest: &str| format!("components[{rest}");
    assert_eq!(
        paths,
        [
            "category".to_owned(),
            "message_send_ttl_seconds".to_owned(),
            components("0].format"),
            components("1]"),
            components("2]"),
            components("3].buttons[0]"),
            components("3].buttons[1]"),
        ]
    );
}

#[test]
fn states_have_the_documented_names_and_only_one_can_be_sent() {
    let named: Vec<String> = [0, 1, 2, 3, 6, 9, 11, 12, 14, 4].map(|number| status(number).0).into();
    assert_eq!(
        named,
        [
            "rejected",
            "pending",
            "in use",
            "appealed",
            "unavailable",
            "pending deletion",
            "paused",
            "exceeded limit",
            "deleted",
            "unknown (4)"
        ]
    );
    assert_eq!((0..20).filter(|number| status(*number).1).collect::<Vec<_>>(), [2]);
}
