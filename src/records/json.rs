//! A validating JSON scanner that yields spans instead of values.
//!
//! It reads one record that is known to be UTF-8 and allocates nothing but the list of open members.
//! Stricter than the grammar where servers are: no member twice, no number beyond 64 bits, at most
//! [`MAX_DEPTH`] levels.

mod content;
mod members;
mod text;

pub(crate) use content::content;
pub(crate) use members::{FEW, Members, Open, hash_of};
pub(crate) use text::unescape;

/// Levels of nesting; servers refuse records that are nested more than 64 deep.
pub(crate) const MAX_DEPTH: u32 = 128;

/// Why a record is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// A byte that cannot stand where it stands.
    Syntax,
    /// The record ends too early.
    CutOff,
    /// A raw control character inside a string; NUL is one.
    Control,
    /// Not UTF-8.
    Encoding,
    /// A whole file of UTF-16.
    Utf16,
    /// Nested too deep.
    Depth,
    /// Well-formed, but not an object.
    NotAnObject,
    /// Longer than the limit.
    TooLong,
    /// The compressed file ends too early or is damaged.
    Gzip,
    /// The same member twice in one object.
    DuplicateMember,
    /// A number that does not fit into 64 bits.
    NumberTooLarge,
    /// An escape of half a character, as where a text was cut inside an emoji. ODS/API (Newtonsoft) stores
    /// U+FFFD for it, System.Text.Json, which DMS uses, refuses to read the string.
    LoneSurrogate,
}

impl Flaw {
    /// What is wrong and the way out, for people.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Syntax => "not JSON; write one record a line",
            Self::CutOff => "cut off; write the record again",
            Self::Control => "a raw control character inside a string; escape it",
            Self::Encoding => "not UTF-8; save the file as UTF-8",
            Self::Utf16 => {
                "the file is UTF-16, as Windows PowerShell writes it; make it UTF-8 with iconv -f UTF-16 -t UTF-8 or \
                 Set-Content -Encoding utf8"
            }
            Self::Depth => "nested more than 128 levels deep; no Ed-Fi record is",
            Self::NotAnObject => "not an object; a record is a JSON object",
            Self::TooLong => "longer than the limit; see --max-record",
            Self::Gzip => "the gzip data is damaged or cut off here; compress the file again",
            Self::DuplicateMember => "a member stands twice in one object; keep one",
            Self::NumberTooLarge => "a number does not fit into 64 bits; write it as a string if it is text",
            Self::LoneSurrogate => "half of an escaped character, such as \\ud83d alone; write all of it or none",
        }
    }

    /// Whether the record can be read all the same.
    pub(crate) fn is_readable(self) -> bool {
        matches!(self, Self::DuplicateMember | Self::NumberTooLarge | Self::LoneSurrogate)
    }

    /// A stable word for machines: `cut-off`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "not-json",
            Self::CutOff => "cut-off",
            Self::Control => "control-character",
            Self::Encoding => "not-utf-8",
            Self::Utf16 => "utf-16",
            Self::Depth => "too-deep",
            Self::NotAnObject => "not-an-object",
            Self::TooLong => "too-long",
            Self::Gzip => "damaged-gzip",
            Self::DuplicateMember => "duplicate-member",
            Self::NumberTooLarge => "number-too-large",
            Self::LoneSurrogate => "lone-surrogate",
        }
    }
}

/// What sort of value a span holds. As wide as the other parts of a span: where one byte is written and the
/// padding is copied along, a processor waits for the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub(crate) enum Token {
    /// No such member.
    #[default]
    Absent,
    Null,
    True,
    False,
    Number,
    /// A string whose span, without the quotes, is its text.
    Text,
    /// A string with escapes in its span.
    Escaped,
    Object,
    Array,
}

/// A value by its place in the record; the quotes of a string are not in the span.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// The bytes it stands for.
    pub(crate) fn of<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same value in a text that starts elsewhere.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span of a record stays one")]
    #[inline]
    pub(crate) fn moved(self, by: i64) -> Self {
        Self { start: (i64::from(self.start) + by) as u32, end: (i64::from(self.end) + by) as u32, ..self }
    }

    /// Whether there is a value other than null.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self.token, Token::Absent | Token::Null)
    }
}

/// A position in one record.
pub(crate) struct Scanner<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) at: usize,
    /// Set when a number does not fit into 64 bits.
    pub(crate) number_too_large: bool,
    /// Set when a member stands twice.
    pub(crate) duplicate_member: bool,
    /// Set when half a character is escaped without the other half.
    pub(crate) lone_surrogate: bool,
}

