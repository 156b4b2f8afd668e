//! Tests: a week of a campaign with a window on its recipients' clocks, in 30 time zones, two of which change their
//! clocks. Time is simulated and advances with each message; the store, requests and answers are real.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use jiff::civil::{DateTime, Weekday, date};
use jiff::tz::TimeZone;

use crate::campaign_file;
use crate::engine::*;
use crate::model::{Campaign, Events, Millis, ProviderApi, State};
use crate::provider::Endpoint;
use crate::rate_limit::RunLimiter;
use crate::recipients;
use crate::store::{NewRun, Repeat, Run, StartDecision, Store};

/// Zones that rows name themselves.
const NAMED: [&str; 20] = [
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Kabul",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Europe/Lisbon",
    "Atlantic/Azores",
    "America/Nuuk",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Chicago",
    "America/Phoenix",
    "America/Anchorage",
    "Pacific/Pago_Pago",
];
/// Zones derived from the numbers: the leading digits, and how many follow.
const BY_NUMBER: [(&str, &str, usize); 10] = [
    ("Asia/Hong_Kong", "8526", 7),
    ("Asia/Tokyo", "8190", 8),
    ("Asia/Singapore", "659", 7),
    ("Europe/Berlin", "49151", 8),
    ("Europe/London", "447400", 6),
    ("Asia/Kolkata", "919", 9),
    ("Asia/Dubai", "97150", 7),
    ("Africa/Johannesburg", "2782", 7),
    ("America/New_York", "1212555", 4),
    ("America/Sao_Paulo", "55119", 8),
];
const A_ZONE: usize = 20;
/// The time that one message takes.
const EACH: Duration = Duration::from_secs(180);

/// A row and its expected result.
struct Row {
    zone: TimeZone,
    send_at: Option<Millis>,
    expires: bool,
}

fn by_the_clock_of(zone: &TimeZone, time: DateTime) -> Millis {
    Millis(zone.to_timestamp(time).unwrap().as_millisecond())
}

/// `MON-FRI 09:00-20:00` and `SAT 22:00-02:00`, except on the 30th.
fn is_open(zone: &TimeZone, at: Millis) -> bool {
    let local = zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap());
    let works = local.date() != date(2030, 10, 30);
    works
        && match local.weekday() {
            Weekday::Saturday => local.hour() >= 22,
            Weekday::Sunday => local.hour() < 2,
            _ => (9..20).contains(&local.hour()),
        }
}

/// Returns the list, and the expected result of each row by its number.
fn list() -> (String, HashMap<String, Row>) {
    let (mut csv, mut rows) = ("phone,zone,when,until\n".to_owned(), HashMap::new());
    let named = NAMED.into_iter().enumerate().map(|(index, zone)| (zone, zone, format!("8525{index:02}"), 5));
    let by_number = BY_NUMBER.into_iter().map(|(zone, prefix, rest)| (zone, "", prefix.to_owned(), rest));
    for (name, cell, prefix, rest) in named.chain(by_number) {
        let zone = TimeZone::get(name).unwrap();
        for n in 0..A_ZONE {
            let phone = format!("{prefix}{n:0rest$}");
            // Some rows are to be sent later, one of them out of hours; another has a deadline.
            let when = match n {
                0 => "2030-10-28T21:30",
                1..4 => "2030-10-29 10:00",
                4 => "2030-10-31T19:59",
                _ => "",
            };
            let expires = n == 5;
            let until = if expires { "2030-10-26T21:00" } else { "" };
            writeln!(csv, "{phone},{cell},{when},{until}").unwrap();
            let send_at = when.parse().ok().map(|time| by_the_clock_of(&zone, time));
            rows.insert(phone, Row { zone: zone.clone(), send_at, expires });
        }
    }
    (csv, rows)
}

const CAMPAIGN: &str = r#"
name: week
provider: incs
channel: viber
recipients: {csv: list.csv, to: phone, timezone: zone, send_at: when, not_after: until}
message: {type: text, text: Hello}
window:
  open: ["MON-FRI 09:00-20:00", "SAT 22:00-02:00"]
  off: 2030-10-30
  clock: recipient
dispatch: {concurrency: 1, rate: 60000/s}
"#;

type Arrivals = Arc<Mutex<Vec<(String, Millis, bool)>>>;

