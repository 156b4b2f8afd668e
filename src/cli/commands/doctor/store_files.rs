//! Whether this user can use the store's folder and files, and how to change that.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::text::shell_word;

/// The free space below which a store may fill the disk during a run; a row takes about 200 bytes.
const MIN_FREE: u64 = 1 << 30;
const OTHER: &str = "choose another place with --db";

/// Returns what is wrong with the folder that reports are written to, and what to do.
pub(super) fn problem_of_this_folder() -> Option<String> {
    let folder = Path::new(".");
    tempfile::tempfile_in(folder).err().map(|error| {
        let other = "start campaigner in another folder";
        format!(
            "cannot write to this folder, where `run` writes ./reports: {error}; {}",
            way_out(folder, &error, "u+rwx", ".", other)
        )
    })
}

/// Returns what is wrong with the folder of the store, and what to do.
pub(super) fn problem_of_folder(store: &Path) -> Option<String> {
    let folder = parent(store);
    let word = word(folder);
    match tempfile::tempfile_in(folder) {
        Ok(_) => None,
        Err(_) if !folder.exists() => Some(format!(
            "the store's folder {word} does not exist; run `mkdir -p {word}`, or choose another with --db"
        )),
        Err(_) if !folder.is_dir() => Some(format!("{word} is not a folder; choose another place with --db")),
        Err(error) => Some(format!(
            "cannot write to the store's folder {word}: {error}; {}",
            way_out(folder, &error, "u+rwx", &word, OTHER)
        )),
    }
}

/// Returns what is wrong with the files of the store, and what to do.
pub(super) fn problem_of_files(store: &Path) -> Option<String> {
    let files = ["", "-wal", "-shm", "-mark"].map(|end| {
        let mut path = store.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    });
    files.iter().find_map(|file| match File::options().read(true).write(true).open(file) {
        Err(error) if error.kind() != ErrorKind::NotFound && !file.is_dir() => Some(format!(
            "cannot open {} for reading and writing: {error}; {}",
            file.display(),
            way_out(file, &error, "u+rw", &format!("{}*", word(store)), OTHER)
        )),
        _ => None,
    })
}

/// Returns the warning if the file system that holds the store is nearly full.
pub(super) fn problem_of_disk(store: &Path) -> Option<String> {
    let folder = parent(store);
    let space = rustix::fs::statvfs(folder).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    (free < MIN_FREE).then(|| {
        format!(
            "only {} MiB is free in {}; a store needs about 200 bytes per row, and a full disk stops a run. Free some \
             space, or choose another place with --db",
            free >> 20,
            folder.display()
        )
    })
}

/// Returns what to do about an error of a folder or file. `words` is what a shell calls it, and `other` what to do
/// instead of changing it.
fn way_out(path: &Path, error: &Error, mode: &str, words: &str, other: &str) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => access(path, mode, words, other),
        _ => other.to_owned(),
    }
}

/// Returns how this user gets access to the configuration.
pub(super) fn access_to_configuration(path: &Path) -> String {
    access(path, "u+r", &word(path), "choose another with --config")
}

fn access(path: &Path, mode: &str, words: &str, other: &str) -> String {
    let me = rustix::process::geteuid().as_raw();
    let owner = path.metadata().as_ref().map_or(me, Metadata::uid);
    match owner == me {
        true => format!("run `chmod {mode} {words}`, or {other}"),
        // A folder may hold the files of others.
        false if path.is_dir() => format!(
            "it belongs to user {owner}, and campaigner runs as user {me}: start campaigner as user {owner}, or {other}"
        ),
        false => format!(
            "it belongs to user {owner}, and campaigner runs as user {me}: start campaigner as user {owner}, run `chown \
             {me} {words}` as root, or {other}"
        ),
    }
}

fn parent(store: &Path) -> &Path {
    store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn word(path: &Path) -> String {
    shell_word(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn only_the_owner_is_told_to_change_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my shop.toml");
        File::create(&file).unwrap();
        let mine = access_to_configuration(&file);
        assert_eq!(mine, format!("run `chmod u+r '{}'`, or choose another with --config", file.display()));
        let me = rustix::process::geteuid().as_raw();
        let (others, owner) = match chown(&file, Some(me + 1), None) {
            Ok(()) => (file.as_path(), me + 1),
            // Only root can give a file away, and only root owns this folder.
            Err(_) => (Path::new("/etc/hostname"), 0),
        };
        let words = access_to_configuration(others);
        assert!(words.starts_with(&format!("it belongs to user {owner}, and campaigner runs as user {me}")), "{words}");
        assert!(words.contains(&format!("run `chown {me} ")) && !words.contains("chmod"), "{words}");
    }

    #[test]
    fn what_is_there_or_missing_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        assert_eq!((problem_of_folder(&store), problem_of_files(&store)), (None, None));
        File::create(&store).unwrap();
        assert_eq!(problem_of_files(&store), None);
        let missing = problem_of_folder(&folder.path().join("none/store.db")).unwrap();
        assert!(missing.contains("does not exist; run `mkdir -p "), "{missing}");
    }
}
