//! The items of a JSON array one by one, whether they share a line or have many.

use std::io::{self, BufRead};

use serde_json::Value;

use super::values::{Balance, LONGEST, text, too_long};

/// An array that is being read.
#[derive(Debug)]
pub(super) struct Items<R> {
    source: R,
    /// The line of the next byte.
    line: usize,
    /// The line in which the item before began, or the array.
    before: usize,
    /// Whether an item broke off, so that the next one begins with a line of its own.
    lost: bool,
    /// All bytes that were read, as long as they may have to be given back.
    read: Option<Vec<u8>>,
}

/// What stands next in an array.
#[derive(Debug)]
pub(super) enum Next {
    /// An item, or the text of one that breaks off; with the line it begins in, where that is not the line
    /// of the one before.
    Item(Option<usize>, Result<Value, String>),
    /// The bracket that closes it.
    End,
    /// The end of the source.
    Cut,
}

impl<R: BufRead> Items<R> {
    /// An array whose opening bracket is the next byte of a source.
    pub(super) fn new(mut source: R, line: usize) -> Self {
        source.consume(1);
        Self { source, line, before: line, lost: false, read: Some(vec![b'[']) }
    }

    /// The line of the next byte.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The source, and the bytes that were read of it unless [`Items::keep_nothing`] was called.
    pub(super) fn into_source(self) -> (R, Vec<u8>) {
        (self.source, self.read.unwrap_or_default())
    }

    /// From now on nothing is given back.
    pub(super) fn keep_nothing(&mut self) {
        self.read = None;
    }

    /// The next item.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        match self.skip()? {
            None => return Ok(Next::Cut),
            Some(b']') => {
                self.consume(1)?;
                return Ok(Next::End);
            }
            Some(_) => {}
        }
        let begun = self.line;
        let (item, whole) = self.item()?;
        let line = (begun != self.before).then_some(begun);
        self.before = begun;
        self.lost = !whole;
        let value = serde_json::from_slice(&item).ok().filter(|_| whole);
        Ok(Next::Item(line, value.ok_or_else(|| text(&item))))
    }

    /// Passes what stands between items, and shows the byte behind.
    fn skip(&mut self) -> io::Result<Option<u8>> {
        // An item that broke off ended with its line.
        let mut at_start = true;
        loop {
            let buffer = self.source.fill_buf()?;
            let Some(&byte) = buffer.first() else { return Ok(None) };
            let between = byte.is_ascii_whitespace() || (byte == b',' && !self.lost);
            if !between && (!self.lost || (at_start && matches!(byte, b'{' | b']'))) {
                return Ok(Some(byte));
            }
            at_start = byte == b'\n' || (at_start && byte.is_ascii_whitespace());
            self.consume(1)?;
        }
    }

    /// The bytes of one item, and whether it is whole: no string runs over the end of a line.
    fn item(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let begun = self.line;
        let mut item = Vec::new();
        let mut balance = Balance::default();
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                return Ok((item, false));
            }
            let (mut taken, mut ends) = (0, None);
            for &byte in buffer {
                if balance.is_whole() && matches!(byte, b',' | b']' | b'\n') {
                    ends = Some(true);
                    break;
                }
                let nested = !balance.is_whole();
                balance.read(&[byte]);
                taken += 1;
                if nested && balance.is_whole() && matches!(byte, b'}' | b']') {
                    ends = Some(true);
                    break;
                }
                if byte == b'\n' && balance.is_in_string() {
                    ends = Some(false);
                    break;
                }
            }
            item.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            self.consume(taken)?;
            if item.len() > LONGEST {
                return Err(too_long(begun));
            }
            if let Some(whole) = ends {
                return Ok((item, whole));
            }
        }
    }

    /// Goes on by some of the bytes at hand.
    fn consume(&mut self, count: usize) -> io::Result<()> {
        let bytes = self.source.fill_buf()?.get(..count).unwrap_or_default();
        self.line += bytes.iter().filter(|byte| **byte == b'\n').count();
        if let Some(read) = &mut self.read {
            read.extend_from_slice(bytes);
        }
        self.source.consume(count);
        Ok(())
    }
}
