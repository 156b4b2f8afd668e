//! One person over all runs.

use super::*;
use crate::model::{Phone, RowNumber, RunId};

contract!(
    a_number_is_found_in_every_run_that_has_it,
    a_number_is_found_in_any_spelling_oldest_run_first,
    rows_far_apart_are_found_after_their_run_ended,
    indexing_again_changes_nothing,
    a_number_on_the_suppression_list_is_there_with_its_reason,
);

fn row(worker: &Worker, row: u64) -> (RunId, RowNumber) {
    (worker.id.clone(), RowNumber(row))
}

/// Whether the run has ended, is being sent, or is only imported.
async fn a_number_is_found_in_every_run_that_has_it<P: Place>(f: Fixture<P>) {
    let ended = f.run("first", 3).await;
    f.store.index_numbers(ended.run).await.unwrap();
    let sending = f.run("second", 3).await;
    let twice = PlannedRow { row: RowNumber(4), ..planned(2) };
    let begun = f.begun("third").await;
    begun.import(&[planned(1), planned(2), invalid(3), twice]).await;
    let found = f.store.find(phone(2)).await.unwrap();
    assert_eq!(found, [row(&ended, 2), row(&sending, 2), row(&begun, 2), row(&begun, 4)]);
    f.store.index_numbers(begun.run).await.unwrap();
    assert_eq!(f.store.find(phone(2)).await.unwrap(), found);
    assert_eq!(f.store.find(phone(3)).await.unwrap(), [row(&ended, 3), row(&sending, 3)]);
    assert_eq!(f.store.find(phone(9)).await.unwrap(), []);
}

/// Brazil has mobile numbers with and without a 9.
async fn a_number_is_found_in_any_spelling_oldest_run_first<P: Place>(f: Fixture<P>) {
    let [with, without] = ["5511987654321", "551187654321"].map(|digits| Phone::from_digits(digits).unwrap());
    let mut runs = Vec::new();
    for (name, number) in [("first", with), ("second", without), ("third", with)] {
        let w = f.begun(name).await;
        w.import(&[PlannedRow { row: RowNumber(1), to: Ok(number), ..planned(1) }]).await;
        runs.push(row(&w, 1));
    }
    for number in [with, without] {
        assert_eq!(f.store.find(number).await.unwrap(), runs);
    }
}

/// Rows of a run lie in several stretches, and some of them have no numbers.
async fn rows_far_apart_are_found_after_their_run_ended<P: Place>(f: Fixture<P>) {
    let rows: Vec<PlannedRow> =
        (0..6).map(|n| PlannedRow { row: RowNumber(1 + n * 200_000), ..planned(n % 3) }).collect();
    let unsendable = PlannedRow { row: RowNumber(2_000_000), ..invalid(1) };
    let w = f.begun("job").await;
    w.import(&[&rows[..], &[unsendable]].concat()).await;
    let unindexed = f.store.find(phone(1)).await.unwrap();
    assert_eq!(unindexed, [row(&w, 200_001), row(&w, 800_001)]);
    f.store.index_numbers(w.run).await.unwrap();
    assert_eq!(f.store.find(phone(1)).await.unwrap(), unindexed);
    assert_eq!(f.store.find(phone(2)).await.unwrap(), [row(&w, 400_001), row(&w, 1_000_001)]);
}

async fn indexing_again_changes_nothing<P: Place>(f: Fixture<P>) {
    let w = f.run("job", 5).await;
    for _ in 0..3 {
        f.store.index_numbers(w.run).await.unwrap();
        assert_eq!(f.store.find(phone(5)).await.unwrap(), [row(&w, 5)]);
    }
    // An unplanned run has nothing to index yet: its rows may still change.
    let begun = f.begun("next").await;
    f.store.index_numbers(begun.run).await.unwrap();
    begun.import(&[planned(5)]).await;
    assert_eq!(f.store.find(phone(5)).await.unwrap(), [row(&w, 5), row(&begun, 5)]);
}

async fn a_number_on_the_suppression_list_is_there_with_its_reason<P: Place>(f: Fixture<P>) {
    f.store.suppress(&[phone(1)], Some("asked"), NOW).await.unwrap();
    f.store.suppress(&[phone(2)], None, at(5)).await.unwrap();
    assert_eq!(f.store.suppression(phone(1)).await.unwrap(), Some((NOW, Some("asked".to_owned()))));
    assert_eq!(f.store.suppression(phone(2)).await.unwrap(), Some((at(5), None)));
    assert_eq!(f.store.suppression(phone(3)).await.unwrap(), None);
}
