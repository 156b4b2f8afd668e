//! The words in which Meta says it.

use super::*;

/// The answer about a number as in the reference of the Graph API, with the fields of its other pages.
fn number_answer() -> Value {
    json!({
        "id": "1234567890123456", "display_phone_number": "+1 631-555-5555", "verified_name": "Jasper's Market",
        "status": "CONNECTED", "quality_rating": "GREEN", "name_status": "APPROVED",
        "code_verification_status": "VERIFIED", "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
    })
}

#[test]
fn the_answer_about_a_number_is_read() {
    let (facts, account) = number(&number_answer());
    let expected = NumberFacts {
        name: Some("Jasper's Market".into()),
        state: Some(("CONNECTED".into(), NumberCondition::Works)),
        unapproved_name: None,
        quality: Some(("GREEN".into(), false)),
        throughput: Some(("STANDARD".into(), Some(80))),
        limit: Some(("TIER_2K".into(), PeopleLimit::Most(2_000))),
        health: None,
    };
    assert_eq!((facts, account), (expected, NamedParts::default()));
    assert_eq!(number(&json!({"id": "1"})), (NumberFacts::default(), NamedParts::default()));
    for status in STOPPED {
        let (facts, _) = number(&json!({"status": status, "name_status": "PENDING_REVIEW", "quality_rating": "RED"}));
        assert_eq!(facts.state.unwrap().1, NumberCondition::Stopped, "{status}");
        assert_eq!((facts.unapproved_name, facts.quality), (Some("PENDING_REVIEW".into()), Some(("RED".into(), true))));
    }
    for status in ["FLAGGED", "RATE_LIMITED", "LINKED", "A_NEW_WORD"] {
        let (facts, _) = number(&json!({"status": status, "name_status": "AVAILABLE_WITHOUT_REVIEW"}));
        assert_eq!((facts.state.unwrap().1, facts.unapproved_name), (NumberCondition::Doubtful, None), "{status}");
    }
}

#[test]
fn the_limit_is_read_from_whatever_word_says_it() {
    for (word, most) in [
        ("TIER_50", PeopleLimit::Most(50)),
        ("TIER_250", PeopleLimit::Most(250)),
        ("TIER_2K", PeopleLimit::Most(2_000)),
        ("TIER_10K", PeopleLimit::Most(10_000)),
        ("TIER_100K", PeopleLimit::Most(100_000)),
        ("TIER_1M", PeopleLimit::Most(1_000_000)),
        ("TIER_UNLIMITED", PeopleLimit::Unlimited),
        ("UNLIMITED", PeopleLimit::Unlimited),
        ("TIER_NOT_SET", PeopleLimit::Unknown),
        ("TIER_", PeopleLimit::Unknown),
        ("K", PeopleLimit::Unknown),
        ("TIER_99999999999999999999K", PeopleLimit::Unknown),
        ("TIER_ÄK", PeopleLimit::Unknown),
    ] {
        assert_eq!(people(word), most, "{word}");
    }
    assert_eq!(["STANDARD", "HIGH", "NOT_APPLICABLE"].map(per_second), [Some(80), Some(1_000), None]);
}

#[test]
fn the_health_has_its_reasons_and_the_id_of_the_account() {
    let health = json!({"health_status": {"can_send_message": "BLOCKED", "entities": [
        {"entity_type": "PHONE_NUMBER", "id": "1", "can_send_message": "AVAILABLE"},
        {"entity_type": "WABA", "id": "102290129340398", "can_send_message": "BLOCKED", "errors": [
            {"error_code": 141006, "error_description": "There is an error with the payment method.",
             "possible_solution": "Please add a new payment method to the account."},
            {"error_code": 141014, "error_description": "The WABA is banned."}]},
        {"entity_type": "BUSINESS", "id": "3", "can_send_message": "LIMITED",
         "additional_info": ["Your display name has not been approved yet."]},
        {"entity_type": "APP", "id": "67890", "can_send_message": "AVAILABLE"},
    ]}});
    let (facts, named) = number(&health);
    assert_eq!((named.account.as_deref(), named.app.as_deref()), (Some("102290129340398"), Some("67890")));
    let health = facts.health.unwrap();
    assert!(health.is_blocked);
    let read: Vec<_> = health.problems.iter().map(|it| (it.part.to_string(), it.problem.to_string())).collect();
    assert_eq!(read[0], ("WABA".into(), "There is an error with the payment method. (141006)".into()));
    assert_eq!(read[1].1, "The WABA is banned. (141014)");
    assert_eq!(read[2], ("BUSINESS".into(), "Your display name has not been approved yet. ()".into()));
    assert_eq!(health.problems[0].solution, Some("Please add a new payment method to the account.".into()));

    let odd = json!({"health_status": {"can_send_message": "AVAILABLE", "entities": [
        {"entity_type": "WABA", "id": "../me", "can_send_message": "AVAILABLE"}]}});
    let (facts, named) = number(&odd);
    let health = HealthAnswer { is_blocked: false, problems: Vec::new() };
    assert_eq!((facts.health.unwrap(), named), (health, NamedParts::default()));
}

