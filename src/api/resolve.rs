//! From a URL that an API writes to the address that it means.

use super::address::{Address, placeholders};
use super::fetch::Fetcher;
use super::{Api, ApiError, Note, OAUTH, Start};

/// An address, and what is to be said when it is used.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    pub(super) address: Address,
    pub(super) notes: Vec<Note>,
}

impl Meant {
    /// An address that a person gave.
    pub(super) fn exactly(address: Address) -> Self {
        Self { address, notes: Vec::new() }
    }
}

impl Fetcher<'_> {
    /// Takes an address into use.
    pub(super) fn take(&self, meant: Meant) -> Address {
        for note in meant.notes {
            self.note(note);
        }
        meant.address
    }
}

impl Api<'_> {
    /// The address that a document of the API means, with placeholders filled, the scheme as it was
    /// reached and, in a year-specific `mode`, the year that was asked for.
    pub(super) fn resolve(&self, url: &str, name: &str, at: &Address, mode: &str) -> Result<Meant, ApiError> {
        let filled = self.access.context.fill(url, name)?;
        let Some(named) = at.named(&filled) else {
            return Err(ApiError::content(at, name, "is no URL that can be asked", format!("Give --url {name}=URL")));
        };
        let mut notes = Vec::new();
        // Whoever names an encrypted token endpoint means it; only on this machine is it a proxy's doing.
        let meant_so = name == OAUTH && named.is_secure() && !named.is_loopback();
        let mut address = if meant_so { named.clone() } else { named.spoken_as(at) };
        if address != named {
            notes.push(Note::SchemeCorrected { named: named.to_string(), used: address.to_string() });
        }
        if !address.same_host(at) {
            notes.push(Note::OtherHost { name: name.to_owned(), host: address.host().to_owned() });
        }
        // ODS/API up to 6 in a year-specific mode writes the current year into its URLs.
        let year = self.access.context.year.as_deref().filter(|_| filled == url && is_yearly(mode));
        if let Some(in_year) = year.and_then(|year| address.in_year(year)).filter(|in_year| *in_year != address) {
            notes.push(Note::YearReplaced { used: in_year.to_string() });
            address = in_year;
        }
        Ok(Meant { address, notes })
    }

    /// Values for placeholders that no URL of the root document asks for.
    pub(super) fn unused_context(&self) -> Vec<Note> {
        let Some(Ok(Start::Root { root, .. })) = self.start.get() else { return Vec::new() };
        let given = std::iter::once(&self.access.url).chain(self.access.urls.values());
        let asked: Vec<String> = root.urls.values().chain(given).flat_map(|url| placeholders(url)).collect();
        let context = &self.access.context;
        let values = [("--tenant", &context.tenant), ("--year", &context.year)].into_iter();
        let mut unused: Vec<String> = values
            .filter(|(option, value)| {
                let replaced = *option == "--year" && is_yearly(&root.mode);
                value.is_some() && !replaced && !asked.iter().any(|name| context.fills(name, option))
            })
            .map(|(option, _)| option.to_owned())
            .collect();
        let others = context.others.keys().filter(|name| !asked.iter().any(|asked| asked.eq_ignore_ascii_case(name)));
        unused.extend(others.map(|name| format!("--context {name}")));
        unused.into_iter().map(|option| Note::Unused { option }).collect()
    }
}

fn is_yearly(mode: &str) -> bool {
    mode.to_lowercase().contains("year")
}
