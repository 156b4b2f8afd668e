//! Each kind of problem can be stored and read back, and has words.

use std::collections::HashMap;

use super::*;
use crate::model::{Millis, RowNumber};

fn text(text: &str) -> String {
    text.to_owned()
}

/// One of each kind, and of each variant of its words.
fn numbers() -> Vec<NumberProblem> {
    let lengths = Lengths(1 << 8 | 1 << 9);
    let misfits = [
        Misfit::CodeWith0,
        Misfit::NoCode("999".into()),
        Misfit::ZeroAfterCode(852),
        Misfit::Length { code: 852, lengths, digits: 7 },
        Misfit::DigitMissing(44),
        Misfit::TooLong(17),
    ];
    let doubts = [Doubt::CodeDigitMissing, Doubt::RestTooShort("852".into()), Doubt::CodeOrNational("852".into())];
    let mut all = vec![
        NumberProblem::NoRow,
        NumberProblem::Empty,
        NumberProblem::NoDigits,
        NumberProblem::TooManyDigits { most: 24 },
        NumberProblem::Letters,
        NumberProblem::Character('\u{202e}'),
        NumberProblem::TwoNumbers,
        NumberProblem::SeveralNumbers(2),
        NumberProblem::JoinedNumbers,
        NumberProblem::Extension("5".into()),
        NumberProblem::Kind(NumberKind::Unassigned),
        NumberProblem::Kind(NumberKind::Landline),
        NumberProblem::Kind(NumberKind::TollFree),
        NumberProblem::Kind(NumberKind::PremiumRate),
        NumberProblem::Kind(NumberKind::Service),
        NumberProblem::National,
        NumberProblem::International { why: Misfit::CodeWith0, may_be_national: true },
        NumberProblem::TwoPrefixes("001".into()),
        NumberProblem::NationalOrAbroad,
        NumberProblem::Incomplete { how: Doubt::CodeDigitMissing, prefix: "".into() },
        NumberProblem::StartsWith0 { region: "HK".into() },
        NumberProblem::NotOfRegion { region: "HK".into(), code: 852, lengths },
        NumberProblem::SheetError,
        NumberProblem::SheetCalculated,
        NumberProblem::SheetRounded,
        NumberProblem::SheetFormat,
        NumberProblem::SheetDecimals { whole: "85268411234".into() },
    ];
    all.extend(misfits.map(|why| NumberProblem::International { why, may_be_national: false }));
    all.extend(doubts.map(|how| NumberProblem::Incomplete { how, prefix: "0".into() }));
    all
}

fn cells() -> Vec<CellProblem> {
    let mut all = vec![
        CellProblem::Ragged { cells: 1, header: 3, extra: false },
        CellProblem::Ragged { cells: 4, header: 3, extra: true },
        CellProblem::Quotes { line: 3 },
        CellProblem::SpaceBeforeQuote,
        CellProblem::CutFormula,
        CellProblem::LongRow(1_000_000),
        CellProblem::NotUtf8,
        CellProblem::NumberFormat("# ?/?".into()),
        CellProblem::NotInEncoding("gbk".into()),
        CellProblem::Empty,
        CellProblem::TooLong,
        CellProblem::sheet_error("#N/A"),
        CellProblem::sheet_error("#####"),
        CellProblem::double_encoded("Müller"),
        CellProblem::NoColumn { name: "a".into(), by_key: None },
        CellProblem::NoColumn { name: "a".into(), by_key: Some("A \"b\"".into()) },
        CellProblem::Undefined("a.b".into()),
        CellProblem::TooManySteps,
        CellProblem::Failed { kind: "invalid operation".into(), detail: None },
        CellProblem::Failed { kind: "invalid operation".into(), detail: Some("no\u{7}".into()) },
    ];
    let odd = ['\u{b}', '\r', '\u{2028}', '\u{202c}', '\u{202e}'];
    all.extend(odd.map(|character| CellProblem::Character(OddCharacter(character, 2))));
    all
}

