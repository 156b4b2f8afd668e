//! Stores that were copied, moved, restored and deleted, as it happens to a process that was killed.

use std::path::{Path, PathBuf};

use super::*;
use crate::model::{AttemptNo, Millis, RowNo};
use crate::store::{Batch, Intent, RowKey, Store, Writer};

/// A store in a folder of its own, with rows to be claimed.
struct Sender {
    folder: tempfile::TempDir,
    store: Store,
    writer: Writer,
    next: u64,
}

impl Sender {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s.db")).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        sqlx::raw_sql(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
             INSERT INTO recipient (id, line, state, phone, cells) SELECT (1 << 40) + i, i, 0, 852600000 + i, '[]' FROM n",
        )
        .execute(&mut writer.connection)
        .await
        .unwrap();
        Self { folder, store, writer, next: 1 }
    }

    /// Claims rows, one a commit.
    async fn claim(&mut self, rows: u64) {
        for _ in 0..rows {
            claim(&mut self.writer, self.next).await.unwrap();
            self.next += 1;
        }
    }

    /// Has the log moved into the file, so that it starts anew with the next commit.
    async fn fold(&self) {
        self.store.fold().await.unwrap();
    }

    /// What a kill leaves right now, in another folder: the files with these endings.
    fn killed(&self, endings: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for ending in endings {
            let name = format!("s.db{ending}");
            std::fs::copy(self.folder.path().join(&name), folder.path().join(&name)).unwrap();
        }
        let store = folder.path().join("s.db");
        // A kill leaves the same file.
        if endings.contains(&"-mark") {
            note_file(&store);
        }
        (folder, store)
    }
}

/// Has the mark file of a store tell that it is of this file.
fn note_file(store: &Path) {
    let noted = read(&path_of(store)).unwrap().flatten().unwrap();
    write(&path_of(store), Noted { file: FileId::of(store).unwrap().kept(), ..noted }).unwrap();
}

async fn claim(writer: &mut Writer, row: u64) -> Result<(), StoreError> {
    let key = RowKey::new(1, RowNo(row));
    let intent = Intent { key, attempt: AttemptNo(1), at: Millis(1), again: false };
    writer.commit(1, &Batch { intents: vec![intent], ..Batch::default() }).await.map(drop)
}

/// Why nothing may be sent from a store; nothing if it may.
async fn refused(path: &Path) -> Option<Mismatch> {
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
    let mark = sender.folder.path().join("s.db-mark");
    assert_eq!(std::fs::metadata(&mark).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(alone(sender.store.path()).await.unwrap().unwrap().has_file);
    assert!(sender.store.may_send(false).await.is_ok());
    let (_folder, copy) = sender.killed(&[""]);
    assert_eq!(refused(&copy).await, Some(Mismatch::Missing));
}

/// A checkpoint that a full disk broke off: the first page of the file knows of pages that are in the log alone.
#[tokio::test]
async fn a_checkpoint_that_broke_off_is_finished_and_not_taken_for_damage() {
    let sender = Sender::start().await;
    let (_folder, left) = sender.killed(&ALL);
    sender.fold().await;
    let folded = std::fs::read(sender.store.path()).unwrap();
    let mut file = std::fs::read(&left).unwrap();
    assert!(file.len() < folded.len());
    file[..4096].copy_from_slice(&folded[..4096]);
    std::fs::write(&left, file).unwrap();
    assert!(alone(&left).await.unwrap_err().is_damage());
    assert_eq!(refused(&left).await, None);
}

#[tokio::test]
async fn what_a_kill_leaves_goes_on_however_the_log_stands() {
    let mut sender = Sender::start().await;
    for fold in [false, true, false, true] {
        sender.claim(30).await;
        let (_folder, left) = sender.killed(&ALL);
        assert_eq!(refused(&left).await, None);
        // Opened and closed once more: all is in the file now.
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
    let mut sender = Sender::start().await;
    sender.claim(5).await;
    let (_first, older) = sender.killed(&["", "-wal"]);
    // What is at rest: the log in the file.
    Store::open(&older).await.unwrap();
    sender.claim(1).await;
    let (_folder, without_log) = sender.killed(&["", "-mark"]);
    assert_eq!(refused(&without_log).await, Some(Mismatch::Older));
    let (folder, left) = sender.killed(&ALL);
    std::fs::remove_file(folder.path().join("s.db-wal")).unwrap();
    std::fs::copy(&older, &left).unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Older));
}

