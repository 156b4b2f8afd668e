//! Splits the stream of an `.xls` workbook into records, and reads their fields.

use super::unreadable::{Parsed, Unreadable};

/// A record with its continuations.
pub(super) struct BiffRecord<'s> {
    pub(super) kind: u16,
    /// The record's content, and that of each record that continues it.
    parts: Vec<&'s [u8]>,
}

impl BiffRecord<'_> {
    pub(super) const FORMULA: u16 = 0x06;
    pub(super) const EOF: u16 = 0x0a;
    pub(super) const DATEMODE: u16 = 0x22;
    pub(super) const FILEPASS: u16 = 0x2f;
    const CONTINUE: u16 = 0x3c;
    pub(super) const BOUNDSHEET: u16 = 0x85;
    pub(super) const MULRK: u16 = 0xbd;
    pub(super) const RSTRING: u16 = 0xd6;
    pub(super) const XF: u16 = 0xe0;
    pub(super) const MERGEDCELLS: u16 = 0xe5;
    pub(super) const SST: u16 = 0xfc;
    pub(super) const LABELSST: u16 = 0xfd;
    pub(super) const NUMBER: u16 = 0x203;
    pub(super) const LABEL: u16 = 0x204;
    pub(super) const BOOLERR: u16 = 0x205;
    pub(super) const STRING: u16 = 0x207;
    pub(super) const ROW: u16 = 0x208;
    pub(super) const RK: u16 = 0x27e;
    pub(super) const FORMAT: u16 = 0x41e;
    pub(super) const BOF: u16 = 0x809;

    /// Returns a reader of its fields.
    pub(super) fn fields(&self) -> Fields<'_> {
        let (first, rest) = self.parts.split_first().map_or((&[][..], &[][..]), |(first, rest)| (*first, rest));
        Fields { part: first, rest }
    }
}

/// The records of a stream.
pub(super) struct Records<'s> {
    stream: &'s [u8],
}

impl<'s> Records<'s> {
    pub(super) fn new(stream: &'s [u8]) -> Self {
        Self { stream }
    }

    pub(super) fn next_record(&mut self) -> Parsed<Option<BiffRecord<'s>>> {
        let Some(kind) = self.kind() else { return Ok(None) };
        let mut parts = vec![self.content()?];
        while self.kind() == Some(BiffRecord::CONTINUE) {
            parts.push(self.content()?);
        }
        Ok(Some(BiffRecord { kind, parts }))
    }

    fn kind(&self) -> Option<u16> {
        let (kind, _) = self.stream.split_first_chunk()?;
        Some(u16::from_le_bytes(*kind))
    }

    fn content(&mut self) -> Parsed<&'s [u8]> {
        let (&[_, _, low, high], rest) = self.stream.split_first_chunk().ok_or_else(Unreadable::damaged)?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        let (content, rest) = rest.split_at_checked(length).ok_or_else(Unreadable::damaged)?;
        self.stream = rest;
        Ok(content)
    }
}

/// The fields of a record that were not read yet.
pub(super) struct Fields<'r> {
    part: &'r [u8],
    rest: &'r [&'r [u8]],
}

impl Fields<'_> {
    /// Returns the number of bytes that are left of the record's current part.
    pub(super) fn left(&self) -> usize {
        self.part.len()
    }

    /// Goes to the next part, if the current one is at its end.
    fn refill(&mut self) -> Parsed<bool> {
        let mut is_next = false;
        while self.part.is_empty() {
            let (next, rest) = self.rest.split_first().ok_or_else(Unreadable::damaged)?;
            (self.part, self.rest) = (next, rest);
            is_next = true;
        }
        Ok(is_next)
    }

    pub(super) fn u8(&mut self) -> Parsed<u8> {
        self.refill()?;
        let (first, rest) = self.part.split_first().ok_or_else(Unreadable::damaged)?;
        self.part = rest;
        Ok(*first)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.u8()?;
        }
        Ok(bytes)
    }

    pub(super) fn u16(&mut self) -> Parsed<u16> {
        Ok(u16::from_le_bytes(self.bytes()?))
    }

    pub(super) fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    pub(super) fn f64(&mut self) -> Parsed<f64> {
        Ok(f64::from_le_bytes(self.bytes()?))
    }

    pub(super) fn skip(&mut self, mut count: usize) -> Parsed<()> {
        while count > 0 {
            self.refill()?;
            let skipped = count.min(self.part.len());
            self.part = self.part.get(skipped..).unwrap_or_default();
            count -= skipped;
        }
        Ok(())
    }

    /// Reads a text after its length.
    pub(super) fn text_of_length_u16(&mut self) -> Parsed<String> {
        let length = usize::from(self.u16()?);
        self.text(length)
    }

    /// Reads a text of `length` UTF-16 units, each in one or two bytes. Each continuation states its own width. What
    /// follows is its layout and pronunciation.
    pub(super) fn text(&mut self, length: usize) -> Parsed<String> {
        let flags = self.u8()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(self.u16()?) * 4 };
        let extension = if flags & 4 == 0 { 0 } else { self.u32()? as usize };
        let mut is_wide = flags & 1 != 0;
        let mut units = Vec::with_capacity(length);
        while units.len() < length {
            if self.refill()? {
                is_wide = self.u8()? & 1 != 0;
                continue;
            }
            let wanted = length - units.len();
            if is_wide {
                let count = wanted.min(self.part.len() / 2);
                let (pairs, rest) = self.part.split_at_checked(count * 2).ok_or_else(Unreadable::damaged)?;
                let (pairs, _) = pairs.as_chunks();
                units.extend(pairs.iter().map(|pair| u16::from_le_bytes(*pair)));
                self.part = rest;
                if count == 0 {
                    return Err(Unreadable::damaged());
                }
            } else {
                let (bytes, rest) =
                    self.part.split_at_checked(wanted.min(self.part.len())).ok_or_else(Unreadable::damaged)?;
                units.extend(bytes.iter().map(|byte| u16::from(*byte)));
                self.part = rest;
            }
        }
        self.skip(runs)?;
        self.skip(extension)?;
        Ok(String::from_utf16_lossy(&units))
    }
}
