//! Finds rows that repeat the number of an earlier row, in constant memory.
//!
//! It is an external sort: a full buffer of pairs is sorted and appended to an unnamed temporary file, and the sorted
//! chunks are merged at the end. A short list never touches the disk; ten million rows use the same memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::model::{Phone, RowNumber};

/// The pairs held in memory before they are sorted and written: 4 MiB.
const BUFFERED_PAIRS: usize = 256 * 1024;

/// The bytes of one pair in the file: two little-endian integers.
const PAIR_BYTES: usize = 16;

/// The bytes of memory for reading back, shared by all chunks of a merge, and the least that one chunk gets.
const MERGE_BYTES: usize = 4 * 1024 * 1024;
const LEAST_RUN_BYTES: usize = 4 * 1024;

/// Collects numbers with their rows, and finds the rows that repeat an earlier one.
pub struct Duplicates {
    numbers: Sorter,
}

/// A row with the number of an earlier row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The row that repeats the number.
    pub row: RowNumber,
    /// The first row with that number.
    pub of: RowNumber,
}

/// Why the temporary file of the search for duplicates could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// It could not be created.
    #[error("cannot create a temporary file in {}; the folder must exist and be writable", dir.display())]
    Create {
        /// Where it should have been.
        dir: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It could not be written, most often because the disk is full.
    #[error("cannot write a temporary file in {}; it needs 16 bytes per row", dir.display())]
    Write {
        /// Where it is.
        dir: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It could not be read back.
    #[error("cannot read back a temporary file in {}", dir.display())]
    Read {
        /// Where it is.
        dir: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl Duplicates {
    /// Returns an empty collection. Temporary files are created in `dir`, and only if the rows do not fit into 4 MiB.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self::with_buffer(dir, BUFFERED_PAIRS)
    }

    fn with_buffer(dir: &Path, pairs: usize) -> Self {
        Self { numbers: Sorter::new(dir, pairs) }
    }

    /// Adds a row and its number. Rows may come in any order.
    ///
    /// # Errors
    /// When the temporary file cannot be created or written.
    pub fn push(&mut self, phone: Phone, row: RowNumber) -> Result<(), SpillError> {
        self.numbers.push((phone.as_u64(), row.0))
    }

    /// Returns the duplicates, in row order. Of the rows with the same number, the first is the original, and all
    /// others are its duplicates.
    ///
    /// # Errors
    /// When the temporary file cannot be created, written or read.
    pub fn finish(self) -> Result<DuplicateRows, SpillError> {
        let (dir, pairs) = (self.numbers.dir.clone(), self.numbers.limit);
        let mut rows = Sorter::new(&dir, pairs);
        let mut first: Option<(u64, u64)> = None;
        for pair in self.numbers.sorted()? {
            let (phone, row) = pair?;
            match first {
                Some((same, original)) if same == phone => rows.push((row, original))?,
                _ => first = Some((phone, row)),
            }
        }
        Ok(DuplicateRows { pairs: rows.sorted()? })
    }
}

/// The duplicates, in row order.
pub struct DuplicateRows {
    pairs: Sorted,
}

impl Iterator for DuplicateRows {
    type Item = Result<Duplicate, SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.pairs.next()?;
        Some(pair.map(|(row, original)| Duplicate { row: RowNumber(row), of: RowNumber(original) }))
    }
}

/// Sorts pairs of integers, even if they do not fit into memory.
struct Sorter {
    dir: PathBuf,
    limit: usize,
    buffer: Vec<(u64, u64)>,
    spill: Option<Spill>,
}

/// A file of sorted chunks, end to end.
struct Spill {
    file: File,
    /// The end of each chunk, in bytes.
    ends: Vec<u64>,
}

impl Sorter {
    fn new(dir: &Path, limit: usize) -> Self {
        Self { dir: dir.to_owned(), limit, buffer: Vec::new(), spill: None }
    }

    fn push(&mut self, pair: (u64, u64)) -> Result<(), SpillError> {
        if self.buffer.len() == self.limit {
            self.write_out()?;
        }
        self.buffer.push(pair);
        Ok(())
    }

    /// Sorts the buffer and appends it to the file.
    fn write_out(&mut self) -> Result<(), SpillError> {
        self.buffer.sort_unstable();
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => {
                let file = tempfile::tempfile_in(&self.dir)
                    .map_err(|source| SpillError::Create { dir: self.dir.clone(), source })?;
                none.insert(Spill { file, ends: Vec::new() })
            }
        };
        let mut out = io::BufWriter::with_capacity(64 * 1024, &spill.file);
        let written = self
            .buffer
            .iter()
            .try_for_each(|(key, value)| {
                out.write_all(&key.to_le_bytes())?;
                out.write_all(&value.to_le_bytes())
            })
            .and_then(|()| out.flush());
        written.map_err(|source| SpillError::Write { dir: self.dir.clone(), source })?;
        drop(out);
        let start = spill.ends.last().copied().unwrap_or(0);
        spill.ends.push(start + (self.buffer.len() * PAIR_BYTES) as u64);
        self.buffer.clear();
        Ok(())
    }

    fn sorted(mut self) -> Result<Sorted, SpillError> {
        if self.spill.is_some() && !self.buffer.is_empty() {
            self.write_out()?;
        }
        match self.spill {
            None => {
                self.buffer.sort_unstable();
                Ok(Sorted::InMemory(self.buffer.into_iter()))
            }
            Some(spill) => {
                // Free the buffer's memory before the merge allocates its own.
                drop(self.buffer);
                Merge::new(self.dir, spill).map(Sorted::Merged)
            }
        }
    }
}

