//! No second holds more than the rate, the first one included, as the provider's own clock has it.

use std::time::{Duration, Instant};

use crate::provider::{Provider, Script};
use crate::workplace::{Campaign, Workplace, csv};

const RATE: usize = 200;
const ROWS: usize = 1000;

#[test]
fn no_second_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
    let provider = Provider::start(Script { latency: Duration::from_millis(40), ..Script::default() });
    let campaign = Campaign { rate: "200/s", concurrency: 64, ..Campaign::default() };
    let work = Workplace::with(&campaign, &csv(ROWS));
    let run = work.run(&provider, &["run", "job.yaml", "--no-wait"]);
    assert_eq!(run.code, 0, "{run}");

    let book = provider.book();
    let times: Vec<Instant> = book.sends.iter().map(|sent| sent.at).collect();
    assert_eq!(times.len(), ROWS);
    let second = Duration::from_secs(1);
    let most = (0..ROWS).map(|i| times[i..].iter().take_while(|at| **at < times[i] + second).count()).max().unwrap();
    // Requests leave strictly at the rate; on their way some are held up a little longer than others.
    assert!(most <= RATE + RATE / 50, "{most} in one second");

    let took = times[ROWS - 1].duration_since(times[0]).as_secs_f64();
    let achieved = (ROWS - 1) as f64 / took;
    assert!(achieved >= 0.95 * RATE as f64, "{achieved:.1} a second");
}
