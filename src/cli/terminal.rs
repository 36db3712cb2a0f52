//! stdout for the answer, stderr for talk.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use edfi_plan::render::text::Width;

/// The streams of the process.
pub(crate) struct Terminal {
    width: Width,
}

impl Terminal {
    /// As wide as the terminal, or as `COLUMNS` says where stdout is none.
    pub(crate) fn new() -> Self {
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = if io::stdout().is_terminal() { seen() } else { columns() };
        // Narrower than a name nothing can be laid out; wider than a page nothing can be read.
        Self { width: width.map_or_else(Width::default, |w| Width(w.clamp(40, 120))) }
    }

    /// How wide text may be.
    pub(crate) fn width(&self) -> Width {
        self.width
    }

    /// Writes the answer.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(harmless(text).as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes an answer that is made while it is written.
    pub(crate) fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        write(&mut out)?;
        out.flush()?;
        Ok(())
    }

    /// Whether somebody looks at stderr.
    pub(crate) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Shows how far the work is, in place of what was shown before.
    pub(crate) fn progress(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r\x1b[K{text}");
        let _ = err.flush();
    }

    /// Says something beside the answer. Whether anybody listens does not matter.
    pub(crate) fn say(&self, text: &str) {
        // In one piece, for stderr keeps nothing back.
        let _ = io::stderr().lock().write_all(format!("{}\n", harmless(text)).as_bytes());
    }
}

/// A text that moves no cursor: names of files and words of documents are those of others. What JSON writes as an
/// escape, so that it never has it, is made visible here as well.
fn harmless(text: &str) -> Cow<'_, str> {
    let moves = |c: char| c < ' ' && !matches!(c, '\n' | '\t');
    if !text.contains(moves) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if moves(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Whether the reader of stdout went away: it has seen what it wanted.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_moves_the_cursor() {
        assert!(matches!(harmless("a\tb → ü\n"), Cow::Borrowed(_)));
        assert_eq!(harmless("a\u{1b}[2Jb\rc\u{7}\n"), "a\\u{1b}[2Jb\\rc\\u{7}\n");
    }
}
