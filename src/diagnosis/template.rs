//! Sentences with named holes, found in text in linear time.
//!
//! A template is what a server's source has, `The referenced '{entity}' item does not exist`. It
//! matches anywhere in a text, without regard to case; every run of white space is one space on both
//! sides. What may fill a hole follows from its name, so nothing ever backtracks: a word ends where
//! it ends, and text runs to the next literal or [`LONGEST`] bytes.

use std::ops::Range;

/// What fills a hole and what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Hole {
    /// An entity in PascalCase, perhaps with its project.
    Entity,
    /// Entities without quotes, separated by commas.
    Entities,
    /// A database table: camelCase, or lower case and cut to 63 characters.
    Table,
    /// A person entity that authorization looked for.
    Person,
    /// The entity of a collection.
    Child,
    /// A descriptor.
    Descriptor,
    /// A descriptor without that last word of its name.
    Coded,
    /// An association of a hint.
    Association,
    /// A property that authorization looked at.
    Property,
    /// Several of them, quoted, separated by commas.
    Properties,
    /// A field by name.
    Field,
    /// Several of them, separated by commas.
    Fields,
    /// Parts of a key with values: `schoolId = 1, sessionName = Fall`.
    Key,
    /// The path of a request.
    Route,
    /// A word that tells nothing more.
    Word,
    /// Text that tells nothing more.
    Text,
}

/// What may fill a hole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    List,
    Text,
}

impl Hole {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "entity" => Self::Entity,
            "entities" => Self::Entities,
            "table" => Self::Table,
            "person" => Self::Person,
            "child" => Self::Child,
            "descriptor" => Self::Descriptor,
            "coded" => Self::Coded,
            "association" => Self::Association,
            "property" => Self::Property,
            "properties" => Self::Properties,
            "field" => Self::Field,
            "fields" => Self::Fields,
            "key" => Self::Key,
            "route" => Self::Route,
            "word" => Self::Word,
            "text" => Self::Text,
            _ => return None,
        })
    }

    fn class(self) -> Class {
        match self {
            Self::Entities | Self::Properties | Self::Fields => Class::List,
            Self::Key | Self::Route | Self::Text => Class::Text,
            _ => Class::Word,
        }
    }
}

/// Longest text in a hole, in bytes; it bounds what a near miss costs.
const LONGEST: usize = 2048;

/// Longest word in a hole, in bytes.
const LONGEST_WORD: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Hole(Hole),
    /// The sentence must end here.
    End,
}

/// Which three bytes in a row a text has, hashed: a template whose own are not among them cannot be in
/// it. Of some two hundred templates a message has one or two.
#[derive(Debug)]
pub(super) struct Grams([u64; 64]);

impl Grams {
    /// The grams of a folded text. O(length).
    pub(super) fn of(folded: &str) -> Self {
        let mut grams = Self([0; 64]);
        for gram in gram_places(folded) {
            if let Some(word) = grams.0.get_mut(usize::from(gram >> 6)) {
                *word |= 1 << (gram & 63);
            }
        }
        grams
    }

    /// Whether a template may be in the text.
    pub(super) fn may_hold(&self, pattern: &Pattern) -> bool {
        let has = |gram: &u16| self.0.get(usize::from(gram >> 6)).is_some_and(|word| word >> (gram & 63) & 1 == 1);
        pattern.grams.iter().all(has)
    }
}

/// Twelve bits for every three bytes in a row.
fn gram_places(text: &str) -> impl Iterator<Item = u16> {
    text.as_bytes().windows(3).map(|gram| {
        let number = gram.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        // The upper bits of the product are those that depend on all three.
        u16::try_from(number.wrapping_mul(0x9e37_79b1) >> 20).unwrap_or_default()
    })
}

/// A compiled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// What its first literal has.
    grams: Vec<u16>,
    /// It must stand at the start of the text.
    starts: bool,
}

/// Where a template was found and what filled its holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) span: Range<usize>,
    pub(super) holes: Vec<(Hole, Range<usize>)>,
}

