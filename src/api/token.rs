//! Tokens: asked for when the API wants one, once, by whichever thread comes first.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::address::{Address, clean};
use super::error::ApiError;
use super::fetch::Fetcher;
use super::note::Note;
use super::resolve::Meant;
use super::retry;
use super::secret::{Credentials, Secret};
use super::transport::Request;

/// A token in force.
#[derive(Debug, Clone)]
pub(super) struct Token {
    header: Secret,
    /// How many came before it.
    generation: u32,
    /// When it ends, where the API says so.
    ends: Option<SystemTime>,
}

impl Token {
    /// The `Authorization` header.
    pub(super) fn header(&self) -> &Secret {
        &self.header
    }
}

/// The credentials of one API and the token they bought.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    credentials: Option<Credentials>,
    endpoint: OnceLock<Result<Meant, ApiError>>,
    current: Mutex<Current>,
    /// Every token there was, to keep them out of messages.
    seen: Mutex<Vec<String>>,
}

/// How the last purchase ended. One that failed is not repeated: wrong credentials, tried often enough,
/// lock a client out.
#[derive(Debug, Default)]
struct Current {
    token: Option<Token>,
    failure: Option<ApiError>,
}

impl Tokens {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, ..Self::default() }
    }

    /// Says where tokens are to be had; the first to say so is right.
    pub(super) fn set_endpoint(&self, endpoint: Result<Meant, ApiError>) {
        let _ = self.endpoint.set(endpoint);
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Every text that must not be shown.
    pub(super) fn forms(&self) -> Vec<String> {
        let mut forms = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        forms.extend(self.credentials.iter().flat_map(Credentials::forms));
        forms
    }
}

