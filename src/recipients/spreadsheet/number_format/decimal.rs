//! Decimal numbers as spreadsheets round them: 15 significant digits, half away from zero.

/// The digits that a spreadsheet keeps of a number.
const PRECISION: usize = 15;

/// A number that is not negative: its digits after a decimal point, times ten to the power of `exponent`.
#[derive(Clone)]
pub(super) struct Decimal {
    /// No zeros at either end; empty for 0.
    digits: Vec<u8>,
    exponent: i32,
}

impl Decimal {
    /// Returns the number that a spreadsheet stores for `value`, whose sign does not matter.
    pub(super) fn new(value: f64) -> Self {
        let text = format!("{:.*e}", PRECISION - 1, value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        Self { digits, exponent: exponent.parse::<i32>().unwrap_or(0) + 1 }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.exponent = 0;
        }
        self
    }

    /// Multiplies it by a power of ten.
    pub(super) fn shifted(self, by: i32) -> Self {
        if self.digits.is_empty() { self } else { Self { exponent: self.exponent + by, ..self } }
    }

    /// Returns the power of ten that leaves one digit before the decimal point.
    pub(super) fn power(&self) -> i32 {
        if self.digits.is_empty() { 0 } else { self.exponent - 1 }
    }

    /// Returns the digits before the decimal point, none for 0, and exactly `decimals` after it, rounded.
    pub(super) fn rounded(&self, decimals: usize) -> (String, String) {
        let mut digits = self.digits.clone();
        let mut exponent = self.exponent;
        let kept = exponent.saturating_add(i32::try_from(decimals).unwrap_or(i32::MAX));
        match usize::try_from(kept) {
            Ok(kept) if kept < digits.len() => {
                let up = digits.get(kept).is_some_and(|digit| *digit >= b'5');
                digits.truncate(kept);
                if up {
                    while digits.last() == Some(&b'9') {
                        digits.pop();
                    }
                    match digits.last_mut() {
                        Some(last) => *last += 1,
                        None => {
                            digits.push(b'1');
                            exponent += 1;
                        }
                    }
                }
            }
            Ok(_) => {}
            Err(_) => digits.clear(),
        }
        let digit = |place: i32| usize::try_from(place).ok().and_then(|place| digits.get(place));
        let at = |place: i32| char::from(digit(place).copied().unwrap_or(b'0'));
        let whole = if digits.is_empty() { String::new() } else { (0..exponent.max(0)).map(at).collect() };
        let after = i32::try_from(decimals).unwrap_or(0);
        (whole, (0..after).map(|place| at(exponent.saturating_add(place))).collect())
    }

    /// Formats it without a number format. Digits are never replaced by an exponent for lack of space, as spreadsheets
    /// do from 12 digits on, only for lack of precision.
    pub(super) fn general(&self) -> String {
        if self.exponent > i32::try_from(PRECISION).unwrap_or(0) {
            let (whole, fraction) = self.clone().shifted(-self.power()).rounded(5);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            return format!("{whole}{point}{fraction}E+{:02}", self.power());
        }
        let before = usize::try_from(self.exponent).unwrap_or(0).max(1);
        // Eleven characters, as in a spreadsheet; but a long number with decimals must not look like one without.
        let decimals = if before < 10 { 10 - before } else { PRECISION - before };
        let (whole, fraction) = self.rounded(decimals);
        let whole = if whole.is_empty() { "0" } else { &whole };
        match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    }
}
