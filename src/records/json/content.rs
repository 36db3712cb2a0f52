//! What a record says, whatever the order of its members and the spelling of its strings.

use std::collections::BTreeMap;

use super::{Flaw, MAX_DEPTH, Scanner, Span, Token, unescape};
use crate::records::value::decimal;

/// A form of a record that is equal for those that say the same: members by name, and the last of one that
/// stands twice; strings by their characters; numbers by their exact
/// decimal value. O(bytes log bytes).
///
/// # Errors
///
/// What makes it no record.
pub(crate) fn content(record: &[u8]) -> Result<Vec<u8>, Flaw> {
    let mut out = Vec::with_capacity(record.len());
    value(&mut Scanner::new(record), 0, &mut out)?;
    Ok(out)
}

fn value(scanner: &mut Scanner<'_>, depth: u32, out: &mut Vec<u8>) -> Result<(), Flaw> {
    let first = scanner.next_token()?;
    if let Some(scalar) = scanner.scalar(first)? {
        write(scalar, scanner.bytes, out);
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(Flaw::Depth);
    }
    scanner.at += 1;
    let close = if first == b'[' { b']' } else { b'}' };
    out.push(first);
    let mut members: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut more = scanner.next_token()? != close;
    scanner.at += usize::from(!more);
    while more {
        if first == b'[' {
            value(scanner, depth + 1, out)?;
        } else {
            let (mut name, mut member) = (Vec::new(), Vec::new());
            write(scanner.name()?, scanner.bytes, &mut name);
            value(scanner, depth + 1, &mut member)?;
            members.insert(name, member);
        }
        more = scanner.another(close)?;
    }
    for (name, member) in members {
        out.extend_from_slice(&name);
        out.extend_from_slice(&member);
    }
    out.push(close);
    Ok(())
}

/// Writes a scalar with what it is and how long, so that nothing else is written alike.
fn write(scalar: Span, bytes: &[u8], out: &mut Vec<u8>) {
    let raw = scalar.of(bytes);
    let (kind, text) = match scalar.token {
        Token::Text => (b'"', raw.to_vec()),
        Token::Escaped => (b'"', unescape(raw)),
        Token::Number => {
            let mut number = Vec::with_capacity(raw.len());
            // An exponent beyond 64 bits is left as it stands.
            let is_told = decimal(raw, &mut number);
            (b'0', if is_told { number } else { raw.to_vec() })
        }
        _ => (b'w', raw.to_vec()),
    };
    out.push(kind);
    out.extend_from_slice(&text.len().to_le_bytes());
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_equal() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let equal = [
            (r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [ true , null ] , "\u0061" : 1 } "#),
            (r#"{"a":"\u00e9\n"}"#, "{\"a\":\"é\\n\"}"),
            (r#"{"a":"x\ud83d"}"#, r#"{"a":"x\uD83D"}"#),
            (r#"{"a":1.50,"b":{}}"#, r#"{"a":15e-1,"b":{}}"#),
            (r#"{"a":[-0,1.0,1e30]}"#, r#"{"a":[0,1,1000000000000000000000000000000.0]}"#),
            (r#"{"a":0.1000000000000000000010}"#, r#"{"a":1000000000000000000.01e-19}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (&deep(128), &deep(128)),
        ];
        for (left, right) in equal {
            assert!(content(left.as_bytes()).is_ok(), "{left}");
            assert_eq!(content(left.as_bytes()), content(right.as_bytes()), "{left}");
        }
        let distinct = [
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[12]}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":{"b":1},"c":2}"#, r#"{"a":{"b":1,"c":2}}"#),
            (r#"{"a":[]}"#, r#"{"a":{}}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":"true"}"#, r#"{"a":true}"#),
            (r#"{"a":0.10000000000000000001}"#, r#"{"a":0.1}"#),
            (r#"{"a":12345678901234567890123}"#, r#"{"a":12345678901234567890124}"#),
            (r#"{"a":1e400}"#, r#"{"a":1e401}"#),
            (r#"{"a":1e99999999999999999999}"#, r#"{"a":1e99999999999999999998}"#),
            (r#"{"a":1}"#, r#"{"a":-1}"#),
        ];
        for (left, right) in distinct {
            assert_ne!(content(left.as_bytes()), content(right.as_bytes()), "{left}");
        }
        assert_eq!(content(deep(129).as_bytes()), Err(Flaw::Depth));
    }
}
