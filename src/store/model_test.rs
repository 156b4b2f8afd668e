//! The model test: random interleavings of workers, people and a provider on one run. Each knows only what it can know,
//! and the rules are checked after every step. Without any one of the guards, the test fails.

mod check;
mod found;
mod guards;
mod joined;
mod made;
mod op;
mod stress;
mod synced;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use check::Seen;
pub(in crate::store) use guards::guarded;
use op::{Op, any_op};
use world::{Done, World};

/// A run: its number of rows, whether uncertain rows are resent, and what happens.
#[derive(Clone, Debug)]
struct Case {
    rows: u64,
    resend: bool,
    ops: Vec<Op>,
}

fn any_case(op: impl Strategy<Value = Op>) -> impl Strategy<Value = Case> {
    let ops = (prop::collection::vec(op, 1..160), prop::bool::weighted(0.2));
    let ops = ops.prop_map(|(ops, cancel)| ops.into_iter().chain(cancel.then_some(Op::Cancel)).collect());
    (1..=5_u64, any::<bool>(), ops).prop_map(|(rows, resend, ops)| Case { rows, resend, ops })
}

async fn keeps_the_invariants(case: &Case) -> Done {
    keeps_them_in(World::new(case.rows, case.resend).await?, case).await
}

async fn keeps_them_in(mut world: World, case: &Case) -> Done {
    let mut seen = Seen::of(&world).await?;
    for op in &case.ops {
        world.apply(op).await?;
        if !op.is_elsewhere() {
            seen = Seen::after(op, &seen, &world).await?;
        }
    }
    world.verify().await?;
    world.conclude().await?;
    world.is_concluded().await?;
    world.verify().await
}

/// Runs on this thread, whose statements may lack a guard.
fn in_runtime(test: impl Future<Output = Done>) -> Done {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

/// Whether a case keeps the rules.
fn holds(case: &Case) -> Done {
    in_runtime(keeps_the_invariants(case))
}

/// Runs `cases` cases, always the same ones. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` select more, or others.
fn run(cases: u32, shrinks: u32) -> Result<(), TestError<Case>> {
    run_with(any_op(), cases, shrinks, holds)
}

fn run_with(
    op: impl Strategy<Value = Op>,
    cases: u32,
    shrinks: u32,
    holds: impl Fn(&Case) -> Done,
) -> Result<(), TestError<Case>> {
    let mut config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: shrinks, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    TestRunner::new(config).run(&any_case(op), |case| holds(&case))
}

#[test]
fn any_interleaving_keeps_the_invariants() {
    if let Err(error) = run(25, 2_000) {
        panic!("{error}");
    }
}
