//! The pace over time that stands still but for whoever waits: no window holds more than the rate, whatever happens.

use proptest::prelude::*;

use super::*;

fn pace(rate: u32, per: Duration) -> Pace {
    Pace::new(NonZeroU32::new(rate).unwrap(), per)
}

async fn departures(pace: &Pace, for_: Duration) -> Vec<Instant> {
    let end = Instant::now() + for_;
    let mut times = Vec::new();
    while Instant::now() < end {
        let turn = pace.turn().await;
        assert!(pace.depart(turn).await);
        times.push(Instant::now());
    }
    times
}

fn most_in_any(times: &[Instant], per: Duration) -> usize {
    (0..times.len()).map(|i| times[i..].iter().take_while(|t| **t < times[i] + per).count()).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn no_second_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
    for (rate, seconds) in [(1, 20), (2, 20), (7, 20), (80, 10), (200, 10), (999, 3), (5000, 2)] {
        let pace = pace(rate, Duration::from_secs(1));
        let times = departures(&pace, Duration::from_secs(seconds)).await;
        assert!(most_in_any(&times, Duration::from_secs(1)) <= rate as usize, "{rate}/s");
        let used = times.len() as f64 / (seconds as f64 * f64::from(rate));
        assert!((0.98..=1.06).contains(&used), "{rate}/s: {used}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_to_leave_at_a_low_rate_leaves_at_once_when_it_is_raised() {
    let pace = pace(2, Duration::from_secs(60));
    let begun = Instant::now();
    let turns = [pace.turn().await, pace.turn().await, pace.turn().await];
    let held_up = begun.elapsed();
    assert!(pace.depart(turns[0]).await && pace.depart(turns[1]).await);
    let raise = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        pace.set_rates(&[(NonZeroU32::new(80).unwrap(), Duration::from_secs(1))]);
    };
    assert!(tokio::join!(pace.depart(turns[2]), raise).0);
    assert_eq!((begun.elapsed() - held_up).as_secs(), 5);
}

/// Something that happens to a pace.
#[derive(Clone, Debug)]
enum Happening {
    /// So many requests want to leave, each after it was held up for so long behind its turn.
    Wish(u8, u16),
    /// The provider asks to slow down.
    Throttle(Option<u64>),
    /// Time passes.
    Pass(u16),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let wish = (1_u8..40, 0_u16..3000).prop_map(|(requests, held_up)| Happening::Wish(requests, held_up));
    let throttle = prop::option::of(0_u64..7).prop_map(Happening::Throttle);
    prop::collection::vec(prop_oneof![4 => wish, 1 => throttle, 3 => (0_u16..2500).prop_map(Happening::Pass)], 1..25)
}

/// When requests left, whatever happened. The pace reads the monotonic clock only, which nobody can set: steps of
/// the wall clock are none for it.
fn left_at(rate: u32, per: Duration, happenings: Vec<Happening>) -> Vec<Instant> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let pace = std::sync::Arc::new(pace(rate, per));
        let mut requests = tokio::task::JoinSet::new();
        for happening in happenings {
            match happening {
                Happening::Wish(wishes, held_up) => {
                    for _ in 0..wishes {
                        let pace = pace.clone();
                        requests.spawn(async move {
                            let turn = pace.turn().await;
                            tokio::time::sleep(Duration::from_millis(held_up.into())).await;
                            assert!(pace.depart(turn).await);
                            Instant::now()
                        });
                    }
                }
                Happening::Throttle(wish) => {
                    let slowed = pace.slow_down(wish.map(Duration::from_secs));
                    assert!(slowed.rate <= f64::from(rate) / per.as_secs_f64());
                }
                Happening::Pass(time) => tokio::time::sleep(Duration::from_millis(time.into())).await,
            }
        }
        let mut times = requests.join_all().await;
        times.sort_unstable();
        times
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_second_holds_more_than_the_rate_whatever_happens(rate in 1_u32..60, happenings in happenings()) {
        let second = Duration::from_secs(1);
        let wishes: usize = happenings.iter().map(|what| match what {
            Happening::Wish(wishes, _) => usize::from(*wishes),
            _ => 0,
        }).sum();
        let times = left_at(rate, second, happenings);
        prop_assert_eq!(times.len(), wishes, "everyone gets away in the end");
        prop_assert!(most_in_any(&times, second) <= rate as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_a_minute_holds_in_every_minute() {
    let pace = pace(90, Duration::from_secs(60));
    let times = departures(&pace, Duration::from_secs(300)).await;
    assert!(most_in_any(&times, Duration::from_secs(60)) <= 90);
    assert!(times.len() >= 440, "{}", times.len());
}

#[tokio::test(start_paused = true)]
async fn turns_that_were_held_up_do_not_leave_as_a_burst() {
    let pace = pace(100, Duration::from_secs(1));
    let mut turns = Vec::new();
    for _ in 0..100 {
        turns.push(pace.turn().await);
    }
    // All of them stood still, say for a slow disk, and leave now; others follow at once.
    let mut times = Vec::new();
    for turn in turns {
        assert!(pace.depart(turn).await);
        times.push(Instant::now());
    }
    times.extend(departures(&pace, Duration::from_secs(3)).await);
    assert!(most_in_any(&times, Duration::from_secs(1)) <= 100);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_pauses_halves_once_and_recovers() {
    let pace = pace(100, Duration::from_secs(1));
    let start = Instant::now();
    let first = pace.slow_down(Some(Duration::from_secs(3)));
    assert_eq!(first, Slowed { rate: 50.0, pause: Duration::from_secs(3) });
    assert_eq!(pace.slow_down(None).rate, 50.0, "answers of requests in flight together count once");
    pace.turn().await;
    assert!(start.elapsed() >= Duration::from_secs(3));
    let slow = departures(&pace, Duration::from_secs(1)).await.len();
    assert!((45..=56).contains(&slow), "{slow}");
    departures(&pace, Duration::from_secs(12)).await;
    let whole = departures(&pace, Duration::from_secs(1)).await.len();
    assert!((97..=101).contains(&whole), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_sender_does_not_starve_a_poll() {
    let pace = std::sync::Arc::new(pace(20, Duration::from_secs(1)));
    let sender = pace.clone();
    let busy = tokio::spawn(async move { departures(&sender, Duration::from_secs(10)).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = Instant::now();
    let turn = pace.turn().await;
    assert!(pace.depart(turn).await);
    assert!(asked.elapsed() <= Duration::from_millis(200), "{:?}", asked.elapsed());
    busy.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_without_a_way_to_the_provider_cost_a_handful_of_requests() {
    let pace = pace(100, Duration::from_secs(1));
    let start = Instant::now();
    let (first, second) = (pace.turn().await, pace.turn().await);
    assert_eq!(pace.unreachable(first), Some(Duration::from_secs(1)));
    assert!(!pace.depart(second).await, "whoever had a turn by then stays");
    let mut requests = 1;
    let mut turn = pace.turn().await;
    while start.elapsed() < Duration::from_secs(600) {
        assert!(pace.try_turn().is_none() && pace.depart(turn).await);
        requests += 1;
        // The next one waits already while this one finds out.
        let (next, ()) = tokio::join!(pace.turn(), async { assert!(pace.unreachable(turn).is_some()) });
        turn = next;
    }
    assert!((15..=17).contains(&requests), "{requests}");
    let (waiting, ()) = tokio::join!(pace.turn(), async { assert!(pace.reached(turn)) });
    assert!(start.elapsed() < Duration::from_secs(720) && pace.depart(waiting).await);
    let whole = departures(&pace, Duration::from_secs(1)).await.len();
    assert!((97..=101).contains(&whole), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_low_rate_goes_on_at_half_its_speed_after_a_throttle() {
    let pace = pace(10, Duration::from_secs(60));
    pace.slow_down(None);
    let start = Instant::now();
    pace.turn().await;
    assert!(start.elapsed() <= Duration::from_secs(13), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_as_long_as_the_provider_asked_for() {
    let pace = pace(10, Duration::from_secs(1));
    let (day, limit) = (Duration::from_secs(86_400), Duration::from_secs(1_200));
    assert_eq!(pace.pause_beyond(limit), None);
    assert_eq!(pace.slow_down(Some(day)).pause, day);
    pace.slow_down(Some(Duration::from_secs(60)));
    pace.paused_beyond(limit).await;
    assert_eq!(pace.pause_beyond(limit), Some(day), "a shorter one takes nothing away");
    let start = Instant::now();
    pace.turn().await;
    assert_eq!(start.elapsed(), day);
    assert_eq!(pace.pause_beyond(Duration::ZERO), None);
}
