//! The mark file: a record kept outside the store, to detect a store that was rolled back.
//!
//! Sends are in the log until it is checkpointed, and people restore backups. A database without its log, or an older
//! copy of it, is a valid database that has no record of the last messages and would send them again. So a file next to
//! it, `campaigner.db-mark`, has the store's random id, the number of its file in the file system, and two counters:
//!
//! - `claims`: the number of commits that claimed rows. Each is synced, then counted here, and only then do its
//!   requests leave. A store that has recorded fewer has lost some.
//! - `folded`: how many of them are known to be in the database file itself. A file with fewer is an older copy next to
//!   a newer log.
//!
//! The counters are overwritten in place and never synced: they protect against people, not against power cuts. What a
//! power cut leaves of them is never ahead of the store.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::connection::BUSY_TIMEOUT;
use super::error::doing;
use super::files::{FileId, beside, the_file_alone};
use crate::crash_point::Point;
use crate::store::{StoreError, StoreMismatch};

/// The suffix that the mark file adds to the store's name.
const ENDING: &str = "-mark";

/// Tells anyone who opens the file what it is for.
const HEAD: &str = "keep this file next to the store: it shows whether the store has recorded every message sent\n";
/// The lines after the head: each a name and sixteen hexadecimal digits.
const NAMES: [&str; 4] = ["store  ", "file   ", "claims ", "folded "];
const DIGITS: usize = 16;
const CLAIMS: usize = 2;
const FOLDED: usize = 3;

/// How often the database file alone is read again while another process's checkpoint is under way.
const READS: u32 = 50;
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// The mark file of an open store, compared with the store before each claim.
#[derive(Debug)]
pub(in crate::store) struct Mark {
    path: PathBuf,
    file: File,
    store_path: PathBuf,
    /// The store's id.
    pub(in crate::store) store: i64,
    /// The last claim by this process.
    claims: u64,
    /// The store's log, opened to notice when it restarts.
    log: Option<File>,
    /// The salt of the log, which changes when the log restarts.
    life: [u8; 8],
}

/// The values that the store holds.
#[derive(Clone, Copy, Debug)]
struct Line {
    store: i64,
    claims: u64,
    has_file: bool,
}

/// The values that the mark file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    store: i64,
    /// The store's file; see [`FileId::kept`].
    file: i64,
    claims: u64,
    folded: u64,
}

/// Creates the mark file of a store that has none yet; the store's database file then records that it has one. If
/// another store's mark file is there, it stays, and sending is refused.
pub(super) async fn establish(store: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = || doing("save its mark");
    if line(connection).await?.has_file {
        return Ok(());
    }
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
    // Checked again under the write lock: another process may have done it.
    let line = line(&mut tx).await?;
    let path = path_of(store);
    match read(&path)? {
        _ if line.has_file => return Ok(()),
        None => {
            let file = FileId::of(store)?.kept();
            write(&path, Noted { store: line.store, file, claims: line.claims, folded: 0 }).map_err(unusable(&path))?;
        }
        // A process died between the two.
        Some(Some(noted)) if noted.store == line.store && noted.claims <= line.claims => {}
        Some(_) => return Ok(()),
    }
    Point::MarkWritten.pass();
    sqlx::query("UPDATE mark SET has_file = 1").execute(&mut *tx).await.map_err(failed())?;
    tx.commit().await.map_err(failed())?;
    Point::MarkCommitted.pass();
    checkpoint(connection).await.map(drop)
}

/// Refuses an older database file next to the log of a newer one: SQLite would merge the two, and what was checkpointed
/// in between would be missing. Call this before the first connection, because closing one merges them.
pub(super) async fn refuse_mixture(store: &Path) -> Result<(), StoreError> {
    if std::fs::metadata(beside(store, "-wal")).map_or(0, |log| log.len()) == 0 {
        return Ok(());
    }
    // The mark is read first, because the database file may advance meanwhile.
    let Some(Some(noted)) = read(&path_of(store))? else { return Ok(()) };
    // Opening it will report that it cannot be read.
    let Ok(Some(alone)) = alone(store).await else { return Ok(()) };
    if noted.folded == 0 || alone.store == noted.store && alone.claims >= noted.folded {
        return Ok(());
    }
    // An older file with its own log is not a mixture; it is refused when it is about to send.
    match with_its_log(store).await {
        Ok(line) if (line.store, line.claims) == (alone.store, alone.claims) => Ok(()),
        _ => Err(StoreError::WentBack { path: store.to_owned(), why: StoreMismatch::UnderItsLog }),
    }
}

/// Reads the store's values including its log. The log stays unchanged: a read-only connection cannot checkpoint it.
async fn with_its_log(store: &Path) -> Result<Line, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(store).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await?;
    let line = sqlx::query_as("SELECT store, claims, has_file FROM mark").fetch_one(&mut connection).await.map(line_of);
    connection.close().await?;
    line
}

