//! Rows with missing cells, and blank rows.

use super::*;

#[test]
fn missing_cells_at_the_end_are_empty_unless_a_cell_may_be_split() {
    let case = case("phone,name,city\n1,Ana\n2\n3,=\"Bo,HK\"\n4,Cy 5\" tall\n5,\"a \"\"5\"\"\"\"\"\n6,=\"Di\"\n");
    let expected = [
        row(1, 2, &["1", "Ana", ""]),
        row(2, 3, &["2", "", ""]),
        bad(3, 4, &["3", "=\"Bo", "HK\""], "ragged_row"),
        bad(4, 5, &["4", "Cy 5\" tall", ""], "ragged_row"),
        row(5, 6, &["5", "a \"5\"\"", ""]),
        row(6, 7, &["6", "Di", ""]),
    ];
    assert_eq!(rows(&case.recipients), expected);
    let split = "phone,name,city,note\n1,=\"Bo,HK\"\n2,=\"Bo \"\"A\"\"\",x\n";
    let codes: Vec<_> = rows(&self::case(split).recipients).into_iter().map(|row| row.3).collect();
    assert_eq!(codes, [Some("ragged_row".to_owned()), None]);
}

/// The code of each row's problem.
fn codes(list: &str) -> Vec<Option<String>> {
    rows(&case(list).recipients).into_iter().map(|row| row.3).collect()
}

#[test]
fn a_row_with_more_cells_than_the_header_is_refused_even_if_the_others_are_empty() {
    let ragged = || Some("ragged_row".to_owned());
    // Without quotes around the name, the number is that of the column before.
    let shifted = "id,name,landline,phone,note\n8,Lee, Bob,85221234568,85268411235,\n9,Lee,8522,85268411235,\n";
    assert_eq!(codes(shifted), [ragged(), None]);
    assert_eq!(codes("phone,name\n1,Ana,\n2,Bo,,\n3,Cy\n"), [ragged(), ragged(), None]);
    // The delimiters after the last cell are those of every line.
    assert_eq!(codes("phone,name,\n1,Ana,\n2,Bo\n3,Cy,,\n"), [None, None, ragged()]);
}

#[test]
fn what_to_do_depends_on_whether_cells_are_missing_or_too_many() {
    for (row, words) in
        [("1,5\" pipe", "add the missing cells"), ("1,2,3,4", "put quotes around a cell that contains the")]
    {
        let case = case(format!("phone,name,city\n{row}\n"));
        let mut record = Record::default();
        assert!(open(&case.recipients).unwrap().read(&mut record).unwrap());
        let hint = record.problem.as_ref().and_then(|problem| problem.hint()).unwrap();
        assert!(hint.starts_with(words), "{hint}");
    }
}

#[test]
fn columns_without_a_name_at_the_end_must_be_empty() {
    for header in ["phone,name,,,", "phone,name, ,\"\","] {
        let expected = [
            row(1, 2, &["1", "Ana"]),
            row(2, 3, &["2", "Bo"]),
            bad(3, 4, &["3", "Cy"], "ragged_row"),
            bad(4, 5, &["4", "Di"], "ragged_row"),
        ];
        let list = format!("{header}\n1,Ana,,,\n2,Bo\n3,Cy,,,,x\n4,Di,,,note\n");
        assert_eq!(rows(&case(list).recipients), expected);
    }
    // An unquoted delimiter shifted the cells: the phone would be the landline.
    let shifted = "id,name,landline,phone,note,,\n8,Lee, Bob,85221234568,85268411235,vip,\n";
    assert_eq!(codes(shifted), [Some("ragged_row".to_owned())]);
}

#[test]
fn a_quote_that_does_not_hold_its_cell_together_costs_the_row() {
    let bad_quotes = || Some("bad_quotes".to_owned());
    let names = "1, \"Smith, Ana\"\n2, \"Bob\", \"Rome\"\n3, Cy, HK\n4,\u{a0}\"Di\",x\n";
    let expected = [bad_quotes(), bad_quotes(), None, bad_quotes()];
    assert_eq!(codes(&format!("phone, name, city\n{names}")), expected);
    assert!(error("phone, \"name\"\n1,Ana\n").contains("has a space before a quote"));
    let formulas = "phone;name;city;note\n1;=\"Smith; John\";Madrid\n2;=\"Bo\";Rome\n3;\"=\"\"a; b\"\"\";x\n";
    assert_eq!(codes(formulas), [Some("ragged_row".to_owned()), None, None]);
}