impl<'b> Scanner<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, number_too_large: false, duplicate_member: false, lone_surrogate: false }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn next_token(&mut self) -> Result<u8, Flaw> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(Flaw::CutOff),
            }
        }
    }

    /// Consumes a byte that must stand next.
    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8) -> Result<(), Flaw> {
        if self.next_token()? == wanted {
            self.at += 1;
            Ok(())
        } else {
            Err(Flaw::Syntax)
        }
    }

    /// After a value inside an object or array: whether another follows.
    #[inline(always)]
    pub(crate) fn another(&mut self, close: u8) -> Result<bool, Flaw> {
        if self.peek() == Some(b',') {
            self.at += 1;
            return Ok(true);
        }
        self.another_behind_blanks(close)
    }

    fn another_behind_blanks(&mut self, close: u8) -> Result<bool, Flaw> {
        let byte = self.next_token()?;
        self.at += 1;
        if byte == b',' {
            Ok(true)
        } else if byte == close {
            Ok(false)
        } else {
            Err(Flaw::Syntax)
        }
    }

    /// The name of the next member and the colon after it.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<Span, Flaw> {
        self.expect(b'"')?;
        let name = self.string()?;
        self.expect(b':')?;
        Ok(name)
    }

    /// A value that starts with `first` and holds no others; for an object or array, `None`.
    #[inline(always)]
    pub(crate) fn scalar(&mut self, first: u8) -> Result<Option<Span>, Flaw> {
        if first == b'"' {
            self.at += 1;
            return self.string().map(Some);
        }
        let start = self.at;
        let token = self.other_scalar(first)?;
        Ok((token != Token::Absent).then(|| span(token, start, self.at)))
    }

    /// A value that is no string; for an object or array, none. What it is goes back in a register, a span
    /// would go through memory.
    fn other_scalar(&mut self, first: u8) -> Result<Token, Flaw> {
        match first {
            b'{' | b'[' => Ok(Token::Absent),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Token::True),
            b'f' => self.word(b"false", Token::False),
            b'n' => self.word(b"null", Token::Null),
            _ => Err(Flaw::Syntax),
        }
    }

    pub(crate) fn word(&mut self, word: &[u8], token: Token) -> Result<Token, Flaw> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(token)
        } else if word.starts_with(rest) {
            Err(Flaw::CutOff)
        } else {
            Err(Flaw::Syntax)
        }
    }

    pub(crate) fn number(&mut self) -> Result<Token, Flaw> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            Some(_) => return Err(Flaw::Syntax),
            None => return Err(Flaw::CutOff),
        }
        let mut is_whole = true;
        let whole_digits = self.at - whole;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if whole_digits > 18 || self.at - start > 300 || !is_whole {
            let number = self.bytes.get(start..self.at).unwrap_or_default();
            self.number_too_large |= !fits(number, is_whole);
        }
        Ok(Token::Number)
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Flaw> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = leading_digits(rest);
        self.at += count;
        match count {
            0 if rest.is_empty() => Err(Flaw::CutOff),
            0 => Err(Flaw::Syntax),
            _ => Ok(()),
        }
    }

    /// Passes over any value, validating it.
    pub(crate) fn skip(&mut self, members: &mut Members, depth: u32) -> Result<(), Flaw> {
        let first = self.next_token()?;
        if self.scalar(first)?.is_some() {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(Flaw::Depth);
        }
        self.at += 1;
        if first == b'[' {
            if self.next_token()? == b']' {
                self.at += 1;
                return Ok(());
            }
            loop {
                self.skip(members, depth + 1)?;
                if !self.another(b']')? {
                    return Ok(());
                }
            }
        }
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        let mut open = members.open();
        loop {
            let name = self.name()?;
            self.duplicate_member |= members.add(&mut open, self.bytes, name);
            self.skip(members, depth + 1)?;
            if !self.another(b'}')? {
                self.duplicate_member |= members.close(open, self.bytes);
                return Ok(());
            }
        }
    }
}

/// How many digits there are at the start, eight at a time.
#[inline]
fn leading_digits(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let digits = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
        // What is more than nine gets a high bit, and nothing below it does.
        let stops = (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080;
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Offsets fit: the splitter hands out no record of 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "records are shorter than 4 GiB")]
#[inline]
pub(crate) fn span(token: Token, start: usize, end: usize) -> Span {
    Span { token, start: start as u32, end: end as u32 }
}

