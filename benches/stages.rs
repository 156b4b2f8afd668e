//! Measures what each stage of a run costs per row: reading and normalising, rendering, import, the store's steps of
//! claims and outcomes, status answers, the rows of a report; and the sending of a whole run. Sizes are fixed and
//! nothing is random; `docs/performance.md` names the command that produced each figure.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue may panic")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;

use campaigner::campaign_file;
use campaigner::engine::{self, Bad, Plan};
use campaigner::model::{
    Channel, DeliveryStatus, Millis, Phone, ProviderApi, ReportRow, RowNumber, State, StatusUpdate,
};
use campaigner::recipients::{self, Record};
use campaigner::render::Renderer;
use campaigner::store::{
    Awaiting, Claim, NewRun, Owner, PlannedRow, Polled, Repeat, Settlement, StartDecision, Step, Store, Wanted,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

mod sending;

/// Large enough that opening files does not count, small enough that an iteration takes some ten milliseconds.
const ROWS: u64 = 20_000;
/// The rows that share a commit when 64 requests are in flight over a fast connection.
const GROUP: u32 = 64;

const CAMPAIGN: &str = r#"
name: bench
provider: simulator
channel: whatsapp
recipients: {csv: list.csv, to: phone}
message:
  type: template
  template:
    name: bench
    components:
      - type: body
        parameters:
          - {type: text, text: "{{ first_name }}"}
          - {type: text, text: "{{ discount | default('25%') }}"}
          - {type: text, text: "Your order {{ order }} is on its way"}
dispatch: {rate: 1000/s}
"#;

/// Creates a folder with a campaign and its list: every other discount is missing, as in real lists.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bench.yaml"), CAMPAIGN).unwrap();
    let mut csv = String::from("phone,first_name,discount,order\n");
    for row in 0..ROWS {
        let discount = if row % 2 == 0 { "" } else { "30%" };
        writeln!(csv, "8526{row:07},Ana Maria,{discount},A-{row}").unwrap();
    }
    std::fs::File::create(folder.path().join("list.csv")).unwrap().write_all(csv.as_bytes()).unwrap();
    folder
}

