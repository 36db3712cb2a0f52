//! The names of an object's members, to find one that stands twice.

use std::borrow::Cow;

use super::{Span, Token, unescape};

/// Members that are compared with all before them.
pub(crate) const FEW: usize = 64;

/// The members of the objects that are open, to find one that stands twice.
#[derive(Debug, Default)]
pub(crate) struct Members {
    names: Vec<(u64, Span)>,
}

/// The members of one open object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    from: usize,
    /// One bit for each hash modulo 64: most members are known to be new by this alone.
    seen: u64,
}

impl Members {
    pub(crate) fn clear(&mut self) {
        self.names.clear();
    }

    pub(crate) fn open(&self) -> Open {
        Open { from: self.names.len(), seen: 0 }
    }

    /// Adds a member that is known to be new, of known hash.
    #[inline]
    pub(crate) fn add_new(&mut self, open: &mut Open, hash: u64, name: Span) {
        open.seen |= 1 << (hash & 63);
        self.names.push((hash, name));
    }

    /// The members of an open object so far.
    pub(crate) fn of(&self, open: Open) -> &[(u64, Span)] {
        self.names.get(open.from..).unwrap_or_default()
    }

    /// Ends an object; whether one of its many members stands twice.
    pub(crate) fn close(&mut self, open: Open, bytes: &[u8]) -> bool {
        let names = self.names.get_mut(open.from..).unwrap_or_default();
        let mut twice = false;
        if names.len() > FEW {
            let decoded = |span: &Span| match span.token {
                Token::Escaped => Cow::Owned(unescape(span.of(bytes))),
                _ => Cow::Borrowed(span.of(bytes)),
            };
            names.sort_unstable_by(|a, b| decoded(&a.1).cmp(&decoded(&b.1)));
            twice = names.windows(2).any(|pair| decoded(&pair[0].1) == decoded(&pair[1].1));
        }
        self.names.truncate(open.from);
        twice
    }

    /// Whether the object has a member of that name already. Beyond [`FEW`] members the answer comes
    /// with [`Members::close`], for comparing each with all before would take too long.
    #[inline]
    pub(crate) fn add(&mut self, open: &mut Open, bytes: &[u8], name: Span) -> bool {
        let text = name.of(bytes);
        let hash = match name.token {
            Token::Escaped => hash_of(&unescape(text)),
            _ => hash_of(text),
        };
        let bit = 1 << (hash & 63);
        let mut twice = false;
        if open.seen & bit != 0 && self.names.len() - open.from < FEW {
            let same = |other: &Span| {
                let plain = name.token == Token::Text && other.token == Token::Text;
                if plain { other.of(bytes) == text } else { unescape(other.of(bytes)) == unescape(text) }
            };
            let others = self.names.get(open.from..).unwrap_or_default();
            twice = others.iter().any(|(other_hash, other)| *other_hash == hash && same(other));
        }
        open.seen |= bit;
        self.names.push((hash, name));
        twice
    }
}

/// A hash that is good enough to tell the members of one object apart; equal hashes are compared.
#[inline]
pub(crate) fn hash_of(text: &[u8]) -> u64 {
    let (head, tail) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => {
            let mut short = [0; 8];
            for (to, from) in short.iter_mut().zip(text) {
                *to = *from;
            }
            (u64::from_le_bytes(short), 0)
        }
    };
    let mixed = (head ^ tail.rotate_left(23) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}
