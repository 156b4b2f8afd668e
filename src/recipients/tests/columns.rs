//! The names of columns: shared, missing and new ones.

use super::*;
use crate::model::ReportRow;

#[test]
fn columns_that_have_no_name_of_their_own_are_told_apart() {
    let case = case("mail,,phone, mail\n,x,85268411234,y\n");
    let reader = open(&case.recipients).unwrap();
    assert_eq!(reader.columns(), ["mail (column 1)", "(column 2)", "phone", "mail (column 4)"]);
    assert_eq!(rows(&case.recipients), [row(1, 2, &["", "x", "85268411234", "y"])]);
}

/// Opens a list with renamed columns, and returns the names or the error.
fn renamed(list: &str, to: &str, columns: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let mut case = case(list);
    case.recipients.to = to.to_owned();
    case.recipients.reading.columns = columns.iter().map(|(new, old)| ((*new).to_owned(), (*old).to_owned())).collect();
    open(&case.recipients).map(|reader| reader.columns().to_vec()).map_err(|error| error.to_person())
}

#[test]
fn columns_get_new_names() {
    let list = "Mobile\u{a0}Nr.,Pre\u{301}nom,Ort,Ort\n85268411234,Ana,a,b\n";
    let columns = [("phone", " Mobile Nr."), ("first_name", "Pr\u{e9}nom"), ("city", "Ort (column 4)")];
    assert_eq!(renamed(list, "phone", &columns).unwrap(), ["phone", "first_name", "Ort (column 3)", "city"]);
    assert_eq!(renamed("a,b\n", "a", &[("a", "a")]).unwrap(), ["a", "b"]);
    assert_eq!(renamed("a,b,b\n", "a", &[("b", "b (column 3)")]).unwrap(), ["a", "b (column 2)", "b"]);
    for (to, columns, words) in [
        ("phone", ("phone", "Mobile Nr"), "no column `Mobile Nr` to rename; "),
        ("phone", ("phone", "Mobile Nr"), "; did you mean `Mobile Nr.`?"),
        ("Mobile Nr.", ("phone", "Mobile Nr."), "has no column `Mobile Nr.` for the numbers"),
        ("phone", ("phone", "Ort"), "columns 3 and 4 of "),
        ("Ort", ("Mobile  Nr.", "Pr\u{e9}nom"), "renames column 2 of "),
        ("Ort", ("Mobile  Nr.", "Pr\u{e9}nom"), " to `Mobile  Nr.`, but column 1 has this name already"),
        ("Ort", ("Ort", "Pr\u{e9}nom"), "but column 3 has this name already"),
    ] {
        let error = renamed(list, to, &[columns]).unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_report_and_rejected_rows_have_the_new_names_already() {
    let report = format!("{},phone,name\n", ReportRow::COLUMNS.join(","));
    let columns = [("phone", "Tel"), ("name", "Name")];
    for list in [report.as_str(), "input_row,phone,name,problem\n", "input_row,Tel,Name,problem\n", "Tel,Name\n"] {
        let names = renamed(list, "phone", &columns).unwrap();
        assert!(names.contains(&"phone".to_owned()) && names.contains(&"name".to_owned()), "{names:?}");
    }
    assert!(renamed("phone,name\n", "phone", &columns).unwrap_err().contains("no column `Name` to rename"));
    assert!(renamed("input_row,phone,Tel\n", "phone", &columns[..1]).unwrap_err().contains("has this name already"));
}
