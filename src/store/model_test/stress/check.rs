//! What must hold at the end.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::Stress;
use super::member::enter;
use super::world::Message;
use crate::model::State;
use crate::store::tests::fixture::*;
use crate::store::{RowKey, Stage, Step, Store, StoreError};

/// A row as stored: key, state, last problem, worker, and whether its number is suppressed.
type Stored = (i64, i64, Option<String>, Option<i64>, bool);

/// Sends what is left, and compares the store with what the provider and the people know. Returns how many requests
/// left.
pub(super) async fn judge(stress: &Rc<Stress>, receiver: &Store, rows: u64) -> Result<u64, String> {
    let said = |error: StoreError| format!("{error}: {}", error.reason());
    is_unbroken(stress)?;
    // Its connection may have been cut.
    let run = stress.world.borrow().run.clone();
    while receiver.lift_pause(run.key).await.is_err() {}
    let mut last = enter(stress).await.map_err(said)?;
    last.send_all().await;
    is_unbroken(stress)?;
    if !receiver.reach(run.key, Stage::Dispatched, NOW).await.map_err(said)? {
        return Err("a row is left at the end".into());
    }
    // What was ended long ago reports now. If a row is to be sent again, the run is not over.
    let late = std::mem::take(&mut stress.world.borrow_mut().late);
    for (owner, settlements) in late {
        let step = Step { settlements, now: NOW, ..Step::default() };
        match receiver.advance(owner, &step).await {
            Err(StoreError::NotOwner(_)) => stress.world.borrow_mut().recorded(&step.settlements),
            Err(error) => return Err(said(error)),
            Ok(_) => return Err("an ended worker may still claim".into()),
        }
    }
    let waits = receiver.waiting(run.key, crate::model::Millis(0)).await.map_err(said)?;
    let is_over = receiver.run(Some(&run.id)).await.map_err(said)?.dispatched_at.is_some();
    if is_over && let Some(waiting) = waits {
        return Err(format!("{} rows wait in a run that is over", waiting.rows));
    }
    last.send_all().await;
    is_unbroken(stress)?;
    what_was_told_is_known(stress, rows).await?;
    // At last, the provider reports every message.
    let messages = stress.world.borrow().messages.clone();
    for some in messages.chunks(200) {
        stress.report_these(receiver, run.key, some.to_vec()).await;
    }
    receiver.match_early(crate::model::Millis(0), NOW).await.map_err(said)?;
    nobody_has_two(stress, &messages).await?;
    every_message_is_known(stress, &messages).await?;
    for finding in receiver.verify(&run).await.map_err(said)? {
        if finding.broken > 0 {
            return Err(format!("{}: {}", finding.rule, finding.broken));
        }
    }
    last.end().await;
    Ok(stress.world.borrow().sends)
}

fn is_unbroken(stress: &Stress) -> Result<(), String> {
    stress.world.borrow().broken.clone().map_or(Ok(()), Err)
}

async fn stored(stress: &Stress) -> Vec<Stored> {
    let rows = "SELECT r.id, coalesce(d.state, r.state), d.error_code, d.worker, \
        EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone) FROM recipient r LEFT JOIN delivery d ON d.id = r.id ORDER BY r.id";
    sqlx::query_as(rows).fetch_all(&mut *stress.place.onlooker.lock().await).await.unwrap()
}

/// The messages that the store knows.
async fn known(stress: &Stress) -> HashSet<String> {
    let known = "SELECT message_id FROM delivery WHERE message_id IS NOT NULL \
        UNION SELECT message_id FROM past_attempt WHERE message_id IS NOT NULL UNION SELECT message_id FROM double_send";
    let known: Vec<String> =
        sqlx::query_scalar(known).fetch_all(&mut *stress.place.onlooker.lock().await).await.unwrap();
    known.into_iter().collect()
}

/// Every row has come to an end, and what workers handed in is there. Only what died with a worker, or was never
/// answered, is in doubt.
async fn what_was_told_is_known(stress: &Stress, rows: u64) -> Result<(), String> {
    let wrong = "SELECT what FROM wrong LIMIT 1";
    let wrong = sqlx::query_scalar(wrong).fetch_optional(&mut *stress.place.onlooker.lock().await).await.unwrap();
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let (stored, known) = (stored(stress).await, known(stress).await);
    if stored.len() as u64 != rows {
        return Err(format!("{} of {rows} rows are left", stored.len()));
    }
    let world = stress.world.borrow();
    let told: BTreeSet<RowKey> = world.told.iter().map(|(key, _)| *key).collect();
    let dead: HashSet<i64> = world.dead.iter().map(|worker| worker.0).collect();
    for (key, state, code, worker, is_suppressed) in stored {
        let (key, state) = (RowKey(key), State::from_code(state).unwrap());
        let row = key.row();
        if matches!(state, State::Pending | State::Sending) {
            return Err(format!("row {row} is {state} at the end"));
        }
        if told.contains(&key) && !state.was_accepted() {
            return Err(format!("row {row} was accepted, and is {state}"));
        }
        let is_dead = worker.is_some_and(|worker| dead.contains(&worker));
        // A row that was suppressed while it waited to be sent again stays in doubt, even if an earlier attempt turns
        // out not to have left.
        if state == State::Uncertain
            && !is_suppressed
            && code.as_deref() == Some("interrupted")
            && !is_dead
            && !world.doubted.contains(&key)
        {
            return Err(format!("row {row} is in doubt, and its worker has reported"));
        }
    }
    match world.told.iter().find(|(_, id)| !known.contains(id)) {
        Some((key, id)) => Err(format!("message {id} of row {} was accepted, and is lost", key.row())),
        None => Ok(()),
    }
}

/// Between two messages of a row, a person decided.
async fn nobody_has_two(stress: &Stress, messages: &[Message]) -> Result<(), String> {
    let decisions = "SELECT row, claim FROM decision";
    let decisions: Vec<(i64, i64)> =
        sqlx::query_as(decisions).fetch_all(&mut *stress.place.onlooker.lock().await).await.unwrap();
    let mut claims: BTreeMap<RowKey, Vec<u32>> = BTreeMap::new();
    for message in messages {
        claims.entry(message.key).or_default().push(message.claim);
    }
    for (key, mut claims) in claims {
        claims.sort_unstable();
        for pair in claims.windows(2) {
            let between = i64::from(pair[0])..i64::from(pair[1]);
            if !decisions.iter().any(|(row, claim)| *row == key.0 && between.contains(claim)) {
                return Err(format!("row {} has two messages, of claims {} and {}", key.row(), pair[0], pair[1]));
            }
        }
    }
    Ok(())
}

/// After all statuses, nothing that exists is in doubt, and nothing is said to exist that does not.
async fn every_message_is_known(stress: &Stress, messages: &[Message]) -> Result<(), String> {
    let known = known(stress).await;
    if let Some(message) = messages.iter().find(|message| !known.contains(&message.id)) {
        return Err(format!("message {} of row {} is not known", message.id, message.key.row()));
    }
    let exist: HashSet<RowKey> = messages.iter().map(|message| message.key).collect();
    for (key, state, ..) in stored(stress).await {
        let (key, state) = (RowKey(key), State::from_code(state).unwrap());
        if state.was_accepted() != exist.contains(&key) {
            return Err(format!("row {} is {state}", key.row()));
        }
    }
    Ok(())
}
