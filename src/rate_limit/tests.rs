//! The limiter under a clock that only moves while someone waits: no window holds more than the rate, whatever happens.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

fn limiter(rate: u32, per: Duration) -> RateLimiter {
    RateLimiter::new(NonZeroU32::new(rate).unwrap(), per)
}

async fn admissions(limiter: &RateLimiter, for_: Duration) -> Vec<Instant> {
    let end = Instant::now() + for_;
    let mut times = Vec::new();
    while Instant::now() < end {
        let reservation = limiter.reserve().await;
        assert!(limiter.admit(reservation).await);
        times.push(Instant::now());
    }
    times
}

pub(super) fn max_in_any(times: &[Instant], per: Duration) -> usize {
    (0..times.len()).map(|i| times[i..].iter().take_while(|t| **t < times[i] + per).count()).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn no_second_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
    for (rate, seconds) in [(1, 20), (2, 20), (7, 20), (80, 10), (200, 10), (999, 3), (5000, 2)] {
        let limiter = limiter(rate, Duration::from_secs(1));
        let times = admissions(&limiter, Duration::from_secs(seconds)).await;
        assert!(max_in_any(&times, Duration::from_secs(1)) <= rate as usize, "{rate}/s");
        let used = times.len() as f64 / (seconds as f64 * f64::from(rate));
        assert!((0.98..=1.06).contains(&used), "{rate}/s: {used}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_at_a_low_rate_leaves_as_soon_as_the_rate_is_raised() {
    let limiter = limiter(2, Duration::from_secs(60));
    let begun = Instant::now();
    let reservations = [limiter.reserve().await, limiter.reserve().await, limiter.reserve().await];
    let held_up = begun.elapsed();
    assert!(limiter.admit(reservations[0]).await && limiter.admit(reservations[1]).await);
    let raise = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        limiter.set_rates(&[(NonZeroU32::new(80).unwrap(), Duration::from_secs(1))]);
    };
    assert!(tokio::join!(limiter.admit(reservations[2]), raise).0);
    assert_eq!((begun.elapsed() - held_up).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_that_could_not_leave_soon_after_the_rate_was_lowered() {
    let limiter = limiter(400, Duration::from_secs(1));
    admissions(&limiter, Duration::from_secs(2)).await;
    limiter.set_rates(&[(NonZeroU32::new(60).unwrap(), Duration::from_secs(60))]);
    let lowered = Instant::now();
    let next = limiter.reserve().await;
    assert!((58..=60).contains(&lowered.elapsed().as_secs()), "{:?}", lowered.elapsed());
    let admitted = tokio::time::timeout(LONGEST_ADMISSION, limiter.admit(next)).await;
    assert_eq!(admitted, Ok(true));
}

/// An event in the life of a limiter. Times are in milliseconds.
#[derive(Clone, Debug)]
enum Event {
    /// This many requests, each delayed by this long after its reservation.
    Requests(u8, u16),
    /// A throttle answer, with the pause that it asks for in seconds.
    Throttle(Option<u64>),
    /// Time passes.
    Pass(u16),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let requests = (1_u8..40, 0_u16..3000).prop_map(|(requests, delay)| Event::Requests(requests, delay));
    let throttle = prop::option::of(0_u64..7).prop_map(Event::Throttle);
    prop::collection::vec(prop_oneof![4 => requests, 1 => throttle, 3 => (0_u16..2500).prop_map(Event::Pass)], 1..25)
}

/// Returns when requests left. The limiter reads only the monotonic clock, which nobody can set.
fn admitted_at(rate: u32, per: Duration, events: Vec<Event>) -> Vec<Instant> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let limiter = Arc::new(limiter(rate, per));
        let mut requests = tokio::task::JoinSet::new();
        for event in events {
            match event {
                Event::Requests(number, delay) => {
                    for _ in 0..number {
                        let limiter = limiter.clone();
                        requests.spawn(async move {
                            let reservation = limiter.reserve().await;
                            tokio::time::sleep(Duration::from_millis(delay.into())).await;
                            assert!(limiter.admit(reservation).await);
                            Instant::now()
                        });
                    }
                }
                Event::Throttle(wait) => {
                    let slowed = limiter.slow_down(wait.map(Duration::from_secs));
                    assert!(slowed.rate <= f64::from(rate) / per.as_secs_f64());
                }
                Event::Pass(time) => tokio::time::sleep(Duration::from_millis(time.into())).await,
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
    fn no_second_holds_more_than_the_rate_whatever_happens(rate in 1_u32..60, events in events()) {
        let second = Duration::from_secs(1);
        let requests: usize = events.iter().map(|event| match event {
            Event::Requests(number, _) => usize::from(*number),
            _ => 0,
        }).sum();
        let times = admitted_at(rate, second, events);
        prop_assert_eq!(times.len(), requests, "every request leaves in the end");
        prop_assert!(max_in_any(&times, second) <= rate as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_per_minute_holds_in_every_minute() {
    let limiter = limiter(90, Duration::from_secs(60));
    let times = admissions(&limiter, Duration::from_secs(300)).await;
    assert!(max_in_any(&times, Duration::from_secs(60)) <= 90);
    assert!(times.len() >= 440, "{}", times.len());
}

#[tokio::test(start_paused = true)]
async fn reservations_that_were_delayed_do_not_leave_as_a_burst() {
    let limiter = limiter(100, Duration::from_secs(1));
    let mut reservations = Vec::new();
    for _ in 0..100 {
        reservations.push(limiter.reserve().await);
    }
    // All of them were delayed, say by a slow disk, and leave now; others follow at once.
    let mut times = Vec::new();
    for reservation in reservations {
        assert!(limiter.admit(reservation).await);
        times.push(Instant::now());
    }
    times.extend(admissions(&limiter, Duration::from_secs(3)).await);
    assert!(max_in_any(&times, Duration::from_secs(1)) <= 100);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_pauses_halves_once_and_recovers() {
    let limiter = limiter(100, Duration::from_secs(1));
    let start = Instant::now();
    let first = limiter.slow_down(Some(Duration::from_secs(3)));
    assert_eq!(first, Slowed { rate: 50.0, pause: Duration::from_secs(3) });
    assert_eq!(limiter.slow_down(None).rate, 50.0, "answers of requests in flight together count once");
    limiter.reserve().await;
    assert!(start.elapsed() >= Duration::from_secs(3));
    let slow = admissions(&limiter, Duration::from_secs(1)).await.len();
    assert!((45..=56).contains(&slow), "{slow}");
    admissions(&limiter, Duration::from_secs(12)).await;
    let whole = admissions(&limiter, Duration::from_secs(1)).await.len();
    assert!((97..=101).contains(&whole), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_sender_does_not_starve_a_poll() {
    let limiter = Arc::new(limiter(20, Duration::from_secs(1)));
    let sender = limiter.clone();
    let busy = tokio::spawn(async move { admissions(&sender, Duration::from_secs(10)).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = Instant::now();
    let reservation = limiter.reserve().await;
    assert!(limiter.admit(reservation).await);
    assert!(asked.elapsed() <= Duration::from_millis(200), "{:?}", asked.elapsed());
    busy.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_outage_cost_a_handful_of_requests() {
    let limiter = limiter(100, Duration::from_secs(1));
    let start = Instant::now();
    let (first, second) = (limiter.reserve().await, limiter.reserve().await);
    assert_eq!(limiter.unreachable(first), Some(Duration::from_secs(1)));
    assert!(!limiter.admit(second).await, "earlier reservations are void");
    let mut requests = 1;
    let mut reservation = limiter.reserve().await;
    while start.elapsed() < Duration::from_secs(600) {
        assert!(limiter.try_reserve().is_none() && limiter.admit(reservation).await);
        requests += 1;
        // The next one waits already while this one probes.
        let (next, ()) = tokio::join!(limiter.reserve(), async { assert!(limiter.unreachable(reservation).is_some()) });
        reservation = next;
    }
    assert!((15..=17).contains(&requests), "{requests}");
    let (waiting, ()) = tokio::join!(limiter.reserve(), async { assert!(limiter.reached(reservation)) });
    assert!(start.elapsed() < Duration::from_secs(720) && limiter.admit(waiting).await);
    let whole = admissions(&limiter, Duration::from_secs(1)).await.len();
    assert!((97..=101).contains(&whole), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_low_rate_continues_at_half_its_speed_after_a_throttle() {
    let limiter = limiter(10, Duration::from_secs(60));
    limiter.slow_down(None);
    let start = Instant::now();
    limiter.reserve().await;
    assert!(start.elapsed() <= Duration::from_secs(13), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_as_long_as_the_provider_asked_for() {
    let limiter = limiter(10, Duration::from_secs(1));
    let (day, limit) = (Duration::from_secs(86_400), Duration::from_secs(1_200));
    assert_eq!(limiter.pause_beyond(limit), None);
    assert_eq!(limiter.slow_down(Some(day)).pause, day);
    limiter.slow_down(Some(Duration::from_secs(60)));
    limiter.paused_beyond(limit).await;
    assert_eq!(limiter.pause_beyond(limit), Some(day), "a shorter one does not shorten it");
    let start = Instant::now();
    limiter.reserve().await;
    assert_eq!(start.elapsed(), day);
    assert_eq!(limiter.pause_beyond(Duration::ZERO), None);
}
