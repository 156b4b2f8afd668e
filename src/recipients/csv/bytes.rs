//! Reads the bytes of a recipient file: hashes and counts them as on disk, and decompresses gzip.
//!
//! `table` interprets the bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::input_file;
use crate::recipients::error::{OpenError, ReadError};
use crate::text::hex;

/// The bytes per read from the disk.
const CHUNK: usize = 64 * 1024;

/// The bytes that show what a file is.
const START: u64 = 64;

/// The first bytes of every gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A recipient file, decompressed if needed.
pub(in crate::recipients) struct Content {
    path: PathBuf,
    length: Option<u64>,
    bytes: Bytes,
    /// Its first bytes, if they were looked at and not read yet.
    start: Vec<u8>,
}

enum Bytes {
    Plain(BufReader<Disk>),
    Gzip(Box<MultiGzDecoder<BufReader<Disk>>>),
}

/// The file as it is on disk.
struct Disk {
    file: File,
    /// `None` if nobody needs the fingerprint.
    hash: Option<Sha256>,
    read: u64,
}

impl Read for Disk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if let Some(hash) = &mut self.hash {
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        self.read += count as u64;
        Ok(count)
    }
}

impl Content {
    /// Opens a regular file, which can be read again.
    pub(in crate::recipients) fn open(path: &Path) -> Result<Self, OpenError> {
        Self::of(path, input_file::open(path))
    }

    /// Opens anything that can be read once, such as a pipe; reading may block.
    pub(in crate::recipients) fn open_once(path: &Path) -> Result<Self, OpenError> {
        Self::of(path, if path.is_dir() { input_file::open(path) } else { File::open(path) })
    }

    fn of(path: &Path, opened: io::Result<File>) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Open { path: path.to_owned(), source };
        let file = opened.map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut plain = BufReader::with_capacity(CHUNK, Disk { file, hash: Some(Sha256::new()), read: 0 });
        // A pipe may return one byte at a time; then it is not recognised as gzip. Files and `zcat` return more.
        let start = plain.fill_buf().map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        let bytes = if start.starts_with(&GZIP) {
            Bytes::Gzip(Box::new(MultiGzDecoder::new(plain)))
        } else {
            Bytes::Plain(plain)
        };
        Ok(Self {
            path: path.to_owned(),
            length: metadata.is_file().then_some(metadata.len()),
            bytes,
            start: Vec::new(),
        })
    }

    /// Returns its first bytes, which are read again afterwards: at most [`START`], fewer at the end of the file.
    pub(in crate::recipients) fn start(&mut self) -> io::Result<Vec<u8>> {
        let mut start = Vec::with_capacity(START as usize);
        self.by_ref().take(START).read_to_end(&mut start)?;
        self.start.clone_from(&start);
        Ok(start)
    }

    /// Opens a regular file once more, at its start. Before [`Read`] continues, call [`Content::resume`].
    pub(in crate::recipients) fn again(&self) -> io::Result<Box<dyn Read + '_>> {
        let (disk, is_gzip) = self.disk();
        let mut file = &disk.file;
        file.rewind()?;
        Ok(match is_gzip {
            true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, file))),
            false => Box::new(file),
        })
    }

    /// Continues where it was before [`Content::again`].
    pub(in crate::recipients) fn resume(&self) -> io::Result<()> {
        let (disk, _) = self.disk();
        (&disk.file).seek(SeekFrom::Start(disk.read)).map(|_| ())
    }

    /// Returns the file on disk, and whether it is gzipped.
    fn disk(&self) -> (&Disk, bool) {
        match &self.bytes {
            Bytes::Plain(file) => (file.get_ref(), false),
            Bytes::Gzip(file) => (file.get_ref().get_ref(), true),
        }
    }

    /// Returns its length on disk; `None` for a pipe.
    pub(in crate::recipients) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the bytes read from the disk so far.
    pub(in crate::recipients) fn read_from_disk(&self) -> u64 {
        self.disk().0.read
    }

    /// Returns the fingerprint: the SHA-256 of the whole file on disk, in hexadecimal. Reads the rest of the file
    /// first. `None` after [`Content::without_digest`].
    pub(in crate::recipients) fn digest(&mut self) -> Result<Option<String>, ReadError> {
        let disk = self.disk_mut();
        match io::copy(disk, &mut io::sink()) {
            Ok(_) => Ok(disk.hash.clone().map(|hash| hex(&hash.finalize()))),
            Err(source) => Err(ReadError::Io { path: self.path.clone(), source }),
        }
    }

    /// Stops computing the fingerprint.
    pub(in crate::recipients) fn without_digest(&mut self) {
        self.disk_mut().hash = None;
    }

    fn disk_mut(&mut self) -> &mut Disk {
        match &mut self.bytes {
            Bytes::Plain(file) => file.get_mut(),
            Bytes::Gzip(file) => file.get_mut().get_mut(),
        }
    }

    /// Returns an error of [`Read`] with its context.
    pub(in crate::recipients) fn error(&self, source: io::Error) -> ReadError {
        let path = self.path.clone();
        let unpacking = matches!(
            source.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        );
        match self.bytes {
            Bytes::Gzip(_) if unpacking => ReadError::Gzip { path, source },
            _ => ReadError::Io { path, source },
        }
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.start.is_empty() {
            let count = self.start.as_slice().read(buffer)?;
            self.start.drain(..count);
            return Ok(count);
        }
        match &mut self.bytes {
            Bytes::Plain(file) => file.read(buffer),
            Bytes::Gzip(file) => file.read(buffer),
        }
    }
}