#[tokio::test]
async fn an_older_file_under_the_log_is_refused_unless_the_log_has_all_since() {
    let mut sender = Sender::start().await;
    sender.claim(5).await;
    let (_first, older) = sender.killed(&["", "-wal"]);
    Store::open(&older).await.unwrap();
    let under_the_log = |sender: &Sender, older: &Path| {
        let (folder, left) = sender.killed(&ALL);
        std::fs::copy(older, &left).unwrap();
        (folder, left)
    };
    // The log goes back to before that copy, and makes it whole.
    sender.claim(5).await;
    let (_folder, left) = under_the_log(&sender, &older);
    assert_eq!(refused(&left).await, None);
    let rows: i64 = sqlx::query_scalar("SELECT max(last) & 0xffff FROM intent")
        .fetch_one(&mut Store::open(&left).await.unwrap().writer().await.unwrap().connection)
        .await
        .unwrap();
    assert_eq!(rows, 10);
    // Now it does not, and nothing else would tell.
    sender.fold().await;
    sender.claim(2).await;
    let (_folder, left) = under_the_log(&sender, &older);
    for _ in 0..2 {
        assert_eq!(refused(&left).await, Some(Mismatch::UnderItsLog), "and it stays as it is");
    }
    std::fs::remove_file(beside(&left, "-wal")).unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Older));
    // An older file with a log of its own, as any command leaves one that changes something, is no mixture: to move that log
    // away would undo what was changed.
    let mut writer = Store::open(&left).await.unwrap().writer().await.unwrap();
    writer.suppress(&[crate::model::Phone::from_u64(85_264_000_001)], None, Millis(1)).await.unwrap();
    let (folder, own_log) = (tempfile::tempdir().unwrap(), ["", "-wal", "-mark"]);
    for ending in own_log {
        std::fs::copy(beside(&left, ending), folder.path().join(format!("s.db{ending}"))).unwrap();
    }
    assert!(std::fs::metadata(folder.path().join("s.db-wal")).unwrap().len() > 0);
    assert_eq!(refused(&folder.path().join("s.db")).await, Some(Mismatch::Older));
}

#[tokio::test]
async fn a_store_that_was_deleted_or_has_no_mark_is_refused_until_a_person_says_moved() {
    let mut sender = Sender::start().await;
    sender.claim(3).await;
    let (folder, left) = sender.killed(&ALL);
    let mark = folder.path().join("s.db-mark");
    let words = std::fs::read_to_string(&mark).unwrap();
    let noted = Noted::from_text(&words).unwrap();

    std::fs::remove_file(&mark).unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Missing));
    std::fs::write(&mark, words.replace("claims", "CLAIMS")).unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Unreadable));
    std::fs::write(&mark, &words).unwrap();
    assert_eq!(refused(&left).await, None);

    // The folder with all that is in it.
    let copy = tempfile::tempdir().unwrap();
    for ending in ["", "-mark"] {
        std::fs::copy(beside(&left, ending), copy.path().join(format!("s.db{ending}"))).unwrap();
    }
    assert_eq!(refused(&copy.path().join("s.db")).await, Some(Mismatch::Copied));

    std::fs::rename(&left, folder.path().join("old.db")).unwrap();
    let gone = Store::open(&left).await;
    assert!(matches!(gone, Err(StoreError::WentBack { why: Mismatch::Gone, .. })), "{gone:?}");
    Store::open_or_make(&left).await.unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Other), "a new store beside the old mark");
    let stays = read(&mark).unwrap().flatten().unwrap();
    assert_eq!((stays.store, stays.claims), (noted.store, noted.claims));
    let store = Store::open(&left).await.unwrap();
    store.may_send(true).await.unwrap();
    store.may_send(false).await.unwrap();
    // The old one comes back, with more claims than the new one has.
    std::fs::rename(folder.path().join("old.db"), &left).unwrap();
    assert_eq!(refused(&left).await, Some(Mismatch::Other));
}