/// Starts a provider that records when each message arrives, refuses every seventh once, and takes its time.
async fn provider(clock: Clock, arrivals: Arrivals) -> Endpoint {
    let send = post(move |body: String| async move {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let to = body["to"].as_str().unwrap().to_owned();
        let mut arrivals = arrivals.lock().unwrap();
        let first = arrivals.iter().all(|(known, ..)| *known != to);
        let taken = !first || arrivals.len() % 7 != 3;
        arrivals.push((to, clock.now(), taken));
        clock.go_on(EACH);
        let accepted = format!(
            r#"{{"status":"success","code":200,"message":"","data":{{"msg_id":"m{}"}},"error":{{}}}}"#,
            arrivals.len()
        );
        if taken { (StatusCode::OK, accepted) } else { (StatusCode::TOO_EARLY, "{}".to_owned()) }
    });
    let nothing = get(|| async { r#"{"status":"success","code":200,"message":"","data":[],"error":{}}"# });
    let routes = Router::new().route("/external/messages/viber", send).route("/external/messages/status", nothing);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Endpoint::new(&base, "secret".into()).unwrap()
}

/// Plans the run of the campaign in this folder, through this API.
pub(super) async fn planned(folder: &Path, text: &str, api: ProviderApi) -> (Store, Run, Campaign) {
    let campaign = campaign_file::parse(text, &folder.join("campaign.yaml")).unwrap().campaign;
    let campaign = Campaign { api, ..campaign };
    let digest = recipients::digest(&campaign.recipients).unwrap();
    let new = NewRun {
        name: campaign.name.clone(),
        campaign: campaign_file::freeze(&campaign),
        campaign_hash: campaign_file::fingerprint(&campaign),
        recipients_hash: digest.clone(),
    };
    let store = Store::open(&folder.join("store.db")).await.unwrap();
    let StartDecision::New(run) = store.start_run(&new, Repeat::Unsaid, Millis(0)).await.unwrap() else {
        panic!("it is new")
    };
    let silent: Events = Arc::new(|_| {});
    let owner = store.take_over(run.key, None, Millis(0)).await.unwrap();
    Plan::open(&campaign).unwrap().import(&store, owner, &digest, &silent).await.unwrap();
    let run = store.run(Some(&run.id)).await.unwrap();
    assert_eq!(campaign_file::thaw(&run.campaign).unwrap().timing, campaign.timing);
    (store, run, campaign)
}

pub(super) async fn job(store: &Store, run: &Run, campaign: &Campaign, endpoint: &Endpoint, clock: &Clock) -> Job {
    let lock = Arc::new(store.lock(&run.id).await.unwrap());
    let dispatch = &campaign.dispatch;
    let limiter = RunLimiter::alone((dispatch.rate, dispatch.per));
    let job = Job::new(store, run, campaign, endpoint, 1, limiter, &lock).unwrap();
    Job { clock: clock.clone(), ..job }
}

/// Sends until nothing is left, one process after another, each started when the previous one said so.
async fn send_all(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    endpoint: &Endpoint,
    clock: &Clock,
) -> (RunResult, u32) {
    for processes in 1..500 {
        let ending = crate::engine::run(job(store, run, campaign, endpoint, clock).await, RunMode::Send).await.unwrap();
        assert_eq!(ending.reason, None);
        let Some(waiting) = &ending.waiting else {
            for finding in store.verify(run).await.unwrap() {
                assert_eq!(finding.broken, 0, "{}", finding.rule);
            }
            return (ending, processes);
        };
        // This clock advances while a process that is about to end waits for an answer, but only up to that moment.
        assert!(waiting.first >= clock.now(), "it ended though something was due");
        clock.go_on(waiting.first.since(clock.now()));
    }
    panic!("it does not come to an end");
}

#[tokio::test]
async fn no_message_leaves_outside_the_window_and_every_one_that_could_leave_did() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, rows) = list();
    std::fs::write(folder.path().join("list.csv"), csv).unwrap();
    let begin = by_the_clock_of(&TimeZone::UTC, date(2030, 10, 26).at(7, 30, 0, 0));
    let clock = Clock::set(begin);
    let arrivals = Arrivals::default();
    let endpoint = provider(clock.clone(), arrivals.clone()).await;
    let (store, run, campaign) = planned(folder.path(), CAMPAIGN, ProviderApi::Incs).await;
    let (ending, _) = send_all(&store, &run, &campaign, &endpoint, &clock).await;

    let arrivals = arrivals.lock().unwrap();
    let expired = rows.values().filter(|row| row.expires).count();
    let sent = rows.len() - expired;
    assert_eq!((expired, sent), (30, 570));
    assert_eq!(ending.tally.of(State::Expired), expired as u64, "{:?}", ending.tally);
    assert_eq!(ending.tally.accepted(), sent as u64, "{:?}", ending.tally);
    assert_eq!(arrivals.iter().filter(|(.., taken)| *taken).count(), sent);
    assert!(arrivals.len() > sent + 50, "there were retries");
    // It took more than a week, so it covers every day and both clock changes.
    assert!(clock.now().since(begin) > Duration::from_secs(6 * 86_400));

    for (to, at, _) in arrivals.iter() {
        let row = &rows[to];
        assert!(is_open(&row.zone, *at), "{} at {at}", row.zone.iana_name().unwrap());
        assert!(row.send_at.is_none_or(|send_at| send_at <= *at) && !row.expires);
    }
    // While nothing was in flight, nothing could have been sent.
    let taken: HashMap<&str, usize> = arrivals.iter().enumerate().map(|(n, (to, ..))| (to.as_str(), n)).collect();
    let ends = arrivals.iter().map(|(_, at, _)| at.plus(EACH));
    let mut idle_minutes = 0;
    for (index, (free, (_, next, _))) in [begin].into_iter().chain(ends).zip(arrivals.iter()).enumerate() {
        let waiting: Vec<&Row> =
            rows.iter().filter(|(to, row)| !row.expires && taken[to.as_str()] >= index).map(|(_, row)| row).collect();
        let mut at = free;
        // A second attempt is due seconds or minutes after the first.
        while at.plus(Duration::from_secs(330)) < *next {
            idle_minutes += 1;
            let could =
                waiting.iter().any(|row| is_open(&row.zone, at) && row.send_at.is_none_or(|send_at| send_at <= at));
            assert!(!could, "nothing left at {at}, and something could have");
            at = at.plus(Duration::from_secs(60));
        }
    }
    assert!(idle_minutes > 1000, "{idle_minutes}");
}
