//! Which documents of an API hold its resources, and fetching them side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use super::at_once::at_once;
use super::discovery::{self, Found, Listed, same_name};
use super::{ANY, Api, ApiError, DOCUMENTS, FetchedDocument, Note, OPEN_API, SERVICES, Start};

/// Documents fetched at the same time.
const AT_ONCE: usize = 4;

impl Api<'_> {
    /// The list of OpenAPI documents and where it was; `None` where only given documents count.
    pub(super) fn list(&self) -> Result<Option<(Address, Vec<Listed>)>, ApiError> {
        let given = |name: &str| self.overrides.contains_key(name);
        if !given(OPEN_API) && DOCUMENTS.iter().all(|name| given(name)) {
            return Ok(None);
        }
        let address = if given(OPEN_API) {
            self.service(OPEN_API)
        } else {
            match self.start() {
                Ok(Start::List { at, list }) => return Ok(Some((at.clone(), list.clone()))),
                Ok(Start::Document(_)) => return Ok(None),
                Ok(Start::Root { .. }) => self.service(OPEN_API).map_err(|error| match error {
                    ApiError::NoUrl { url, name } => {
                        ApiError::NoMetadata { url, why: format!("the root document names no {name} URL") }
                    }
                    other => other,
                }),
                Err(error) => Err(error),
            }
        };
        let found = address.and_then(|address| {
            let reply = self.fetcher.get(&address, ANY).map_err(|error| match error {
                ApiError::NotFound { url, status, .. } if !given(OPEN_API) => {
                    ApiError::NoMetadata { url, why: format!("{status}, nothing there") }
                }
                other => other,
            })?;
            match discovery::recognise(&address, &reply.bytes)? {
                Found::List(list) => Ok((reply.reached, list)),
                Found::Root(_) | Found::Document => Err(ApiError::content(
                    &address,
                    "$",
                    "no list of OpenAPI documents, which have a name and an endpointUri",
                    "Give its address with --url openApiMetadata=URL",
                )),
            }
        });
        match found {
            Err(error) if DOCUMENTS.iter().any(|name| given(name)) => {
                self.fetcher.note(Note::NoRoot { why: error.to_string() });
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// The documents of a list that hold resources, with the given ones in their place.
    pub(super) fn wanted(&self, at: &Address, list: Vec<Listed>) -> Result<Vec<(String, Address)>, ApiError> {
        self.check_names(&list)?;
        let complete = list.iter().any(|listed| listed.is_named("resources") && listed.left_out(false).is_none());
        let mode = match self.start.get() {
            Some(Ok(Start::Root { root, .. })) => root.mode.as_str(),
            _ => "",
        };
        let mut left_out: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        let mut wanted: BTreeMap<Address, String> = BTreeMap::new();
        for listed in list {
            if self.overrides.keys().any(|name| listed.is_named(name)) {
                continue;
            }
            if let Some(kind) = listed.left_out(complete) {
                left_out.entry(kind).or_default().insert(listed.name);
                continue;
            }
            let meant = self.resolve(&listed.url, &listed.name, at, mode)?;
            wanted.entry(self.fetcher.take(meant)).or_insert(listed.name);
        }
        for (kind, names) in left_out {
            self.fetcher.note(Note::Skipped { kind, names: names.into_iter().collect() });
        }
        let mut wanted: Vec<(String, Address)> = wanted.into_iter().map(|(address, name)| (name, address)).collect();
        wanted.extend(self.given_documents());
        wanted.sort();
        if wanted.is_empty() {
            return Err(ApiError::content(
                at,
                "$",
                "lists no document of resources",
                "Give them with --url resources=URL --url descriptors=URL",
            ));
        }
        Ok(wanted)
    }

    pub(super) fn given_documents(&self) -> Vec<(String, Address)> {
        let documents = self.overrides.iter().filter(|(name, _)| !SERVICES.contains(&name.as_str()));
        documents.map(|(name, address)| (name.clone(), address.clone())).collect()
    }

    /// Every given URL has a name that the API or every API has.
    pub(super) fn check_names(&self, list: &[Listed]) -> Result<(), ApiError> {
        let mut known: BTreeSet<String> = SERVICES.iter().chain(&DOCUMENTS).map(ToString::to_string).collect();
        known.extend(list.iter().filter(|listed| listed.left_out(false).is_none()).map(|listed| listed.name.clone()));
        match self.overrides.keys().find(|name| !known.iter().any(|known| same_name(known, name))) {
            Some(name) => Err(ApiError::UnknownUrlName {
                name: name.clone(),
                known: known.into_iter().collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
        }
    }

    /// Fetches documents side by side; they come back in the order in which they were asked for.
    pub(super) fn fetch_all(&self, wanted: &[(String, Address)]) -> Result<Vec<FetchedDocument>, ApiError> {
        at_once(wanted, AT_ONCE, |(name, address)| {
            let reply = self.fetcher.get(address, ANY)?;
            Ok(FetchedDocument { name: name.clone(), url: address.to_string(), bytes: reply.bytes })
        })
    }
}