fn times() -> Vec<TimeProblem> {
    vec![
        TimeProblem::BadSendAt,
        TimeProblem::BadNotAfter,
        TimeProblem::Passed(Millis(1_000)),
        TimeProblem::Expired(Millis(1_000)),
        TimeProblem::TooLate(Millis(2_000), Millis(1_000)),
        TimeProblem::NoSuchZone,
        TimeProblem::NoZone,
        TimeProblem::SeveralZones,
        TimeProblem::NeverOpen("Europe/Berlin".into()),
        TimeProblem::NeverOpenInAll(3),
    ]
}

fn rules() -> Vec<Rule> {
    let (key, keys) = (|| text("k"), || vec![text("a"), text("b")]);
    vec![
        Rule::Text,
        Rule::Flag,
        Rule::EachIfSeveral(key()),
        Rule::PlusDigits,
        Rule::MessageId,
        Rule::Exactly(key()),
        Rule::Number { least: i64::MIN, most: i64::MAX, whole: true, or_text: false },
        Rule::Number { least: -90, most: 90, whole: false, or_text: true },
        Rule::LinkTo(text("image")),
        Rule::Url,
        Rule::Texts,
        Rule::Anything,
        Rule::List { least: 1, most: Some(1) },
        Rule::List { least: 0, most: Some(3) },
        Rule::List { least: 2, most: Some(3) },
        Rule::List { least: 2, most: None },
        Rule::Object(None),
        Rule::Object(Some(key())),
        Rule::OneOf(keys()),
        Rule::NotEmpty,
        Rule::PlainCharacters,
        Rule::MostChars(5),
        Rule::MostCharsAdvised(5),
        Rule::Parameter,
        Rule::MostLineBreaks(2),
        Rule::Alphanumeric,
        Rule::Digits,
        Rule::TemplateName,
        Rule::Extensions(keys()),
        Rule::Unique(text("a.b")),
        Rule::MostInAll(key(), 2),
        Rule::OnceEach(key()),
        Rule::Counted(key()),
        Rule::CardsAlike,
        Rule::AllOrNone(key()),
        Rule::MostCharsInAll(key(), 2),
        Rule::OneGroup(vec![keys(), vec![key()]]),
        Rule::NotTogether(key(), key()),
    ]
}

