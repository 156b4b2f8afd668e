//! Stores that were copied, moved, restored and deleted, as they are after a process was killed.

use std::path::{Path, PathBuf};

use super::*;
use crate::store::tests::fixture::*;
use crate::store::tests::{Place as _, SqliteFile};
use crate::store::{Step, Store};

/// A store in its own folder, with rows to be claimed.
struct Sender {
    folder: PathBuf,
    store: Store,
    worker: Worker,
    /// Keeps the log when others close theirs.
    _open: SqliteConnection,
    _fixture: Fixture<SqliteFile>,
}

impl Sender {
    async fn start() -> Self {
        let fixture = Fixture::at(SqliteFile::empty().await.unwrap()).await;
        let worker = fixture.run("job", 5000).await;
        let store = fixture.store.clone();
        let open = super::super::connection::connect(store.path().unwrap()).await.unwrap();
        Self {
            folder: store.path().unwrap().parent().unwrap().to_owned(),
            store,
            worker,
            _open: open,
            _fixture: fixture,
        }
    }

    /// Claims rows, one per commit.
    async fn claim(&self, rows: u64) {
        for _ in 0..rows {
            self.worker.claim_one().await;
        }
    }

    /// Moves the log into the file, so that it restarts with the next commit.
    async fn fold(&self) {
        self.store.checkpoint().await.unwrap();
    }

    /// Returns the path of the mark file.
    fn mark(&self) -> PathBuf {
        path_of(self.store.path().unwrap())
    }

    /// Returns what a kill would leave right now, in another folder: the files with these endings.
    fn killed(&self, endings: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        for ending in endings {
            std::fs::copy(beside(self.store.path().unwrap(), ending), beside(&store, ending)).unwrap();
        }
        // A kill leaves the same file.
        if endings.contains(&"-mark") {
            note_file(&store);
        }
        (folder, store)
    }
}

/// Makes the mark file of a store name this file.
fn note_file(store: &Path) {
    let noted = read(&path_of(store)).unwrap().flatten().unwrap();
    write(&path_of(store), Noted { file: FileId::of(store).unwrap().kept(), ..noted }).unwrap();
}

/// Claims a row of the run in a store that was copied or restored.
async fn claim(store: &Store, worker: &Worker) -> Result<(), StoreError> {
    store.advance(worker.owner, &Step { want: 1, now: NOW, ..Step::default() }).await.map(drop)
}

/// Returns why nothing may be sent from a store; `None` if sending is allowed.
async fn refused(path: &Path) -> Option<StoreMismatch> {
    let may_send = async { Store::open(path).await?.may_send(false).await };
    match may_send.await {
        Ok(()) => None,
        Err(StoreError::WentBack { why, .. }) => Some(why),
        Err(error) => panic!("{error}"),
    }
}

const ALL: [&str; 3] = ["", "-wal", "-mark"];

#[tokio::test]
async fn a_store_knows_of_its_mark_before_anything_is_sent_and_by_its_file_alone() {
    use std::os::unix::fs::PermissionsExt;
    let sender = Sender::start().await;
    let mark = sender.mark();
    assert_eq!(std::fs::metadata(&mark).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(alone(sender.store.path().unwrap()).await.unwrap().unwrap().has_file);
    assert!(sender.store.may_send(false).await.is_ok());
    let (_folder, copy) = sender.killed(&[""]);
    assert_eq!(refused(&copy).await, Some(StoreMismatch::Missing));
}

/// A checkpoint interrupted by a full disk: the first page of the file refers to pages that are only in the log.
#[tokio::test]
async fn a_checkpoint_that_broke_off_is_finished_and_not_taken_for_damage() {
    let sender = Sender::start().await;
    let (_folder, left) = sender.killed(&ALL);
    sender.fold().await;
    let folded = std::fs::read(sender.store.path().unwrap()).unwrap();
    let mut file = std::fs::read(&left).unwrap();
    assert!(file.len() < folded.len());
    file[..4096].copy_from_slice(&folded[..4096]);
    std::fs::write(&left, file).unwrap();
    assert!(alone(&left).await.unwrap_err().is_damage());
    assert_eq!(refused(&left).await, None);
}

#[tokio::test]
async fn what_a_kill_leaves_goes_on_however_the_log_stands() {
    let sender = Sender::start().await;
    for fold in [false, true, false, true] {
        sender.claim(30).await;
        let (_folder, left) = sender.killed(&ALL);
        assert_eq!(refused(&left).await, None);
        // Opened and closed once more: everything is in the file now.
        assert_eq!(refused(&left).await, None);
        if fold {
            sender.fold().await;
            let (_folder, left) = sender.killed(&ALL);
            assert_eq!(refused(&left).await, None);
        }
    }
}

#[tokio::test]
async fn a_store_without_its_log_or_an_older_one_is_refused() {
    let sender = Sender::start().await;
    sender.claim(5).await;
    let (_first, older) = sender.killed(&["", "-wal"]);
    // A store at rest: the log is in the file.
    Store::open(&older).await.unwrap();
    sender.claim(1).await;
    let (_folder, without_log) = sender.killed(&["", "-mark"]);
    assert_eq!(refused(&without_log).await, Some(StoreMismatch::Older));
    let (folder, left) = sender.killed(&ALL);
    std::fs::remove_file(folder.path().join("store.db-wal")).unwrap();
    std::fs::copy(&older, &left).unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Older));
}

