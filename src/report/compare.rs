//! Compares two runs: the same figures of both, and how much they differ.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::recipients_csv::{CsvDialect, writer_of};
use super::summary::Summary;
use crate::model::State;

/// The most error codes compared: the most frequent ones of both runs.
const MAX_ERRORS: usize = 20;

/// The unit of a figure, which decides how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Rows, requests.
    Count,
    /// Per cent of another figure.
    Percent,
    Seconds,
    PerSecond,
}

#[derive(Clone, Debug)]
struct Figure {
    /// The name in CSV and JSON.
    name: String,
    /// The label in the table.
    words: String,
    unit: Unit,
    /// The values of the first and the second run; `None` if unknown.
    values: [Option<f64>; 2],
}

/// Two runs, compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    runs: [String; 2],
    figures: Vec<Figure>,
}

impl Comparison {
    /// Compares two runs.
    #[must_use]
    pub fn new(first: &Summary, second: &Summary) -> Self {
        let both = [first, second];
        let mut figures = Vec::new();
        let mut add = |name: &str, words: &str, unit, of: &dyn Fn(&Summary) -> Option<f64>| {
            let values = both.map(of);
            figures.push(Figure { name: name.to_owned(), words: words.to_owned(), unit, values });
        };
        add("rows", "rows", Unit::Count, &|run| count(run.tally.rows()));
        add("sendable", "sendable", Unit::Count, &|run| count(run.tally.sendable()));
        add("accepted", "accepted", Unit::Count, &|run| count(run.tally.accepted()));
        add("accepted_share", "  of sendable", Unit::Percent, &|run| share(run.tally.accepted(), run.tally.sendable()));
        add("delivered", "delivered", Unit::Count, &|run| count(run.tally.delivered()));
        add("delivered_share", "  of accepted", Unit::Percent, &|run| {
            share(run.tally.delivered(), run.tally.accepted())
        });
        add("read", "read", Unit::Count, &|run| count(run.tally.of(State::Read)));
        add("read_share", "  of accepted", Unit::Percent, &|run| {
            share(run.tally.of(State::Read), run.tally.accepted())
        });
        for state in State::ALL {
            let in_the_funnel = matches!(state, State::Accepted | State::Sent | State::Delivered | State::Read);
            if !in_the_funnel && both.iter().any(|run| run.tally.of(state) > 0) {
                add(state.as_str(), state.as_str(), Unit::Count, &|run| count(run.tally.of(state)));
            }
        }
        add("retries", "retries", Unit::Count, &|run| count(run.retries));
        add("achieved_rate", "rate", Unit::PerSecond, &Summary::achieved_rate);
        let seconds = |time: Option<u64>| time.and_then(count);
        add("time_to_deliver_p50", "half delivered within", Unit::Seconds, &|run| seconds(run.to_deliver.spread().p50));
        add("time_to_deliver_p90", "90% delivered within", Unit::Seconds, &|run| seconds(run.to_deliver.spread().p90));
        add("time_to_read_p50", "half read within", Unit::Seconds, &|run| seconds(run.to_read.spread().p50));
        add("time_to_read_p90", "90% read within", Unit::Seconds, &|run| seconds(run.to_read.spread().p90));
        figures.extend(errors(both));
        Self { runs: both.map(|run| run.facts.run.to_string()), figures }
    }

    /// Returns a table with one figure per line.
    #[must_use]
    pub fn text(&self) -> String {
        let [first, second] = &self.runs;
        let mut lines = vec![[String::new(), first.clone(), second.clone(), "change".to_owned()]];
        lines.extend(self.figures.iter().map(|figure| {
            let [first, second] =
                figure.values.map(|value| value.map_or("–".to_owned(), |value| figure.unit.shown(value)));
            let change = figure.change().map_or(String::new(), |change| figure.unit.change(change));
            [figure.words.clone(), first, second, change]
        }));
        let mut widths = [0; 4];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let [name, a, b, change] = widths;
        let line = |[words, first, second, changed]: &[String; 4]| {
            format!("{words:<name$}  {first:>a$}  {second:>b$}  {changed:>change$}").trim_end().to_owned() + "\n"
        };
        lines.iter().map(line).collect()
    }

    /// Writes CSV: the figure's name, its values and the change, as plain numbers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn csv(&self, out: impl Write, dialect: CsvDialect) -> io::Result<()> {
        let mut csv = writer_of(out, dialect)?;
        let [first, second] = &self.runs;
        csv.write_record(["figure", first, second, "change"])?;
        for figure in &self.figures {
            let [a, b, change] =
                figure.numbers().map(|number| if number.is_null() { String::new() } else { number.to_string() });
            csv.write_record([&figure.name, &a, &b, &change])?;
        }
        csv.flush()
    }

    /// Returns JSON: the runs, and the values and the change of each figure.
    #[must_use]
    pub fn json(&self) -> Value {
        let figure = |figure: &Figure| {
            let [first, second, change] = figure.numbers();
            (figure.name.clone(), json!({"first": first, "second": second, "change": change}))
        };
        let figures: serde_json::Map<String, Value> = self.figures.iter().map(figure).collect();
        json!({"first": self.runs[0], "second": self.runs[1], "figures": figures})
    }
}