#[test]
fn a_bad_quote_costs_one_row_whatever_ends_the_lines() {
    let list = "phone,name\n1,Zed\r2,\"Ana\r3,Ben\r4,Cy\r\n5,\"Di\r\n6,Ed\r";
    let expected = [
        row(1, 2, &["1", "Zed"]),
        bad(2, 2, &["", ""], "bad_quotes"),
        row(3, 2, &["3", "Ben"]),
        row(4, 2, &["4", "Cy"]),
        bad(5, 3, &["", ""], "bad_quotes"),
        row(6, 4, &["6", "Ed"]),
    ];
    assert_eq!(rows(&case(list).recipients), expected);
    assert_eq!(codes("phone,name\n1,\"Ana\r"), [Some("bad_quotes".to_owned())]);
}

#[test]
fn rows_that_stray_quotes_may_have_swallowed_are_noted() {
    let note = |list: &str| {
        let mut reader = open(&case(list).recipients).unwrap();
        let mut record = Record::default();
        while reader.read(&mut record).unwrap() {}
        reader.notes().into_iter().find(|note| note.code == "swallowed_row")
    };
    let stray = "85268411201;Hans;\"VIP\n85268411202;Anna;\"\n";
    let found = note(&format!("phone;name;note\n85268411200;Ed;\"a\nb\"\n{stray}85268411203;Uwe;\n{stray}")).unwrap();
    assert_eq!(found.rows, 2);
    assert_eq!(
        found.message,
        "in 2 rows, a line inside a quoted cell looks like another row (the first is on line 4). If the quotes are stray, \
         the people on such lines get no message; remove the quotes"
    );
    let address = "phone;name;note\n85268411201;Hans;\"Main St. 1; 2nd floor\n12345; Berlin; Germany\"\n";
    assert_eq!(note(address), None);
}

/// Reads a list to its end, and returns its rows and the words of the note about blank rows.
fn with_blank_rows(list: &str) -> (Vec<Row>, Option<String>) {
    let case = case(list);
    let mut reader = open(&case.recipients).unwrap();
    let mut record = Record::default();
    while reader.read(&mut record).unwrap() {}
    let note = reader.notes().into_iter().find(|note| note.code == "blank_rows").map(|note| note.message);
    (rows(&case.recipients), note)
}

#[test]
fn blank_rows_are_left_out_wherever_they_are() {
    for blank in [",", " \t,\u{200b}", "\"\",=\"\"", ",,,,", "\u{a0}"] {
        for line in ["\n", "\r\n", "\n\n"] {
            let list = format!("phone,name\n1,Ana\n{}", format!("{blank}{line}").repeat(3));
            let (rows, note) = with_blank_rows(&list);
            assert_eq!(rows, [row(1, 2, &["1", "Ana"])], "{list:?}");
            assert_eq!(note.as_deref(), Some("3 blank rows are left out; the first is on line 3"), "{list:?}");
        }
    }
    let (rows, note) = with_blank_rows("phone,name\n,\n1,Ana\n,\n,\n\n,\n2,Bo\n3,\"Cy\n,\n4,Di\n,");
    let expected = [
        row(1, 3, &["1", "Ana"]),
        row(2, 8, &["2", "Bo"]),
        bad(3, 9, &["", ""], "bad_quotes"),
        row(4, 11, &["4", "Di"]),
    ];
    assert_eq!(rows, expected);
    assert_eq!(note.as_deref(), Some("6 blank rows are left out; the first is on line 2"));
    let (rows, note) = with_blank_rows("phone,name\n1,Ana\n,\n2,Bo\n");
    assert_eq!(rows, [row(1, 2, &["1", "Ana"]), row(2, 4, &["2", "Bo"])]);
    assert_eq!(note.as_deref(), Some("1 blank row is left out: line 3"));
    assert_eq!(with_blank_rows("phone,name\n1,\n,Ana\n").0.len(), 2);
}

#[test]
fn in_a_single_column_only_blank_rows_at_the_end_are_left_out() {
    let (rows, note) = with_blank_rows("phone\n\"\"\n1\n\n \n");
    assert_eq!(rows, [row(1, 2, &[""]), row(2, 3, &["1"])]);
    assert_eq!(note.as_deref(), Some("1 blank row is left out: line 5"));
    assert_eq!(with_blank_rows("phone\n\"\"\n1\n").1, None);
}

#[test]
fn many_blank_rows_need_little_memory_and_keep_their_lines() {
    let blank = "\"\"\n\n".repeat(20_000);
    let (rows, note) = with_blank_rows(&format!("phone\n{blank}1\n"));
    assert_eq!((rows.len(), note), (20_001, None));
    assert_eq!((&rows[19_999], &rows[20_000]), (&row(20_000, 40_000, &[""]), &row(20_001, 40_002, &["1"])));
    let (rows, note) = with_blank_rows(&format!("phone\n1\n{}", "\"\"\n".repeat(100_000)));
    let words = "100,000 blank rows are left out; the first is on line 3";
    assert_eq!((rows.len(), note.as_deref()), (1, Some(words)));
}
