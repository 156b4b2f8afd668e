//! What a spreadsheet displays for a number.

use super::*;

fn shown(code: &str, value: f64) -> Option<String> {
    NumberFormat::new(code).text(value, Epoch::Year1900)
}

#[test]
fn numbers_without_a_format_keep_all_digits_that_a_spreadsheet_has() {
    for (value, text) in [
        (85_268_411_234.0, "85268411234"),
        (123_456_789_012_345.0, "123456789012345"),
        (1e15, "1E+15"),
        (8_526_841_123_412_345.0, "8.52684E+15"),
        (0.0, "0"),
        (-0.0, "0"),
        (-12.5, "-12.5"),
        (0.1 + 0.2, "0.3"),
        (1.0 / 3.0, "0.333333333"),
        (1234.5678, "1234.5678"),
        (85_268_411_234.4, "85268411234.4"),
        (0.25, "0.25"),
    ] {
        assert_eq!(general(value), text);
        assert_eq!(shown("General", value).as_deref(), Some(text));
        assert_eq!(shown("@", value).as_deref(), Some(text));
    }
}

#[test]
fn numbers_look_as_their_format_says() {
    for (code, value, text) in [
        ("0", 2.5, "3"),
        ("0", -2.5, "-3"),
        ("0", -0.2, "0"),
        ("0.00", 0.125, "0.13"),
        ("0.00", 1.005, "1.01"),
        ("0%", 0.25, "25%"),
        ("0.00%", 0.2575, "25.75%"),
        ("0%", 0.29, "29%"),
        ("#,##0", 1_234_567.0, "1,234,567"),
        ("#,##0.00", -1234.5, "-1,234.50"),
        ("#,##0", 0.0, "0"),
        ("#,###", 0.0, ""),
        ("0,000", 12.0, "0,012"),
        ("00000000000", 151_234_567.0, "00151234567"),
        ("0#########", 151_234_567.0, "0151234567"),
        ("0000000000", 85_268_411_234.0, "85268411234"),
        ("\"+\"0", 85_268_411_234.0, "+85268411234"),
        ("+0", 85_268_411_234.0, "+85268411234"),
        ("\"+49\"0", 1_512_345_678.0, "+491512345678"),
        ("00 00 00 00 00", 612_345_678.0, "06 12 34 56 78"),
        ("(000) 000-0000", 5_551_234_567.0, "(555) 123-4567"),
        ("[<=9999999]###-####;(###) ###-####", 5_551_234.0, "555-1234"),
        ("[<=9999999]###-####;(###) ###-####", 2_125_551_234.0, "(212) 555-1234"),
        ("0.##", 1.5, "1.5"),
        ("0.##", 1.0, "1."),
        ("0.0#", 1.0, "1.0"),
        ("0.00E+00", 85_268_411_234.0, "8.53E+10"),
        ("0.00E+00", 0.000_012_3, "1.23E-05"),
        ("0.00E+00", 9.999, "1.00E+01"),
        ("0.0,", 12_345.0, "12.3"),
        ("0,,\" M\"", 12_345_678.0, "12 M"),
        ("#,##0.00\\ \"€\"", 1234.5, "1,234.50 €"),
        ("[$€-407]\\ #,##0.00", 12.0, "€ 12.00"),
        ("$#,##0.00", 12.0, "$12.00"),
        ("_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", 1234.0, " 1,234"),
        ("_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)", 0.0, " -"),
        ("0;[Red]-0", -5.0, "-5"),
        ("0.00;(0.00)", -5.0, "(5.00)"),
        ("General\" kg\"", 12.5, "12.5 kg"),
        (";;;", 5.0, ""),
    ] {
        let shown = shown(code, value);
        assert_eq!(shown.as_deref().map(str::trim_start), Some(text.trim_start()), "{code} of {value}");
    }
}