impl Mark {
    /// Compares a store with its mark file.
    ///
    /// # Errors
    /// [`StoreError::WentBack`] when they do not match: nothing may be sent. [`StoreError::ReadByOthers`].
    pub(super) async fn verify(store: &Path, connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        establish(store, connection).await?;
        let path = path_of(store);
        let went_back = |why| StoreError::WentBack { path: store.to_owned(), why };
        // The mark file is read first: a process that sends raises the store's counter before the file's.
        let noted = match read(&path)? {
            Some(noted) => noted.ok_or_else(|| went_back(StoreMismatch::Unreadable))?,
            None => return Err(went_back(StoreMismatch::Missing)),
        };
        let line = line(connection).await?;
        let mut alone = match alone(store).await {
            // A checkpoint interrupted by a full disk leaves a file that is complete only together with its log.
            Err(error) if error.is_damage() => match checkpoint(connection).await? {
                true => self::alone(store).await?,
                false => return Err(StoreError::ReadByOthers { path: store.to_owned() }),
            },
            read => read?,
        };
        if noted.store != line.store {
            return Err(went_back(StoreMismatch::Other));
        }
        if noted.claims > line.claims {
            return Err(went_back(StoreMismatch::Older));
        }
        if noted.file != FileId::of(store)?.kept() {
            return Err(went_back(StoreMismatch::Copied));
        }
        if !alone.is_some_and(|alone| alone.has_file && alone.store == line.store) {
            // Without its log, the database file would have no record of the mark.
            if !checkpoint(connection).await? {
                return Err(StoreError::ReadByOthers { path: store.to_owned() });
            }
            alone = self::alone(store).await?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(unusable(&path))?;
        let log = File::open(beside(store, "-wal")).ok();
        let store_path = store.to_owned();
        let mut mark = Self { path, file, store_path, store: line.store, claims: line.claims, log, life: [0; 8] };
        mark.life = mark.life_of_log();
        if let Some(alone) = alone {
            mark.raise(FOLDED, alone.claims)?;
        }
        Ok(mark)
    }

    /// Returns the last claim by this process.
    pub(in crate::store) fn claims(&self) -> u64 {
        self.claims
    }

    /// Checks whether a commit failed because the store was rolled back while this process was sending.
    ///
    /// # Errors
    /// [`StoreError::WentBack`] when it was.
    pub(in crate::store) async fn went_back(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        match line(connection).await {
            Ok(line) if line.claims < self.claims => {
                Err(StoreError::WentBack { path: self.store_path.clone(), why: StoreMismatch::Older })
            }
            // The original error is more helpful.
            _ => Ok(()),
        }
    }

    /// Checks that the log is still the file this process writes to: deleting the log loses all commits in it.
    pub(in crate::store) fn log_is_in_place(&self) -> Result<(), StoreError> {
        let Some(log) = &self.log else { return Ok(()) };
        let there = std::fs::metadata(beside(&self.store_path, "-wal"))
            .and_then(|there| Ok((there.ino(), log.metadata()?.ino())));
        match there {
            Ok((there, here)) if there == here => Ok(()),
            _ => Err(StoreError::Replaced { path: self.store_path.clone() }),
        }
    }

    /// Saves the store's claim count after a commit, before the requests leave.
    pub(in crate::store) fn note(&mut self, claims: u64) -> Result<(), StoreError> {
        // A log restarts only once all of it is in the database file, including our last claim.
        let life = self.life_of_log();
        if std::mem::replace(&mut self.life, life) != life {
            self.raise(FOLDED, self.claims)?;
        }
        self.claims = claims;
        self.raise(CLAIMS, claims)
    }

    /// Raises a counter. Two processes may overtake each other here; the next claim of either corrects that.
    fn raise(&self, counter: usize, to: u64) -> Result<(), StoreError> {
        let raise = || {
            let (mut digits, place) = ([0; DIGITS], place(counter) as u64);
            self.file.read_exact_at(&mut digits, place)?;
            // Fixed-width digits sort like the numbers.
            let new = format!("{to:016x}");
            if new.as_bytes() > &digits[..] { self.file.write_all_at(new.as_bytes(), place) } else { Ok(()) }
        };
        raise().map_err(unusable(&self.path))
    }

    /// Returns the log's salt, which changes whenever the log restarts
    /// (<https://sqlite.org/fileformat2.html#the_write_ahead_log>). Reading the log by hand is safe: unlike on the
    /// database file, SQLite has no locks on it.
    fn life_of_log(&self) -> [u8; 8] {
        let mut salt = [0; 8];
        match &self.log {
            Some(log) if log.read_exact_at(&mut salt, 16).is_ok() => salt,
            _ => [0; 8],
        }
    }
}

/// Accepts the store as current on a person's confirmation. It gets a new id, so that the previous store is refused if
/// it ever comes back.
pub(super) async fn renew(store: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = || doing("update its mark");
    let path = path_of(store);
    let noted = read(&path)?.flatten();
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
    let (id, claims): (i64, i64) = sqlx::query_as(
        "UPDATE mark SET store = random(), claims = max(claims, ?1) + 1, has_file = 1 RETURNING store, claims",
    )
    .bind(noted.map_or(0, |noted| noted.claims.cast_signed()))
    .fetch_one(&mut *tx)
    .await
    .map_err(failed())?;
    let file = FileId::of(store)?.kept();
    write(&path, Noted { store: id, file, claims: claims.cast_unsigned(), folded: 0 }).map_err(unusable(&path))?;
    tx.commit().await.map_err(failed())?;
    match checkpoint(connection).await? {
        true => Ok(()),
        false => Err(StoreError::ReadByOthers { path: store.to_owned() }),
    }
}

/// Returns the path of a store's mark file.
pub(super) fn path_of(store: &Path) -> PathBuf {
    beside(store, ENDING)
}

/// Moves the whole log into the database file; returns `false` if a reader of an old state prevents that.
async fn checkpoint(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let begun = tokio::time::Instant::now();
    loop {
        let (busy, log, moved): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(FULL)")
            .fetch_one(&mut *connection)
            .await
            .map_err(doing("checkpoint its log"))?;
        let is_done = busy == 0 && log == moved;
        // SQLite waits for readers, but not for another process's checkpoint.
        if is_done || begun.elapsed() >= BUSY_TIMEOUT {
            return Ok(is_done);
        }
        tokio::time::sleep(BETWEEN_READS).await;
    }
}

async fn line(connection: &mut SqliteConnection) -> Result<Line, StoreError> {
    let line = sqlx::query_as("SELECT store, claims, has_file FROM mark").fetch_one(connection).await;
    line.map(line_of).map_err(doing("read its mark"))
}

fn line_of((store, claims, has_file): (i64, i64, bool)) -> Line {
    Line { store, claims: claims.cast_unsigned(), has_file }
}

/// Reads the values of the database file without its log; `None` if the file has no record of a mark.
async fn alone(store: &Path) -> Result<Option<Line>, StoreError> {
    let mut reads = 0;
    loop {
        let read = async {
            let mut file = the_file_alone(store).await?;
            let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'mark')")
                .fetch_one(&mut file)
                .await?;
            let line = match known {
                true => sqlx::query_as("SELECT store, claims, has_file FROM mark").fetch_optional(&mut file).await?,
                false => None,
            };
            file.close().await?;
            Ok::<_, sqlx::Error>(line.map(line_of))
        };
        match read.await {
            Err(_) if reads < READS => {
                reads += 1;
                tokio::time::sleep(BETWEEN_READS).await;
            }
            read => return read.map_err(doing("read its file without its log")),
        }
    }
}