/// Pairs in ascending order.
enum Sorted {
    InMemory(std::vec::IntoIter<(u64, u64)>),
    Merged(Merge),
}

impl Iterator for Sorted {
    type Item = Result<(u64, u64), SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::InMemory(pairs) => pairs.next().map(Ok),
            Self::Merged(merge) => merge.next().transpose(),
        }
    }
}

/// The merge of the chunks of a file: the heap holds the smallest pair of each.
struct Merge {
    dir: PathBuf,
    file: File,
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<((u64, u64), usize)>>,
}

/// The rest of a sorted chunk.
struct Run {
    next: u64,
    end: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl Merge {
    fn new(dir: PathBuf, spill: Spill) -> Result<Self, SpillError> {
        let share = (MERGE_BYTES / spill.ends.len().max(1)).max(LEAST_RUN_BYTES) / PAIR_BYTES * PAIR_BYTES;
        let starts = std::iter::once(0).chain(spill.ends.iter().copied());
        let runs = starts
            .zip(&spill.ends)
            .map(|(next, &end)| Run { next, end, bytes: Vec::with_capacity(share), at: 0 })
            .collect::<Vec<_>>();
        let mut merge = Self { dir, file: spill.file, heap: BinaryHeap::with_capacity(runs.len()), runs };
        for run in 0..merge.runs.len() {
            merge.refill_heap(run)?;
        }
        Ok(merge)
    }

    fn next(&mut self) -> Result<Option<(u64, u64)>, SpillError> {
        let Some(Reverse((pair, run))) = self.heap.pop() else { return Ok(None) };
        self.refill_heap(run)?;
        Ok(Some(pair))
    }

    /// Puts the next pair of a chunk on the heap, if it has one.
    fn refill_heap(&mut self, index: usize) -> Result<(), SpillError> {
        let Some(run) = self.runs.get_mut(index) else { return Ok(()) };
        let pair = run.take(&mut self.file).map_err(|source| SpillError::Read { dir: self.dir.clone(), source })?;
        if let Some(pair) = pair {
            self.heap.push(Reverse((pair, index)));
        }
        Ok(())
    }
}

impl Run {
    fn take(&mut self, file: &mut File) -> io::Result<Option<(u64, u64)>> {
        if self.at == self.bytes.len() {
            let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
            let wanted = left.min(self.bytes.capacity());
            if wanted == 0 {
                return Ok(None);
            }
            self.bytes.resize(wanted, 0);
            file.seek(SeekFrom::Start(self.next))?;
            file.read_exact(&mut self.bytes)?;
            self.next += wanted as u64;
            self.at = 0;
        }
        let mut integer = || -> u64 {
            let bytes = self.bytes.get(self.at..self.at + 8).and_then(|bytes| bytes.try_into().ok());
            self.at += 8;
            bytes.map(u64::from_le_bytes).unwrap_or_default()
        };
        Ok(Some((integer(), integer())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(number: u64) -> Phone {
        Phone::from_u64(85_260_000_000 + number)
    }

    fn found(mut duplicates: Duplicates, rows: &[(u64, u64)]) -> Vec<(u64, u64)> {
        for &(number, row) in rows {
            duplicates.push(phone(number), RowNumber(row)).unwrap();
        }
        duplicates.finish().unwrap().map(|pair| pair.map(|d| (d.row.0, d.of.0)).unwrap()).collect()
    }

    #[test]
    fn the_lowest_row_is_the_original_and_the_others_come_in_row_order() {
        let dir = tempfile::tempdir().unwrap();
        let rows = [(7, 3), (1, 2), (7, 1), (2, 4), (1, 5), (7, 6)];
        assert_eq!(found(Duplicates::new(dir.path()), &rows), [(3, 1), (5, 2), (6, 1)]);
        assert_eq!(found(Duplicates::new(dir.path()), &[]), []);
    }

    #[test]
    fn what_fits_into_memory_needs_no_directory() {
        assert_eq!(found(Duplicates::new(Path::new("/does/not/exist")), &[(1, 1), (1, 2)]), [(2, 1)]);
    }

    #[test]
    fn a_missing_directory_is_said_when_it_is_needed() {
        let mut duplicates = Duplicates::with_buffer(Path::new("/does/not/exist"), 2);
        duplicates.push(phone(1), RowNumber(1)).unwrap();
        duplicates.push(phone(2), RowNumber(2)).unwrap();
        let error = duplicates.push(phone(3), RowNumber(3)).unwrap_err();
        assert!(matches!(&error, SpillError::Create { .. }), "{error}");
        assert!(error.to_string().contains("/does/not/exist"));
    }

    #[test]
    fn many_sorted_stretches_find_what_memory_finds() {
        let dir = tempfile::tempdir().unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        let rows: Vec<_> = (1..=5_000).map(|row| (random.u64(0..2_000), row)).collect();
        let in_memory = found(Duplicates::new(dir.path()), &rows);
        for buffer in [1, 3, 512, 4_999, 5_000] {
            assert_eq!(found(Duplicates::with_buffer(dir.path(), buffer), &rows), in_memory, "{buffer}");
        }
        assert!(in_memory.len() > 3_000);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "temporary files have no name");
    }
}
