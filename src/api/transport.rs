//! The outside world of this room: something that carries one request, and a clock.

use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime};

use url::Url;

use super::secret::Secret;

/// One request, not following redirects and not retrying.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// Where to.
    pub url: &'r Url,
    /// A form to POST; `None` is a GET.
    pub form: Option<&'r str>,
    /// The `Accept` header.
    pub accept: &'r str,
    /// The `Authorization` header.
    pub authorization: Option<&'r Secret>,
    /// The `If-None-Match` header.
    pub etag: Option<&'r str>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the URL may hold a key.
        let method = if self.form.is_some() { "POST" } else { "GET" };
        write!(f, "{method} {}{}", self.url.host_str().unwrap_or_default(), self.url.path())
    }
}

/// What came back. The body is read by the caller, as far as it wants.
pub struct Response {
    /// The status.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Total-Count`: how many records a list has in all, where that was asked.
    pub total_count: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Length`, where the body is not compressed.
    pub length: Option<u64>,
    /// The body, decompressed. A read that waits too long ends with [`std::io::ErrorKind::TimedOut`].
    pub body: Box<dyn Read + Send>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why no answer came. The texts hold neither URL nor secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection could be made.
    Connect(String),
    /// The certificate was not accepted.
    Certificate(String),
    /// No connection or no answer in time.
    TooSlow(Duration),
    /// The connection was lost before the answer began.
    Lost(String),
}

/// Carries requests.
pub trait Transport: Sync {
    /// Sends one request and waits for the head of the answer.
    ///
    /// # Errors
    ///
    /// No answer; a status is not an error here.
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError>;
}

/// Time, to wait for a busy API and to know when a token ends.
pub trait Clock: Sync {
    /// The time of day.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