/// Returns the position of a line's digits.
const fn place(line: usize) -> usize {
    HEAD.len() + line * (NAMES[0].len() + DIGITS + 1) + NAMES[0].len()
}

impl Noted {
    fn text(self) -> String {
        let numbers = [self.store.cast_unsigned(), self.file.cast_unsigned(), self.claims, self.folded];
        let lines = NAMES.iter().zip(numbers).map(|(name, number)| format!("{name}{number:016x}\n"));
        std::iter::once(HEAD.to_owned()).chain(lines).collect()
    }

    fn from_text(text: &str) -> Option<Self> {
        let number = |line| u64::from_str_radix(text.get(place(line)..place(line) + DIGITS)?, 16).ok();
        let (store, file) = (number(0)?.cast_signed(), number(1)?.cast_signed());
        let noted = Self { store, file, claims: number(CLAIMS)?, folded: number(FOLDED)? };
        (noted.text() == text).then_some(noted)
    }
}

/// Reads the mark file: the outer `None` if it does not exist, the inner one if it is not a valid mark file.
fn read(path: &Path) -> Result<Option<Option<Noted>>, StoreError> {
    let mut text = String::new();
    if std::fs::metadata(path).is_ok_and(|file| !file.is_file()) {
        return Ok(Some(None));
    }
    let read = File::open(path).and_then(|file| file.take(1024).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(Noted::from_text(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(None)),
        Err(error) => Err(unusable(path)(error)),
    }
}

/// Writes and syncs a whole mark file, replacing any other.
fn write(path: &Path, noted: Noted) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(noted.text().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Mark { path, source }
}

#[cfg(test)]
mod tests;