fn plan(c: &mut Criterion) {
    let folder = workplace();
    let campaign = campaign_file::read(&folder.path().join("bench.yaml")).unwrap().campaign;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("plan");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("read and normalise", |b| {
        b.iter(|| {
            let mut reader = recipients::open(&campaign.recipients).unwrap();
            let mut record = Record::default();
            while reader.read(&mut record).unwrap() {
                black_box(&record.to);
            }
        });
    });
    group.bench_function("check: read, normalise, render, validate, find duplicates", |b| {
        b.iter(|| {
            let plan = Plan::open(&campaign).unwrap();
            runtime.block_on(plan.check(None, |_| Ok(()), &(Arc::new(|_| {}) as _))).unwrap()
        });
    });
    let digest = recipients::digest(&campaign.recipients).unwrap();
    group.bench_function("import: all of it, and into the store", |b| {
        b.iter_batched(
            tempfile::tempdir,
            |folder| {
                let folder = folder.unwrap();
                runtime.block_on(async {
                    let store = Store::open(&folder.path().join("bench.db")).await.unwrap();
                    let run = begun(&store).await;
                    let plan = Plan::open(&campaign).unwrap();
                    plan.import(&store, run, &digest, &(Arc::new(|_| {}) as _)).await.unwrap();
                });
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn render(c: &mut Criterion) {
    let folder = workplace();
    let campaign = campaign_file::read(&folder.path().join("bench.yaml")).unwrap().campaign;
    let columns = ["phone", "first_name", "discount", "order"].map(str::to_owned);
    let renderer = Renderer::compile(ProviderApi::Incs, &campaign.message, &columns).unwrap();
    let phone = Phone::from_digits("85268411234").unwrap();
    let cells = ["85268411234", "Ana Maria", "30%", "A-17"];
    let mut group = c.benchmark_group("render");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one message of three parameters", |b| {
        let mut body = Vec::with_capacity(512);
        b.iter(|| {
            body.clear();
            renderer.render(phone, black_box(&cells), &mut body).unwrap();
        });
    });
    group.finish();
}

/// Creates a new run and takes it over.
async fn begun(store: &Store) -> Owner {
    let new =
        NewRun { name: "bench".into(), campaign: "{}".into(), campaign_hash: "c".into(), recipients_hash: "r".into() };
    let StartDecision::New(run) = store.start_run(&new, Repeat::Unsaid, Millis(0)).await.unwrap() else {
        unreachable!()
    };
    store.take_over(run.key, None, Millis(0)).await.unwrap()
}

/// Creates a store with a planned run of `ROWS` rows.
async fn stored(store: &Store) -> Owner {
    let owner = begun(store).await;
    store.begin_import(owner, &["phone".to_owned()], None).await.unwrap();
    let rows: Vec<PlannedRow> = (1..=ROWS)
        .map(|row| PlannedRow {
            row: RowNumber(row),
            line: row + 1,
            to: Ok(Phone::from_u64(85_260_000_000 + row)),
            cells: format!(r#"["8526{row:07}","Ana Maria","30%","A-{row}"]"#),
            problems: Vec::new(),
        })
        .collect();
    for chunk in rows.chunks(1000) {
        store.add_rows(owner, chunk).await.unwrap();
    }
    store.finish_import(owner, Millis(1)).await.unwrap();
    owner
}

/// The same, with all messages accepted.
async fn sent(store: &Store) -> Owner {
    let owner = stored(store).await;
    advance_all(store, owner, 1_000).await;
    owner
}

/// Claims all rows, `want` per step, and accepts them in the next step.
async fn advance_all(store: &Store, owner: Owner, want: u32) {
    let mut settlements = Vec::new();
    loop {
        let step = Step { settlements, want, now: Millis(2), ..Step::default() };
        let claimed = store.advance(owner, &step).await.unwrap().attempts;
        if claimed.is_empty() {
            break;
        }
        settlements = claimed.into_iter().map(|attempt| accepted(attempt.claim)).collect();
    }
}

fn commit(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("claims and outcomes, 64 a synced step", |b| {
        b.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let (store, owner) = runtime.block_on(async {
                    let store = Store::open(&folder.path().join("bench.db")).await.unwrap();
                    let owner = stored(&store).await;
                    (store, owner)
                });
                (folder, store, owner)
            },
            |(folder, store, owner)| {
                runtime.block_on(advance_all(&store, owner, GROUP));
                (folder, store)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn accepted(claim: Claim) -> Settlement {
    Settlement {
        claim,
        departed: true,
        ended_at: Millis(3),
        state: State::Accepted,
        outcome: State::Accepted,
        charged_attempts: 1,
        deferrals: 0,
        in_doubt: false,
        message_id: Some(format!("wamid.HBgLODUyNjg0MTUwMjYVAgARGBIyMUQ4RjA5MTY1NUJERjE3{:08}", claim.key.row())),
        problem: None,
        next_attempt_at: None,
        next_poll_at: Some(Millis(60_000)),
    }
}

/// Measures status answers, eight per commit, and what a report reads.
fn statuses_and_report(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let made = || {
        let folder = tempfile::tempdir().unwrap();
        let (store, run) = runtime.block_on(async {
            let store = Store::open(&folder.path().join("bench.db")).await.unwrap();
            let owner = sent(&store).await;
            (store, owner.run)
        });
        (folder, store, run)
    };
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("due polls read and their answers merged", |b| {
        b.iter_batched(
            made,
            |(folder, store, run)| {
                runtime.block_on(async {
                    loop {
                        let due = store.due_polls(run, Millis(60_000), 800).await.unwrap();
                        if due.is_empty() {
                            break;
                        }
                        for due in due.chunks(100) {
                            let polled: Vec<Polled> = due.iter().cloned().map(delivered).collect();
                            store.record_polls(run, &polled).await.unwrap();
                        }
                    }
                });
                folder
            },
            BatchSize::PerIteration,
        );
    });
    let (_folder, store, _) = made();
    group.bench_function("the rows of a report", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let run = store.run(None).await.unwrap();
                let each = |row: &ReportRow| {
                    black_box(row);
                    Ok(())
                };
                engine::each_row(&store, &run, Channel::Whatsapp, Wanted { cells: false, since: None }, each)
                    .await
                    .unwrap();
            });
        });
    });
    group.finish();
}

fn delivered(message: Awaiting) -> Polled {
    let update = StatusUpdate {
        message_id: message.message_id.clone(),
        status: DeliveryStatus::Delivered,
        delivered_at: Some(Millis(50_000)),
        read_at: None,
        problem: None,
        reference: None,
    };
    Polled {
        key: message.key,
        message_id: message.message_id,
        update: Some(update),
        polled_at: Millis(60_000),
        next_poll_at: Some(Millis(120_000)),
    }
}

/// Measures a whole run, from its plan to the last outcome, with real requests to a provider that answers at once.
fn whole(c: &mut Criterion) {
    const ROWS: u32 = 5_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = sending::provider();
    let mut group = c.benchmark_group("whole");
    group.throughput(Throughput::Elements(ROWS.into())).sample_size(10);
    group.bench_function("send 5,000 messages, 64 in flight", |b| {
        b.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let job = runtime.block_on(sending::planned(folder.path(), ROWS, 64, address));
                (folder, job)
            },
            |(folder, job)| {
                runtime.block_on(sending::send(job, ROWS));
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Creates a list in which one row in a hundred is bad, in one of the usual ways: no number, a number too short, a
/// required cell empty, a cell missing, a line break in a text, or a repeated number.
fn list_with_bad_rows(rows: u64) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let mut csv = String::from("phone,first_name,discount,order\n");
    for row in 0..rows {
        let bad = if random.u8(..100) == 0 { random.u8(..6) } else { u8::MAX };
        match bad {
            0 => writeln!(csv, ",Ana Maria,30%,A-{row}"),
            1 => writeln!(csv, "852,Ana Maria,30%,A-{row}"),
            2 => writeln!(csv, "8526{row:07},,30%,A-{row}"),
            3 => writeln!(csv, "8526{row:07},Ana Maria,30%"),
            4 => writeln!(csv, "8526{row:07},\"Ana\nMaria\",30%,A-{row}"),
            5 => writeln!(csv, "8526{:07},Ana Maria,30%,A-{row}", row / 2),
            _ => writeln!(csv, "8526{row:07},Ana Maria,30%,A-{row}"),
        }
        .unwrap();
    }
    csv
}

fn check(c: &mut Criterion) {
    const ROWS: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bench.yaml"), CAMPAIGN).unwrap();
    std::fs::write(folder.path().join("list.csv"), list_with_bad_rows(ROWS)).unwrap();
    let campaign = campaign_file::read(&folder.path().join("bench.yaml")).unwrap().campaign;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("check");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("check 100,000 rows, 1% bad", |b| {
        b.iter(|| {
            let plan = Plan::open(&campaign).unwrap();
            let found = |bad: Bad<'_>| {
                black_box(bad);
                Ok(())
            };
            let checked = runtime.block_on(plan.check(None, found, &(Arc::new(|_| {}) as _))).unwrap();
            assert!((500..1500).contains(&(checked.invalid + checked.duplicates)));
        });
    });
    group.finish();
}

criterion_group!(stages, plan, check, render, commit, statuses_and_report, whole);
criterion_main!(stages);