fn messages() -> Vec<MessageProblem> {
    use MessageProblem as P;
    let (key, keys) = (|| text("k"), || vec![text("a"), text("b")]);
    let is = [Is::Null, Is::Bool, Is::Number, Is::Text, Is::List, Is::Object, Is::TheText(key()), Is::TheNumber(key())];
    let fixes = [
        TypeFix::Quote(text("5")),
        TypeFix::NumberItself,
        TypeFix::Unquote,
        TypeFix::Keys(keys()),
        TypeFix::MakeList,
        TypeFix::TextItself,
    ];
    let flaws = [
        LinkFlaw::Blank,
        LinkFlaw::NoScheme,
        LinkFlaw::TwoSchemes,
        LinkFlaw::BadPort,
        LinkFlaw::NoServer,
        LinkFlaw::Private,
        LinkFlaw::Impossible,
        LinkFlaw::NoDot,
    ];
    let parameters = [NoParameter::LineBreak, NoParameter::Tab, NoParameter::Spaces];
    let mut all = vec![
        P::SessionOnly { channel: text("WhatsApp"), kind: key(), others: keys() },
        P::Missing { rule: Rule::Text, meant: Some(key()), note: None },
        P::Missing { rule: Rule::Text, meant: None, note: Some(key()) },
        P::Missing { rule: Rule::Text, meant: None, note: None },
        P::WrongType { rule: Rule::Text, is: Is::Null, fix: None },
        P::UnknownKind { written: key(), kinds: keys(), meant: None, elsewhere: Vec::new() },
        P::UnknownKind { written: key(), kinds: keys(), meant: Some(key()), elsewhere: Vec::new() },
        P::UnknownKind { written: key(), kinds: keys(), meant: Some(key()), elsewhere: keys() },
        P::NoKind { kind: key(), default: key() },
        P::NotOneOf { text: key(), words: keys() },
        P::NotInternational,
        P::NoMessageId { text: key() },
        P::WrongWord { text: key(), word: key() },
        P::WrongCount { count: 0, least: 1, most: None },
        P::WrongCount { count: 4, least: 1, most: Some(3) },
        P::TooManyInAll { count: 4, key: key(), most: 3 },
        P::UnknownKey { meant: None },
        P::UnknownKey { meant: Some(key()) },
        P::UndocumentedKey { note: Some(key()) },
        P::NotAllowed { note: None },
        P::NotUnique { value: key(), keys: text("a.b") },
        P::SecondOfKind { kind: key(), but: key() },
        P::NotInOrder { found: 2, wanted: 1, key: key() },
        P::CardsDiffer,
        P::Mixed(key()),
        P::Untitled(key()),
        P::NotTogether(key(), key()),
        P::EmptyText { blank: false },
        P::EmptyText { blank: true },
        P::TooLong { text: key(), chars: 7, most: 5, advised: false, excess: None },
        P::TooLong { text: key(), chars: 7, most: 5, advised: true, excess: None },
        P::TooLongInAll { chars: 7, key: key(), most: 5 },
        P::TooManyLines { text: key(), breaks: 3, most: 2 },
        P::NotAlphanumeric { text: key() },
        P::NotDigits,
        P::EscapedLink { link: key() },
        P::OfferEnded { at: Millis(1_000) },
        P::TemplateName { text: key() },
        P::Character { bad: OddCharacter('\u{b}', 2), text: key() },
        P::WrongExtension { extension: key(), media: text("image"), taken: keys() },
        P::UndocumentedExtension { extension: key(), media: text("image"), taken: keys() },
        P::UnclearExtension { file: key(), media: text("image"), taken: keys() },
    ];
    all.extend(is.clone().map(P::NoObject));
    all.extend(is.map(|is| P::WrongType { rule: Rule::Text, is, fix: None }));
    all.extend(fixes.map(|fix| P::WrongType { rule: Rule::Text, is: Is::Null, fix: Some(fix) }));
    all.extend(rules().into_iter().map(|rule| P::OutOfRange { value: key(), rule }));
    all.extend([0, 1, 2].map(|begun| P::OneOf { begun, groups: vec![keys(), vec![key()]] }));
    all.extend(parameters.map(|holds| P::BadParameter { text: key(), holds }));
    all.extend(flaws.map(|why| P::BadLink { link: key(), why }));
    all.extend(flaws.map(|why| P::PrivateLink { link: key(), why }));
    all
}

fn mismatches() -> Vec<Mismatch> {
    use Mismatch as M;
    let key = || text("k");
    let mut all = vec![
        M::Name { message: key(), template: key() },
        M::Language { message: key(), template: key() },
        M::NotAuthentication(key()),
        M::CodeMissing,
        M::NoHeader,
        M::NoBody,
        M::HeaderMissing(key()),
        M::HeaderKind { message: key(), template: key() },
        M::ButtonIndex { index: 2, buttons: 1 },
        M::ButtonKind { index: 0, message: key(), template: key() },
        M::ButtonMissing { index: 0, kind: key() },
        M::ButtonStatic(0),
        M::UrlInUrl { index: 0, start: key(), is_same: true },
        M::UrlInUrl { index: 0, start: key(), is_same: false },
        M::SpaceInUrl(0),
        M::DoubleSlash(0),
        M::EscapedInUrl(0),
        M::NoOffer,
        M::OfferMissing,
        M::NoCarousel,
        M::CardCount { template: 2, message: 1 },
    ];
    for part in [Part::Header, Part::Body, Part::Address(1)] {
        all.push(M::ParameterCount { part, variables: 2, parameters: 1 });
        all.push(M::ParameterKind { part, kind: key() });
        all.push(M::ParameterName { part, name: key() });
        all.push(M::TooLong { part, chars: 7, most: 5 });
    }
    all
}

