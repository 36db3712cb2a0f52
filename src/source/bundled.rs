//! The graphs that the binary carries.

use crate::model::Model;

use super::{SourceError, compact, part};

/// One bundled graph: a core standard, or an extension part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standard {
    /// `ed-fi-5.0`, or `ed-fi-5.0+tpdm` for a part.
    pub name: &'static str,
    bytes: &'static [u8],
}

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        [$(Standard { name: $name, bytes: include_bytes!(concat!("../../graphs/", $name, ".bin")) }),*]
    };
}

/// In order of age; the last core graph is the default.
static BUNDLED: &[Standard] = &bundled![
    "ed-fi-3.3",
    "ed-fi-3.3+tpdm",
    "ed-fi-4.0",
    "ed-fi-4.0+tpdm",
    "ed-fi-5.0",
    "ed-fi-5.0+tpdm",
    "ed-fi-5.1",
    "ed-fi-6.0",
];

/// The graph that is used where none is named.
pub const DEFAULT: &str = "ed-fi-6.0";

/// All bundled graphs, oldest first, parts after their core.
#[must_use]
pub fn standards() -> &'static [Standard] {
    BUNDLED
}

impl Standard {
    /// The graph as it was imported: of a part, only what it adds.
    #[must_use]
    pub fn model(self) -> Model {
        // The bytes are compiled in and a test reads every one of them back.
        compact::unpack(self.bytes).unwrap_or_default()
    }
}

/// A bundled graph by name, with any number of its parts: `ed-fi-5.0`, `ed-fi-5.0+tpdm`.
///
/// # Errors
///
/// A name that is not bundled; the error lists those that are.
pub fn standard(name: &str) -> Result<Model, SourceError> {
    let unknown = || SourceError::NoSuchStandard {
        name: name.to_owned(),
        known: BUNDLED.iter().map(|s| s.name).collect::<Vec<_>>().join(", "),
    };
    let find = |wanted: &str| BUNDLED.iter().find(|s| s.name.eq_ignore_ascii_case(wanted)).ok_or_else(unknown);
    let mut names = name.split('+');
    let core = find(names.next().unwrap_or_default())?;
    let mut extensions: Vec<&str> = names.collect();
    extensions.sort_unstable();
    extensions.dedup();
    let parts = extensions
        .into_iter()
        .map(|extension| find(&format!("{}+{extension}", core.name)).map(|part| part.model()))
        .collect::<Result<Vec<_>, _>>()?;
    let core = core.model();
    Ok(if parts.is_empty() { core } else { part::join(core, parts) })
}
