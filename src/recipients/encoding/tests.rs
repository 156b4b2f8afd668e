//! One list as the programs of the world write it, and files whose encoding is unclear.

use std::io::Write as _;
use std::path::PathBuf;

use encoding_rs::{BIG5, Encoding, GBK, MACINTOSH, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251};
use flate2::{Compression, write::GzEncoder};

use crate::model::{Recipients, Source};
use crate::recipients::{OpenError, Record, digest, open};

const GERMAN: [&str; 9] = [
    "Jürgen Müller",
    "Käthe Groß",
    "Björn Schröder",
    "Grüße, \"Ännchen\"",
    "Zoë",
    "Köln\nDeutz",
    "Süß",
    "Öder",
    "Übel",
];
const FRENCH: [&str; 17] = [
    "Hélène Lefèvre",
    "François Bénard",
    "Noël",
    "Zoé d’Été",
    "Jérôme",
    "Anaïs",
    "Gaëlle",
    "Cécile",
    "Benoît",
    "Loïc",
    "Théo Gérard",
    "Chloé",
    "Maëlys",
    "Aimée, \"Mémé\"",
    "Grégoire\nAndré",
    "Élise",
    "Adèle",
];
const SIMPLIFIED: [&str; 14] = [
    "王小明",
    "李娜",
    "张伟, \"阿伟\"",
    "刘洋",
    "陈静",
    "杨丽",
    "赵强",
    "黄磊\n北京市",
    "周杰",
    "吴敏",
    "徐艳",
    "孙军",
    "朱红",
    "高峰",
];
const TRADITIONAL: [&str; 14] = [
    "陳大文",
    "黃美玲",
    "張家豪, \"阿豪\"",
    "李淑芬",
    "劉德華",
    "鄭雅婷\n臺北市",
    "蔡志明",
    "許建國",
    "郭麗君",
    "謝宗翰",
    "吳佩珊",
    "林怡君",
    "楊承翰",
    "賴冠宇",
];
const JAPANESE: [&str; 12] = [
    "山田太郎",
    "鈴木さくら",
    "ヤマダ ハナコ",
    "佐藤健, \"ケン\"",
    "高橋美咲\n東京都",
    "田中",
    "渡辺直美",
    "伊藤",
    "中村",
    "小林",
    "ｽｽﾞｷ",
    "加藤",
];
const POLISH: [&str; 6] = ["Łukasz", "Wałęsa", "Gdańsk, \"Śródmieście\"", "Żółć", "Kraków\nPodgórze", "Świątek"];

/// The names of a list as records: number, name, city.
fn records(names: &[&str]) -> Vec<[String; 3]> {
    let number = |at: usize| format!("852684112{at:02}");
    names.iter().enumerate().map(|(at, name)| [number(at), (*name).to_owned(), String::new()]).collect()
}

/// How a program writes a list.
struct Program {
    name: &'static str,
    encoding: &'static str,
    delimiter: char,
    line_end: &'static str,
    mark: bool,
    /// Whether every cell is quoted.
    quotes: bool,
    /// What is above the table.
    above: &'static str,
    gzip: bool,
}

const PROGRAM: Program = Program {
    name: "",
    encoding: "utf-8",
    delimiter: ',',
    line_end: "\n",
    mark: false,
    quotes: false,
    above: "",
    gzip: false,
};

impl Program {
    fn write(&self, records: &[[String; 3]]) -> Vec<u8> {
        let header = ["phone", "name", "city"].map(str::to_owned);
        let mut text = self.above.to_owned();
        let line_break = if self.line_end == "\r" { "\r" } else { "\n" };
        for record in [&header].into_iter().chain(records) {
            let cells = record.iter().map(|cell| {
                let cell = cell.replace('\n', line_break);
                let needs = cell.contains(['"', '\n', '\r', self.delimiter]);
                if needs || self.quotes { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
            });
            text += &cells.collect::<Vec<_>>().join(&self.delimiter.to_string());
            text += self.line_end;
        }
        let mark = if self.mark { "\u{feff}" } else { "" };
        let bytes = encoded(&format!("{mark}{text}"), self.encoding);
        if !self.gzip {
            return bytes;
        }
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(&bytes).unwrap();
        file.finish().unwrap()
    }
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-32le" => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        label => {
            let (bytes, _, lossy) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!lossy, "{label} cannot hold {text}");
            bytes.into_owned()
        }
    }
}

