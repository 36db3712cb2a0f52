//! Which values are equal: one canonical form of a value for each declared type.
//!
//! | declared type | equal are |
//! |---|---|
//! | string | the same characters after decoding escapes; a JSON number counts as its digits. Case, blanks and Unicode forms matter |
//! | descriptor | URIs that differ in case only |
//! | integer, long | the same whole number, as JSON number or string: `7`, `7.0`, `"007"` |
//! | number | the same decimal number: `1.50`, `15e-1`, `"1.5"` |
//! | boolean | `true` and `"true"` in any case |
//! | date | the same day; a time of day after it is left out |
//! | time | the same time of day; seconds may be left out, trailing zeros of a fraction too |
//! | date-time | the same instant; without an offset it is in UTC |
//!
//! Case matters in strings because it does on PostgreSQL; SQL Server compares them without case, so a
//! reference that differs in case only is reported although some hosts accept it.

use std::borrow::Cow;

use super::json::{Span, Token, unescape};
use crate::model::FieldKind;

/// Writes the canonical form of a value; false where it is not of that type.
#[inline(always)]
pub(crate) fn canonical(kind: FieldKind, value: Span, record: &[u8], out: &mut Vec<u8>) -> bool {
    if is_canonical(kind, value, record) {
        out.extend_from_slice(value.of(record));
        return true;
    }
    converted(kind, value, record, out)
}

/// Whether a value is easily seen to be in canonical form as it stands.
#[inline(always)]
pub(crate) fn is_canonical(kind: FieldKind, value: Span, record: &[u8]) -> bool {
    match kind {
        FieldKind::String => matches!(value.token, Token::Text | Token::Number),
        FieldKind::Integer | FieldKind::Long => is_usual_whole(value, value.of(record)),
        FieldKind::Date => {
            value.token == Token::Text && value.of(record).try_into().is_ok_and(|day| days(day).is_some())
        }
        _ => false,
    }
}

/// Writes the canonical form of a value that may not be in it.
fn converted(kind: FieldKind, value: Span, record: &[u8], out: &mut Vec<u8>) -> bool {
    let raw = value.of(record);
    match kind {
        FieldKind::String => text(value, raw, |text| out.extend_from_slice(text)),
        FieldKind::Descriptor => text(value, raw, |text| lower_case(text, out)),
        FieldKind::Integer | FieldKind::Long => whole(value, raw, out),
        FieldKind::Number => match value.token {
            Token::Number => decimal(raw, out),
            Token::Text | Token::Escaped => decimal(decoded(value, raw).trim_ascii(), out),
            _ => false,
        },
        FieldKind::Boolean => match value.token {
            Token::True | Token::False => {
                out.push(u8::from(value.token == Token::True));
                true
            }
            Token::Text if raw.eq_ignore_ascii_case(b"true") || raw.eq_ignore_ascii_case(b"false") => {
                out.push(u8::from(raw.eq_ignore_ascii_case(b"true")));
                true
            }
            _ => false,
        },
        FieldKind::Date => is_text(value) && date(&decoded(value, raw), out),
        FieldKind::Time => is_text(value) && time(&decoded(value, raw), out),
        FieldKind::DateTime => is_text(value) && instant(&decoded(value, raw), out),
        FieldKind::Object | FieldKind::Reference => value.token == Token::Object,
        FieldKind::Array => value.token == Token::Array,
    }
}

/// Whether a value is of a type, without writing anything where that is cheap to see.
#[inline(always)]
pub(crate) fn is_of(kind: FieldKind, value: Span, record: &[u8], scratch: &mut Vec<u8>) -> bool {
    match kind {
        FieldKind::String => matches!(value.token, Token::Text | Token::Escaped | Token::Number),
        FieldKind::Descriptor => is_text(value),
        _ if is_canonical(kind, value, record) => true,
        _ => {
            scratch.clear();
            converted(kind, value, record, scratch)
        }
    }
}