#[tokio::test]
async fn an_older_file_under_the_log_is_refused_unless_the_log_has_all_since() {
    let sender = Sender::start().await;
    sender.claim(5).await;
    let (_first, older) = sender.killed(&["", "-wal"]);
    Store::open(&older).await.unwrap();
    let under_the_log = |sender: &Sender, older: &Path| {
        let (folder, left) = sender.killed(&ALL);
        std::fs::copy(older, &left).unwrap();
        (folder, left)
    };
    // The log goes back to before that copy, and completes it.
    sender.claim(5).await;
    let (_folder, left) = under_the_log(&sender, &older);
    assert_eq!(refused(&left).await, None);
    let claims = Store::open(&left).await.unwrap().claims(sender.worker.owner, true).await.unwrap();
    assert_eq!(claims.len(), 10);
    // Now it does not, and nothing else would show it.
    sender.fold().await;
    sender.claim(2).await;
    let (_folder, left) = under_the_log(&sender, &older);
    for _ in 0..2 {
        assert_eq!(refused(&left).await, Some(StoreMismatch::UnderItsLog), "and it stays as it is");
    }
    std::fs::remove_file(beside(&left, "-wal")).unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Older));
    // An older file with its own log, as any command that changes something leaves it, is not a mixture: moving that
    // log away would undo the change.
    let store = Store::open(&left).await.unwrap();
    store.suppress(&[phone(1)], None, NOW).await.unwrap();
    let (folder, own_log) = (tempfile::tempdir().unwrap(), ["", "-wal", "-mark"]);
    for ending in own_log {
        std::fs::copy(beside(&left, ending), folder.path().join(format!("store.db{ending}"))).unwrap();
    }
    assert!(std::fs::metadata(folder.path().join("store.db-wal")).unwrap().len() > 0);
    assert_eq!(refused(&folder.path().join("store.db")).await, Some(StoreMismatch::Older));
}

#[tokio::test]
async fn a_store_that_was_deleted_or_has_no_mark_is_refused_until_a_person_says_moved() {
    let sender = Sender::start().await;
    sender.claim(3).await;
    let (folder, left) = sender.killed(&ALL);
    let mark = folder.path().join("store.db-mark");
    let words = std::fs::read_to_string(&mark).unwrap();
    let noted = Noted::from_text(&words).unwrap();

    std::fs::remove_file(&mark).unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Missing));
    std::fs::write(&mark, words.replace("claims", "CLAIMS")).unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Unreadable));
    std::fs::write(&mark, &words).unwrap();
    assert_eq!(refused(&left).await, None);

    // The folder with everything in it.
    let copy = tempfile::tempdir().unwrap();
    for ending in ["", "-mark"] {
        std::fs::copy(beside(&left, ending), copy.path().join(format!("store.db{ending}"))).unwrap();
    }
    assert_eq!(refused(&copy.path().join("store.db")).await, Some(StoreMismatch::Copied));

    std::fs::rename(&left, folder.path().join("old.db")).unwrap();
    let gone = Store::open(&left).await;
    assert!(matches!(gone, Err(StoreError::WentBack { why: StoreMismatch::Gone, .. })), "{gone:?}");
    Store::open_or_make(&left).await.unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Other), "a new store next to the old mark");
    let stays = read(&mark).unwrap().flatten().unwrap();
    assert_eq!((stays.store, stays.claims), (noted.store, noted.claims));
    let store = Store::open(&left).await.unwrap();
    store.may_send(true).await.unwrap();
    store.may_send(false).await.unwrap();
    store.close().await.unwrap();
    // The old store comes back, with more claims than the new one has.
    std::fs::rename(folder.path().join("old.db"), &left).unwrap();
    assert_eq!(refused(&left).await, Some(StoreMismatch::Other));
}

