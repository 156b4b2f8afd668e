//! Campaign files that rename columns.

use super::*;

fn columns(yaml: &str) -> String {
    with(&format!("{CSV}\n  columns: {yaml}"), TEXT, "")
}

#[test]
fn columns_have_new_names_which_are_part_of_the_campaign() {
    let campaign = read_text(&columns("{phone: Tel., first_name: \" Pre\u{301}nom \"}")).campaign;
    let names = [("first_name", "Pre\u{301}nom"), ("phone", "Tel.")];
    assert_eq!(campaign.recipients.reading.columns, names.map(|(new, old)| (new.into(), old.into())).into());
    assert_eq!(thaw(&freeze(&campaign)).unwrap(), campaign);
    let other = read_text(&columns("{phone: Tel}")).campaign;
    assert_ne!(fingerprint(&campaign), fingerprint(&other));
    assert_eq!(freeze(&read_text(&columns("{}")).campaign), freeze(&read_text(&with(CSV, TEXT, "")).campaign));
}

#[test]
fn a_mistake_in_the_new_names_is_reported_at_its_place() {
    for (yaml, place, words) in [
        ("{a: Tel, b: 'Tel '}", "7:24", "`columns` gives `Tel` two names"),
        ("{a: \"Pr\u{e9}nom\", b: \"Pre\u{301}nom\"}", "7:29", "two names"),
        ("{a: b, b: a}", "7:16", "`columns` renames `b`, but gives this name to another column"),
        ("{a: [x]}", "7:13", "`a` must be a single value"),
        ("{a: ''}", "7:13", "`a` does not say which column of the list it renames"),
        ("[a]", "7:3", "`columns` must be a map from new names to the names in the list, not"),
    ] {
        let shown = error(&columns(yaml)).to_string();
        assert!(shown.contains(words) && shown.contains(place), "{yaml}: {shown}");
    }
}

#[test]
fn rows_in_the_file_have_their_column_in_either_normal_form() {
    let rows = |to: &str| with(&format!("  rows: [{{\"te\u{301}l\": 1}}]\n  to: {to}"), TEXT, "");
    read_text(&rows("t\u{e9}l"));
    assert!(error(&rows("tel")).to_string().contains("the rows have no column `tel`"));
}
