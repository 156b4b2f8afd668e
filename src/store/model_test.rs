//! The model test: random interleavings of workers, people and a provider on one run, each of whom knows only what it
//! can know, and what must hold after every step. With each guard left out that makes it hold, it fails.

mod check;
mod found;
mod guards;
mod op;
mod synced;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use check::Seen;
pub(in crate::store) use guards::guarded;
use op::{Op, any_op};
use world::{Done, World};

/// A run: how many rows, whether what is uncertain is sent again, and what happens.
#[derive(Clone, Debug)]
struct Case {
    rows: u64,
    resend: bool,
    ops: Vec<Op>,
}

fn any_case() -> impl Strategy<Value = Case> {
    let ops = (prop::collection::vec(any_op(), 1..160), prop::bool::weighted(0.2));
    let ops = ops.prop_map(|(ops, cancel)| ops.into_iter().chain(cancel.then_some(Op::Cancel)).collect());
    (1..=5_u64, any::<bool>(), ops).prop_map(|(rows, resend, ops)| Case { rows, resend, ops })
}

async fn keeps_the_invariants(case: &Case) -> Done {
    let mut world = World::new(case.rows, case.resend).await?;
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

/// On this thread, whose statements may be without a guard.
fn in_runtime(test: impl Future<Output = Done>) -> Done {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

/// Whether a case goes right.
fn holds(case: &Case) -> Done {
    in_runtime(keeps_the_invariants(case))
}

/// Runs so many cases, the same ones each time. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make it more, and others.
fn run(cases: u32, shrinks: u32) -> Result<(), TestError<Case>> {
    let mut config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: shrinks, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    TestRunner::new(config).run(&any_case(), |case| holds(&case))
}

#[test]
fn any_interleaving_keeps_the_invariants() {
    if let Err(error) = run(25, 2_000) {
        panic!("{error}");
    }
}
