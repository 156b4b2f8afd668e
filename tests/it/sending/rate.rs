//! No second holds more than the rate, the first one included, as the provider's own clock has it.

use std::time::{Duration, Instant};

use crate::support::rates::{counts_from_each, max_in_any};
use crate::support::{CampaignFile, Script, ScriptedProvider, TestEnv, csv, wait_until};

const RATE: usize = 200;
const ROWS: usize = 1000;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn no_second_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
    let provider = ScriptedProvider::start(Script { latency: Duration::from_millis(40), ..Script::default() });
    let env = TestEnv::alone_on_this_machine();
    env.write("job.yaml", CampaignFile { rate: "200/s", concurrency: 64, ..CampaignFile::default() }.yaml());
    env.write("list.csv", csv(ROWS));
    let running = env.start(&provider, &["run", "job.yaml", "--no-wait"]);
    // What the machine holds up, it lets go in a heap: so long did it hold up this very thread at worst.
    let (mut last, mut stalled) = (Instant::now(), Duration::ZERO);
    let all_here = || {
        stalled = stalled.max(last.elapsed());
        last = Instant::now();
        provider.sends() == ROWS
    };
    assert!(wait_until(Duration::from_secs(30), all_here));
    assert_eq!(running.wait().code, 0);

    let times: Vec<Instant> = provider.received().sends.iter().map(|sent| sent.at).collect();
    let most = max_in_any(&times, SECOND.saturating_sub(stalled));
    assert!(most <= RATE + RATE / 50, "{most} in one second, less the {stalled:?} that the machine stood still");

    // Those that have a whole second behind them.
    let mut whole = counts_from_each(&times, SECOND);
    whole.truncate(ROWS - RATE);
    whole.sort_unstable();
    let usual = whole[whole.len() / 2];
    // Nearly all of it is used; how nearly depends on what else the machine does.
    assert!(usual * 100 >= RATE * 80, "usually {usual} in a second");
}
