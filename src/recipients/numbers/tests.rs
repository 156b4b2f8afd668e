//! What people write, and what it is read as.

use super::*;

fn read(numbers: &Numbers, text: &str) -> Result<String, String> {
    numbers.normalise(text).map(Phone::digits).map_err(|problem| problem.code.to_owned())
}

fn words(numbers: &Numbers, text: &str) -> String {
    numbers.normalise(text).unwrap_err().to_string()
}

#[test]
fn international_numbers_need_no_region() {
    for region in [None, Some("HK"), Some("DE"), Some("US")] {
        let numbers = Numbers::new(region).unwrap();
        for text in [
            "+852 6841 1234",
            "0085268411234",
            "00 852 6841-1234",
            "+85268411234",
            "(+852) 6841.1234",
            "'+85268411234",
            "\u{2019}+85268411234",
            "\u{202a}+852\u{a0}6841\u{200b}1234\u{202c}",
            "\u{feff}+852\u{2011}6841\u{202f}1234",
            "＋８５２ ６８４１ １２３４",
            "\t+852 (6841) 1234 ",
        ] {
            assert_eq!(read(&numbers, text).as_deref(), Ok("85268411234"), "{text} in {region:?}");
        }
    }
    let numbers = Numbers::new(None).unwrap();
    assert_eq!(read(&numbers, "85268411234").as_deref(), Ok("85268411234"));
    assert_eq!(read(&numbers, "8613812345678").as_deref(), Ok("8613812345678"));
}

#[test]
fn national_numbers_are_read_as_of_the_region() {
    let mut regions = std::collections::HashMap::new();
    for (region, text, expected) in [
        ("HK", "68411234", "85268411234"),
        ("HK", "6841 1234", "85268411234"),
        ("HK", "85268411234", "85268411234"),
        ("HK", "85212345", "85285212345"),
        ("GB", "07911 123456", "447911123456"),
        ("GB", "7911123456", "447911123456"),
        ("GB", "447911123456", "447911123456"),
        ("DE", "0151 12345678", "4915112345678"),
        ("DE", "4915112345678", "4915112345678"),
        ("IT", "06 1234 5678", "390612345678"),
        ("IT", "391 234 5678", "393912345678"),
        ("IT", "393912345678", "393912345678"),
        ("US", "(212) 555-1234", "12125551234"),
        ("US", "1 212 555 1234", "12125551234"),
        ("US", "011 852 6841 1234", "85268411234"),
        ("RU", "8 916 123-45-67", "79161234567"),
        ("RU", "79161234567", "79161234567"),
        ("BR", "55987654321", "5555987654321"),
        ("BR", "5511987654321", "5511987654321"),
        ("IN", "9123456789", "919123456789"),
        ("IN", "919123456789", "919123456789"),
        ("MX", "5512345678", "525512345678"),
        ("AR", "011 15 2345-6789", "5491123456789"),
        ("SG", "0091 98765 43210", "919876543210"),
        ("HK", "0085366123456", "85366123456"),
    ] {
        let numbers = regions.entry(region).or_insert_with(|| Numbers::new(Some(region)).unwrap());
        assert_eq!(read(numbers, text).as_deref(), Ok(expected), "{text} in {region}");
    }
}

