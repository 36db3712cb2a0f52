//! Files that are written whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

/// Writes a file by way of a temporary one beside it, so that nobody ever sees half of it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    written(path, bytes, readable_by_all)
}

/// Writes a file that only its owner may read, for data of students.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // A temporary file is its owner's alone already.
    written(path, bytes, |_| Ok(()))
}

fn written(path: &Path, bytes: &[u8], open_up: impl FnOnce(&File) -> std::io::Result<()>) -> anyhow::Result<()> {
    let name = || path.display().to_string();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        anyhow::bail!("{}: no directory {}", name(), folder.display());
    }
    // The error of the crate names the temporary file, which nobody knows.
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .map_err(|error| std::io::Error::from(error.kind()))
        .with_context(|| format!("{}: no file can be made in {}", name(), folder.display()))?;
    file.write_all(bytes).with_context(name)?;
    file.as_file().sync_all().with_context(name)?;
    open_up(file.as_file()).with_context(name)?;
    file.persist(path).with_context(name)?;
    Ok(())
}

/// A temporary file is its owner's alone; a result is an ordinary file.
#[cfg(unix)]
fn readable_by_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> std::io::Result<()> {
    Ok(())
}
