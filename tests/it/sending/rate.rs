//! No second holds more than the rate, the first one included, by the provider's own clock.

use std::time::{Duration, Instant};

use crate::support::rates::{counts_from_each, max_in_any};
use crate::support::{CampaignFile, ScriptedProvider, TestEnv, csv, wait_until};

const SECOND: Duration = Duration::from_secs(1);
/// By how much two requests may come closer together between the program and the provider, on a machine with nothing
/// else to do. At 20 per second it is half the distance of two requests, so one request too many is seen.
const JITTER: Duration = Duration::from_millis(25);
/// How often a run is repeated that says nothing, because the machine stood still.
const TRIES: usize = 4;

/// When each send of a run arrived, and for how long the machine stood still at worst.
fn arrivals(env: &TestEnv, rows: usize) -> (Vec<Instant>, Duration) {
    let provider = ScriptedProvider::slow(40);
    let running = env.start(&provider, &["run", "job.yaml", "--no-wait", "--again"]);
    // What the machine holds up, it holds up for this thread too.
    let (mut last, mut stalled) = (Instant::now(), Duration::ZERO);
    let all_here = || {
        stalled = stalled.max(last.elapsed());
        last = Instant::now();
        provider.sends() == rows
    };
    assert!(wait_until(Duration::from_secs(30), all_here));
    assert_eq!(running.wait().code, 0);
    (provider.received().sends.iter().map(|sent| sent.at).collect(), stalled)
}

#[test]
fn no_second_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
    let env = TestEnv::alone_on_this_machine();
    for (rate, per_second, rows) in [("20/s", 20, 90), ("200/s", 200, 900)] {
        env.write("job.yaml", CampaignFile { rate, concurrency: 64, ..CampaignFile::default() }.yaml());
        env.write("list.csv", csv(rows));
        let mut seen = Vec::new();
        let holds = (0..TRIES).any(|_| {
            let (times, stalled) = arrivals(&env, rows);
            let most = max_in_any(&times, SECOND - JITTER);
            // The windows that lie within the run.
            let mut whole = counts_from_each(&times, SECOND);
            whole.truncate(rows - per_second);
            whole.sort_unstable();
            let usual = whole[whole.len() / 2];
            seen.push((most, usual, stalled));
            let is_right = most <= per_second && usual * 100 >= per_second * 95;
            assert!(is_right || stalled > JITTER / 2, "{rate}: {seen:?}");
            is_right
        });
        assert!(holds, "{rate}, the most in a second, the usual number, the longest standstill: {seen:?}");
    }
}
