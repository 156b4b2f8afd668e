//! The filters and tests for messages. Each accepts and returns only text of bounded length and lists of bounded size.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, StringInput, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters, tests};

use super::limits::MAX_TEXT;

/// The filters, as listed for a template that uses an unknown one.
pub(super) const NAMES: &str = "abs, capitalize, count, default, first, float, format, int, join, last, length, list, \
                                lower, replace, reverse, round, split, title, trim, upper";
/// The tests, in the same way.
pub(super) const TESTS: &str = "defined, divisibleby, endingwith, even, in, lower, none, number, odd, startingwith, \
                                string, undefined, upper";
/// The most items of a list made from text.
const MAX_ITEMS: usize = 1_000;
/// The most bytes of the characters that `trim` removes.
const MAX_ENDS: usize = 100;
/// The largest width or precision in `%10.2f`.
const MAX_WIDTH: usize = 100;

/// Adds the filters and tests to an empty environment.
pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("abs", filters::abs);
    env.add_filter("capitalize", |text: StringInput<'_>| {
        whole(text.as_str()).and_then(|()| made(filters::capitalize(text)))
    });
    env.add_filter("count", filters::length);
    env.add_filter("d", filters::default);
    env.add_filter("default", filters::default);
    env.add_filter("first", filters::first);
    env.add_filter("float", filters::float);
    env.add_filter("format", format);
    env.add_filter("int", filters::int);
    env.add_filter("join", join);
    env.add_filter("last", filters::last);
    env.add_filter("length", filters::length);
    env.add_filter("list", list);
    env.add_filter("lower", |text: StringInput<'_>| whole(text.as_str()).and_then(|()| made(filters::lower(text))));
    env.add_filter("replace", replace);
    env.add_filter("reverse", |value: &Value| whole_value(value).and_then(|()| filters::reverse(value)));
    env.add_filter("round", filters::round);
    env.add_filter("split", split);
    env.add_filter("title", |text: Cow<'_, str>| whole(&text).and_then(|()| made(Value::from(filters::title(text)))));
    env.add_filter("trim", |text: StringInput<'_>, ends: Option<Cow<'_, str>>| {
        // Each character of the text is compared with these.
        if ends.as_ref().is_some_and(|ends| ends.len() > MAX_ENDS) {
            let words = format!("the argument of `trim` can have at most {MAX_ENDS} bytes");
            return Err(Error::new(ErrorKind::InvalidOperation, words));
        }
        whole(text.as_str()).map(|()| filters::trim(text, ends))
    });
    env.add_filter("upper", |text: StringInput<'_>| whole(text.as_str()).and_then(|()| made(filters::upper(text))));
    env.add_test("defined", tests::is_defined);
    env.add_test("divisibleby", tests::is_divisibleby);
    env.add_test("endingwith", tests::is_endingwith);
    env.add_test("even", tests::is_even);
    env.add_test("in", tests::is_in);
    env.add_test("lower", tests::is_lower);
    env.add_test("none", tests::is_none);
    env.add_test("number", tests::is_number);
    env.add_test("odd", tests::is_odd);
    env.add_test("startingwith", tests::is_startingwith);
    env.add_test("string", tests::is_string);
    env.add_test("undefined", tests::is_undefined);
    env.add_test("upper", tests::is_upper);
}

fn bounded(bytes: Option<usize>) -> Result<(), Error> {
    let too_long = || Error::new(ErrorKind::InvalidOperation, "text grows beyond 16 KiB");
    bytes.filter(|bytes| *bytes <= MAX_TEXT).map(drop).ok_or_else(too_long)
}

/// Checks the input text of a filter.
fn whole(text: &str) -> Result<(), Error> {
    bounded(Some(text.len()))
}

fn whole_value(value: &Value) -> Result<(), Error> {
    whole(value.as_str().unwrap_or_default())
}

/// Checks the output text of a filter.
fn made(value: Value) -> Result<Value, Error> {
    whole_value(&value).map(|()| value)
}

fn replace(
    state: &mut State<'_, '_>,
    value: StringInput<'_>,
    from: StringInput<'_>,
    to: StringInput<'_>,
) -> Result<Value, Error> {
    let text = value.as_str();
    whole(text)?;
    let found = text.matches(from.as_str()).count();
    bounded(found.checked_mul(to.as_str().len()).and_then(|bytes| bytes.checked_add(text.len())))?;
    filters::replace(state, value, from, to)
}

fn join(state: &mut State<'_, '_>, value: &Value, between: Option<StringInput<'_>>) -> Result<Value, Error> {
    let gap = between.as_ref().map_or(0, |between| between.as_str().len());
    let mut bytes = 0;
    for item in value.try_iter()? {
        bytes += length(&item)? + gap;
        bounded(Some(bytes))?;
    }
    filters::join(state, value, between, None, Kwargs::from_iter([("d", Value::UNDEFINED); 0]))
}

fn split(value: &Value, separator: Option<Arc<str>>, most: Option<i64>) -> Result<Value, Error> {
    whole_value(value)?;
    short(filters::split(value, separator, most)?)
}

fn list(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_str().is_some_and(|text| text.chars().nth(MAX_ITEMS).is_some()) {
        return Err(too_many());
    }
    short(filters::list(state, value)?)
}

fn short(list: Value) -> Result<Value, Error> {
    if list.len().is_some_and(|items| items > MAX_ITEMS) { Err(too_many()) } else { Ok(list) }
}

fn too_many() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("a list has more than {MAX_ITEMS} items"))
}

/// Implements `'%.2f' | format(price | float)`, with bounded widths.
fn format(state: &mut State<'_, '_>, pattern: &Value, values: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let text = pattern.as_str().unwrap_or_default();
    let mut conversions = 0_usize;
    let mut rest = text;
    while let Some((_, conversion)) = rest.split_once('%') {
        conversions += 1;
        let end = conversion.find(|c: char| !c.is_ascii_digit() && !"+-#.*( ".contains(c)).unwrap_or(conversion.len());
        let (numbers, after) = conversion.split_at(end);
        let is_wide = |number: &str| number.parse().map_or(!number.is_empty(), |width: usize| width > MAX_WIDTH);
        if numbers.contains(['*', '(']) || numbers.split(|c: char| !c.is_ascii_digit()).any(is_wide) {
            let words = match numbers.contains('(') {
                true => "`%(name)s` is not available: write `%s`, and pass the values in order".to_owned(),
                false => format!("`%{numbers}` is not available: write a width of at most {MAX_WIDTH} as digits"),
            };
            return Err(Error::new(ErrorKind::InvalidOperation, words));
        }
        rest = after;
    }
    let mut longest = 0;
    for value in &values.0 {
        longest = longest.max(length(value)?);
    }
    let filled = longest.checked_add(MAX_WIDTH).and_then(|each| each.checked_mul(conversions));
    bounded(filled.and_then(|bytes| bytes.checked_add(text.len())))?;
    filters::format(state, pattern, values)
}

/// Returns an upper bound for the bytes of a value as text.
fn length(value: &Value) -> Result<usize, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().map_or(0, str::len)),
        // The longest is a float of 309 digits.
        ValueKind::Number | ValueKind::Bool | ValueKind::None => Ok(400),
        ValueKind::Undefined => Ok(0),
        kind => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`join` and `format` take only text and numbers, but one value is of type {kind}"),
        )),
    }
}