#[test]
fn the_token_expires_as_the_answer_says() {
    let expiry = |data: Value| token_expiry(&json!({"data": data}));
    assert_eq!(expiry(json!({"is_valid": true, "expires_at": 0, "app_id": "1"})), Some(TokenExpiry::Never));
    let at = TokenExpiry::At(Millis(1_774_249_921_000));
    assert_eq!(expiry(json!({"is_valid": true, "expires_at": 1_774_249_921, "scopes": []})), Some(at));
    for data in [
        json!({"is_valid": false, "expires_at": 0, "error": {"code": 190}}),
        json!({"is_valid": true}),
        json!({"is_valid": true, "expires_at": -1}),
        json!({"is_valid": true, "expires_at": "soon"}),
        json!(null),
    ] {
        assert_eq!(expiry(data.clone()), None, "{data}");
    }
}

/// A list of templates as in the published specification.
fn templates() -> Value {
    json!({"data": [
        {"category": "MARKETING", "id": "920070352646140", "language": "en_US", "name": "2023_april_promo",
         "status": "REJECTED", "components": [
            {"format": "TEXT", "text": "Fall Sale", "type": "HEADER"},
            {"example": {"body_text": [["Mark", "FALL25"]]}, "type": "BODY",
             "text": "Hi {{1}}, our Fall Sale is on! Use promo code {{2}} Get an extra 25% off every order above $350!"},
            {"text": "Not interested in any of our sales? Tap Stop Promotions", "type": "FOOTER"},
            {"buttons": [{"text": "Stop promotions", "type": "QUICK_REPLY"}], "type": "BUTTONS"}]},
        {"category": "UTILITY", "id": "2", "language": "de", "name": "2023_april_promo", "status": "APPROVED",
         "parameter_format": "NAMED", "quality_score": {"score": "YELLOW", "date": 1_700_000_000}, "components": [
            {"type": "BODY", "text": "Hallo {{vorname}}", "a_new_key": 1,
             "example": {"body_text_named_params": [{"param_name": "vorname", "example": "Ana"}]}}]},
        {"category": "MARKETING", "id": "3", "language": "en_US", "name": "2023_april_promo_2", "status": "APPROVED"},
    ], "paging": {"cursors": {"after": "MjQZD", "before": "MAZDZD"}}})
}

#[test]
fn a_template_is_found_by_its_name_and_language() {
    let facts = template(&templates(), "2023_april_promo", "en_US").unwrap();
    assert_eq!((facts.state, facts.is_sendable, facts.is_marketing), ("REJECTED".into(), false, true));
    assert!(!facts.is_named && facts.low_quality.is_none());
    let RemoteParts::Known(loaded) = facts.parts else { panic!("{:?}", facts.parts) };
    assert_eq!(loaded.definition.components.len(), 4);

    let facts = template(&templates(), "2023_april_promo", "de").unwrap();
    assert_eq!((facts.is_sendable, facts.is_marketing, facts.is_named), (true, false, true));
    assert_eq!(facts.low_quality, Some("YELLOW".into()));
    assert!(matches!(facts.parts, RemoteParts::Known(_)));

    let facts = template(&templates(), "2023_april_promo_2", "en_US").unwrap();
    assert!(matches!(facts.parts, RemoteParts::NotStated));
    assert!(template(&templates(), "2023_april_promo", "fr").is_none());
    assert_eq!(languages(&templates(), "2023_april_promo"), ["en_US".into(), "de".into()]);
    assert!(template(&json!({}), "a", "de").is_none());
}

#[test]
fn of_two_templates_the_approved_one_counts() {
    let of = |status| json!({"name": "a", "language": "de", "status": status, "category": "UTILITY"});
    for order in [["PENDING_DELETION", "APPROVED"], ["APPROVED", "PENDING_DELETION"]] {
        assert!(template(&json!({"data": order.map(of)}), "a", "de").unwrap().is_sendable);
    }
}

#[test]
fn a_template_with_parts_of_an_unknown_kind_is_not_compared() {
    let with = |component: Value| {
        let body = json!({"type": "BODY", "text": "Hi"});
        let entry = json!({"name": "a", "language": "de", "category": "MARKETING", "components": [body, component]});
        parts(&entry)
    };
    let is_known = |component| matches!(with(component), RemoteParts::Known(_));
    assert!(is_known(json!({"type": "BUTTONS", "buttons": [
        {"type": "URL", "text": "Shop", "url": "https://example.com/{{1}}", "example": ["https://example.com/a"]},
        {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+16315555555"},
        {"type": "COPY_CODE", "example": ["A"]}, {"type": "FLOW", "text": "Go", "flow_id": "1", "flow_action": "NAVIGATE"}]})));
    assert!(is_known(json!({"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://x"]}})));
    assert!(is_known(json!({"type": "CAROUSEL", "cards": [{"components": [{"type": "BODY", "text": "Hi {{1}}"}]}]})));
    assert!(is_known(
        json!({"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": true}})
    ));
    assert!(is_known(json!({"type": "CALL_PERMISSION_REQUEST"})));
    assert!(!is_known(json!({"type": "BUTTONS", "buttons": [{"type": "SPM", "text": "View"}]})));
    assert!(!is_known(json!({"type": "HEADER", "format": "GIF"})));
}

#[test]
fn a_field_that_this_version_does_not_have_is_recognised() {
    let words = "Tried accessing nonexisting field (whatsapp_business_manager_messaging_limit) on node type (WABA)";
    assert!(is_nonexisting_field(words, "whatsapp_business_manager_messaging_limit"));
    assert!(!is_nonexisting_field(words, "status") && !is_nonexisting_field("Invalid field (status)", "status"));
}
