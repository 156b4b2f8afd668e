//! Written numbers, and what they are parsed as.

use std::collections::BTreeSet;

use super::*;

mod several_numbers;

fn read(numbers: &Numbers, text: &str) -> Result<String, String> {
    numbers.normalise(text).map(Phone::digits).map_err(|problem| problem.code().to_owned())
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
            "＋８５２ ６８４１ १２३４",
            "+٨٥٢ ٦٨٤١ ١٢٣٤",
            "+۸۵۲ ۶۸۴۱ ۱۲۳۴",
            "००८५२ ६८४१ १२३४",
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
fn a_plain_number_is_read_as_any_other() {
    let mut random = fastrand::Rng::with_seed(11);
    for region in [None, Some("HK"), Some("DE"), Some("IT")] {
        let numbers = Numbers::new(region).unwrap();
        let mut quick = 0;
        for at in 0..20_000 {
            let start = ["+", "", "00", "+852", "49", "+390", "+490", "++7", "+7", "8", "+3906", "+36"][at % 12];
            let digits = random.usize(0..15);
            let text = start.to_owned() + &(0..digits).map(|_| random.digit(10)).collect::<String>();
            if let Some(phone) = numbers.plain(&text) {
                assert_eq!(numbers.one(&text), Ok(phone), "{text} in {region:?}");
                quick += 1;
            }
        }
        assert!(quick > 500, "{quick}");
    }
}

#[test]
fn national_numbers_are_read_as_of_the_region() {
    let mut regions = std::collections::HashMap::new();
    for (region, text, expected) in [
        ("HK", "68411234", "85268411234"),
        ("HK", "6841 1234", "85268411234"),
        ("HK", "85268411234", "85268411234"),
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
        ("HU", "06 1 732 1804", "3617321804"),
        ("DE", "0491512345678", "49491512345678"),
        ("KZ", "8 777 123 4567", "77771234567"),
        ("FR", "33 (0)6 12 34 56 78", "33612345678"),
        ("AU", "0011 65 9123 4567", "6591234567"),
        ("JP", "010 65 9123 4567", "6591234567"),
        ("RU", "8 10 65 9123 4567", "6591234567"),
        ("US", "011 44 (0)7911 123456", "447911123456"),
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
    ] {
        assert_eq!(read(&numbers, text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_belongs_to_another_plan_is_refused() {
    for (region, text, said) in [
        // A leading 0, which is never dialled there.
        ("US", "07812 345678", "numbers in US do not start with 0"),
        ("US", "(0)781 234 5678", "numbers in US do not start with 0"),
        ("ES", "06 12 34 56 78", "numbers in ES do not start with 0"),
        ("HK", "02 123 4567", "numbers in HK do not start with 0"),
        ("HK", "0212 3456", "numbers in HK do not start with 0"),
        ("SG", "09-123 4567", "numbers in SG do not start with 0"),
        ("WS", "07911 123456", "numbers in WS do not start with 0"),
        ("ES", "+34 0612345678", "+34 numbers have no 0"),
        ("US", "+1 (0)781 234 5678", "+1 numbers have no 0"),
        ("HK", "+852 0000 0001", "+852 numbers have no 0"),
        ("HK", "85200000001", "bad_number"),
        ("AU", "041234567", "bad_number"),
        ("AU", "+61 0 4123 4567", "a digit is missing"),
        ("HU", "+36 0 1 732 1804", "a digit is missing"),
        ("GB", "+44 (0)0791 123456", "a digit is missing"),
        // A mobile number of Egypt, and not +40 287480.
        ("US", "011 40287480", "numbers in US do not start with 0"),
        // With the country code, and a digit missing.
        ("DE", "491512345678", "or the national prefix 0"),
        ("DE", "49151234567", "or the national prefix 0"),
        ("HK", "85212345", "write `+` and the country code"),
        ("US", "1212555123", "write `+` and the country code"),
        ("RU", "7916123456", "not a valid RU number"),
        ("KZ", "8 775 677 908", "not a valid KZ number"),
        ("RU", "8 775 677 9081", "not a valid RU number"),
        ("KZ", "7771234567", "or the national prefix 8"),
        ("KZ", "7011234567", "or the national prefix 8"),
        // What the library removes or adds, unlike the written number.
        ("BR", "0 15 11 98765 4321", "not a valid BR number"),
        ("AG", "464 1234", "not a valid AG number"),
        ("CR", "1900 8312 3456", "not a valid CR number"),
    ] {
        let numbers = Numbers::new(Some(region)).unwrap();
        assert_eq!(read(&numbers, text), Err("bad_number".to_owned()), "{text} in {region}");
        assert!(said == "bad_number" || words(&numbers, text).contains(said), "{}", words(&numbers, text));
    }
}

#[test]
fn a_national_number_is_not_taken_for_a_foreign_one() {
    let anywhere = Numbers::new(None).unwrap();
    for text in ["07911123456", "0151 12345678", "68411234", "61234567", "2125551234", "91234567"] {
        assert_eq!(read(&anywhere, text), Err("bad_number".to_owned()), "{text}");
    }
    assert!(words(&anywhere, "07911123456").contains("set `recipients.region`"));
    assert!(
        words(&anywhere, "61234567").contains("+61 numbers have 9 digits after the country code, but this one has 6")
    );

    // A digit too many is a mistake, not a number of the country of its first digits.
    let hong_kong = Numbers::new(Some("HK")).unwrap();
    for text in ["612345678", "61412345678", "8613812345678"] {
        assert_eq!(read(&hong_kong, text), Err("bad_number".to_owned()), "{text}");
    }
    assert!(words(&hong_kong, "8613812345678").contains("add + or 00"));
    // In Hong Kong, 001 is an international prefix: this may be Singapore.
    assert!(words(&hong_kong, "001 65 9123 4567").contains("001"));
    assert_eq!(read(&hong_kong, "001 212 555 1234").as_deref(), Ok("12125551234"));
    let germany = Numbers::new(Some("DE")).unwrap();
    assert_eq!(read(&germany, "001 659 123 4567").as_deref(), Ok("16591234567"));
}

#[test]
fn what_a_spreadsheet_did_is_said() {
    let numbers = Numbers::new(Some("HK")).unwrap();
    for text in [
        "٨٥٢٦٨٤١١٢٣٤.٠",
        "８５２６８４１１２３４．０",
        "1.23E+11",
        "8,52684E+10",
        "8.52684e10",
        "8E+10",
        "85268411234.0",
        "68411234,00",
        "#N/A",
        "######",
    ] {
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
        "八五二六八四一一二三四",
        "85268411²³",
    ] {
        let code = read(&numbers, text);
        assert!(code == Err("bad_number".to_owned()) || text == "+" && code.is_err(), "{text:?}: {code:?}");
    }
    assert!(words(&numbers, "n/a").contains("letters"));
    assert!(words(&numbers, "85268411234;91234567").contains("`;`"));
    assert!(words(&numbers, "+999 1234567").contains("999"));
}

#[test]
fn a_prefix_alone_is_said_to_be_one() {
    let none = Numbers::new(None).unwrap();
    assert_eq!(words(&none, "00"), "has no digits after the international prefix");
}

#[test]
fn an_unknown_region_is_refused() {
    for region in ["UK", "ZZ", "H", "HKG", "", "001"] {
        assert_eq!(Numbers::new(Some(region)).err(), Some(UnknownRegion(region.to_owned())));
    }
}

/// The library's example numbers of every region stay the same, and the table of codes that keep their zero matches the
/// library.
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

/// Kinds of numbers that people have.
const KINDS: [PhoneNumberType; 3] = [PhoneNumberType::Mobile, PhoneNumberType::FixedLine, PhoneNumberType::VoIP];

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The parsers of all regions one after another, with one library.
fn at_home_everywhere(mut visit: impl FnMut(&Numbers, &Home)) {
    let library = Arc::new(PhoneNumberUtil::new().unwrap());
    let plans = Numbers::new(None).unwrap().plans;
    let regions: BTreeSet<String> = library.get_supported_regions().map(|region| region.to_string()).collect();
    assert!(regions.len() > 240, "{}", regions.len());
    for region in regions {
        let home = Home::new(Arc::clone(&library), plans, &region);
        let numbers = Numbers { plans, home, library: None, first_of_several: false };
        visit(&numbers, numbers.home.as_ref().unwrap());
    }
}

/// The number in the region's notation.
fn written(home: &Home, rest: &str) -> String {
    let number = home.library.parse(format!("+{}{rest}", home.prefix), None).unwrap();
    only_digits(&home.library.format(&number, PhoneNumberFormat::National))
}

/// A region's example number: without the country code, with it, and in the region's notation.
fn example(home: &Home, kind: PhoneNumberType) -> Option<(String, String, String)> {
    let number = home.library.get_example_number_for_type_and_region(home.region, kind).ok()?;
    let format = only_digits(&home.library.format(&number, PhoneNumberFormat::National));
    let rest = national_digits(&number);
    let whole = format!("{}{rest}", home.prefix);
    Some((rest, whole, format))
}

#[test]
fn national_prefixes_are_those_of_the_library() {
    let mut others = vec![];
    at_home_everywhere(|_, home| {
        let examples: Vec<String> = KINDS.into_iter().filter_map(|kind| Some(example(home, kind)?.0)).collect();
        let is_prefix = |prefix: &str| {
            examples.iter().any(|rest| {
                let number = home.library.parse(format!("{prefix}{rest}"), Some(home.region)).ok();
                number.is_some_and(|number| national_digits(&number) == *rest)
            })
        };
        let own = home.plan.national_prefix();
        assert!(is_prefix(own), "{:?} {own} {examples:?}", home.region);
        let found = ["0", "1", "8", "06"].into_iter().filter(|prefix| *prefix != own && is_prefix(prefix));
        others.extend(found.map(|prefix| format!("{} {prefix}", home.region)));
    });
    // Some people still dial an older prefix.
    assert_eq!(others, ["BY 0", "LT 8"]);
}

#[test]
fn foreign_numbers_in_their_national_form_are_never_read_otherwise_than_as_they_are_written() {
    let mut texts = BTreeSet::new();
    at_home_everywhere(|_, home| {
        for (rest, _, format) in KINDS[..2].iter().filter_map(|kind| example(home, *kind)) {
            texts.insert(format!("{}{rest}", home.plan.national_prefix()));
            texts.insert(format);
        }
    });
    let (mut plans, mut accepted) = (BTreeSet::new(), 0);
    at_home_everywhere(|numbers, home| {
        // Regions with one country code have one plan.
        if !plans.insert((home.prefix.clone(), home.dial.clone())) {
            return;
        }
        let (code, prefix) = (&home.prefix, home.plan.national_prefix());
        for text in &texts {
            let Ok(phone) = numbers.normalise(text) else { continue };
            let phone = phone.digits();
            let what = format!("{text} in {} is read as {phone}", home.region);
            let rest = phone.strip_prefix(code).unwrap_or_else(|| panic!("{what}"));
            let as_written =
                [rest, &format!("{prefix}{rest}"), &phone, &format!("{code}{prefix}{rest}")].contains(&&**text);
            assert!(as_written || *text == written(home, rest), "{what}");
            let zero = home.plan.keeps_zero() || prefix.starts_with('0');
            assert!(!text.starts_with('0') || zero, "{what}");
            accepted += 1;
        }
    });
    assert!(texts.len() > 400 && accepted > 20_000, "{} {accepted}", texts.len());
}

#[test]
fn every_regions_own_mobile_number_is_read_however_it_is_written() {
    let mut refused = vec![];
    at_home_everywhere(|numbers, home| {
        let Some((rest, whole, format)) = example(home, PhoneNumberType::Mobile) else {
            assert_eq!(home.region.to_string(), "TA", "the library has no example");
            return;
        };
        let foreign = if home.prefix == "44" { "+85268411234" } else { "+447911123456" };
        let foreign = home.library.parse(foreign, None).unwrap();
        let dialled = home.library.format_out_of_country_calling_number(&foreign, home.region);
        let dialled = dialled.split(' ').next().filter(|first| !first.starts_with('+')).map(only_digits);
        let mut forms = vec![
            ("national", rest.clone()),
            ("prefixed", format!("{}{rest}", home.plan.national_prefix())),
            ("formatted", format),
            ("+", format!("+{whole}")),
            ("00", format!("00{whole}")),
            ("code", whole.clone()),
        ];
        forms.extend(dialled.map(|prefix| ("dialled", format!("{prefix}{whole}"))));
        for (form, text) in forms {
            match read(numbers, &text) {
                Ok(phone) => assert_eq!(phone, whole, "{text} in {}", home.region),
                Err(code) => refused.push(format!("{} {form} {code}", home.region)),
            }
        }
    });
    // A dialling prefix 0 is the national prefix elsewhere; 001 592 … is in the USA too; a number of Kazakhstan
    // begins as one with its country code does that lacks a digit.
    let expected = ["CV dialled", "GY dialled", "KZ national", "WS dialled"];
    assert_eq!(refused, expected.map(|form| format!("{form} bad_number")));
}

#[test]
fn a_number_that_lacks_a_digit_is_not_read_as_another() {
    at_home_everywhere(|numbers, home| {
        let Some((_, whole, _)) = example(home, PhoneNumberType::Mobile) else { return };
        for at in 0..whole.len() {
            let text = format!("{}{}", &whole[..at], &whole[at + 1..]);
            // Without a country code of one digit it is the same number.
            if let Ok(phone) = read(numbers, &text) {
                assert!(phone == text || phone == whole, "{text} in {} is read as {phone}", home.region);
            }
        }
    });
}
