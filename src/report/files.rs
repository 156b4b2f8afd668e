//! Report files that appear whole or not at all.
//!
//! A new file is written beside the old one, synced, and then takes its place in one step. What a process that was
//! killed left of one is removed by the next. Reports hold phone numbers, so that on Unix only their owner may read
//! them. A link stays, and what it leads to is replaced. What is no file, such as a device or a named pipe, is written
//! to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::html;
use super::recipients_csv::CsvReport;
use super::summary::Summary;
use super::summary_json::summary_json;
use super::types::{Format, ReportError, RunFacts};
use crate::crash_point::Point;
use crate::model::ReportRow;

/// How the name of a file ends that is not yet where it belongs.
const UNFINISHED: &str = ".campaigner-tmp";

/// A file that is being written and is not yet where it belongs. Dropped without [`NewFile::replace`], it vanishes.
pub struct NewFile {
    to: To,
    path: PathBuf,
}

/// Where the bytes go.
enum To {
    /// A new version beside the old one.
    Beside(NamedTempFile),
    /// What is there.
    There(File),
}

impl NewFile {
    /// Starts a new version of the file at `path`. Its folder must be there.
    ///
    /// # Errors
    /// [`ReportError::Create`] if no file can be made in that folder.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let path = target(path.into());
        match fs::metadata(&path) {
            Ok(there) if !there.is_file() && !there.is_dir() => {
                let file = File::options().write(true).open(&path);
                let file = file.map_err(|source| ReportError::Create { path: path.clone(), source })?;
                return Ok(Self { to: To::There(file), path });
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
            // Locked as long as it is written. Until it was, another process might have taken it for a leftover.
            let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock)) || !file.path().exists();
            if !taken {
                return Ok(Self { to: To::Beside(file), path });
            }
        }
    }

    /// Puts the new version in the place of the old one, once it is safely on the disk.
    ///
    /// # Errors
    /// [`ReportError::Write`] or [`ReportError::Replace`]; what is there then is either version, and whole.
    pub fn replace(self) -> Result<PathBuf, ReportError> {
        self.synced()?.take_place()
    }

    /// The file with all of its bytes on the disk.
    fn synced(self) -> Result<Self, ReportError> {
        let synced = match &self.to {
            To::Beside(file) => file.as_file().sync_all(),
            // There is nothing to sync of a pipe.
            To::There(_) => Ok(()),
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
        let To::Beside(file) = to else { return Ok(path) };
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
            To::Beside(file) => file.write(bytes),
            To::There(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(file) => file.flush(),
            To::There(file) => file.flush(),
        }
    }
}

/// What a path leads to, whether it is there or not.
fn target(path: PathBuf) -> PathBuf {
    match (path.canonicalize(), path.read_link()) {
        (Ok(there), Ok(_)) => there,
        (Err(_), Ok(to)) => folder_of(&path).join(to),
        _ => path,
    }
}

/// Removes new versions of a file that nobody is writing any more. It is no trouble if one stays.
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

/// The folder that a path is in, for a bare file name too.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the change of names itself durable, where the system knows such a thing.
fn sync_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Where the three reports are.
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
    /// Starts the reports in `dir`, which is created where it is not there.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be created or written.
    pub fn create(dir: impl Into<PathBuf>, facts: RunFacts) -> Result<Self, ReportError> {
        let dir = dir.into();
        if let Err(source) = fs::create_dir_all(&dir) {
            return Err(ReportError::CreateFolder { dir, source });
        }
        let path = dir.join(Format::Csv.file_name());
        let file = NewFile::create(&path)?;
        let csv = CsvReport::new(file, &[]).map_err(|source| ReportError::Write { path, source })?;
        Point::ReportBegun.pass();
        Ok(Self { dir, csv, summary: Summary::new(facts) })
    }

    /// Takes the next row, in the order of the input.
    ///
    /// # Errors
    /// [`ReportError::Write`] if it cannot be written.
    pub fn add(&mut self, row: &ReportRow) -> Result<(), ReportError> {
        Point::ReportRow.pass();
        self.summary.add(row);
        let path = || self.dir.join(Format::Csv.file_name());
        self.csv.write(row).map_err(|source| ReportError::Write { path: path(), source })
    }

    /// Puts the three reports in their places. None of them is replaced before all are on the disk.
    ///
    /// # Errors
    /// If one cannot be written or put in its place.
    pub fn finish(self) -> Result<Paths, ReportError> {
        let Self { dir, csv, summary } = self;
        let path = |format: Format| dir.join(format.file_name());
        let csv = csv
            .finish()
            .map_err(|source| ReportError::Write { path: path(Format::Csv), source })
            .and_then(NewFile::synced)?;
        let json = whole(path(Format::Json), &summary_json(&summary))?;
        let html = whole(path(Format::Html), &html(&summary)?)?;
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