struct File {
    recipients: Recipients,
    _folder: tempfile::TempDir,
}

fn file(bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("list.csv");
    std::fs::write(&path, bytes).unwrap();
    File { recipients: Recipients::new(Source::Csv(path), "phone"), _folder: folder }
}

fn named(bytes: &[u8], label: &str) -> File {
    let mut file = file(bytes);
    file.recipients.reading.encoding = Encoding::for_label(label.as_bytes());
    file
}

/// The cells of every row, or the code of its problem; and the note about the encoding.
fn read(file: &File) -> (Vec<Result<Vec<String>, String>>, Option<String>) {
    let mut reader = open(&file.recipients).unwrap_or_else(|error| panic!("{}", error.to_person()));
    let (mut record, mut rows) = (Record::default(), Vec::new());
    while reader.read(&mut record).unwrap() {
        rows.push(match &record.problem {
            None => Ok(record.cells.clone()),
            Some(problem) => Err(problem.code().to_owned()),
        });
    }
    assert_eq!(reader.digest(), Some(&*digest(&file.recipients).unwrap()));
    let note = reader.notes().into_iter().find(|note| note.code == "detected_encoding");
    (rows, note.map(|note| note.message))
}

fn refused(bytes: &[u8]) -> OpenError {
    open(&file(bytes).recipients).err().unwrap()
}

#[test]
fn a_list_is_the_same_whichever_program_writes_it() {
    let mac = |encoding| Program { encoding, line_end: "\r", ..PROGRAM };
    let programs = [
        Program {
            name: "Excel for Windows, CSV",
            encoding: "windows-1252",
            delimiter: ';',
            line_end: "\r\n",
            ..PROGRAM
        },
        Program { name: "Excel, CSV UTF-8", line_end: "\r\n", mark: true, ..PROGRAM },
        Program {
            name: "Excel, Unicode text",
            encoding: "utf-16le",
            delimiter: '\t',
            line_end: "\r\n",
            mark: true,
            ..PROGRAM
        },
        Program { name: "Excel in Chinese, simplified", encoding: "gbk", line_end: "\r\n", ..PROGRAM },
        Program { name: "Excel in Chinese, traditional", encoding: "big5", line_end: "\r\n", ..PROGRAM },
        Program { name: "Excel in Japanese", encoding: "shift_jis", line_end: "\r\n", ..PROGRAM },
        Program { name: "Excel for Mac, old, UTF-8", ..mac("utf-8") },
        Program { name: "Excel for Mac, old, Windows-1252", ..mac("windows-1252") },
        Program {
            name: "Excel with a line for itself",
            delimiter: ';',
            line_end: "\r\n",
            mark: true,
            above: "sep=;\r\n",
            ..PROGRAM
        },
        Program { name: "Google Sheets", line_end: "\r\n", ..PROGRAM },
        Program { name: "LibreOffice", ..PROGRAM },
        Program {
            name: "LibreOffice, all quoted, Latin 1",
            encoding: "iso-8859-1",
            delimiter: ';',
            quotes: true,
            ..PROGRAM
        },
        Program { name: "LibreOffice, UTF-16", encoding: "utf-16le", mark: true, ..PROGRAM },
        Program { name: "Numbers", delimiter: ';', ..PROGRAM },
        Program { name: "MySQL", delimiter: '|', ..PROGRAM },
        Program { name: "pandas", ..PROGRAM },
        Program { name: "pandas, GB18030", encoding: "gb18030", ..PROGRAM },
        Program { name: "PostgreSQL COPY", delimiter: '\t', ..PROGRAM },
        Program { name: "SAP", encoding: "utf-16be", delimiter: '\t', line_end: "\r\n", ..PROGRAM },
        Program { name: "SAP, little-endian", encoding: "utf-16le", delimiter: '\t', line_end: "\r\n", ..PROGRAM },
        Program { name: "HubSpot", quotes: true, ..PROGRAM },
        Program { name: "Mailchimp", quotes: true, line_end: "\r\n", mark: true, ..PROGRAM },
        Program { name: "Shopify", ..PROGRAM },
        Program { name: "Salesforce", encoding: "windows-1252", quotes: true, line_end: "\r\n", ..PROGRAM },
        Program { name: "Access", encoding: "windows-1252", delimiter: ';', quotes: true, line_end: "\r\n", ..PROGRAM },
        Program { name: "a nightly job", gzip: true, ..PROGRAM },
        Program { name: "a nightly job in China", encoding: "gbk", gzip: true, ..PROGRAM },
        Program { name: "a nightly job in UTF-16", encoding: "utf-16le", mark: true, gzip: true, ..PROGRAM },
        Program { name: "a report with an empty line above", above: ",,\r\n", line_end: "\r\n", ..PROGRAM },
    ];
    for names in [&GERMAN[..], &FRENCH, &SIMPLIFIED, &TRADITIONAL, &JAPANESE, &POLISH] {
        let records = records(names);
        let expected: Vec<_> = records.iter().map(|record| Ok(record.to_vec())).collect();
        let mut count = 0;
        for program in &programs {
            let label = program.encoding;
            let holds = label.starts_with("utf-")
                || names.iter().all(|name| !Encoding::for_label(label.as_bytes()).unwrap().encode(name).2);
            // Names of another language are not what the program would write.
            let usual = match label {
                "gbk" | "gb18030" => names == SIMPLIFIED,
                "big5" => names == TRADITIONAL,
                "shift_jis" => names == JAPANESE,
                _ => true,
            };
            if holds && usual {
                let (rows, note) = read(&file(&program.write(&records)));
                assert_eq!(rows, expected, "{}", program.name);
                assert_eq!(note.is_some(), !label.starts_with("utf-"), "{}: {note:?}", program.name);
                // Saying it gives the same.
                let label = label.replace("iso-8859-1", "latin1");
                assert_eq!(read(&named(&program.write(&records), &label)).0, expected, "{}", program.name);
                count += 1;
            }
        }
        assert!(count >= 19, "{count} programs");
    }
}