/// Whether a value is of a type by its sort alone: every string, every number or both truth values are.
pub(crate) fn is_always_of(kind: FieldKind, token: Token) -> bool {
    match kind {
        FieldKind::String => matches!(token, Token::Text | Token::Escaped | Token::Number),
        FieldKind::Descriptor => matches!(token, Token::Text | Token::Escaped),
        FieldKind::Boolean => matches!(token, Token::True | Token::False),
        _ => false,
    }
}

fn is_text(value: Span) -> bool {
    matches!(value.token, Token::Text | Token::Escaped)
}

fn decoded<'r>(value: Span, raw: &'r [u8]) -> Cow<'r, [u8]> {
    if value.token == Token::Escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
}

fn text(value: Span, raw: &[u8], with: impl FnOnce(&[u8])) -> bool {
    match value.token {
        Token::Text | Token::Number => with(raw),
        Token::Escaped => with(&unescape(raw)),
        _ => return false,
    }
    true
}

fn lower_case(text: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_ascii() => out.extend_from_slice(text.to_lowercase().as_bytes()),
        _ => out.extend(text.iter().map(u8::to_ascii_lowercase)),
    }
}

/// Whether a value is a whole number in canonical form, as most are: digits without a leading zero, short
/// of 64 bits.
#[inline]
fn is_usual_whole(value: Span, raw: &[u8]) -> bool {
    matches!(value.token, Token::Number | Token::Text)
        && matches!(raw.first(), Some(b'1'..=b'9'))
        && raw.len() <= 18
        && are_digits(raw)
}

/// Whether there is nothing but digits, eight at a time.
#[inline]
fn are_digits(text: &[u8]) -> bool {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    let (eights, rest) = text.as_chunks::<8>();
    let eight = |digits: &[u8; 8]| {
        let digits = u64::from_le_bytes(*digits);
        // Only digits are 0x30 and more without reaching 0x40 when six is added.
        (digits & HIGH) == ZEROS && (digits.wrapping_add(SIXES) & HIGH) == ZEROS
    };
    eights.iter().all(eight) && rest.iter().fold(true, |all, digit| all & digit.is_ascii_digit())
}

/// A whole number of at most 64 bits.
fn whole(value: Span, raw: &[u8], out: &mut Vec<u8>) -> bool {
    let text = match value.token {
        Token::Number | Token::Text | Token::Escaped => decoded(value, raw),
        _ => return false,
    };
    let start = out.len();
    if !decimal(text.trim_ascii(), out) {
        return false;
    }
    let is_whole = std::str::from_utf8(out.get(start..).unwrap_or_default())
        .is_ok_and(|t| t.parse::<i64>().is_ok() || t.parse::<u64>().is_ok());
    if !is_whole {
        out.truncate(start);
    }
    is_whole
}

/// A decimal number as sign, digits without useless zeros and, where it is not whole, an exponent.
pub(super) fn decimal(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let at = text.iter().position(|b| matches!(b, b'e' | b'E'));
    let (mantissa, exponent) = match at {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, b"0".as_slice()),
    };
    let Some(mut exponent) = std::str::from_utf8(exponent).ok().and_then(|e| e.parse::<i64>().ok()) else {
        return false;
    };
    let mut halves = mantissa.splitn(2, |b| *b == b'.');
    let whole = halves.next().unwrap_or_default();
    let fraction = halves.next();
    let digits_only = |d: &[u8]| d.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !digits_only(whole) || fraction.is_some_and(|f| f.is_empty() || !digits_only(f)) {
        return false;
    }
    let fraction = fraction.unwrap_or_default();
    let mut digits: Vec<u8> = whole.iter().chain(fraction).copied().skip_while(|d| *d == b'0').collect();
    exponent = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    while digits.last() == Some(&b'0') {
        digits.pop();
        exponent = exponent.saturating_add(1);
    }
    if digits.is_empty() {
        out.push(b'0');
        return true;
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&digits);
    match usize::try_from(exponent) {
        // A whole number of a size that can be in 64 bits is written out, so that it equals its digits.
        Ok(zeros @ 0..=24) => out.resize(out.len() + zeros, b'0'),
        _ => out.extend_from_slice(format!("e{exponent}").as_bytes()),
    }
    true
}

