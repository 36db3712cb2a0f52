//! stdout for the answer, stderr for talk.

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
        out.write_all(text.as_bytes())?;
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
        let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }
}

/// Whether the reader of stdout went away: it has seen what it wanted.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
