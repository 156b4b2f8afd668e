//! The charts over time: columns in an SVG, and the same figures as a table.

use std::time::Duration;

use serde::Serialize;

use crate::model::{Millis, Zone};
use crate::report::stats::timeline::Timeline;
use crate::report::wording::moment;
use crate::text::{duration, grouped};

/// The width and height of a chart in units; the page stretches it.
const SIZE: (f64, f64) = (960.0, 160.0);

/// The greatest width of a column, so that the chart of a short run does not look like one block.
const MAX_COLUMN_WIDTH: f64 = 40.0;

/// A chart of one or more kinds of events over time.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    title: &'static str,
    /// The name of each kind.
    kinds: Vec<&'static str>,
    width: f64,
    height: f64,
    columns: Vec<Column>,
    /// The figures of the columns that are not empty: the time, and the count of each kind.
    figures: Vec<(String, Vec<String>)>,
    /// The length of a bucket, in words.
    every: String,
    /// The content of the chart in one sentence.
    words: String,
    /// What the chart does not show.
    note: Option<String>,
    /// The labels of the vertical axis, from the top.
    heights: [String; 3],
    /// The labels of the time axis.
    times: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Column {
    kind: usize,
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
}

impl Chart {
    /// Creates the chart of a timeline whose kinds have these names; `None` if the timeline is empty.
    #[expect(clippy::cast_precision_loss, reason = "a chart needs no more than 52 bits")]
    pub(super) fn new<const N: usize>(
        zone: &Zone,
        title: &'static str,
        kinds: [&'static str; N],
        timeline: &Timeline<N>,
        note: Option<String>,
    ) -> Option<Self> {
        let most = timeline.buckets().flat_map(|(_, counts)| counts).max()?;
        let (from, last) = (timeline.buckets().next()?.0, timeline.buckets().last()?.0);
        let bucket = Duration::from_secs(u64::try_from(timeline.width()).unwrap_or(1));
        let to = last.plus(bucket);
        let every = duration(bucket);
        let top = round_above(most);
        let step = SIZE.0 / timeline.buckets().len() as f64;
        let width = (step * 0.86 / N as f64).min(MAX_COLUMN_WIDTH);
        let mut columns = Vec::new();
        let mut figures = Vec::new();
        for (index, (at, counts)) in timeline.buckets().enumerate().filter(|(_, (_, counts))| *counts != [0; N]) {
            figures.push((moment(zone, at), counts.map(grouped).to_vec()));
            let left = index as f64 * step + (step - width * N as f64) / 2.0;
            for (kind, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                let height = (SIZE.1 * count as f64 / top as f64).max(1.0);
                columns.push(Column {
                    kind,
                    x: format!("{:.2}", left + kind as f64 * width),
                    y: format!("{:.2}", SIZE.1 - height),
                    width: format!("{width:.2}"),
                    height: format!("{height:.2}"),
                    title: format!("{}: {} {} in {every}", moment(zone, at), grouped(count), kinds[kind]),
                });
            }
        }
        let totals = kinds.iter().enumerate().map(|(kind, name)| {
            let total = timeline.buckets().map(|(_, counts)| counts[kind]).sum();
            format!("{} {name}", grouped(total))
        });
        let words = format!(
            "{} between {} and {}; peak: {} in {every}",
            totals.collect::<Vec<_>>().join(", "),
            moment(zone, from),
            moment(zone, to),
            grouped(most)
        );
        Some(Self {
            title,
            kinds: kinds.to_vec(),
            width: SIZE.0,
            height: SIZE.1,
            columns,
            figures,
            every,
            words,
            note,
            heights: [grouped(top), grouped(top / 2), "0".to_owned()],
            times: times(zone, from, to),
        })
    }
}

/// Returns the top of an axis: a round number that is at least `most` and even.
fn round_above(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        let digits: &[u64] = if unit == 1 { &[2, 4, 6, 8, 10] } else { &[2, 3, 4, 5, 6, 8, 10] };
        if let Some(top) = digits.iter().map(|digit| unit.saturating_mul(*digit)).find(|top| *top >= most) {
            return top;
        }
        match unit.checked_mul(10) {
            Some(larger) => unit = larger,
            None => return most,
        }
    }
}

/// Returns five equally spaced times, or only the two ends if the others would be equal. Leaves out the date if all are
/// on the same day.
fn times(zone: &Zone, from: Millis, to: Millis) -> Vec<String> {
    let seconds = to.since(from).as_secs();
    let parts = if seconds < 4 { 1 } else { 4 };
    let at = |part: u64| {
        moment(zone, from.plus(Duration::from_secs(seconds / parts * part + seconds % parts * part / parts)))
    };
    let all: Vec<String> = (0..=parts).map(at).collect();
    let day = |text: &String| text.get(..10).map(str::to_owned);
    let cut = match (all.first().and_then(day), all.last().and_then(day)) {
        (first, last) if first == last => "2026-03-23 ".len()..,
        _ => 0..,
    };
    let without_seconds = seconds >= 4 * 3_600;
    let shown = |text: &String| {
        let text = text.get(cut.clone()).unwrap_or(text);
        if without_seconds { text.get(..text.len() - 3).unwrap_or(text).to_owned() } else { text.to_owned() }
    };
    all.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_an_axis_is_a_round_number() {
        let tops = [1, 2, 3, 8, 9, 20, 21, 95, 600_001].map(round_above);
        assert_eq!(tops, [2, 2, 4, 8, 10, 20, 30, 100, 800_000]);
        assert_eq!(round_above(u64::MAX), u64::MAX);
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        let at = |seconds: i64| Millis((1_774_249_921 + seconds) * 1000);
        let times = |from, to| times(&Zone::named(None), from, to);
        assert_eq!(times(at(0), at(1)), ["07:12:01", "07:12:02"]);
        assert_eq!(times(at(0), at(10)), ["07:12:01", "07:12:03", "07:12:06", "07:12:08", "07:12:11"]);
        assert_eq!(times(at(0), at(43_200))[4], "19:12");
        assert_eq!(times(at(0), at(86_400))[..2], ["2026-03-23 07:12", "2026-03-23 13:12"]);
    }

    #[test]
    fn one_message_is_one_column_in_the_middle() {
        let mut timeline = Timeline::<2>::default();
        timeline.add(1, Millis(1_774_249_921_000));
        let chart = Chart::new(&Zone::named(None), "Arrived", ["delivered", "read"], &timeline, None).unwrap();
        let [column] = chart.columns.as_slice() else { panic!("{:?}", chart.columns) };
        assert_eq!((column.x.as_str(), column.width.as_str(), column.height.as_str()), ("480.00", "40.00", "80.00"));
        assert_eq!(column.title, "2026-03-23 07:12:01: 1 read in 1 s");
        assert_eq!(
            chart.words,
            "0 delivered, 1 read between 2026-03-23 07:12:01 and 2026-03-23 07:12:02; peak: 1 in 1 s"
        );
        assert_eq!(chart.figures, [("2026-03-23 07:12:01".to_owned(), vec!["0".to_owned(), "1".to_owned()])]);
        assert!(Chart::new(&Zone::named(None), "Arrived", ["delivered", "read"], &Timeline::default(), None).is_none());
    }
}