/// `2026-08-20`, also with a time of day behind it, which is left out.
fn date(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some((day, rest)) = text.split_first_chunk::<10>() else { return false };
    if days(day).is_none() || !(rest.is_empty() || matches!(rest.first(), Some(b'T' | b't' | b' '))) {
        return false;
    }
    if let Some((_, time_of_day)) = rest.split_first()
        && clock(time_of_day).is_none()
    {
        return false;
    }
    out.extend_from_slice(day);
    true
}

fn time(text: &[u8], out: &mut Vec<u8>) -> bool {
    match clock(text) {
        Some((seconds, fraction, _)) => {
            out.extend_from_slice(&seconds.to_le_bytes());
            out.extend_from_slice(fraction);
            true
        }
        None => false,
    }
}

fn instant(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some((day, rest)) = text.split_first_chunk::<10>() else { return false };
    let Some(days) = days(day) else { return false };
    let (seconds, fraction, offset) = match rest.split_first() {
        None => (0, [].as_slice(), 0),
        Some((b'T' | b't' | b' ', rest)) => match clock(rest) {
            Some(parts) => parts,
            None => return false,
        },
        Some(_) => return false,
    };
    let instant = days * 86_400 + seconds - offset;
    out.extend_from_slice(&instant.to_le_bytes());
    out.extend_from_slice(fraction);
    true
}

