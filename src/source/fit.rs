//! Which bundled graph is of the standard that somebody's order is of.

use std::collections::BTreeSet;

use super::bundled;
use crate::model::{ED_FI, Kind, Model, Published, ResourceName};

/// How many times fewer differences make a graph fit much better. A short list differs from all graphs by
/// nearly everything they have, so none fits it better.
const MUCH: usize = 3;

/// A bundled graph that fits much better than the one in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BetterFit {
    /// Its name, with parts: `ed-fi-5.0+tpdm`.
    pub name: String,
    /// How many resources only it or only the order has.
    pub differing: usize,
    /// The same for the graph in use.
    pub differing_in_use: usize,
}

/// The bundled graph whose resources are much nearer to those of somebody's order than those of a model.
/// Compared are the projects that bundled graphs have; descriptors only where the order has some, and
/// school years never, which the API leaves out. O(resources of all bundled graphs).
#[must_use]
pub fn better_fit(published: &Published, than: &Model) -> Option<BetterFit> {
    let rows = published.rows.iter().map(|row| &row.resource);
    let nodes = published.nodes.iter().map(|node| &node.resource);
    let named = |text: &str| text.parse().unwrap_or_else(|_| ResourceName::new(ED_FI, text.trim_matches('/')));
    let there: BTreeSet<ResourceName> = rows.chain(nodes).map(|name| named(name.as_str())).collect();
    let with_descriptors = there.iter().any(|name| name.as_str().ends_with("Descriptors"));
    let parts: BTreeSet<&str> = bundled::names().filter_map(|name| Some(name.split_once('+')?.1)).collect();
    let counts = |name: &ResourceName| name.is_core() || parts.contains(name.project());
    // Servers write a name in one case, people in any.
    let folded = |name: &ResourceName| name.as_str().to_lowercase();
    let there_folded: BTreeSet<String> = there.iter().filter(|name| counts(name)).map(folded).collect();
    let differing = |model: &Model| {
        let compared = |kind: Kind| match kind {
            Kind::SchoolYears => false,
            Kind::Descriptor => with_descriptors,
            _ => true,
        };
        let own = model.resources.iter().filter(|r| compared(r.kind) && counts(&r.name));
        let own: BTreeSet<String> = own.map(|resource| folded(&resource.name)).collect();
        own.symmetric_difference(&there_folded).count()
    };
    let used: Vec<&str> =
        parts.iter().copied().filter(|part| there.iter().any(|name| name.project() == *part)).collect();
    let candidates = bundled::names().filter(|name| !name.contains('+')).map(|core| {
        let has = |part: &&&str| bundled::names().any(|name| name == format!("{core}+{part}"));
        let parts = used.iter().filter(has).map(|part| format!("+{part}"));
        std::iter::once(core.to_owned()).chain(parts).collect::<String>()
    });
    let fits = candidates.filter_map(|name| Some((differing(&bundled::standard(&name).ok()?), name)));
    let (best, name) = fits.min()?;
    let differing_in_use = differing(than);
    (best * MUCH < differing_in_use).then_some(BetterFit { name, differing: best, differing_in_use })
}