impl Pattern {
    /// Compiles a template; `^` before it stands for the start of the text, `|` after it for the end of
    /// a sentence. `None` where a hole has
    /// no known name, two holes touch, or there is no literal to find it by.
    pub(super) fn compile(template: &str) -> Option<Self> {
        let (template, starts) = template.strip_prefix('^').map_or((template, false), |rest| (rest, true));
        let (template, ends) = template.strip_suffix('|').map_or((template, false), |rest| (rest, true));
        let mut pieces = Vec::new();
        for (position, part) in template.split('{').enumerate() {
            let literal = match position {
                0 => part,
                _ => {
                    let (name, literal) = part.split_once('}')?;
                    if matches!(pieces.last(), Some(Piece::Hole(_))) {
                        return None;
                    }
                    pieces.push(Piece::Hole(Hole::named(name)?));
                    literal
                }
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_ascii_lowercase()));
            }
        }
        if ends {
            pieces.push(Piece::End);
        }
        let anchor = match pieces.as_slice() {
            [Piece::Literal(anchor), ..] => anchor,
            [Piece::Hole(hole), Piece::Literal(anchor), ..] if hole.class() == Class::Word => anchor,
            _ => return None,
        };
        let grams = gram_places(anchor).collect();
        Some(Self { pieces, grams, starts })
    }

    /// All places where the template stands in a folded text, left to right, none overlapping.
    /// O(length) for templates whose literals are longer than a word.
    pub(super) fn find_all(&self, folded: &str) -> Vec<Match> {
        let mut found = Vec::new();
        work(folded.len());
        let (leading, anchor, rest) = match self.pieces.as_slice() {
            [Piece::Literal(anchor), rest @ ..] => (None, anchor, rest),
            [Piece::Hole(hole), Piece::Literal(anchor), rest @ ..] => (Some(*hole), anchor, rest),
            _ => return found,
        };
        let mut from = 0;
        while let Some(offset) = folded.get(from..).and_then(|text| text.find(anchor.as_str())) {
            let at = from + offset;
            if self.starts && at > 0 {
                break;
            }
            match match_at(folded, leading, at, at + anchor.len(), rest, from) {
                Some(found_here) => {
                    from = found_here.span.end.max(at + anchor.len());
                    found.push(found_here);
                }
                None => from = at + anchor.len(),
            }
        }
        found
    }
}

fn match_at(
    text: &str,
    leading: Option<Hole>,
    anchor: usize,
    after: usize,
    rest: &[Piece],
    bound: usize,
) -> Option<Match> {
    let bytes = text.as_bytes();
    let mut holes = Vec::new();
    let mut start = anchor;
    let fills = |hole: Hole, filling: &str| hole != Hole::Descriptor || filling.ends_with("descriptor");
    if let Some(hole) = leading {
        let before = bytes.get(bound.max(anchor.saturating_sub(LONGEST_WORD))..anchor)?;
        let length = before.iter().rev().take_while(|b| is_word(**b)).count();
        work(length);
        start = anchor - length;
        // A sentence that follows the last without a space leaves its full stop before the word.
        while bytes.get(start).is_some_and(|b| !b.is_ascii_alphanumeric()) && start < anchor {
            start += 1;
        }
        if start == anchor || !fills(hole, text.get(start..anchor)?) {
            return None;
        }
        holes.push((hole, start..anchor));
    }
    let mut at = after;
    let mut pieces = rest.iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Literal(literal) => {
                if !text.get(at..)?.starts_with(literal.as_str()) {
                    return None;
                }
                at += literal.len();
            }
            Piece::End => {
                let next = text.get(at..)?.trim_start().bytes().next();
                if !next.is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'\'' && b != b'"') {
                    return None;
                }
            }
            Piece::Hole(hole) => {
                let end = match hole.class() {
                    Class::Word => at + word_length(bytes.get(at..)?),
                    Class::List => at + list_length(bytes.get(at..)?),
                    Class::Text => match pieces.peek() {
                        Some(Piece::Literal(next)) => at + within(text, at).find(next.as_str())?,
                        _ => at + within(text, at).len(),
                    },
                };
                work(end - at);
                if end == at && hole.class() != Class::Text {
                    return None;
                }
                if !fills(*hole, text.get(at..end)?) {
                    return None;
                }
                holes.push((*hole, at..end));
                at = end;
            }
        }
    }
    Some(Match { span: start..at, holes })
}

/// The text from a place on, as far as a hole may reach.
fn within(text: &str, at: usize) -> &str {
    let end = (at + LONGEST).min(text.len());
    work(end - at);
    // Folded text is ASCII, so every position is a boundary.
    text.get(at..end).unwrap_or_default()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')
}

fn word_length(bytes: &[u8]) -> usize {
    let length = bytes.iter().take(LONGEST_WORD).take_while(|b| is_word(**b)).count();
    let trailing = bytes.get(..length).unwrap_or_default().iter().rev().take_while(|b| **b == b'.').count();
    length - trailing
}

/// `A, B`, `'A', 'B'`.
fn list_length(bytes: &[u8]) -> usize {
    let mut end = 0;
    let mut at = 0;
    while at < LONGEST {
        let quote = usize::from(bytes.get(at) == Some(&b'\''));
        let word = word_length(bytes.get(at + quote..).unwrap_or_default());
        if word == 0 {
            break;
        }
        end = at + quote + word + usize::from(bytes.get(at + quote + word) == Some(&b'\''));
        if !bytes.get(end..).unwrap_or_default().starts_with(b", ") {
            break;
        }
        at = end + 2;
    }
    end
}

/// A text as messages are compared: every run of white space and control characters is one space, and
/// quotes that an editor or a chat has curled are straight.
pub(super) fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    // A control character would reach the terminal of whoever reads the report.
    let blank = |c: char| c.is_whitespace() || c.is_control();
    for word in text.split(blank).filter(|word| !word.is_empty()) {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.extend(word.chars().map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            c => c,
        }));
    }
    squeezed
}