/// Days since the beginning of the calendar; `None` for what is no day of it.
#[inline]
fn days(day: &[u8; 10]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let month = number(&[*m1, *m2])?;
    let of_month = number(&[*d1, *d2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if of_month < 1 || of_month > length || year < 1 {
        return None;
    }
    // The year starts in March, so that the leap day is its last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + of_month - 1)
}

/// Seconds of the day, the fraction without trailing zeros, and the offset from UTC in seconds.
fn clock(text: &[u8]) -> Option<(i64, &[u8], i64)> {
    let (hours, rest) = two(text)?;
    let (minutes, mut rest) = two(rest.strip_prefix(b":")?)?;
    let mut seconds = 0;
    let mut fraction = [].as_slice();
    if let Some(after) = rest.strip_prefix(b":") {
        (seconds, rest) = two(after)?;
        if let Some(after) = rest.strip_prefix(b".") {
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            let (digits, after) = after.split_at_checked(digits)?;
            if digits.is_empty() {
                return None;
            }
            let kept = digits.iter().rposition(|b| *b != b'0').map_or(0, |last| last + 1);
            fraction = digits.get(..kept)?;
            rest = after;
        }
    }
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let offset = match rest.split_first() {
        None | Some((b'Z' | b'z', [])) => 0,
        Some((sign @ (b'+' | b'-'), rest)) => {
            let (hours, rest) = two(rest)?;
            let (minutes, rest) = two(rest.strip_prefix(b":").unwrap_or(rest))?;
            if !rest.is_empty() || hours > 14 || minutes > 59 {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        Some(_) => return None,
    };
    Some((hours * 3600 + minutes * 60 + seconds, fraction, offset))
}

fn two(text: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<2>()?;
    Some((number(digits)?, rest))
}

fn number<const N: usize>(digits: &[u8; N]) -> Option<i64> {
    // All are looked at before any is judged: no branch for each digit.
    let value = digits.iter().fold(0, |n, d| n * 10 + i64::from(d & 0xf));
    digits.iter().fold(true, |all, d| all & d.is_ascii_digit()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::json::Scanner;

    fn form(kind: FieldKind, json: &str) -> Option<Vec<u8>> {
        let mut scanner = Scanner::new(json.as_bytes());
        let first = scanner.next_token().unwrap();
        let value = scanner.scalar(first).unwrap().unwrap();
        let mut out = Vec::new();
        canonical(kind, value, json.as_bytes(), &mut out).then_some(out)
    }

    #[track_caller]
    fn equal(kind: FieldKind, values: &[&str]) {
        for value in values {
            assert!(form(kind, value).is_some(), "{value}");
            assert_eq!(form(kind, value), form(kind, values[0]), "{value}");
        }
    }

    #[track_caller]
    fn distinct(kind: FieldKind, values: &[&str]) {
        for (i, value) in values.iter().enumerate() {
            assert!(form(kind, value).is_some(), "{value}");
            for other in &values[..i] {
                assert_ne!(form(kind, value), form(kind, other), "{value} {other}");
            }
        }
    }

    #[track_caller]
    fn wrong(kind: FieldKind, values: &[&str]) {
        for value in values {
            assert_eq!(form(kind, value), None, "{value}");
        }
    }

    #[test]
    fn by_value_of_the_declared_type() {
        equal(
            FieldKind::Long,
            &["7", "7.0", "\"7\"", "\"007\"", "70e-1", "0.7e1", "\" 7\"", "\"7\\n\"", "\"\\u0037\""],
        );
        equal(FieldKind::Long, &["-0", "0", "\"0\""]);
        equal(FieldKind::Long, &["1000", "1e3"]);
        wrong(FieldKind::Long, &["\"1234567:\"", "\"1234567/\"", "\"12345678a\"", "\"1234567890é\"", "\"1234:678\""]);
        distinct(FieldKind::Long, &["7", "-7", "70", "18446744073709551615", "9223372036854775807"]);
        wrong(
            FieldKind::Long,
            &["7.5", "\"seven\"", "true", "null", "\"\"", "18446744073709551616", "\"0x7\"", "1e40"],
        );
        equal(FieldKind::Number, &["1.5", "1.50", "15e-1", "\"1.5\""]);
        distinct(FieldKind::Number, &["1.5", "15", "-1.5", "1.05"]);
        wrong(FieldKind::Number, &["\"1.\"", "\".5\"", "\"1,5\"", "\"e5\""]);
        equal(FieldKind::String, &["\"é\"", "\"\\u00e9\""]);
        equal(FieldKind::String, &["\"12\"", "12"]);
        distinct(FieldKind::String, &["\"a\"", "\"A\"", "\"a \"", "\"012\"", "12"]);
        wrong(FieldKind::String, &["true", "null"]);
        equal(FieldKind::Descriptor, &["\"uri://ed-fi.org/X#Ä b\"", "\"URI://ED-FI.ORG/x#ä B\""]);
        wrong(FieldKind::Descriptor, &["true", "null"]);
        equal(FieldKind::Boolean, &["true", "\"true\"", "\"True\""]);
    }

    #[test]
    fn dates_as_dates() {
        equal(FieldKind::Date, &["\"2026-08-20\"", "\"2026-08-20T00:00:00\"", "\"2026-08-20T00:00:00Z\""]);
        distinct(FieldKind::Date, &["\"2026-08-20\"", "\"2026-08-21\"", "\"2024-02-29\""]);
        wrong(
            FieldKind::Date,
            &[
                "\"2026-13-01\"",
                "\"2026-02-29\"",
                "\"2026-8-20\"",
                "\"20.08.2026\"",
                "20260820",
                "\"2026-08-20x\"",
                "\"2026-08-20Tx\"",
            ],
        );
        equal(FieldKind::Time, &["\"08:00\"", "\"08:00:00\"", "\"08:00:00.000\""]);
        distinct(FieldKind::Time, &["\"08:00:00\"", "\"08:00:00.5\"", "\"20:00\""]);
        wrong(FieldKind::Time, &["\"24:00\"", "\"8:00\"", "\"08:00:00.\"", "\"08:00 AM\""]);
        equal(
            FieldKind::DateTime,
            &["\"2026-03-01T00:30:00Z\"", "\"2026-02-28T23:30:00-01:00\"", "\"2026-03-01T00:30:00.0\""],
        );
        distinct(FieldKind::DateTime, &["\"2026-03-01T00:30:00Z\"", "\"2026-03-01\"", "\"2026-03-01T00:30:00.25Z\""]);
    }
}