impl Figure {
    fn change(&self) -> Option<f64> {
        let [first, second] = self.values;
        Some(second? - first?)
    }

    /// Returns both values and the change as numbers: counts and seconds as integers, others with two decimals.
    fn numbers(&self) -> [Value; 3] {
        #[expect(clippy::cast_possible_truncation, reason = "no run has 2^53 rows")]
        let number = |value: f64| match self.unit {
            Unit::Count | Unit::Seconds => json!(value as i64),
            Unit::Percent | Unit::PerSecond => json!((value * 100.0).round() / 100.0),
        };
        let [first, second] = self.values;
        [first, second, self.change()].map(|value| value.map_or(Value::Null, number))
    }
}

impl Unit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Count => grouped(value),
            // Rounded down, so that 100% always means all.
            Self::Percent => format!("{:.1}%", (value * 10.0).floor() / 10.0),
            Self::Seconds => format!("{} s", grouped(value)),
            Self::PerSecond => format!("{value:.1}/s"),
        }
    }

    fn change(self, change: f64) -> String {
        let sign = if change > 0.0 { "+" } else { "" };
        match self {
            Self::Count => format!("{sign}{}", grouped(change)),
            Self::Percent => format!("{sign}{change:.1} points"),
            Self::Seconds => format!("{sign}{} s", grouped(change)),
            Self::PerSecond => format!("{sign}{change:.1}/s"),
        }
    }
}

/// Returns the most frequent codes of both runs, with their rows in each.
fn errors(both: [&Summary; 2]) -> Vec<Figure> {
    let mut codes: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for (run, summary) in both.into_iter().enumerate() {
        for error in summary.errors.sorted() {
            codes.entry(error.code).or_default()[run] += error.count;
        }
    }
    let mut codes: Vec<(String, [u64; 2])> = codes.into_iter().collect();
    codes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.iter().max().copied()));
    let figure = |(code, rows): (String, [u64; 2])| Figure {
        name: format!("error_{code}"),
        words: format!("problem {code}"),
        unit: Unit::Count,
        values: rows.map(count),
    };
    codes.into_iter().take(MAX_ERRORS).map(figure).collect()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::unnecessary_wraps,
    reason = "no run has 2^53 rows; other figures may be unknown"
)]
fn count(rows: u64) -> Option<f64> {
    Some(rows as f64)
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 rows")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Formats an integer as `-1,234`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no run has 2^53 rows")]
fn grouped(number: f64) -> String {
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", crate::text::grouped(number.abs() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ReportRow, RunId};
    use crate::report::RunFacts;
    use crate::report::sample::{accepted, facts, problem, row};

    fn summary(number: u32, rows: &[ReportRow]) -> Summary {
        let mut summary = Summary::new(RunFacts { run: RunId::new("spring-sale", number), ..facts() });
        rows.iter().for_each(|row| summary.add(row));
        summary
    }

    #[test]
    fn two_runs_side_by_side() {
        let delivered = |number: u64, seconds: i64| {
            let row = accepted(number, 0, State::Delivered);
            ReportRow { delivered_at: row.accepted_at.map(|at| crate::model::Millis(at.0 + seconds * 1000)), ..row }
        };
        let first: Vec<_> = (1..=1_200).map(|number| delivered(number, 4)).collect();
        let mut second: Vec<_> = (1..=1_000).map(|number| delivered(number, 9)).collect();
        second.push(problem(row(1_001, "85268410001", State::Rejected), 3, "131026", "no"));
        let compared = Comparison::new(&summary(1, &first), &summary(2, &second));
        let head = format!("{:21}  spring-sale-1  spring-sale-2       change", "");
        let expected = "
rows                           1,200          1,001         -199
sendable                       1,200          1,001         -199
accepted                       1,200          1,000         -200
  of sendable                 100.0%          99.9%  -0.1 points
delivered                      1,200          1,000         -200
  of accepted                 100.0%         100.0%   0.0 points
read                               0              0            0
  of accepted                   0.0%           0.0%   0.0 points
rejected                           0              1           +1
retries                            0              2           +2
rate                               –              –
half delivered within            4 s            9 s         +5 s
90% delivered within             4 s            9 s         +5 s
half read within                   –              –
90% read within                    –              –
problem 131026                     0              1           +1
";
        assert_eq!(compared.text(), head + expected);
        let json = compared.json();
        assert_eq!((&json["first"], &json["figures"]["rows"]["change"]), (&json!("spring-sale-1"), &json!(-199)));
        assert_eq!(json["figures"]["accepted_share"], json!({"first": 100.0, "second": 99.9, "change": -0.1}));
        assert_eq!(json["figures"]["achieved_rate"]["first"], Value::Null);
        let mut csv = Vec::new();
        compared.csv(&mut csv, CsvDialect::default()).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.starts_with("figure,spring-sale-1,spring-sale-2,change\r\nrows,1200,1001,-199\r\n"), "{csv}");
        assert!(csv.contains("\nachieved_rate,,,\r\n"), "{csv}");
    }
}