#[test]
fn the_trunk_zero_behind_a_country_code_is_dropped_where_it_is_one() {
    let numbers = Numbers::new(None).unwrap();
    for (text, expected) in [
        ("+44 (0)7911 123456", "447911123456"),
        ("+49 (0)151 12345678", "4915112345678"),
        ("+39 06 1234 5678", "390612345678"),
        ("+225 01 02 03 04 05", "2250102030405"),
        ("+36 06 1 732 1804", "3617321804"),
        ("+250 (0)733 308 904", "250733308904"),
        ("85200000001", "85200000001"),
    ] {
        assert_eq!(read(&numbers, text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_national_number_is_not_taken_for_a_foreign_one() {
    let anywhere = Numbers::new(None).unwrap();
    for text in ["07911123456", "0151 12345678", "68411234", "61234567", "2125551234", "91234567"] {
        assert_eq!(read(&anywhere, text), Err("bad_number".to_owned()), "{text}");
    }
    assert!(words(&anywhere, "07911123456").contains("say which `region`"));
    assert!(words(&anywhere, "61234567").contains("+61 have 9 digits behind the code, this one has 6"));

    // A digit too many is a mistake, and not a number of whichever country its first digits name.
    let hong_kong = Numbers::new(Some("HK")).unwrap();
    for text in ["612345678", "61412345678", "8613812345678"] {
        assert_eq!(read(&hong_kong, text), Err("bad_number".to_owned()), "{text}");
    }
    assert!(words(&hong_kong, "8613812345678").contains("needs + or 00"));
    // From Hong Kong, 001 dials abroad: this may be Singapore.
    assert!(words(&hong_kong, "001 65 9123 4567").contains("001"));
    assert_eq!(read(&hong_kong, "001 212 555 1234").as_deref(), Ok("12125551234"));
    let germany = Numbers::new(Some("DE")).unwrap();
    assert_eq!(read(&germany, "001 659 123 4567").as_deref(), Ok("16591234567"));
}

#[test]
fn what_a_spreadsheet_did_is_said() {
    let numbers = Numbers::new(Some("HK")).unwrap();
    for text in ["1.23E+11", "8,52684E+10", "8.52684e10", "8E+10", "85268411234.0", "68411234,00", "#N/A", "######"] {
        assert_eq!(read(&numbers, text), Err("spreadsheet_number".to_owned()), "{text}");
    }
    assert!(words(&numbers, "8.5268E+10").contains("digits are lost"));
    assert!(words(&numbers, "85268411234.0").contains("it is 85268411234:"));
}

#[test]
fn what_is_no_number_is_said() {
    let numbers = Numbers::new(None).unwrap();
    for text in ["", " ", "\u{a0}\u{200b}", "'", "-", "()"] {
        assert_eq!(read(&numbers, text), Err("no_number".to_owned()), "{text:?}");
    }
    for text in [
        "+85268411234 x123",
        "+85268411234 ext. 5",
        "n/a",
        "call me",
        "+999 1234567",
        "+0085268411234",
        "++85268411234",
        "852+68411234",
        "+852684112345",
        "+8526841123",
        "+85268411234\n+85291234567",
        "+85268411234/91234567",
        "85268411234;91234567",
        "+852",
        "+",
        "00",
        "0",
        "+1234567890123456",
        "1234567890123456789012345678901234567890",
        "٨٥٢٦٨٤١١٢٣٤",
    ] {
        let code = read(&numbers, text);
        assert!(code == Err("bad_number".to_owned()) || text == "+" && code.is_err(), "{text:?}: {code:?}");
    }
    assert!(words(&numbers, "+85268411234 x123").contains("letters"));
    assert!(words(&numbers, "85268411234;91234567").contains("`;`"));
    assert!(words(&numbers, "+999 1234567").contains("999"));
}

#[test]
fn an_unknown_region_is_refused() {
    for region in ["UK", "ZZ", "H", "HKG", "", "001"] {
        assert_eq!(Numbers::new(Some(region)).err(), Some(UnknownRegion(region.to_owned())));
    }
}

/// Every region's own example numbers, as the library keeps them, stay what they are; so does the table of codes
/// that keep their zero hold against the library.
#[test]
fn example_numbers_of_every_region_come_through() {
    let library = PhoneNumberUtil::new().unwrap();
    let numbers = Numbers::new(None).unwrap();
    let mut seen = 0;
    for region in library.get_supported_regions() {
        for kind in [PhoneNumberType::Mobile, PhoneNumberType::FixedLine, PhoneNumberType::VoIP] {
            let Ok(example) = library.get_example_number_for_type_and_region(region, kind) else { continue };
            let national = rlibphonenumber::get_national_significant_number_owned(&example);
            let digits = format!("{}{national}", example.country_code);
            assert_eq!(read(&numbers, &digits).as_deref(), Ok(&*digits), "{region:?} {kind:?}");
            assert_eq!(read(&numbers, &format!("+{digits}")).as_deref(), Ok(&*digits), "{region:?} {kind:?}");
            seen += 1;
        }
    }
    assert!(seen > 500, "{seen}");
}
