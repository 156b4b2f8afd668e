//! Cells with several numbers, or with an extension.

use super::*;

#[test]
fn a_slash_formats_one_number_and_never_joins_two() {
    let germany = Numbers::new(Some("DE")).unwrap();
    for text in ["0151/2345678", "0151 / 234 56-78", "0049151/2345678", "+49 (0)151/2345678", "0151／2345678"] {
        assert_eq!(read(&germany, text).as_deref(), Ok("491512345678"), "{text}");
    }
    for text in [
        "0151/2345678/0151/2345679",
        "123456/654321",
        "0151 2345678/9",
        "030 123/124",
        "0151/0171234567",
        "+43 1/56789/56780",
        "+49 221/56789/56780",
        "030/12345/6",
    ] {
        assert!(words(&germany, text).contains("contains two numbers, separated by `/`; write one"), "{text}");
    }
    let first = Numbers::new(Some("DE")).unwrap().first_of_several(true);
    for text in ["0151/2345678/0151/2345679", "123456/654321", "0151 2345678/9", "62211/1234567", "030/12345/6"] {
        assert_eq!(read(&first, text), Err("bad_number".to_owned()), "{text}");
    }
    // A date, and slashes that are not between digits.
    for text in [
        "23/05/2024",
        "2024/5/23",
        "2024/05/23 10.30",
        "01/02/2024 10.30",
        "24/7/85268411",
        "0221/4710/4711",
        "/01512345678",
        "01512345678/",
        "0151//2345678",
        "0151/x",
    ] {
        assert!(words(&germany, text).contains("`/` is not allowed in a phone number"), "{text}");
    }
}

#[test]
fn a_zero_in_parentheses_is_no_digit_of_the_area_code() {
    let germany = Numbers::new(Some("DE")).unwrap();
    for (text, expected) in [
        ("+49 (0)1522/1725545", "4915221725545"),
        ("+49(0)1522/1725545", "4915221725545"),
        ("+49 （0）1522／1725545", "4915221725545"),
        ("+49 ( 0 ) 1522 / 1725545", "4915221725545"),
        ("0049 (0) 8031 / 123456", "498031123456"),
        ("0044 (0) 7700 / 900123", "447700900123"),
        ("0044 (0) 7911 / 123456", "447911123456"),
    ] {
        assert_eq!(read(&germany, text).as_deref(), Ok(expected), "{text}");
    }
    for text in [
        "+49 (0)301234/301235",
        "+49 (0)30 12345/67890",
        "+49 (0)1522/01725545",
        "+49 (0)1522/1725",
        "+49 (0)1522/1725545/1725546",
        "+49 (00)1522/1725545",
        "+49 1522/(0)1725545",
        "49 (0)1522/1725545",
        "(0)1522123/1725545",
        "+49152 (0)1522/1725545",
    ] {
        assert_eq!(read(&germany, text), Err("bad_number".to_owned()), "{text}");
    }
}

#[test]
fn a_rest_with_a_zero_is_joined_only_to_a_mobile_number() {
    for (region, text, expected) in [
        ("DE", "0151/04117083", "4915104117083"),
        ("DE", "0175／0341021", "491750341021"),
        ("GB", "07911/023456", "447911023456"),
    ] {
        let numbers = Numbers::new(Some(region)).unwrap().first_of_several(true);
        assert_eq!(read(&numbers, text).as_deref(), Ok(expected), "{text}");
    }
    for (region, text) in [
        // Not a mobile number, or no longer one.
        ("DE", "030/0123456"),
        ("DE", "030/015112345678"),
        ("DE", "0151/0411708399"),
        // The rest may be another mobile number, or start like one.
        ("DE", "0151/01712345"),
        ("DE", "0151/01521234567"),
        ("GB", "0161/07911123456"),
        // What is before the slash may be a number itself.
        ("DE", "01511/0123456"),
        // It may be more than digits in front of digits.
        ("DE", "0151 / 0411 7083"),
        ("DE", "0151 / 04117083"),
        ("DE", "+49 151/04117083"),
        ("DE", "0151/0411/7083"),
        ("DE", "0151/0411"),
        ("HU", "0620/0123456"),
    ] {
        let numbers = Numbers::new(Some(region)).unwrap().first_of_several(true);
        assert_eq!(read(&numbers, text), Err("bad_number".to_owned()), "{text}");
    }
    assert_eq!(read(&Numbers::new(None).unwrap(), "0151/04117083"), Err("bad_number".to_owned()));
}