/// Lower case, byte for byte at the same place; what is not ASCII matches nothing.
pub(super) fn fold(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii() { b.to_ascii_lowercase() as char } else { '\u{1}' }).collect()
}

/// Takes spans out of a folded text, so that no other template claims the same words.
pub(super) fn claim(folded: String, found: &[Match]) -> String {
    let mut bytes = folded.into_bytes();
    for span in found.iter().map(|m| m.span.clone()) {
        if let Some(claimed) = bytes.get_mut(span) {
            claimed.fill(0);
        }
    }
    // Only ASCII was replaced by ASCII.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Counts bytes that are looked at, so that tests measure work instead of time.
#[cfg(test)]
pub(super) fn work(bytes: usize) {
    tests::WORK.with(|work| work.set(work.get() + bytes));
}

#[cfg(not(test))]
#[inline]
fn work(_: usize) {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::diagnosis::catalogue::patterns;

    thread_local! {
        pub(super) static WORK: Cell<usize> = const { Cell::new(0) };
    }

    /// Bytes that are looked at to find all templates in a text.
    fn work_on(text: &str) -> usize {
        WORK.set(0);
        let mut folded = fold(&squeeze(text));
        let grams = Grams::of(&folded);
        for (_, pattern) in patterns().iter().filter(|(_, pattern)| grams.may_hold(pattern)) {
            let found = pattern.find_all(&folded);
            folded = claim(folded, &found);
        }
        WORK.get()
    }

    #[test]
    fn work_grows_with_the_length_and_no_faster() {
        // Each beginning of a template that never ends, repeated: the worst a message can do.
        let literals = patterns().iter().flat_map(|(template, _)| {
            let text = template.text.trim_matches(['^', '|']);
            let ends = text.match_indices(['{', '}']).map(|(at, _)| at);
            ends.chain([text.len()]).map(|end| &text[..end]).filter(|piece| piece.len() > 3)
        });
        let mut pieces: Vec<String> = literals.map(|piece| piece.replace(['{', '}'], "")).collect();
        pieces.extend(["'A', ".to_owned(), "a".to_owned(), "A, ".to_owned(), "value 'x' ".to_owned()]);
        pieces.sort();
        pieces.dedup();
        for piece in pieces {
            let work = |bytes: usize| work_on(&format!("{piece} ").repeat(bytes / (piece.len() + 1)));
            // What as much text again costs: as much as before. Of a square it would be five thirds.
            let (one, two, three) = (work(5_000), work(10_000), work(15_000));
            let (second, third) = (two.saturating_sub(one), three.saturating_sub(two));
            assert!(third <= second + second / 3 + 20_000, "{piece:?}: {one} {two} {three}");
        }
    }

    #[test]
    fn grams_never_hide_a_template() {
        for (template, pattern) in patterns() {
            let text = template.text.trim_matches(['^', '|']).replace(['{', '}'], "");
            let folded = fold(&squeeze(&format!("Before it, {text} and after it.")));
            assert!(Grams::of(&folded).may_hold(pattern), "{text}");
        }
        assert!(!Grams::of("nothing of the kind").may_hold(&Pattern::compile("{entity} is required").unwrap()));
        assert!(!Grams::of("").may_hold(&Pattern::compile("abc").unwrap()));
    }

    fn holes(template: &str, text: &str) -> Vec<Vec<String>> {
        let text = squeeze(text);
        let found = Pattern::compile(template).unwrap().find_all(&fold(&text));
        found.iter().map(|m| m.holes.iter().map(|(_, span)| text[span.clone()].to_owned()).collect()).collect()
    }

    #[test]
    fn holes_take_what_their_name_says() {
        assert_eq!(holes("referenced '{entity}' item", "The  Referenced\t'Ed-Fi.School' item"), [["Ed-Fi.School"]]);
        assert_eq!(
            holes("of the '{word}' value of the '{table}' entity", "of the 'schoolId' value of the 'session' entity."),
            [["schoolId", "session"]]
        );
        assert_eq!(holes("existing {entities} item(s)", "by existing Program, School item(s)."), [["Program, School"]]);
        assert_eq!(holes("{field} is required|", "A is required.B is required"), [["A"], ["B"]]);
        assert_eq!(holes("types: {entities}", "types: A, B, C."), [["A, B, C"]]);
        assert_eq!(holes("value '{text}' does", "value 'uri://a#O'Neil''s' does"), [["uri://a#O'Neil''s"]]);
        assert!(holes("{field} is required|", "value is required for authorization").is_empty());
        assert!(holes("existing {entities} item(s)", "existing item(s)").is_empty());
    }

    #[test]
    fn what_cannot_be_found_is_no_template() {
        for wrong in ["{entity}", "", "{text} x", "{entity}{table} x", "{nonsense} x", "a {entity"] {
            assert!(Pattern::compile(wrong).is_none(), "{wrong}");
        }
    }
}
