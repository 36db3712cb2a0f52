//! Bodies: read within limits, web pages told apart, and what a server says made fit to be shown.

use std::cmp::Reverse;
use std::io::{ErrorKind, Read};
use std::time::Instant;

use super::address::{Address, clean};
use super::error::ApiError;
use super::fetch::{Fetcher, Progress, advice};
use super::transport::Response;

/// How much of an error's body, or of the head of a page, is looked at.
const HEAD: usize = 16 * 1024;

impl Fetcher<'_> {
    /// Reads a body as far as its limits go.
    pub(super) fn body(
        &self,
        address: &Address,
        response: &mut Response,
        started: Instant,
        kept: bool,
    ) -> Result<Vec<u8>, ApiError> {
        let limits = self.outside.limits;
        let most = limits.mebibytes.saturating_mul(1 << 20);
        let too_large = || ApiError::TooLarge { url: address.to_string(), limit: limits.mebibytes };
        if response.length.is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        loop {
            let count = match response.body.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    return Err(ApiError::TooSlow {
                        url: address.to_string(),
                        what: format!("the answer stopped after {} bytes", bytes.len()),
                        advice: advice("Try again later", kept),
                    });
                }
                Err(error) => {
                    return Err(ApiError::BrokenOff {
                        url: address.to_string(),
                        cause: clean(&self.scrub(&error.to_string()), 200),
                        advice: advice("Try again", kept),
                    });
                }
            };
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
            if bytes.len() as u64 > most {
                return Err(too_large());
            }
            if started.elapsed() > limits.total {
                return Err(ApiError::TooSlow {
                    url: address.to_string(),
                    what: format!("only {} bytes in {} seconds", bytes.len(), limits.total.as_secs()),
                    advice: advice("Try again later", kept),
                });
            }
        }
        (self.outside.progress)(Progress::Received { url: &address.to_string(), bytes: bytes.len() });
        Ok(bytes)
    }

    /// A document that is a web page is a login page, documentation, or the answer of some gateway.
    pub(super) fn refuse_web_page(&self, address: &Address, kind: Option<&str>, bytes: &[u8]) -> Result<(), ApiError> {
        let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or_default());
        let text = head.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
        let is_page = text.starts_with("<!doctype html")
            || text.starts_with("<html")
            || (text.starts_with('<') && kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("html")));
        if !is_page {
            return Ok(());
        }
        // ASCII lower case leaves every byte where it was.
        let head = head.trim_start_matches('\u{feff}').trim_start();
        let title = text.find("<title").and_then(|at| {
            let start = at + text.get(at..)?.find('>')? + 1;
            let end = start + text.get(start..)?.find("</")?;
            head.get(start..end)
        });
        let title = title.map(|title| clean(&self.scrub(title), 60)).filter(|title| !title.is_empty());
        Err(ApiError::WebPage {
            url: address.to_string(),
            title: title.map(|title| format!(" ('{title}')")).unwrap_or_default(),
        })
    }

    /// What the body of an error says in its own words, after a colon.
    pub(super) fn said(&self, response: &mut Response, started: Instant) -> String {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        while bytes.len() < HEAD && started.elapsed() < self.outside.limits.total {
            match response.body.read(&mut piece) {
                Ok(count) if count > 0 => bytes.extend_from_slice(piece.get(..count).unwrap_or_default()),
                _ => break,
            }
        }
        let Ok(serde_json::Value::Object(body)) = serde_json::from_slice(&bytes) else { return String::new() };
        let members = ["detail", "message", "error_description", "error", "title"];
        let said = members.iter().find_map(|member| body.get(*member)?.as_str()).unwrap_or_default();
        let said = clean(&self.scrub(said), 300);
        if said.is_empty() { said } else { format!(": {}", said.trim_end_matches('.')) }
    }

    /// A text of the server's without the credentials, tokens and query values it was sent. To be done
    /// before the text is shortened, or half a secret remains.
    pub(super) fn scrub(&self, text: &str) -> String {
        let queries = self.home.iter().flat_map(|home| home.url().query_pairs().map(|(_, value)| value.into_owned()));
        let mut secrets: Vec<String> =
            self.tokens.forms().into_iter().chain(queries).filter(|s| !s.is_empty()).collect();
        // One that contains another goes first.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
    }
}
