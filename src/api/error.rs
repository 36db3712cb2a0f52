//! Why an API could not be asked: what is wrong, where, and the way out.

/// An API that could not be reached, or whose answer is of no use.
///
/// No variant holds a secret: addresses are kept without user information and query values, and what a
/// server said is scrubbed of credentials and tokens before it gets here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// Not a URL that can be asked.
    #[error("'{given}' is no address of an API: {reason}. Give its base URL, such as https://host/api")]
    NotAnAddress {
        /// What was given, masked.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Credentials in a URL, where other people see them.
    #[error(
        "{given}: credentials do not belong in a URL, where others can read them. \
         Set EDFI_API_CLIENT_ID and EDFI_API_CLIENT_SECRET, or give a lightbeam.yaml with -c"
    )]
    CredentialsInAddress {
        /// The URL, masked.
        given: String,
    },
    /// A URL that was given for something the API does not have.
    #[error("--url {name}=…: the API has no URL of that name. There are: {known}")]
    UnknownUrlName {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A placeholder without a value.
    #[error("the API's {name} URL has the placeholder {{{placeholder}}}. Give {option}")]
    Placeholder {
        /// Which URL: `openApiMetadata`.
        name: String,
        /// The placeholder, without braces.
        placeholder: String,
        /// The option that fills it.
        option: String,
    },
    /// No connection: the name does not resolve, nobody listens, the proxy refuses.
    #[error("{url}: {cause}. {advice}")]
    Unreachable {
        /// The address.
        url: String,
        /// What failed, in the system's words.
        cause: String,
        /// The way out.
        advice: String,
    },
    /// A certificate that cannot be trusted.
    #[error(
        "{url}: its certificate is not accepted: {cause}. If it is the right host, add the authority that signed \
         it to this system's certificates, or name its file in SSL_CERT_FILE"
    )]
    Certificate {
        /// The address.
        url: String,
        /// What is wrong with the certificate.
        cause: String,
    },
    /// An answer that took too long to begin or to end.
    #[error("{url}: {what}. {advice}")]
    TooSlow {
        /// The address.
        url: String,
        /// What took too long, and how long.
        what: String,
        /// The way out.
        advice: String,
    },
    /// A body over the limit.
    #[error("{url}: more than {limit} MiB, which no document of this kind has. Check that the address is right")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit, in MiB.
        limit: u64,
    },
    /// A body that broke off, or that cannot be decompressed.
    #[error("{url}: the answer broke off: {cause}. {advice}")]
    BrokenOff {
        /// The address.
        url: String,
        /// What failed.
        cause: String,
        /// The way out.
        advice: String,
    },
    /// A web page where metadata was expected.
    #[error(
        "{url}: an HTML page{title}, not metadata (a login page?). Give the API's base URL, not that of its documentation"
    )]
    WebPage {
        /// The address.
        url: String,
        /// Its title, quoted and with a space before it, where it has one.
        title: String,
    },
    /// A redirect that is not followed.
    #[error("{url}: redirects to {to}, {why}")]
    Redirect {
        /// The address.
        url: String,
        /// Where to.
        to: String,
        /// Why it is not followed, and the way out.
        why: String,
    },
    /// Nothing at the address.
    #[error("{url}: {status}, nothing there. {advice}")]
    NotFound {
        /// The address.
        url: String,
        /// 404 or 410.
        status: u16,
        /// The way out.
        advice: String,
    },
    /// The API wants a token, and there are no credentials.
    #[error(
        "{url}: {status}, not allowed without a token. Set EDFI_API_CLIENT_ID and EDFI_API_CLIENT_SECRET, \
         or give a lightbeam.yaml with -c"
    )]
    NeedsCredentials {
        /// The address.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// The API wants a token, and nothing says where to get one.
    #[error("{url}: {status}, not allowed without a token, and nothing says where to get one. Give --url oauth=URL")]
    NoTokenUrl {
        /// The address.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// The API has seen a token and refuses all the same.
    #[error("{url}: {status}, not allowed with these credentials{said}. Check the key's claim set with the host")]
    Refused {
        /// The address.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the API said, after a colon, where it said anything.
        said: String,
    },
    /// The token endpoint gives no token.
    #[error("{url}: no token: {message}. {advice}")]
    NoToken {
        /// The address of the token endpoint.
        url: String,
        /// What it did instead.
        message: String,
        /// The way out.
        advice: String,
    },
    /// The API is busy, and stayed so.
    #[error("{url}: {status}, too busy, {tries}. Try again later{copy}")]
    Busy {
        /// The address.
        url: String,
        /// 429, 502, 503 or 504.
        status: u16,
        /// What was tried.
        tries: String,
        /// `; --offline uses the copy in the cache` where there is one.
        copy: String,
    },
    /// Any other status.
    #[error("{url}: {status}{said}. {advice}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What the API said, after a colon, where it said anything.
        said: String,
        /// The way out.
        advice: String,
    },
    /// An answer that is not what its kind of document holds.
    #[error("{url}: {path}: {message}. {advice}")]
    Content {
        /// The address.
        url: String,
        /// Line and column, or JSON path.
        path: String,
        /// What is wrong.
        message: String,
        /// The way out.
        advice: String,
    },
    /// Neither a root document nor any metadata at the address or above it.
    #[error("{url}: {found}. Give the API's base URL, or where its documents are: --url openApiMetadata=URL")]
    NoRoot {
        /// The address.
        url: String,
        /// What was found instead.
        found: String,
    },
    /// An API that has a root document and keeps its OpenAPI documents to itself.
    #[error("{url}: {why}: the API publishes no metadata. If it does elsewhere, give --url openApiMetadata=URL")]
    NoMetadata {
        /// The address of the root document, or where the list should be.
        url: String,
        /// How that showed.
        why: String,
    },
    /// A URL that the root document does not name.
    #[error("{url}: the root document names no {name} URL. Give --url {name}=URL")]
    NoUrl {
        /// The address of the root document.
        url: String,
        /// The URL that is missing.
        name: String,
    },
    /// Asked to work offline without having the document.
    #[error("{url}: not in the cache. Run once without --offline to fetch it")]
    NotCached {
        /// The address.
        url: String,
    },
    /// Asked for records while working offline.
    #[error("{url}: records are never kept, so they cannot be read with --offline. Leave it out")]
    NeverKept {
        /// The address.
        url: String,
    },
}

impl ApiError {
    pub(super) fn content(
        url: &super::address::Address,
        path: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Content { url: url.to_string(), path: path.into(), message: message.into(), advice: advice.into() }
    }

    pub(super) fn json(url: &super::address::Address, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        let place = format!("line {}, column {}", error.line().max(1), error.column().max(1));
        let advice =
            if error.is_eof() { "The answer is cut off; try again" } else { "Check that the address is right" };
        Self::content(url, place, super::address::clean(message, 200), advice)
    }
}
