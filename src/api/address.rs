//! Addresses: URLs that never show a secret, and the rules for getting from one to the next.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};
use url::Url;

use super::error::ApiError;

/// An `http` or `https` URL without user information and fragment.
///
/// Shown, the values of its query are left out: hosts put keys there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Address(Url);

impl Address {
    /// Reads a URL that a person gave.
    ///
    /// # Errors
    ///
    /// Anything but an absolute `http` or `https` URL, and credentials inside it: others see them in the
    /// list of processes.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let given = text.trim();
        let refuse = |reason: &str| ApiError::NotAnAddress { given: masked(given), reason: reason.to_owned() };
        let url = Url::parse(given).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("only http and https are spoken here"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ApiError::CredentialsInAddress { given: masked(given) });
        }
        Ok(Self::from_url(url))
    }

    /// Reads a URL that a document of `self` names: relative ones are resolved, credentials dropped.
    pub(super) fn named(&self, text: &str) -> Option<Self> {
        let url = self.0.join(text.trim()).ok()?;
        let speaks = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
        speaks.then(|| Self::from_url(url))
    }

    fn from_url(mut url: Url) -> Self {
        // Neither can fail on a URL with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Self(url)
    }

    /// The URL to send to.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether nobody but this machine can listen.
    pub(super) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    pub(super) fn same_host(&self, other: &Self) -> bool {
        self.host() == other.host()
    }

    /// Whether host and port are the same; the scheme may differ where the ports are the usual ones.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.same_host(other) && self.0.port() == other.0.port()
    }

    /// The address with the scheme and port of `reached`, where both name the same host but not the
    /// same scheme: behind a proxy a host does not know how it is spoken to.
    pub(super) fn spoken_as(&self, reached: &Self) -> Self {
        let mut url = self.0.clone();
        if self.same_host(reached) && self.0.scheme() != reached.0.scheme() {
            // http and https can be exchanged, and the host is there.
            let _ = url.set_scheme(reached.0.scheme());
            let _ = url.set_port(reached.0.port());
        }
        Self(url)
    }

    /// An address below this one, with a query. Whatever the texts hold, they stay one segment or one value
    /// each; a segment of dots, which would lead elsewhere, must not come here.
    pub(super) fn below(&self, segments: &[&str], query: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        url.set_query(None);
        // A URL with a host has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Self(url)
    }

    /// The addresses above, nearest first: `…/data/v3` gives `…/data/` and `…/`.
    pub(super) fn parents(&self) -> Vec<Self> {
        let mut url = self.0.clone();
        url.set_query(None);
        let mut parents = Vec::new();
        loop {
            let path = url.path().trim_end_matches('/');
            let Some((parent, _)) = path.rsplit_once('/') else { return parents };
            let parent = format!("{parent}/");
            url.set_path(&parent);
            parents.push(Self(url.clone()));
        }
    }

    /// The address with the four-digit segment that names a year replaced; `None` where there is none.
    pub(super) fn in_year(&self, year: &str) -> Option<Self> {
        let is_year = |segment: &str| {
            segment.len() == 4 && segment.parse::<u16>().is_ok_and(|number| (1990..2100).contains(&number))
        };
        let segments: Vec<&str> = self.0.path().split('/').collect();
        let at = segments.iter().rposition(|segment| is_year(segment))?;
        let path = segments.iter().enumerate().map(|(i, segment)| if i == at { year } else { segment });
        let mut url = self.0.clone();
        url.set_path(&path.collect::<Vec<_>>().join("/"));
        Some(Self(url))
    }

    /// What the address is filed under: the whole URL, but not readable.
    pub(super) fn fingerprint(&self, accept: &str) -> String {
        let digest = Sha256::new().chain_update(self.0.as_str()).chain_update("\n").chain_update(accept).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The URL without its query, which can be kept and read again.
    pub(super) fn without_query(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_query())?;
        for (position, (name, _)) in self.0.query_pairs().enumerate() {
            write!(f, "{}{}=…", if position == 0 { '?' } else { '&' }, clean(&name, 40))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no URL, without what could be a secret in it.
pub(super) fn masked(text: &str) -> String {
    let (text, query) = text.split_once('?').map_or((text, ""), |(text, _)| (text, "?…"));
    let text = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (None, Some((_, host))) => format!("…@{host}"),
        (_, None) => text.to_owned(),
    };
    format!("{}{query}", clean(&text, 200))
}

/// A text of somebody else's, short and without control characters, for one line of a message.
pub(super) fn clean(text: &str, longest: usize) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > longest * 4 {
            break;
        }
    }
    match words.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// Values for the placeholders that hosts leave in their URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// For `{tenantIdentifier}`.
    pub tenant: Option<String>,
    /// For `{schoolYearFromRoute}`.
    pub year: Option<String>,
    /// For any other placeholder, by its name.
    pub others: BTreeMap<String, String>,
}

