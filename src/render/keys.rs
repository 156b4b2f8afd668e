//! Keys of a template, as in `row["First name"]`, in the spelling of the columns.

use crate::text::find_column;

/// Returns a template in which every literal key of the row that differs from a column in blanks alone is that column's
/// name. Nobody sees the difference between `First name` with a space and with a no-break space.
pub(super) fn with_column_names(template: &str, columns: &[String]) -> String {
    let mut written = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("row[") {
        let (before, after) = rest.split_at(at + "row[".len());
        written.push_str(before);
        rest = after;
        let blanks = rest.len() - rest.trim_start().len();
        let (before, after) = rest.split_at(blanks);
        written.push_str(before);
        rest = after;
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some((key, after)) = rest.get(1..).and_then(|rest| rest.split_once(quote)) else { continue };
        let column = find_column(columns, key).and_then(|position| columns.get(position));
        if let Some(column) = column.filter(|column| !column.contains(['\\', quote])) {
            written.extend([&quote.to_string(), column.as_str(), &quote.to_string()]);
            rest = after;
        }
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelled_as_the_columns_and_the_rest_stays() {
        let columns = ["First\u{a0}Name", "a b", "it's  x"].map(str::to_owned);
        for (template, expected) in [
            (
                "{{ row['First Name'] }}\u{a0}{{ row[\"First  Name\"] }}!",
                "{{ row['First\u{a0}Name'] }}\u{a0}{{ row[\"First\u{a0}Name\"] }}!",
            ),
            ("{{ row['a\u{a0}b'] }} a\u{a0}b", "{{ row['a b'] }} a\u{a0}b"),
            ("{{ row[ 'a\u{a0}b' ] }}", "{{ row[ 'a b' ] }}"),
            ("{{ row['it x'] }}{{ row[\"it's x\"] }}", "{{ row['it x'] }}{{ row[\"it's  x\"] }}"),
            ("{{ row[key] }}{{ row['other'] }}{{ row['a", "{{ row[key] }}{{ row['other'] }}{{ row['a"),
            ("row[", "row["),
            ("Hi", "Hi"),
        ] {
            assert_eq!(with_column_names(template, &columns), expected, "{template}");
        }
    }
}