/// Whether a number is within 64 bits: a whole one as integer, another as binary floating point.
fn fits(number: &[u8], is_whole: bool) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return false };
    if is_whole {
        text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
    } else {
        text.parse::<f64>().is_ok_and(f64::is_finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<Vec<Flaw>, Flaw> {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.skip(&mut Members::default(), 0)?;
        if scanner.next_token().is_ok() {
            return Err(Flaw::Syntax);
        }
        let mut flaws = Vec::new();
        flaws.extend(scanner.number_too_large.then_some(Flaw::NumberTooLarge));
        flaws.extend(scanner.duplicate_member.then_some(Flaw::DuplicateMember));
        flaws.extend(scanner.lone_surrogate.then_some(Flaw::LoneSurrogate));
        Ok(flaws)
    }

    #[test]
    fn agrees_with_the_grammar() {
        let long = "x".repeat(100);
        let valid = [
            "{}",
            "[]",
            " [1 , 2]\r\n",
            "\"\"",
            "\"\\u00e9\\n\\\"\\\\\"",
            "-0",
            "0.5e-7",
            "1E+2",
            "true",
            "null",
            "{\"a\":{\"b\":[{\"c\":null}]},\"é\":\"日本\"}",
            "9223372036854775807",
            "18446744073709551615",
            &format!("{{\"{long}\":\"{long}\"}}"),
        ];
        for text in valid {
            assert_eq!(scan(text), Ok(Vec::new()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        let invalid = [
            ("", Flaw::CutOff),
            ("{", Flaw::CutOff),
            ("[1,", Flaw::CutOff),
            ("\"a", Flaw::CutOff),
            ("tru", Flaw::CutOff),
            ("{\"a\"", Flaw::CutOff),
            ("-", Flaw::CutOff),
            ("1.", Flaw::CutOff),
            ("[1 2]", Flaw::Syntax),
            ("{\"a\" 1}", Flaw::Syntax),
            ("{a:1}", Flaw::Syntax),
            ("01", Flaw::Syntax),
            ("+1", Flaw::Syntax),
            ("[1,]", Flaw::Syntax),
            ("{\"a\":1,}", Flaw::Syntax),
            ("\"\\x\"", Flaw::Syntax),
            ("\"\\u12g4\"", Flaw::Syntax),
            ("nul", Flaw::CutOff),
            ("nulL", Flaw::Syntax),
            ("\"a\tb\"", Flaw::Control),
            ("\"long enough \0\"", Flaw::Control),
            ("{} {}", Flaw::Syntax),
            ("'a'", Flaw::Syntax),
            ("NaN", Flaw::Syntax),
        ];
        for (text, flaw) in invalid {
            assert_eq!(scan(text), Err(flaw), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(scan(&nested(128)), Ok(Vec::new()));
        assert_eq!(scan(&nested(129)), Err(Flaw::Depth));
        assert_eq!(scan(&"[".repeat(1_000_000)), Err(Flaw::Depth));
    }

    #[test]
    fn members_that_stand_twice() {
        let twice = Ok(vec![Flaw::DuplicateMember]);
        assert_eq!(scan(r#"{"a":1,"b":2,"a":3}"#), twice);
        assert_eq!(scan(r#"{"a":1,"\u0061":3}"#), twice);
        assert_eq!(scan(r#"{"\u0061":1,"b":{"x":1},"a":3}"#), twice);
        assert_eq!(scan(r#"[{"b":{"x":1,"x":1}}]"#), twice);
        assert_eq!(scan(r#"{"a":{"b":1},"b":{"a":1},"c":[{"a":1},{"a":1}]}"#), Ok(Vec::new()));
        let many: Vec<String> = (0..500).map(|i| format!("\"member{i}ofmany\":{i}")).collect();
        assert_eq!(scan(&format!("{{{}}}", many.join(","))), Ok(Vec::new()));
        assert_eq!(scan(&format!("{{{},\"member77ofmany\":0}}", many.join(","))), twice);
    }

    #[test]
    fn numbers_beyond_64_bits() {
        let large = Ok(vec![Flaw::NumberTooLarge]);
        for text in ["18446744073709551616", "-9223372036854775809", "[1e400]", &"9".repeat(400)] {
            assert_eq!(scan(text), large, "{text}");
        }
        assert_eq!(scan("0.123456789012345678901234567890"), Ok(Vec::new()));
    }

    #[test]
    fn halves_of_characters() {
        for text in [r#""\ud83d\ude00""#, r#""\uD83D\uDE00\uDBFF\uDFFF""#, r#""\ud7ff\ue000""#, r#""\\ud83d""#] {
            assert_eq!(scan(text), Ok(Vec::new()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        for text in [
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ude00""#,
            r#""\ud83d\ud83d\ude00""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\n""#,
            r#""\uDBff\u0041""#,
            r#"{"\udfff":1}"#,
        ] {
            assert_eq!(scan(text), Ok(vec![Flaw::LoneSurrogate]), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
        assert_eq!(scan(r#""\ud83d\udg00""#), Err(Flaw::Syntax));
    }
}
