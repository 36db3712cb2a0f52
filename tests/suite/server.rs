//! A small web server on loopback that misbehaves on request.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// An answer as it should be.
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// A length that promises more than comes.
    Cut(Vec<u8>),
    /// One byte every so often, without end.
    Drip(Duration),
    /// As much as the client takes.
    Endless,
    /// Nothing, until the client goes away.
    Silent,
}

impl Answer {
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body).with("Content-Type", "application/json")
    }

    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::status(302, "").with("Location", to)
    }

    pub(crate) fn not_found() -> Self {
        Self::status(404, r#"{"message":"nothing here"}"#)
    }
}

type Handler = dyn Fn(&Received) -> Answer + Send + Sync;

/// A running server; it ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The certificate of a server with TLS, as PEM.
    pub(crate) certificate: String,
    scheme: &'static str,
    log: Arc<Mutex<Vec<Received>>>,
    stopping: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::run(None, String::new(), Arc::new(handler))
    }

    /// With a certificate that nobody has signed.
    pub(crate) fn start_tls(handler: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let certified =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        Self::run(Some(Arc::new(config)), certified.cert.pem(), Arc::new(handler))
    }

    fn run(tls: Option<Arc<rustls::ServerConfig>>, certificate: String, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Self { address, certificate, scheme, log: Arc::clone(&log), stopping: Arc::clone(&stopping) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                let (handler, log, tls, stopping) =
                    (Arc::clone(&handler), Arc::clone(&log), tls.clone(), Arc::clone(&stopping));
                std::thread::spawn(move || match tls {
                    None => talk(stream, &*handler, &log, &stopping),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(config).unwrap();
                        talk(rustls::StreamOwned::new(connection, stream), &*handler, &log, &stopping);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Everything that was asked so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.received().iter().filter(|received| received.path == path).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

/// One request and its answer; a client that goes away is no failure.
fn talk(stream: impl Read + Write, handler: &Handler, log: &Mutex<Vec<Received>>, stopping: &AtomicBool) {
    let mut stream = BufReader::new(stream);
    let Some(received) = read_request(&mut stream) else { return };
    log.lock().unwrap().push(received.clone());
    let answer = handler(&received);
    let _ = write_answer(stream.get_mut(), answer, stopping);
}

fn read_request(stream: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn write_answer(stream: &mut impl Write, answer: Answer, stopping: &AtomicBool) -> std::io::Result<()> {
    const OPEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let goes_on = || !stopping.load(Ordering::Relaxed);
    match answer {
        Answer::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)?;
        }
        Answer::Cut(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len() + 1000)?;
            stream.write_all(&body)?;
        }
        Answer::Drip(every) => {
            stream.write_all(OPEN.as_bytes())?;
            while goes_on() {
                stream.write_all(b" ")?;
                stream.flush()?;
                std::thread::sleep(every);
            }
        }
        Answer::Endless => {
            stream.write_all(OPEN.as_bytes())?;
            let piece = vec![b' '; 64 * 1024];
            while goes_on() {
                stream.write_all(&piece)?;
            }
        }
        Answer::Silent => {
            while goes_on() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    stream.flush()
}