#[test]
fn what_was_detected_is_shown_with_words_of_the_list() {
    let bytes = Program { encoding: "gbk", ..PROGRAM }.write(&records(&SIMPLIFIED));
    let (_, note) = read(&file(&bytes));
    let words = "the list is read as gbk; sample words: 王小明, 李娜, 张伟; if they look wrong, set `encoding`";
    assert_eq!(note.as_deref(), Some(words));
    assert_eq!(read(&named(&bytes, "gbk")).1, None);
    assert_eq!(read(&file("phone,name\n85268411234,王\n".as_bytes())).1, None);
}

#[test]
fn a_list_that_two_encodings_fit_is_refused_with_both_and_the_line_to_add() {
    for (names, encoding, label) in [
        (&SIMPLIFIED[..2], GBK, "gbk"),
        (&TRADITIONAL[..2], BIG5, "big5"),
        (&JAPANESE[..2], SHIFT_JIS, "shift_jis"),
        (&TRADITIONAL, GBK, "gbk"),
        (&POLISH, WINDOWS_1250, "windows-1250"),
        (&["Иван Петров", "Мария"], WINDOWS_1251, "windows-1251"),
    ] {
        let bytes = Program { encoding: encoding.name(), ..PROGRAM }.write(&records(names));
        let error = refused(&bytes);
        let OpenError::UnclearEncoding { rivals, .. } = &error else { panic!("{error}") };
        assert_eq!(rivals[0].label, label, "{rivals:?}");
        let (logged, shown) = (error.to_string(), error.to_person());
        let first = names[0].split(' ').next().unwrap();
        assert!(shown.contains(&format!("`{label}` ({first}")), "{shown}");
        assert!(shown.contains(&format!("add `encoding: {label}` under `recipients`")), "{shown}");
        assert!(logged.contains(label) && !logged.contains(first) && !format!("{error:?}").contains(first), "{logged}");
        let expected: Vec<_> = records(names).iter().map(|record| Ok(record.to_vec())).collect();
        assert_eq!(read(&named(&bytes, label)).0, expected);
    }
    let error = refused(b"phone,name\n85268411200,H\xe9l\xe8ne\n").to_person();
    assert!(error.contains("`windows-1252` (Hélène)") && error.contains("`windows-1250` (Hélčne)"), "{error}");
    // Old Mac text has symbols and capitals inside words, whatever it is read as.
    let bytes = Program { encoding: MACINTOSH.name(), ..PROGRAM }.write(&records(&FRENCH));
    assert!(matches!(refused(&bytes), OpenError::UnclearEncoding { .. }));
    assert_eq!(read(&named(&bytes, "macintosh")).0.len(), FRENCH.len());
}