#[tokio::test]
async fn a_log_without_its_store_tells_that_there_was_one() {
    let mut sender = Sender::start().await;
    sender.claim(1).await;
    let (folder, left) = sender.killed(&["-wal"]);
    let gone = Store::open(&left).await;
    assert!(matches!(gone, Err(StoreError::WentBack { why: Mismatch::Gone, .. })), "{gone:?}");
    assert!(!left.exists() && folder.path().join("s.db-wal").exists());
}

#[tokio::test]
async fn nothing_is_claimed_in_a_store_that_went_back_or_is_gone() {
    let mut sender = Sender::start().await;
    sender.claim(3).await;
    let (_folder, left) = sender.killed(&["", "-wal"]);
    let store = Store::open(&left).await.unwrap();
    let refused = claim(&mut store.writer().await.unwrap(), 4).await;
    assert!(matches!(refused, Err(StoreError::WentBack { .. })), "{refused:?}");

    std::fs::rename(sender.folder.path().join("s.db"), sender.folder.path().join("away.db")).unwrap();
    let gone = claim(&mut sender.writer, 4).await;
    assert!(matches!(gone, Err(StoreError::Replaced { .. })), "{gone:?}");
    assert!(matches!(sender.store.writer().await, Err(StoreError::Replaced { .. })));
    // Another one in its place.
    Store::open_or_make(&sender.folder.path().join("s.db")).await.unwrap();
    let gone = claim(&mut sender.writer, 4).await;
    assert!(matches!(gone, Err(StoreError::Replaced { .. })), "{gone:?}");
    assert!(matches!(sender.store.writer().await, Err(StoreError::Replaced { .. })));
}

#[tokio::test]
async fn a_claim_after_a_persons_word_to_another_process_is_noted_in_the_new_mark() {
    let mut sender = Sender::start().await;
    sender.claim(3).await;
    let mark = sender.folder.path().join("s.db-mark");
    std::fs::remove_file(&mark).unwrap();
    sender.store.may_send(true).await.unwrap();
    sender.claim(3).await;
    let noted = read(&mark).unwrap().flatten().unwrap();
    let line = line(&mut sender.writer.connection).await.unwrap();
    assert_eq!((noted.store, noted.claims), (line.store, line.claims));
}

/// As `.restore` does it: every page by way of SQLite.
#[tokio::test]
async fn a_store_that_is_put_back_under_a_run_stops_it_before_anything_is_written() {
    let mut sender = Sender::start().await;
    sender.claim(5).await;
    let mut other = sender.store.writer().await.unwrap();
    sqlx::raw_sql("UPDATE mark SET claims = 3; DELETE FROM intent").execute(&mut other.connection).await.unwrap();
    let outcome =
        Batch { settled: vec![crate::store::Settled::accepted_at_first(RowKey::new(1, RowNo(4)))], ..Batch::default() };
    for stopped in [sender.writer.commit(1, &outcome).await.map(drop), claim(&mut sender.writer, 6).await] {
        assert!(matches!(stopped, Err(StoreError::WentBack { why: Mismatch::Older, .. })), "{stopped:?}");
    }
    let written: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM intent)")
        .fetch_one(&mut other.connection)
        .await
        .unwrap();
    assert_eq!(written, 0);
}

#[tokio::test]
async fn a_log_that_is_deleted_under_a_run_stops_it() {
    let mut sender = Sender::start().await;
    sender.claim(3).await;
    std::fs::remove_file(sender.folder.path().join("s.db-wal")).unwrap();
    let stopped = claim(&mut sender.writer, 4).await;
    assert!(matches!(stopped, Err(StoreError::Replaced { .. })), "{stopped:?}");
}

/// Whoever looks at a store by way of SQLite, or has it open all the time, holds up nobody.
#[tokio::test]
async fn a_long_reader_is_no_reason_to_stop() {
    let mut sender = Sender::start().await;
    sender.claim(1).await;
    let mut reader = sender.store.readers.begin().await.unwrap();
    sqlx::query("SELECT * FROM run").fetch_all(&mut *reader).await.unwrap();
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
