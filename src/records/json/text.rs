//! The strings of a record: where they end, and what their escapes stand for.

use super::{Flaw, Scanner, Span, Token, span};

/// The text of a string whose escapes have been validated.
pub(crate) fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else { break };
        rest = after;
        match escape {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                let high = take_hex(&mut rest);
                let mut code = high;
                if (0xd800..0xdc00).contains(&high)
                    && let Some(mut after) = rest.strip_prefix(b"\\u".as_slice())
                {
                    let low = take_hex(&mut after);
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        rest = after;
                    }
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => text.push(other),
        }
    }
    text
}

fn take_hex(rest: &mut &[u8]) -> u32 {
    let mut code = 0;
    for _ in 0..4 {
        let Some((&digit, after)) = rest.split_first() else { break };
        code = code * 16 + char::from(digit).to_digit(16).unwrap_or(0);
        *rest = after;
    }
    code
}

impl Scanner<'_> {
    /// The rest of a string after its opening quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Span, Flaw> {
        let start = self.at;
        let token = self.until_closing_quote()?;
        Ok(span(token, start, self.at - 1))
    }

    /// Passes over the rest of a string; whether there are escapes in it.
    pub(crate) fn until_closing_quote(&mut self) -> Result<Token, Flaw> {
        let mut token = Token::Text;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(token);
                }
                Some(b'\\') => {
                    token = Token::Escaped;
                    self.escape()?;
                }
                Some(_) => return Err(Flaw::Control),
                None => return Err(Flaw::CutOff),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Flaw::CutOff)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Flaw::Syntax);
                }
                self.at += 6;
                if let [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] = digits {
                    self.surrogate(digits);
                }
            }
            Some(_) => return Err(Flaw::Syntax),
            None => return Err(Flaw::CutOff),
        }
        Ok(())
    }

    /// After an escape of the first half of a character, passes over the other half; the second half alone
    /// is as lone as the first.
    fn surrogate(&mut self, digits: &[u8]) {
        let is_first = |digits: &[u8]| matches!(digits.get(1), Some(b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B'));
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first_chunk::<6>() {
            Some([b'\\', b'u', b'd' | b'D', second @ (b'c'..=b'f' | b'C'..=b'F'), third, fourth])
                if is_first(digits) && [second, third, fourth].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                self.at += 6;
            }
            _ => self.lone_surrogate = true,
        }
    }
}

/// How many bytes at the start are neither quote, backslash nor control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&[first, second]) = bytes.get(at..).and_then(|rest| rest.as_chunks::<8>().0.first_chunk()) {
        // Both at once: most texts end here, and where is no matter of branches.
        let (first, second) = (stops(first), stops(second));
        if first | second != 0 {
            let bits = if first != 0 { first.trailing_zeros() } else { 64 + second.trailing_zeros() };
            return at + (bits / 8) as usize;
        }
        at += 16;
        // A text this long is likely to be longer still.
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
            let stops = |byte: u8| (byte == b'"') | (byte == b'\\') | (byte < 0x20);
            if chunk.iter().fold(false, |any, &byte| any | stops(byte)) {
                break;
            }
            at += 16;
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count()
}

/// The high bit of each byte that is a quote, a backslash or a control character; behind the first of them
/// others may be set.
#[inline(always)]
fn stops(eight: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(eight);
    // A byte of zero gives a high bit in `zero(word)`, and none below it is wrong.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c)) | control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(unescape(br"a\u00e9\ud83d\ude00\n\/\ud800x"), "aé😀\n/\u{fffd}x".as_bytes());
    }
}