#[test]
fn text_in_one_encoding_is_never_taken_for_another_silently() {
    for (names, encoding) in [
        (
            &[
                "Erdős Pál",
                "Szűcs Ágnes",
                "Győri Éva",
                "Tóth István",
                "Kőrösi Ödön",
                "Füredi Zoltán",
                "Bíró Márta",
                "Szabó Mária",
                "Nemes Réka",
                "Vörös Dávid",
                "Kovács Ilona",
                "Dudás Péter",
                "Móricz Jenő",
            ][..],
            "windows-1250",
        ),
        (
            &[
                "Ayşe",
                "Çağlar",
                "Işık",
                "Özgür",
                "Doğan",
                "Gülşen",
                "Yıldız",
                "Şahin",
                "Kılıç",
                "Ertuğrul",
                "Aydın",
                "Barış",
            ],
            "windows-1254",
        ),
        (
            &[
                "Žydrūnas",
                "Rūta",
                "Eglė",
                "Šarūnas",
                "Kęstutis",
                "Jūratė",
                "Živilė",
                "Agnė",
                "Povilaitienė",
                "Mažeika",
                "Čepaitis",
                "Ąžuolas",
            ],
            "windows-1257",
        ),
        (
            &[
                "김철수",
                "이영희",
                "박지성",
                "최민수",
                "정우성",
                "강호동",
                "조인성",
                "윤아",
                "장동건",
                "임꺽정",
                "한가인",
                "오세훈",
            ],
            "euc-kr",
        ),
        (
            &[
                "山田太郎",
                "鈴木さくら",
                "佐藤健",
                "高橋美咲",
                "田中",
                "渡辺直美",
                "伊藤",
                "中村",
                "小林",
                "加藤",
                "吉田",
                "山本",
            ],
            "euc-jp",
        ),
    ] {
        let bytes = Program { encoding, ..PROGRAM }.write(&records(names));
        let error = refused(&bytes);
        assert!(matches!(error, OpenError::UnclearEncoding { .. }), "{encoding}: {error}");
    }
}

#[test]
fn a_list_in_utf_8_with_damaged_rows_stays_one() {
    let good = "phone,name\n85268411200,Jürgen\n85268411201,Zoë\n";
    let bytes = [good.as_bytes(), b"85268411202,Jos\xe9\n85268411203,Ana\n"].concat();
    let (rows, note) = read(&file(&bytes));
    assert_eq!((rows.len(), &rows[2], note), (4, &Err("bad_utf8".to_owned()), None));
    assert_eq!(rows[3].as_ref().unwrap()[1], "Ana");
    // Windows-1252 would show the other rows wrongly.
    let mixed = [good.as_bytes(), "85268411202,José\n85268411203,Björn\n85268411204,Käthe\n".as_bytes()].concat();
    let mixed =
        [&mixed[..37], b"85268411210,M\xfcller\n85268411211,Gr\xfcn\n85268411212,Jos\xe9\n85268411213,K\xe4the\n"]
            .concat();
    assert!(matches!(refused(&mixed), OpenError::UnclearEncoding { .. }), "{}", String::from_utf8_lossy(&mixed));
}