#[tokio::test]
async fn a_log_without_its_store_tells_that_there_was_one() {
    let sender = Sender::start().await;
    sender.claim(1).await;
    let (folder, left) = sender.killed(&["-wal"]);
    let gone = Store::open(&left).await;
    assert!(matches!(gone, Err(StoreError::WentBack { why: StoreMismatch::Gone, .. })), "{gone:?}");
    assert!(!left.exists() && folder.path().join("store.db-wal").exists());
}

#[tokio::test]
async fn nothing_is_claimed_in_a_store_that_went_back_or_is_gone() {
    let sender = Sender::start().await;
    sender.claim(3).await;
    let (_folder, left) = sender.killed(&["", "-wal"]);
    let store = Store::open(&left).await.unwrap();
    let refused = claim(&store, &sender.worker).await;
    assert!(matches!(refused, Err(StoreError::WentBack { .. })), "{refused:?}");

    let other = |path: &str| sender.folder.join(path);
    std::fs::rename(sender.store.path().unwrap(), other("away.db")).unwrap();
    let is_refused = async || {
        let gone = claim(&sender.store, &sender.worker).await;
        assert!(matches!(gone, Err(StoreError::Replaced { .. })), "{gone:?}");
        let gone = sender.store.suppress(&[phone(1)], None, NOW).await;
        assert!(matches!(gone, Err(StoreError::Replaced { .. })), "{gone:?}");
    };
    is_refused().await;
    // Another store in its place.
    Store::open_or_make(&other("store.db")).await.unwrap();
    is_refused().await;
}

#[tokio::test]
async fn a_claim_after_a_persons_word_to_another_process_is_noted_in_the_new_mark() {
    let sender = Sender::start().await;
    sender.claim(3).await;
    let mark = sender.mark();
    std::fs::remove_file(&mark).unwrap();
    Store::open(sender.store.path().unwrap()).await.unwrap().may_send(true).await.unwrap();
    sender.claim(3).await;
    let noted = read(&mark).unwrap().flatten().unwrap();
    let line = line(sender.store.write().await.unwrap().connection().sqlite()).await.unwrap();
    assert_eq!((noted.store, noted.claims), (line.store, line.claims));
}

/// Like `.restore`: every page is written through SQLite.
#[tokio::test]
async fn a_store_that_is_put_back_under_a_run_stops_it_before_anything_is_written() {
    let sender = Sender::start().await;
    let first = sender.worker.claim_one().await;
    sender.claim(4).await;
    let mut other = super::super::connection::connect(sender.store.path().unwrap()).await.unwrap();
    sqlx::raw_sql("UPDATE mark SET claims = 3; DELETE FROM delivery WHERE id & 15 > 3; UPDATE progress SET next_row = next_row - 2")
        .execute(&mut other)
        .await
        .unwrap();
    let step = Step { settlements: vec![accepted(&first, "m1")], want: 1, now: NOW, ..Step::default() };
    for _ in 0..2 {
        let stopped = sender.store.advance(sender.worker.owner, &step).await.map(drop);
        assert!(matches!(stopped, Err(StoreError::WentBack { why: StoreMismatch::Older, .. })), "{stopped:?}");
    }
    let claims = sender.store.claims(sender.worker.owner, true).await.unwrap();
    assert_eq!(claims.len(), 3, "neither the claim nor the outcome");
}

#[tokio::test]
async fn a_log_that_is_deleted_under_a_run_stops_it() {
    let sender = Sender::start().await;
    sender.claim(3).await;
    std::fs::remove_file(sender.folder.join("store.db-wal")).unwrap();
    let stopped = claim(&sender.store, &sender.worker).await;
    assert!(matches!(stopped, Err(StoreError::Replaced { .. })), "{stopped:?}");
}

/// A program that reads a store through SQLite, or keeps it open, blocks no one.
#[tokio::test]
async fn a_long_reader_is_no_reason_to_stop() {
    let sender = Sender::start().await;
    sender.claim(1).await;
    let mut reader = sender.store.readers.snapshot().await.unwrap();
    sqlx::query("SELECT * FROM run").fetch_all(reader.sqlite()).await.unwrap();
    sender.claim(20).await;
    assert!(sender.store.may_send(false).await.is_ok());
    let (_folder, left) = sender.killed(&ALL);
    assert_eq!(refused(&left).await, None);
}

#[test]
fn what_is_written_is_read() {
    let noted = Noted { store: -7, file: 131, claims: 12, folded: u64::MAX };
    assert_eq!(Noted::from_text(&noted.text()), Some(noted));
    for (line, name) in NAMES.iter().enumerate() {
        assert!(noted.text()[..place(line)].ends_with(name));
    }
    for broken in ["", HEAD, &noted.text()[1..], &format!("{}x", noted.text())] {
        assert_eq!(Noted::from_text(broken), None);
    }
}