impl Context {
    /// The value for a placeholder: an exact name first, then what its name says.
    fn value(&self, placeholder: &str) -> Option<&str> {
        let named = self.others.iter().find(|(name, _)| name.eq_ignore_ascii_case(placeholder));
        let value = named.map(|(_, value)| value).or_else(|| match option_for(placeholder) {
            Some(TENANT) => self.tenant.as_ref(),
            Some(YEAR) => self.year.as_ref(),
            _ => None,
        });
        value.map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether the value of an option goes into a placeholder.
    pub(super) fn fills(&self, placeholder: &str, option: &str) -> bool {
        let named = self.others.keys().any(|name| name.eq_ignore_ascii_case(placeholder));
        !named && option_for(placeholder) == Some(option)
    }

    /// Fills the placeholders of a URL: `{name}`, with or without a route constraint (`{name:int}`),
    /// also where the braces are percent-encoded.
    ///
    /// # Errors
    ///
    /// A placeholder without a value; `name` says which URL it stands in.
    pub(super) fn fill(&self, template: &str, name: &str) -> Result<String, ApiError> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            filled.push_str(before);
            let word = name_of(placeholder);
            let Some(value) = self.value(word) else {
                let placeholder = clean(word, 60);
                let option = match option_for(word) {
                    Some(option) => format!("{option} VALUE"),
                    None => format!("--context {placeholder}=VALUE"),
                };
                return Err(ApiError::Placeholder { name: name.to_owned(), placeholder, option });
            };
            filled.extend(url::form_urlencoded::byte_serialize(value.as_bytes()).map(|s| s.replace('+', "%20")));
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

const TENANT: &str = "--tenant";
const YEAR: &str = "--year";

/// The option of its own that a placeholder has: hosts call them `tenantIdentifier` and
/// `schoolYearFromRoute`, or nearly so.
fn option_for(placeholder: &str) -> Option<&'static str> {
    let folded = placeholder.to_ascii_lowercase();
    if folded.contains("tenant") {
        Some(TENANT)
    } else if folded.contains("year") {
        Some(YEAR)
    } else {
        None
    }
}

/// The name in a placeholder, without the constraint that a route may state: `{year:int}`.
fn name_of(placeholder: &str) -> &str {
    placeholder.split([':', '?', '=']).next().unwrap_or_default().trim_start_matches('*')
}

/// The names of all placeholders of a URL.
pub(super) fn placeholders(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, placeholder, after)) = next_placeholder(rest) {
        names.push(name_of(placeholder).to_owned());
        rest = after;
    }
    names
}

/// The text before the next placeholder, what stands in its braces, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let brace = |text: &str, plain: char, encoded: &str| {
        let encoded = text.to_ascii_lowercase().find(encoded).map(|at| (at, at + encoded.len()));
        let plain = text.find(plain).map(|at| (at, at + 1));
        [plain, encoded].into_iter().flatten().min()
    };
    let (start, inside) = brace(text, '{', "%7b")?;
    let within = text.get(inside..)?;
    let (end, after) = brace(within, '}', "%7d")?;
    Some((text.get(..start)?, within.get(..end)?, within.get(after..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn shows_no_secret() {
        assert_eq!(address("https://h/a?key=s3cret&sdk=true#x").to_string(), "https://h/a?key=…&sdk=…");
        let named = address("https://h/a").named("https://user:pw@h/b").unwrap();
        assert_eq!(named.to_string(), "https://h/b");
        for given in ["https://me:s3cret@host/api", "me:s3cret@host", "ftp://h/?k=s3cret", "https://me:s3@cret@h:x/"] {
            let error = Address::parse(given).unwrap_err().to_string();
            assert!(!error.contains("s3"), "{error}");
        }
    }

    #[test]
    fn takes_the_scheme_that_was_reached_on_the_same_host_only() {
        let reached = address("https://host:8443/api");
        assert_eq!(address("http://host:5000/m").spoken_as(&reached), address("https://host:8443/m"));
        assert_eq!(address("https://host/m").spoken_as(&reached), address("https://host/m"));
        assert_eq!(address("http://other/m").spoken_as(&reached), address("http://other/m"));
    }

    #[test]
    fn climbs_to_the_host() {
        let above: Vec<String> =
            address("https://h/v7/api/data/v3/?x=1").parents().iter().map(ToString::to_string).collect();
        assert_eq!(above, ["https://h/v7/api/data/", "https://h/v7/api/", "https://h/v7/", "https://h/"]);
        assert!(address("https://h").parents().is_empty());
    }

    #[test]
    fn fills_placeholders_however_they_are_written() {
        let context = Context {
            tenant: Some("north side".into()),
            year: Some("2026".into()),
            others: BTreeMap::from([("instance".to_owned(), "a/b".to_owned())]),
        };
        let fill = |template| context.fill(template, "oauth").unwrap();
        assert_eq!(fill("https://h/{tenantIdentifier}/x"), "https://h/north%20side/x");
        assert_eq!(fill("https://h/%7BschoolYearFromRoute%7D/x"), "https://h/2026/x");
        assert_eq!(fill("https://h/{schoolYearFromRoute:range(2000,2099)}/{Instance}"), "https://h/2026/a%2Fb");
        let error = context.fill("https://h/{region}", "oauth").unwrap_err().to_string();
        assert_eq!(error, "the API's oauth URL has the placeholder {region}. Give --context region=VALUE");
    }

    #[test]
    fn replaces_the_year_in_a_path() {
        let swap = |text, year| address(text).in_year(year).map(|a| a.to_string());
        assert_eq!(
            swap("https://h/metadata/data/v3/2024/dependencies", "2026").unwrap(),
            "https://h/metadata/data/v3/2026/dependencies"
        );
        assert_eq!(swap("https://h/metadata/data/v3/dependencies", "2026"), None);
    }

    #[test]
    fn keeps_foreign_text_to_one_line() {
        assert_eq!(clean(" a\u{1b}[31m\n\tb ", 40), "a [31m b");
        assert_eq!(clean("abcdef", 3), "abc…");
    }
}