#[test]
fn several_numbers_are_counted_and_only_a_complete_first_one_is_used() {
    let germany = Numbers::new(Some("DE")).unwrap();
    let first = Numbers::new(Some("DE")).unwrap().first_of_several(true);
    for between in ["/", " / ", ",", ", ", ";", " or ", " oder ", "\n", "\r\n", "&", " & ", "   ", " | ", "、"] {
        for (one, two) in [
            ("+49 151 2345678", "+49 171 9999999"),
            ("0151 2345678", "0171 9999999"),
            ("+49 (0)151 2345678", "1719999999"),
        ] {
            let text = format!("{one}{between}{two}");
            let words = words(&germany, &text);
            assert!(words.starts_with("contains 2 numbers; write one"), "{text:?}: {words}");
            assert_eq!(read(&first, &text).as_deref(), Ok("491512345678"), "{text:?}");
        }
    }
    assert_eq!(read(&first, "+852 6841 1234 +852 9123 4567").as_deref(), Ok("85268411234"));
    assert!(words(&germany, "+4915123456789/+4915123456780,0151 2345678").contains("3 numbers"));
    // A slash may be part of one of them.
    assert!(words(&germany, "+44 7911 123456 or 0151/39061241").contains("2 numbers"));
    for (text, expected) in [
        ("0175/3341021 / 030 1234567", "491753341021"),
        ("0175/2233447, 030/1234567", "491752233447"),
        ("0175/2233447 / 030/1234567 / 0221/4711000", "491752233447"),
        ("0151 2345678 / 0171/9999999", "491512345678"),
        ("+49 (0)1522/1725545 ／ 030/1234567", "4915221725545"),
    ] {
        assert_eq!(read(&first, text).as_deref(), Ok(expected), "{text}");
        assert!(words(&germany, text).contains(" numbers; write one"), "{text}");
    }
    for text in [
        "0175 / 3341021 / 030 1234567",
        "0175/3341021/030/1234567",
        "0175/3341021 /030/1234567",
        "0175/3341021 / 47 / 030 1234567",
        "0175/3341021 / 4711",
        "0175/3341021/22 / 030 1234567",
    ] {
        assert_eq!(read(&first, text), Err("bad_number".to_owned()), "{text}");
    }
    // Joined, they would be the number of a stranger.
    for between in ["\u{b}", "\u{c}", "\t", "\u{85}", "\u{2028}", "   "] {
        for text in [format!("0151 2345678{between}9"), format!("030 1234567{between}030 678")] {
            assert!(read(&germany, &text).is_err(), "{text:?}");
        }
    }
    // Not both are complete.
    for text in [
        "+49 151 2345678 / 9",
        "+49 151 2345678 / 123",
        "+49 151 2345678, Ana",
        "call +49 151 2345678 or +49 171 9999999",
        "+49 151 2345678 / +999 1234567",
        "+49 151 2345678 / 0171",
        "0049151 / 2345678 / 3456789",
        "85268411234,00",
    ] {
        let code = read(&first, text);
        assert!(
            matches!(code.as_deref().map_err(String::as_str), Err("bad_number" | "spreadsheet_number")),
            "{text}: {code:?}"
        );
    }
    // Spaces within one number.
    for text in ["+49  151  2345678", "0151   2345678", "0151 234   5678", "+49 (0)  151 2345678"] {
        assert_eq!(read(&germany, text).map(|phone| phone.len()), Ok(12), "{text}");
    }
}

#[test]
fn two_short_numbers_are_never_joined_to_one() {
    for (region, texts) in [
        (
            Some("DE"),
            &[
                "0301234 0301235",
                "0301234-0301235",
                "0301234\u{2013}0301235",
                "0301234  0301235",
                "(030)1234 (030)1235",
                "030 1234 030 1235",
                "030.1234.030.1235",
                "+49 30 1234 030 1235",
                "0049 30 123 (0)30 1235",
                "٠٣٠١٢٣٤ ٠٣٠١٢٣٥",
            ][..],
        ),
        (Some("AT"), &["01 1234 01 1235", "(01) 1234 (01) 1235", "01-1234-01-1235", "+43 1 1234 01 1235"]),
        (None, &["+49 30 1234 030 1235", "+43 1 1234 (01) 1235"]),
    ] {
        let numbers = Numbers::new(region).unwrap();
        for text in texts {
            let said = words(&numbers, text);
            assert!(
                said.starts_with("looks like two numbers") || said.starts_with("contains 2 numbers"),
                "{text}: {said}"
            );
        }
    }
    for (region, text, expected) in [
        (Some("DE"), "01511 0123456", "4915110123456"),
        (Some("DE"), "+49 1511 0123456", "4915110123456"),
        (Some("DE"), "0151 10 012345", "4915110012345"),
        (Some("DE"), "+49 (0) 151 10 01 23 45", "4915110012345"),
        (Some("DE"), "+49 (0)6221 1234567-0", "49622112345670"),
        (Some("AT"), "0664 1234 0123", "4366412340123"),
        (Some("AT"), "+43 664 12 012 345", "4366412012345"),
        (None, "+86 138 0013 8000", "8613800138000"),
        (None, "+55 11 91234-0567", "5511912340567"),
    ] {
        assert_eq!(read(&Numbers::new(region).unwrap(), text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn an_extension_is_named() {
    let numbers = Numbers::new(Some("DE")).unwrap();
    for text in
        ["+49 30 1234567 ext. 5", "030 1234567 x5", "+49301234567 Durchwahl 5", "030 1234567 #5", "٠٣٠ ١٢٣٤٥٦٧ ext ٥"]
    {
        let words = words(&numbers, text);
        assert!(words.contains("has the extension 5") && words.ends_with("remove the extension"), "{text}: {words}");
    }
    assert!(words(&numbers, "Ana 5").contains("letters"));
}
