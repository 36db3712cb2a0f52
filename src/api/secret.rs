//! Secrets: what is sent and never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A text that no message, log or file may contain.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a client identifies itself with: the key and secret of an Ed-Fi application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key (client id).
    pub key: Secret,
    /// The secret.
    pub secret: Secret,
}

impl Credentials {
    /// The `Authorization` header of a token request (RFC 6749, section 2.3.1).
    pub(super) fn basic(&self) -> Secret {
        Secret(format!("Basic {}", self.encoded()))
    }

    fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.key.expose(), self.secret.expose()))
    }

    /// Every form in which a server could send them back to us.
    pub(super) fn forms(&self) -> Vec<String> {
        vec![self.encoded(), self.secret.0.clone(), self.key.0.clone()]
    }
}
