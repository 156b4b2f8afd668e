//! A buffer between the file and the CSV reader, so that a broken record costs neither memory nor the rest of the file.
//!
//! An unclosed quote makes a CSV reader swallow everything after it. So this buffer keeps the bytes of the current
//! record, returns at most [`LONGEST_RECORD`] of them, and can seek back: the reader then continues on the line after
//! the quote. Of CSV, the buffer knows only how a line ends.

use std::io::{self, Read, Seek, SeekFrom};

/// The longest record, in bytes of the file. Messages have at most a few thousand characters on any channel; anything
/// longer is a missing quote or not a table.
pub(in crate::recipients) const LONGEST_RECORD: usize = 1024 * 1024;

/// The bytes per read.
const CHUNK: usize = 64 * 1024;

/// A reader that remembers its bytes since a mark. Offsets count the bytes it returned.
pub(in crate::recipients) struct RecordBuffer<R> {
    inner: R,
    bytes: Vec<u8>,
    /// The offset of the first of `bytes`.
    base: u64,
    /// The index of the next byte to return.
    next: usize,
    /// The index before which `bytes` are no longer needed.
    mark: usize,
    refused: bool,
}

impl<R: Read> RecordBuffer<R> {
    pub(in crate::recipients) fn new(inner: R) -> Self {
        Self { inner, bytes: Vec::new(), base: 0, next: 0, mark: 0, refused: false }
    }

    pub(in crate::recipients) fn get_ref(&self) -> &R {
        &self.inner
    }

    pub(in crate::recipients) fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Returns everything that is still held since the mark.
    pub(in crate::recipients) fn held(&self) -> &[u8] {
        self.bytes.get(self.mark..).unwrap_or_default()
    }

    /// Drops the first bytes: offsets start after them.
    pub(in crate::recipients) fn forget(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }

    /// Marks the start of a record: earlier bytes may be dropped.
    pub(in crate::recipients) fn mark(&mut self, offset: u64) {
        self.mark = self.index(offset);
    }

    /// Returns the bytes from the mark to an offset.
    pub(in crate::recipients) fn until(&self, offset: u64) -> &[u8] {
        self.bytes.get(self.mark..self.index(offset)).unwrap_or_default()
    }

    /// Whether the last read failed because the record is too long.
    pub(in crate::recipients) fn refused(&self) -> bool {
        self.refused
    }

    /// Reads more of the file. Returns `false` at its end.
    pub(in crate::recipients) fn more(&mut self) -> io::Result<bool> {
        self.bytes.drain(..self.mark);
        self.base += self.mark as u64;
        self.next = self.next.saturating_sub(self.mark);
        self.mark = 0;
        let held = self.bytes.len();
        self.bytes.resize(held + CHUNK, 0);
        let count = loop {
            match self.inner.read(self.bytes.get_mut(held..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.bytes.truncate(held + count.as_ref().copied().unwrap_or(0));
        count.map(|count| count > 0)
    }

    /// Returns and marks the offset after the first line end at or after `offset`, or the end of the file. A line ends
    /// with CR, LF or both, as a record of the CSV reader does. Also returns whether it has the LF that counts lines.
    pub(in crate::recipients) fn next_line(&mut self, offset: u64) -> io::Result<(u64, bool)> {
        self.mark(offset);
        let mut counts = false;
        loop {
            let held = self.held();
            let end = held.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (at, is_whole) = match end.and_then(|at| Some((at, held.get(at..)?))) {
                // The LF of this CR may not be read yet.
                Some((at, b"\r")) => (at, false),
                Some((at, end)) => {
                    let length = if end.starts_with(b"\r\n") { 2 } else { 1 };
                    counts = !end.starts_with(b"\r") || length == 2;
                    (at + length, true)
                }
                None => (held.len(), false),
            };
            self.mark += at;
            if is_whole {
                break;
            }
            self.next = self.mark;
            if !self.more()? {
                self.mark = self.bytes.len();
                break;
            }
        }
        Ok((self.base + self.mark as u64, counts))
    }

    fn index(&self, offset: u64) -> usize {
        let index = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        index.min(self.bytes.len())
    }
}

impl<R: Read> Read for RecordBuffer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.refused = self.next == self.bytes.len() && self.held().len() > LONGEST_RECORD;
        if self.refused {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if self.next == self.bytes.len() && !self.more()? {
            return Ok(0);
        }
        let ready = self.bytes.get(self.next..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.next += count;
        Ok(count)
    }
}

/// Seeks to a byte that is still held.
impl<R: Read> Seek for RecordBuffer<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(offset) if (self.base..=self.base + self.bytes.len() as u64).contains(&offset) => {
                self.next = self.index(offset);
                self.mark = self.mark.min(self.next);
                Ok(offset)
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_back_to_what_it_holds_and_no_further() {
        let mut window = RecordBuffer::new(&b"one\ntwo\nthree\n"[..]);
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");
        window.mark(4);
        assert_eq!(window.until(8), b"two\n");
        window.seek(SeekFrom::Start(8)).unwrap();
        text.clear();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "three\n");
        assert!(window.seek(SeekFrom::Start(15)).is_err());
        // Reading at the end dropped what is before the mark.
        assert!(window.seek(SeekFrom::Start(0)).is_err());
    }

    #[test]
    fn a_line_ends_with_cr_or_lf_or_both_even_at_the_end_of_what_is_read() {
        for (text, end, counts) in [
            ("a\nb", 2, true),
            ("a\rb", 2, false),
            ("a\r\nb", 3, true),
            ("a\r\rb", 2, false),
            ("a\n\rb", 2, true),
            ("a\r", 2, false),
            ("a\r\n", 3, true),
            ("a", 1, false),
            ("", 0, false),
        ] {
            let (first, rest) = text.split_at(text.len().min(2));
            let mut window = RecordBuffer::new(first.as_bytes().chain(rest.as_bytes()));
            assert_eq!(window.next_line(0).unwrap(), (end, counts), "{text:?}");
        }
    }

    #[test]
    fn it_refuses_more_than_a_record_and_skips_a_line_of_any_length_in_little_memory() {
        let long = io::repeat(b'x').take(64 * 1024 * 1024).chain(&b"\nnext"[..]);
        let mut window = RecordBuffer::new(long);
        assert!(io::copy(&mut window, &mut io::sink()).is_err());
        assert!(window.refused());
        assert!(window.held().len() <= LONGEST_RECORD + CHUNK);
        let (next, counts) = window.next_line(0).unwrap();
        assert_eq!((next, counts), (64 * 1024 * 1024 + 1, true));
        window.seek(SeekFrom::Start(next)).unwrap();
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "next");
        assert!(window.bytes.capacity() <= 4 * LONGEST_RECORD);
    }
}