impl Fetcher<'_> {
    /// The token to send to an address: one that is there already, to a host it may go to.
    pub(super) fn token_for(&self, address: &Address) -> Option<Token> {
        let current = self.tokens.current.lock().unwrap_or_else(PoisonError::into_inner).token.clone()?;
        let now = self.outside.clock.now();
        let in_force = current.ends.is_none_or(|ends| now < ends);
        (in_force && self.is_home(address)).then_some(current)
    }

    /// Gets a token because `address` wants one, in place of the one that was refused. Where another
    /// thread was quicker, its token stands.
    ///
    /// # Errors
    ///
    /// No credentials, no token endpoint, a host that must not see the token, or no token.
    pub(super) fn authorize(&self, address: &Address, status: u16, refused: Option<Token>) -> Result<(), ApiError> {
        let url = || address.to_string();
        let Some(credentials) = &self.tokens.credentials else {
            return Err(ApiError::NeedsCredentials { url: url(), status });
        };
        if !self.is_home(address) {
            return Err(ApiError::Status {
                url: url(),
                status,
                said: ", and a token is not sent to this host".to_owned(),
                advice: "If the host is right, give this address with --url".to_owned(),
            });
        }
        let Some(endpoint) = self.tokens.endpoint.get() else {
            return Err(ApiError::NoTokenUrl { url: url(), status });
        };
        let mut current = self.tokens.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &current.failure {
            return Err(failure.clone());
        }
        let refused = refused.map(|token| token.generation);
        let now = self.outside.clock.now();
        let standing = current.token.as_ref().filter(|token| token.ends.is_none_or(|ends| now < ends));
        if standing.is_some_and(|token| refused.is_none_or(|refused| refused < token.generation)) {
            return Ok(());
        }
        let generation = current.token.as_ref().map_or(0, |token| token.generation + 1);
        let endpoint = self.take(endpoint.clone()?);
        match self.buy(&endpoint, credentials, generation) {
            Ok(token) => current.token = Some(token),
            Err(error) => current.failure = Some(error),
        }
        current.failure.clone().map_or(Ok(()), Err)
    }

    /// Asks the token endpoint: client credentials, the key and secret in the header.
    fn buy(&self, endpoint: &Address, credentials: &Credentials, generation: u32) -> Result<Token, ApiError> {
        let none = |message: String, advice: &str| ApiError::NoToken {
            url: endpoint.to_string(),
            message,
            advice: advice.to_owned(),
        };
        if !endpoint.is_secure() && !endpoint.is_loopback() {
            if self.home.iter().any(Address::is_secure) {
                return Err(none(
                    "the address is not encrypted, the API's is".to_owned(),
                    "Give its https address with --url oauth=URL",
                ));
            }
            self.note(Note::InClear { host: endpoint.host().to_owned() });
        }
        let header = credentials.basic();
        let mut tries = 0;
        let (mut response, started) = loop {
            let started = Instant::now();
            let request = Request {
                url: endpoint.url(),
                form: Some("grant_type=client_credentials"),
                accept: "application/json",
                authorization: Some(&header),
                etag: None,
            };
            let response = self.outside.transport.send(request).map_err(|error| self.failed(endpoint, error, false))?;
            if !retry::passes(response.status) {
                break (response, started);
            }
            tries += 1;
            let pause = retry::pause(tries, response.retry_after.as_deref(), self.outside.clock.now());
            if tries >= self.outside.limits.tries || pause > self.outside.limits.longest_pause {
                return Err(self.busy(endpoint, response.status, tries, pause, false));
            }
            self.outside.clock.sleep(pause);
        };
        match response.status {
            200..=299 => {}
            300..=399 => {
                return Err(none(
                    format!("{}, a redirect, and credentials are not sent on", response.status),
                    "Give the address it leads to with --url oauth=URL",
                ));
            }
            404 | 405 | 410 => {
                let message = format!("{}, no token endpoint there", response.status);
                return Err(none(message, "Give the right one with --url oauth=URL"));
            }
            status @ (400 | 401 | 403) => {
                let said = self.said(&mut response, started);
                return Err(none(
                    format!("{status}, the credentials are refused{said}"),
                    "Check the key and the secret",
                ));
            }
            status => {
                let said = self.said(&mut response, started);
                return Err(none(format!("{status}{said}"), "The API has failed; tell its host"));
            }
        }
        let bytes = self.body(endpoint, &mut response, started, false)?;
        self.refuse_web_page(endpoint, response.content_type.as_deref(), &bytes)?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| ApiError::json(endpoint, &error))?;
        let Some(bare) = answer.get("access_token").and_then(Value::as_str).filter(|token| is_token(token)) else {
            let said = answer.get("error").and_then(Value::as_str).map(|error| clean(&self.scrub(error), 100));
            let message = said.unwrap_or_else(|| "its answer has no usable access_token".to_owned());
            return Err(none(message, "Check the address of the token endpoint: --url oauth=URL"));
        };
        self.tokens.seen.lock().unwrap_or_else(PoisonError::into_inner).push(bare.to_owned());
        Ok(Token {
            header: Secret::new(format!("Bearer {bare}")),
            generation,
            ends: answer.get("expires_in").and_then(|value| end_of(value, self.outside.clock.now())),
        })
    }
}

/// A token that a header can carry.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 * 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The end of a token: seconds from now, or as one server has it, seconds since 1970.
fn end_of(value: &Value, now: SystemTime) -> Option<SystemTime> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    if seconds == 0 {
        return None;
    }
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let from = if seconds > since_1970 / 2 { UNIX_EPOCH } else { now };
    from.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_absolute_end_from_a_relative_one() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let left = |value: Value| end_of(&value, now).map(|end| end.duration_since(now).unwrap().as_secs());
        assert_eq!(left(Value::from(1800)), Some(1800));
        assert_eq!(left(Value::from("1800")), Some(1800));
        assert_eq!(left(Value::from(1_800_003_600_u64)), Some(3600));
        assert_eq!(left(Value::Null), None);
        assert_eq!(left(Value::from(0)), None);
        assert_eq!(left(Value::from(u64::MAX)), None);
    }
}