/// Every problem that a row of the list can have.
pub(crate) fn every_row_problem() -> Vec<RowProblem> {
    let off = |mismatch| OffTemplate { mismatch, path: text("components[0]"), source: text("sale.yaml:3:5") };
    let flaws = numbers().into_iter().map(Flaw::Number).chain(cells().into_iter().map(Flaw::Cell));
    let flaws = flaws.chain(times().into_iter().map(Flaw::Time));
    let flaws = flaws.chain(messages().into_iter().map(|problem| Flaw::Message(Box::new(problem))));
    flaws
        .chain(mismatches().into_iter().map(|mismatch| Flaw::Template(Box::new(off(mismatch)))))
        .map(RowProblem::new)
        .collect()
}

/// Every problem that can occur while sending.
pub(crate) fn every_send_problem() -> Vec<SendProblem> {
    use SendProblem as P;
    let error = || text("os error 5");
    let answers = [
        BadAnswer::Contradictory(text("200 OK")),
        BadAnswer::BrokeOff(error()),
        BadAnswer::TooLarge,
        BadAnswer::Statuses,
        BadAnswer::NoStatuses,
    ];
    let mut all = vec![
        P::Timeout,
        P::Connect { host: text("h"), error: None },
        P::Connect { host: text("h"), error: Some(error()) },
        P::Certificate { host: text("h"), error: error() },
        P::ConnectionLost(error()),
        P::ProxyCredentials(error()),
        P::BadRequest(error()),
        P::NoMessageId,
        P::BadMessageId,
        P::Http { status: 502, text: text("") },
        P::Http { status: 502, text: text("bad gateway") },
        P::Damaged(Damage::Cells(error())),
        P::Damaged(Damage::Message(every_row_problem())),
        P::StoreReplaced,
    ];
    all.extend(answers.map(P::BadAnswer));
    all
}

#[test]
fn every_problem_reads_back_and_has_words() {
    let lists = every_row_problem().into_iter().map(|problem| Known::List(vec![problem.column("a").at("text")]));
    for known in lists.chain(every_send_problem().into_iter().map(Known::Send)) {
        let (code, values) = (known.code(), known.values());
        assert!(!code.is_empty() && !code.contains(' '), "{known:?}");
        assert_eq!(Known::read(&code, values.as_deref()).as_ref(), Some(&known), "{values:?}");
        let words = known.words();
        assert!(words.len() > 4 && !words.contains("  ") && !words.ends_with('.'), "{words}");
        assert_eq!(Known::in_words(Some(&code), None, values.as_deref()), Some(words));
    }
}

#[test]
fn different_problems_have_different_reasons() {
    let mut seen: HashMap<(&str, String), String> = HashMap::new();
    for problem in every_row_problem() {
        // The names of the variants, without their values.
        let what = serde_json::to_value(&problem.what).unwrap();
        let inner = what.as_object().unwrap().values().next().unwrap();
        let inner = inner.get("mismatch").unwrap_or(inner);
        let variant = inner.as_str().map(text).or_else(|| inner.as_object()?.keys().next().cloned()).unwrap();
        let known = seen.entry((problem.code(), problem.reason().into_owned())).or_insert_with(|| variant.clone());
        assert_eq!(*known, variant, "{}", problem.reason());
    }
    assert!(seen.len() > 90, "{}", seen.len());
}

