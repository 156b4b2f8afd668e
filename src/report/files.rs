//! Report files that appear complete or not at all.
//!
//! A new file is written next to the old one, synced, and then replaces it in one step. Leftovers of a killed process
//! are removed by the next one. Reports hold phone numbers, so on Unix only their owner can read them. A link is kept,
//! and its target is replaced. A device or a named pipe is written to directly.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::html;
use super::recipients_csv::{CsvDialect, CsvReport};
use super::summary::Summary;
use super::summary_json::summary_json;
use super::types::{ReportError, ReportFormat, RunFacts};
use crate::crash_point::Point;
use crate::model::ReportRow;

/// The suffix of a file that is still being written.
const UNFINISHED: &str = ".campaigner-tmp";

/// A new version of a file that is being written. It is deleted if it is dropped without [`NewFile::replace`].
pub struct NewFile {
    to: Target,
    path: PathBuf,
}

/// Where the bytes are written.
enum Target {
    /// A temporary file next to the final one.
    Temporary(NamedTempFile),
    /// A device or a pipe.
    Direct(File),
}

impl NewFile {
    /// Starts a new version of the file at `path`. Its folder must exist.
    ///
    /// # Errors
    /// [`ReportError::Create`] when no file can be created in that folder.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let path = target(path.into());
        match fs::metadata(&path) {
            Ok(there) if !there.is_file() && !there.is_dir() => {
                let file = File::options().write(true).open(&path);
                let file = file.map_err(|source| ReportError::Create { path: path.clone(), source })?;
                return Ok(Self { to: Target::Direct(file), path });
            }
            _ => {}
        }
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(".");
        remove_leftovers(folder_of(&path), &prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(UNFINISHED);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        loop {
            let file = match builder.tempfile_in(folder_of(&path)) {
                Ok(file) => file,
                Err(source) => return Err(ReportError::Create { path, source }),
            };
            // Locked while it is written. Before that, another process may have removed it as a leftover.
            let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock)) || !file.path().exists();
            if !taken {
                return Ok(Self { to: Target::Temporary(file), path });
            }
        }
    }

    /// Replaces the old version by the new one, once that is on the disk.
    ///
    /// # Errors
    /// [`ReportError::Write`] or [`ReportError::Replace`]; the file is then the old or the new version, and complete.
    pub fn replace(self) -> Result<PathBuf, ReportError> {
        self.synced()?.take_place()
    }

    /// Syncs the file to the disk.
    fn synced(self) -> Result<Self, ReportError> {
        let synced = match &self.to {
            Target::Temporary(file) => file.as_file().sync_all(),
            // A pipe cannot be synced.
            Target::Direct(_) => Ok(()),
        };
        match synced {
            Ok(()) => {
                Point::ReportSynced.pass();
                Ok(self)
            }
            Err(source) => Err(ReportError::Write { path: self.path, source }),
        }
    }

    fn take_place(self) -> Result<PathBuf, ReportError> {
        let Self { to, path } = self;
        let Target::Temporary(file) = to else { return Ok(path) };
        match file.persist(&path).map_err(|error| error.error).and_then(|_| sync_folder(folder_of(&path))) {
            Ok(()) => {
                Point::ReportReplaced.pass();
                Ok(path)
            }
            Err(source) => Err(ReportError::Replace { path, source }),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Target::Temporary(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Target::Temporary(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

/// Returns the target of a path that is a link, even if the target does not exist.
fn target(path: PathBuf) -> PathBuf {
    match (path.canonicalize(), path.read_link()) {
        (Ok(there), Ok(_)) => there,
        (Err(_), Ok(to)) => folder_of(&path).join(to),
        _ => path,
    }
}

/// Removes temporary files that no process is writing any more. Failures are ignored.
fn remove_leftovers(folder: &Path, prefix: &OsStr) {
    let unfinished = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(UNFINISHED.as_bytes())
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| unfinished(&entry.file_name())) {
        if let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns the folder of a path; `.` for a bare file name.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the rename itself durable, on systems that support it.
fn sync_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The paths of the three reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `recipients.csv`.
    pub csv: PathBuf,
    /// `summary.json`.
    pub json: PathBuf,
    /// `report.html`.
    pub html: PathBuf,
}

/// All three reports, written in one pass over the rows.
pub struct Reports {
    dir: PathBuf,
    csv: CsvReport<NewFile>,
    summary: Summary,
}

impl Reports {
    /// Starts the reports in `dir`, which is created if it does not exist.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be created or written.
    pub fn create(dir: impl Into<PathBuf>, facts: RunFacts) -> Result<Self, ReportError> {
        let dir = dir.into();
        if let Err(source) = fs::create_dir_all(&dir) {
            return Err(ReportError::CreateFolder { dir, source });
        }
        let path = dir.join(ReportFormat::Csv.file_name());
        let file = NewFile::create(&path)?;
        let csv =
            CsvReport::new(file, CsvDialect::default(), &[]).map_err(|source| ReportError::Write { path, source })?;
        Point::ReportStarted.pass();
        Ok(Self { dir, csv, summary: Summary::new(facts) })
    }

    /// Adds the next row, in the order of the input.
    ///
    /// # Errors
    /// [`ReportError::Write`] when it cannot be written.
    pub fn add(&mut self, row: &ReportRow) -> Result<(), ReportError> {
        Point::ReportRow.pass();
        self.summary.add(row);
        let path = || self.dir.join(ReportFormat::Csv.file_name());
        self.csv.write(row).map_err(|source| ReportError::Write { path: path(), source })
    }

    /// Replaces the three reports. None is replaced before all are on the disk.
    ///
    /// # Errors
    /// When one cannot be written or replaced.
    pub fn finish(self) -> Result<Paths, ReportError> {
        let Self { dir, csv, summary } = self;
        let path = |format: ReportFormat| dir.join(format.file_name());
        let csv = csv
            .finish()
            .map_err(|source| ReportError::Write { path: path(ReportFormat::Csv), source })
            .and_then(NewFile::synced)?;
        let json = whole(path(ReportFormat::Json), &summary_json(&summary))?;
        let html = whole(path(ReportFormat::Html), &html(&summary)?)?;
        let paths = Paths { csv: csv.take_place()?, json: json.take_place()?, html: html.take_place()? };
        Point::ReportsDone.pass();
        Ok(paths)
    }
}

fn whole(path: PathBuf, text: &str) -> Result<NewFile, ReportError> {
    let mut file = NewFile::create(&path)?;
    file.write_all(text.as_bytes()).map_err(|source| ReportError::Write { path, source })?;
    file.synced()
}
