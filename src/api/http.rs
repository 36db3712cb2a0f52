//! The transport over the network.

use std::error::Error;
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::header::{self, HeaderName};
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::BuilderVerifierExt;

use super::address::clean;
use super::transport::{Request, Response, Transport, TransportError};

/// HTTP/1.1 with TLS, gzip and the proxy of the environment.
///
/// The client behind it, with its thread and the certificates of the system, is built when the first
/// request is sent and not before.
#[derive(Debug)]
pub struct Http {
    patience: Patience,
    client: OnceLock<Result<Client, TransportError>>,
}

/// The header of Ed-Fi APIs with the length of a whole list.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("total-count");

/// How long the network may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To make a connection.
    pub connect: Duration,
    /// For an answer to begin, and between any two pieces of it. ODS/API writes its documents when they
    /// are first asked for, which takes a slow host most of a minute.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), pause: Duration::from_secs(90) }
    }
}

impl Http {
    /// A transport that has not done anything yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&Client, TransportError> {
        self.client.get_or_init(|| build(self.patience)).as_ref().map_err(Clone::clone)
    }
}

fn build(patience: Patience) -> Result<Client, TransportError> {
    let failed = |error: &(dyn Error + 'static)| TransportError::Connect(innermost(error));
    Client::builder()
        .tls_backend_preconfigured(tls().map_err(|e| failed(&e))?)
        .redirect(Policy::none())
        .connect_timeout(patience.connect)
        .timeout(patience.pause)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| failed(&e.without_url()))
}

/// TLS that trusts what the system trusts. A system without any certificate (a bare container) must
/// still be able to speak plain HTTP, so there every certificate is refused instead.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(match versions.clone().with_platform_verifier() {
        Ok(trusting) => trusting.with_no_client_auth(),
        Err(_) => versions.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    })
}

impl Transport for Http {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let client = self.client()?;
        let mut builder = match request.form {
            Some(form) => client
                .post(request.url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            None => client.get(request.url.clone()),
        };
        builder = builder.header(header::ACCEPT, request.accept);
        if let Some(authorization) = request.authorization {
            let mut value = header::HeaderValue::try_from(authorization.expose())
                .map_err(|_| TransportError::Connect("the credentials hold a character HTTP cannot carry".into()))?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Some(etag) = request.etag {
            builder = builder.header(header::IF_NONE_MATCH, etag);
        }
        let answer = builder.send().map_err(|error| self.failure(&error.without_url()))?;
        let text = |name: HeaderName| answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(Response {
            status: answer.status().as_u16(),
            location: text(header::LOCATION),
            retry_after: text(header::RETRY_AFTER),
            etag: text(header::ETAG),
            total_count: text(TOTAL_COUNT),
            content_type: text(header::CONTENT_TYPE),
            length: answer.content_length(),
            body: Box::new(Body(answer)),
        })
    }
}

impl Http {
    fn failure(&self, error: &reqwest::Error) -> TransportError {
        if let Some(certificate) = certificate_error(error) {
            TransportError::Certificate(certificate)
        } else if error.is_timeout() {
            let limit = if error.is_connect() { self.patience.connect } else { self.patience.pause };
            TransportError::TooSlow(limit)
        } else if error.is_connect() {
            TransportError::Connect(innermost(error))
        } else {
            TransportError::Lost(innermost(error))
        }
    }
}

/// What is wrong with the certificate, where that is why the connection failed.
fn certificate_error(error: &(dyn Error + 'static)) -> Option<String> {
    match chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())? {
        rustls::Error::InvalidCertificate(what) => Some(clean(&what.to_string(), 300)),
        _ => None,
    }
}

/// The causes of an error, itself first.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| cause_of(*cause))
}

/// The cause of an error. An `io::Error` leaves the error it wraps out of its sources.
fn cause_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// The last cause: what the system itself said.
fn innermost(error: &(dyn Error + 'static)) -> String {
    clean(&chain(error).last().map(ToString::to_string).unwrap_or_default(), 200)
}

/// A body whose errors name no URL.
struct Body(reqwest::blocking::Response);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let cause = error.get_ref().and_then(|e| e.downcast_ref::<reqwest::Error>());
            if cause.is_some_and(reqwest::Error::is_timeout) {
                io::Error::from(io::ErrorKind::TimedOut)
            } else {
                io::Error::new(error.kind(), innermost(&error))
            }
        })
    }
}