#[test]
fn dates_and_times_look_as_their_format_says() {
    let at = 46_357.0 + 14.0 / 24.0 + 5.0 / 1440.0 + 9.0 / 86_400.0; // 1 December 2026, 14:05:09
    for (code, text) in [
        ("yyyy-mm-dd", "2026-12-01"),
        ("dd.mm.yyyy", "01.12.2026"),
        ("dd\\.mm\\.yyyy;@", "01.12.2026"),
        ("m/d/yy", "12/1/26"),
        ("d-mmm-yy", "1-Dec-26"),
        ("dddd, mmmm d, yyyy", "Tuesday, December 1, 2026"),
        ("[$-409]d mmmm yyyy", "1 December 2026"),
        ("[$-407]dd.mm.yyyy", "01.12.2026"),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "2026-12-01"),
        ("yyyy\"年\"m\"月\"d\"日\"", "2026年12月1日"),
        ("h:mm", "14:05"),
        ("hh:mm:ss", "14:05:09"),
        ("h:mm AM/PM", "2:05 PM"),
        ("mm:ss", "05:09"),
        ("dd/mm/yyyy hh:mm", "01/12/2026 14:05"),
        ("[h]:mm", "1112582:05"),
        ("ss.00", "09.00"),
    ] {
        assert_eq!(shown(code, at).as_deref(), Some(text), "{code}");
    }
    assert_eq!(NumberFormat::builtin(14).text(at, Epoch::Year1900).as_deref(), Some("2026-12-01"));
    assert_eq!(NumberFormat::builtin(22).text(at, Epoch::Year1900).as_deref(), Some("2026-12-01 14:05"));
    assert_eq!(NumberFormat::builtin(14).text(at - 1462.0, Epoch::Year1904).as_deref(), Some("2026-12-01"));
    assert_eq!(shown("yyyy-mm-dd", 59.0).as_deref(), Some("1900-02-28"));
    assert_eq!(shown("yyyy-mm-dd", 61.0).as_deref(), Some("1900-03-01"));
    assert_eq!(shown("hh:mm", 0.5).as_deref(), Some("12:00"));
    // Not 24:00 on the day before.
    assert_eq!(shown("yyyy-mm-dd hh:mm", 46_357.999_999_9).as_deref(), Some("2026-12-02 00:00"));
}

#[test]
fn a_format_that_cannot_be_shown_exactly_has_no_text() {
    for code in [
        "# ?/?",
        "##0.0E+0",
        "[DBNum1]0",
        "[$-407]d mmmm yyyy",
        "[$-404]e/m/d",
        "ggge",
        "[$-2000000]0/0",
        "0\"",
        "[Red",
        "Q0",
        "0.0.0",
        "[h",
        "上午/下午h:mm",
        "[$-D000000]yyyy",
    ] {
        assert_eq!(shown(code, 46_357.0), None, "{code}");
    }
    for value in [-1.0, 60.0, 3e6, f64::NAN, f64::INFINITY] {
        assert_eq!(shown("yyyy-mm-dd", value), None, "{value}");
    }
    let format = NumberFormat::new("[$-407]d mmmm yyyy");
    assert_eq!(format.plain(46_357.0, Epoch::Year1900), "2026-12-01");
    assert_eq!(NumberFormat::builtin(30).plain(46_357.5, Epoch::Year1900), "2026-12-01 12:00:00");
    assert_eq!(NumberFormat::new("# ?/?").plain(0.25, Epoch::Year1900), "0.25");
}

#[test]
fn no_format_and_no_number_make_it_panic() {
    let pieces = [
        "0", "#", "?", ",", ".", "%", "E+", "y", "m", "d", "h", "s", "[h]", "\"x\"", ";", "@", "General", "AM/PM", "\\",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        let code: String = (0..random.usize(..9)).map(|_| pieces[random.usize(..pieces.len())]).collect();
        for value in [0.0, -1.5, 46_357.25, 1e300, -1e-300, 999_999_999_999_999.9] {
            let _ = shown(&code, value);
        }
    }
}