#[test]
fn a_reason_has_nothing_of_the_row() {
    let lengths = Lengths(1 << 8);
    let length = |code, digits| NumberProblem::International {
        why: Misfit::Length { code, lengths, digits },
        may_be_national: false,
    };
    let long = |name: &str, chars| {
        let long = MessageProblem::TooLong { text: text(name), chars, most: 60, advised: false, excess: None };
        RowProblem::new(Flaw::Message(Box::new(long)))
    };
    assert_eq!(RowProblem::from(length(852, 7)).reason(), RowProblem::from(length(49, 3)).reason());
    assert_eq!(long("Ana", 61).reason(), long("Bo", 90).reason());
    assert_eq!(long("Ana", 61).beyond_reason().as_deref(), Some("`Ana` has 61 characters; the limit is 60"));
    assert_eq!(RowProblem::from(NumberProblem::Letters).beyond_reason(), None);
}

#[test]
fn the_hint_for_a_column_can_be_pasted_into_a_text_in_double_quotes() {
    for (column, expected) in [
        ("First Name", "{{ row['First Name'] }}"),
        ("Kunde's", r#"{{ row[\"Kunde's\"] }}"#),
        ("the \"name\"", r#"{{ row['the \"name\"'] }}"#),
        ("a\\b", r#"{{ row[\"a\\\\b\"] }}"#),
    ] {
        let hint = column_by_key(column);
        assert!(hint.ends_with(&format!("as `{expected}`")), "{hint}");
    }
}

#[test]
fn what_a_provider_says_stays_in_its_words() {
    assert_eq!(Known::read("131026", None), None);
    assert_eq!(Known::in_words(Some("131026"), Some(text("no")), None).as_deref(), Some("no"));
    assert_eq!(Known::in_words(Some("timeout"), Some(text("no")), Some("\"timeout\"")).as_deref(), Some("no"));
    assert_eq!(Known::in_words(Some("131026"), None, Some("{\"of_a_later_version\":1}")), None);
}

#[test]
fn every_cause_reads_back_and_has_words() {
    let at = Millis(1_754_466_200_000);
    let reached = |lately, waits| RowCause::Reached { lately, run: "job-1".into(), at, waits };
    let settled = |sent, before| RowCause::Settled { sent, by: "Ana".into(), at, before };
    let why = |code: &str, message: Option<&str>, values: Option<&str>| {
        Some(WhyUncertain { code: code.into(), message: message.map(text), values: values.map(text) })
    };
    for (cause, words) in [
        (RowCause::Duplicate { of: RowNumber(7) }, "the same number as row 7"),
        (RowCause::Suppressed { reason: None }, "on the suppression list"),
        (RowCause::Suppressed { reason: Some("asked".into()) }, "asked"),
        (reached(true, false), "already messaged by job-1 at 2025-08-06T07:43:20Z"),
        (reached(false, true), "already attempted by job-1 at 2025-08-06T07:43:20Z; that run will try again"),
        (RowCause::Expired { at: "noon".into(), passed: true }, "not sent before its deadline, noon"),
        (RowCause::Expired { at: "noon".into(), passed: false }, "cannot be sent before its deadline, noon"),
        (RowCause::Interrupted, "the process ended while this message was in flight"),
        (RowCause::NotDelivered, "the provider reported the message as not delivered, without a reason"),
        (
            RowCause::Held,
            "accepted, but held: the provider is assessing the template's quality before it delivers this message",
        ),
        (settled(true, None), "Ana recorded at 2025-08-06T07:43:20Z that the message was sent"),
        (
            settled(false, why("500", Some("no answer"), None)),
            "Ana recorded at 2025-08-06T07:43:20Z that the message was not sent; until then, the row was uncertain (no answer)",
        ),
        (
            settled(true, why("timeout", None, Some("\"timeout\""))),
            "Ana recorded at 2025-08-06T07:43:20Z that the message was sent; until then, the row was uncertain (no response within the timeout)",
        ),
    ] {
        assert_eq!(RowCause::read(cause.code(), cause.values().as_deref()), Some(cause.clone()));
        assert_eq!(Known::Row(cause).words(), words);
    }
}

#[test]
fn a_problem_tells_where_what_and_what_to_do() {
    let long = MessageProblem::TooLong { text: text("Ana…"), chars: 70, most: 60, advised: false, excess: None };
    let problem = RowProblem::new(Flaw::Message(Box::new(long))).at("text").column("name").value(&"x".repeat(50));
    let words = "column `name`: `Ana…` has 70 characters; the limit is 60; shorten it by 10 characters (`text`)";
    assert_eq!(problem.to_string(), words);
    assert_eq!(problem.value.as_deref(), Some(format!("{}…", "x".repeat(40)).as_str()));
    assert!(!format!("{problem:?}").contains("xxx"), "{problem:?}");
    assert!(!format!("{problem:?}").contains("Ana"), "{problem:?}");
    let stored = serde_json::to_string(&problem).unwrap();
    let too_long = r#"{"too_long":{"text":"Ana…","chars":70,"most":60,"advised":false}}"#;
    assert_eq!(stored, format!(r#"{{"what":{{"message":{too_long}}},"columns":["name"],"path":"text"}}"#));
}

#[test]
fn a_value_that_is_too_long_twice_is_shortened_for_both() {
    let value = |path: &str| {
        let long =
            MessageProblem::TooLong { text: text("x…"), chars: 1_100, most: 1_024, advised: false, excess: None };
        RowProblem::new(Flaw::Message(Box::new(long))).at(path)
    };
    let body = |path: &str, chars| {
        let mismatch = Mismatch::TooLong { part: Part::Body, chars, most: 1_024 };
        let off = OffTemplate { mismatch, path: text("components[0].text"), source: text("sale.yaml:3:5") };
        RowProblem::new(Flaw::Template(Box::new(off))).at(path)
    };
    for (mut problems, expected) in [
        (vec![value("a.parameters[0].text"), body("a.parameters", 1_300)], 276),
        (vec![value("a.parameters[0].text"), body("a.parameters[0].text", 1_101)], 77),
        (vec![value("a.parameters[0].text"), body("a.parameters", 1_050)], 76),
        (vec![value("ab.parameters[0].text"), body("a", 1_300)], 76),
        (vec![value("a.parameters[0].text"), body("b.parameters", 1_300)], 76),
        (vec![value("a.parameters[0].text")], 76),
    ] {
        RowProblem::shorten_for_all(&mut problems);
        assert_eq!(problems[0].hint(), Some(format!("shorten it by {expected} characters")));
    }
}

#[test]
fn many_problems_of_a_row_become_one_line() {
    let all = [RowProblem::from(NumberProblem::NoDigits).column("phone"), CellProblem::NotUtf8.into()];
    assert_eq!(Known::List(all.to_vec()).code(), "no_number");
    let words = "column `phone`: contains no digits | the cell is not valid UTF-8; save the file as UTF-8 CSV, or set its `encoding`";
    assert_eq!(RowProblem::joined(&all), words);
}

#[test]
fn what_too_many_rows_have_stops_a_run_in_the_words_of_the_problem() {
    let problem = crate::model::Problem::from(SendProblem::Timeout);
    for (rows, words) in [
        (TooMany::Alike(1), "a row failed with this error: no response within the timeout (timeout)"),
        (
            TooMany::Alike(20),
            "20 consecutive rows failed with the same error: no response within the timeout (timeout)",
        ),
        (
            TooMany::InDoubt(20),
            "20 consecutive rows are uncertain; the last one: no response within the timeout (timeout)",
        ),
        (
            TooMany::Refused { refused: 41, over: 200, alike: 30 },
            "41 of the last 200 rows were refused, 30 of them with this error: no response within the timeout (timeout)",
        ),
    ] {
        let stops = problem.clone().too_many(rows);
        assert_eq!((stops.to_string().as_str(), stops.provider_message(), stops.values()), (words, None, None));
    }
}
