//! Opens input files: regular files only.
//!
//! A pipe may block its reader forever and delivers its bytes only once, but lists are read twice.

use std::fs::{self, File, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::crash_point::Point;

/// What a path leads to instead of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NotAFile {
    #[error("it is a folder, not a file; choose a file in it")]
    Folder,
    #[error("it is {0}, not a regular file; save its content to a file and use that file")]
    Other(&'static str),
}

/// Opens a regular file for reading. Symbolic links are followed.
///
/// # Errors
/// When the file cannot be opened or is not a regular file. The error says what it is and what to do.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Checked before opening: opening a device may already change something, and opening a pipe may block.
    refuse_others(fs::metadata(path)?.file_type())?;
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    // Checked again after opening: something else may have taken its place.
    refuse_others(file.metadata()?.file_type())?;
    Point::InputOpened.pass();
    Ok(file)
}

fn refuse_others(kind: FileType) -> io::Result<()> {
    let other = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => NotAFile::Folder,
        _ if kind.is_fifo() => NotAFile::Other("a pipe (FIFO)"),
        _ if kind.is_socket() => NotAFile::Other("a socket"),
        _ => NotAFile::Other("a device"),
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, other))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_links_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("list.csv"), "phone\n").unwrap();
        symlink("list.csv", at("link.csv")).unwrap();
        for name in ["list.csv", "link.csv"] {
            let mut text = String::new();
            open(&at(name)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "phone\n");
        }
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        symlink("pipe", at("link-to-a-pipe")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        let refused = [
            (folder.path().to_owned(), "it is a folder, not a file"),
            (at("pipe"), "it is a pipe (FIFO), not a regular file"),
            (at("link-to-a-pipe"), "it is a pipe (FIFO), not a regular file"),
            (at("socket"), "it is a socket, not a regular file"),
            ("/dev/null".into(), "it is a device, not a regular file"),
        ];
        for (path, words) in refused {
            let error = open(&path).unwrap_err();
            assert!(error.to_string().starts_with(words), "{}: {error}", path.display());
        }
        assert_eq!(open(&at("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