#[test]
fn a_list_of_two_encodings_is_refused() {
    for (names, encoding) in [(&SIMPLIFIED[..], "gbk"), (&TRADITIONAL, "big5")] {
        let good = Program { encoding, ..PROGRAM }.write(&records(names));
        assert_eq!(read(&file(&good)).0.len(), names.len());
        for name in ["张伟", "王小明", "賴冠宇", "😀"] {
            let mixed = [good.as_slice(), format!("85268411299,{name},\n").as_bytes()].concat();
            let error = refused(&mixed).to_string();
            let words = format!("has words in UTF-8 and words in {encoding}; save all of it as UTF-8 CSV");
            assert!(error.contains(&words), "{name}: {error}");
        }
    }
    // A word that may be of either encoding is refused too.
    let (_, either) = (0..10_000_u32)
        .map(|n| char::from_u32(0x4e00 + n).unwrap_or('一').to_string())
        .map(|c| (c.clone(), format!("{c}{c}")))
        .find(|(c, _)| c.bytes().all(|byte| byte > 0xa0))
        .unwrap();
    let good = Program { encoding: "gbk", ..PROGRAM }.write(&records(&SIMPLIFIED));
    let error = refused(&[good.as_slice(), format!("85268411299,{either},\n").as_bytes()].concat()).to_string();
    assert!(error.contains("has words in UTF-8") || error.contains("its encoding is unclear"), "{error}");
}

#[test]
fn a_list_in_utf_8_is_not_read_in_the_encoding_of_an_older_one() {
    let list = "phone,name\n85268411200,Zoë\n85268411201,张伟\n";
    for label in ["gbk", "windows-1252", "shift_jis", "euc-kr"] {
        let error = open(&named(list.as_bytes(), label).recipients).err().unwrap().to_string();
        assert!(
            error.contains("is valid UTF-8, but `encoding` is ") && error.contains("; remove `encoding`"),
            "{error}"
        );
    }
    let plain = b"phone,name\n85268411200,\x1b$B;3ED\x1b(B\n";
    assert_eq!(read(&named(plain, "iso-2022-jp")).0[0].as_ref().unwrap()[1], "山田");
    assert_eq!(read(&named(b"phone,name\n85268411200,Ana\n", "gbk")).0.len(), 1);
    assert_eq!(read(&named(list.as_bytes(), "utf-8")).0.len(), 2);
}

#[test]
fn bytes_that_are_not_in_the_named_encoding_cost_their_row_and_nobody_gets_a_replacement_character() {
    let bytes =
        [b"phone,name\n85268411200,\xcd\xf5\n85268411201,\xff\n85268411202,\xc0".as_slice(), b"\n85268411203,\xee\n"]
            .concat();
    let (rows, _) = read(&named(&bytes, "gbk"));
    assert_eq!(rows[0].as_ref().unwrap()[1], "王");
    assert_eq!(rows[1..], [(); 3].map(|()| Err("bad_encoding".to_owned())));
    let mut bytes = encoded("phone,name\n85268411200,a\n85268411201,X\n", "utf-16le");
    let at = bytes.iter().position(|byte| *byte == b'X').unwrap();
    bytes[at + 1] = 0xd8;
    let (rows, _) = read(&named(&bytes, "utf-16le"));
    assert_eq!((rows[0].is_ok(), rows[1].is_err()), (true, true));
    assert!(open(&named(b"phone,n\xff\n", "gbk").recipients).err().unwrap().to_string().contains("cannot be decoded"));
}

#[test]
fn a_mark_goes_before_and_against_what_the_campaign_says() {
    let list = "\u{feff}phone,name\n85268411200,é\n";
    let error = open(&named(list.as_bytes(), "gbk").recipients).err().unwrap().to_string();
    assert!(error.ends_with("starts with a utf-8 byte order mark, but `encoding` is gbk; remove `encoding`"));
    assert_eq!(read(&named(list.as_bytes(), "utf-8")).0.len(), 1);
    assert_eq!(read(&named(&encoded(list, "utf-16be"), "utf-16")).0.len(), 1);
    assert!(refused(&encoded(list, "utf-32le")).to_string().contains("text in UTF-32"));
}
