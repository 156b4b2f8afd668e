//! The database file as a file: its identity, whether it is ours, and who may read it. Nothing here opens a file that
//! may already be open: see [`the_file_alone`].

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{StoreError, error, migrate};

/// Identifies a file whatever its name. A rename keeps the id; a copy, a move to another file system and a restored
/// backup get another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        use std::os::unix::fs::MetadataExt;
        match std::fs::metadata(path) {
            Ok(file) => Ok(Self { device: file.dev(), inode: file.ino() }),
            Err(source) => Err(StoreError::Open { path: path.to_owned(), source: Box::new(source) }),
        }
    }

    /// Checks that this file is at that path.
    pub(super) fn is_at(self, path: &Path) -> Result<(), StoreError> {
        match Self::of(path) {
            Ok(file) if file == self => Ok(()),
            Err(error) if path.exists() => Err(error),
            _ => Err(StoreError::Replaced { path: path.to_owned() }),
        }
    }

    /// Returns the id as the mark file stores it. The device is left out because its number may change at a restart. So
    /// two ids may be equal by chance, and equality proves nothing.
    pub(super) fn kept(self) -> i64 {
        self.inode.cast_signed()
    }
}

/// Returns the path with `suffix` appended to the file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a file belongs to a store at this path, by its name: the database, its log and index, its mark, or a run's
/// lock.
pub(super) fn belongs(store: &Path, file: &Path) -> bool {
    let folder = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().ok()
    };
    // By the real path of both, so that a link does not hide it.
    let (store, file) = (store.canonicalize().unwrap_or(store.into()), true_name(file));
    let names =
        store.file_name().zip(file.file_name()).map(|(store, file)| (store.to_string_lossy(), file.to_string_lossy()));
    let Some((store_name, name)) = names else { return false };
    let Some(rest) = name.strip_prefix(&*store_name) else { return false };
    let is_part = ["", "-wal", "-shm", "-journal", "-mark", "-mark.new"].contains(&rest);
    folder(&store) == folder(&file) && (is_part || rest.starts_with('.') && rest.ends_with(".lock"))
}

/// Returns what a path leads to, even if nothing exists there yet.
fn true_name(path: &Path) -> PathBuf {
    // Linux follows as many links.
    let mut path = path.to_owned();
    for _ in 0..40 {
        match (path.canonicalize(), std::fs::read_link(&path)) {
            (Ok(found), _) => return found,
            (Err(_), Ok(target)) => path = path.parent().unwrap_or(Path::new("")).join(target),
            (Err(_), Err(_)) => break,
        }
    }
    path
}

/// Creates the file if needed, for its owner only.
pub(super) fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // No one can have a new file open, so it is safe to close it again.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // A link whose target does not exist yet.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && !path.exists() => {
            let target = std::fs::read_link(path)?;
            make(&path.parent().unwrap_or(Path::new(".")).join(target))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Restricts the file to its owner; SQLite gives its log and index the same mode.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let file = std::fs::metadata(path)?;
    if file.nlink() > 1 {
        // SQLite's log and the lock are next to only one of the names.
        return Err(std::io::Error::other(
            "the file has more than one name (hard links); keep one and remove the others",
        ));
    }
    if file.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Whether the file certainly belongs to another program: opening it as a store would change it.
pub(super) async fn is_foreign(path: &Path) -> Result<bool, StoreError> {
    let failed = |source: std::io::Error| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
    let file = std::fs::metadata(path).map_err(failed)?;
    if file.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    // The smallest page of a database; SQLite treats a file of one byte as empty.
    const SMALLEST: u64 = 512;
    if !file.is_file() || file.len() < SMALLEST {
        return Ok(!file.is_file() || file.len() > 0);
    }
    let look = async {
        let mut file = the_file_alone(path).await?;
        let program: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut file).await?;
        // A store that is just being created is empty and not marked yet.
        let ours = program == i64::from(migrate::APPLICATION_ID)
            || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sqlite_schema").fetch_one(&mut file).await? == 0;
        file.close().await?;
        Ok::<_, sqlx::Error>(ours)
    };
    match look.await {
        Ok(ours) => Ok(!ours),
        Err(error) if error::is_no_database(&error) => Ok(true),
        // If the store is damaged, or another process is writing to it, opening it will report more.
        Err(_) => Ok(false),
    }
}

/// Opens the database file without its log, without a lock, and without leaving a trace. SQLite has to do it: closing
/// the file by hand would drop all locks that the process has on it, and another program would then remove the log in
/// use (<https://sqlite.org/howtocorrupt.html>, 2.2).
pub(super) async fn the_file_alone(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    options.disable_statement_logging().connect().await
}
