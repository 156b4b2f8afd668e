//! Any bytes as a recipient list: read to the end or told what is wrong, never a panic; rows count up from 1, and no
//! list, however long or broken, takes memory (`-rss_limit_mb` holds that).
//!
//! The first byte says how the rest is used: whether it has a good header put before it, with which delimiter, and
//! whether it is repeated until it is long.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use campaigner::model::{Phone, Recipients, Source};
use campaigner::recipients::{self, Numbers, Record};
use libfuzzer_sys::fuzz_target;

/// One file for all, in memory where the system has such a place.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("campaigner-fuzz-{}.csv", std::process::id()))
});

/// National numbers, read beside the list: a reader of a list with a region loads its tables each time.
static NATIONAL: LazyLock<Numbers> = LazyLock::new(|| Numbers::new(Some("HK")).expect("a region"));

/// More than the longest record, so that a quote that is not closed meets that limit.
const LONG: usize = 1_200_000;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let mut list = Vec::new();
    if how & 1 != 0 {
        let delimiter = [",", ";", "\t"][usize::from(how >> 1) % 3];
        list.extend_from_slice(["phone", "first_name", "city"].join(delimiter).as_bytes());
        list.push(b'\n');
    }
    let start = list.len();
    list.extend_from_slice(rest);
    // A long one takes a thousand times as long: so few that most mutations of one are short again.
    if how == 0xFF && rest.len() % 16 == 1 {
        let times = (LONG / rest.len()).min(20_000);
        let part = list[start..].to_vec();
        list.extend((1..times).flat_map(|_| &part));
    }
    std::fs::write(&*FILE, &list).expect("the file can be written");

    let recipients = Recipients::new(Source::Csv(FILE.clone()), "phone");
    let Ok(mut reader) = recipients::open(&recipients) else { return };
    let columns = reader.columns().len();
    let mut record = Record::default();
    let (mut rows, mut line) = (0, 1);
    loop {
        match reader.read(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // Packed, and damaged further on.
            Err(_) => return,
        }
        rows += 1;
        assert_eq!(record.row.0, rows);
        // A line ends with LF; a CR alone ends a record on its line.
        assert!(record.line >= line, "row {rows} starts on line {}, after {line}", record.line);
        line = record.line;
        assert_eq!(record.cells.len(), columns);
        for phone in record.to.iter().copied().chain(NATIONAL.normalise(&record.raw_to)) {
            assert_eq!(Phone::from_digits(&phone.digits()), Some(phone));
        }
    }
    assert!(!reader.read(&mut record).expect("the end stays the end"));
    assert_eq!(Some(reader.bytes_read()), reader.total_bytes());
    assert_eq!(reader.digest(), Some(&*recipients::digest(&recipients).expect("it was read before")));
});
