//! `-m URL` as a user meets it: the program against a server on loopback.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::server::{Answer, Received, Server};

/// The document of resources of a small API.
const RESOURCES: &str = include_str!("../fixtures/small/resources-ods.json");

/// The document of its descriptors.
const DESCRIPTORS: &str = include_str!("../fixtures/small/descriptors-ods.json");

/// An API with `documents` of its own; `guard` is what it wants to see before it shows metadata.
fn api(guard: Option<&'static str>) -> impl Fn(&Received) -> Answer + Send + Sync + 'static {
    move |received| {
        // Through a proxy the whole URL is asked for.
        let path = received.path.strip_prefix("http://api.invalid").unwrap_or(&received.path);
        let origin = format!("http://{}", received.header("host"));
        let bearer = received.header("authorization").strip_prefix("Bearer ");
        match path {
            "/" => Answer::json(format!(
                r#"{{"version":"7.1","dataModels":[{{"name":"Ed-Fi","version":"5.1.0"}}],
                    "urls":{{"openApiMetadata":"{origin}/metadata/","oauth":"{origin}/oauth/token",
                             "dependencies":"{origin}/order"}}}}"#
            )),
            "/oauth/token" => Answer::json(format!(
                r#"{{"access_token":"{}"}}"#,
                received.header("authorization").trim_start_matches("Basic ")
            )),
            _ if guard.is_some() && bearer != guard => Answer::status(401, ""),
            "/metadata/" => Answer::json(
                r#"[{"name":"Resources","endpointUri":"/r.json","prefix":""},
                    {"name":"Descriptors","endpointUri":"/d.json","prefix":""},
                    {"name":"Readers","endpointUri":"/p.json","prefix":"Profiles"}]"#,
            ),
            "/order" => Answer::json(r#"[{"resource":"/ed-fi/students","order":1,"operations":["Create","Update"]}]"#),
            "/r.json" => Answer::json(RESOURCES),
            "/d.json" => Answer::json(DESCRIPTORS),
            _ => Answer::not_found(),
        }
    }
}

/// A folder of one's own to work in, with a cache in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_edfi-plan"))
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// What the program said, as stdout and stderr, where it ended with `code`.
    fn said(&self, code: i32, arguments: &[&str], variables: &[(&str, &str)]) -> (String, String) {
        let output = self.run(arguments, variables);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }
}

/// `key:secret` in the form in which the server above gives it back as a token.
const TOKEN: &str = "a2V5OnNlY3JldA==";
const KEY: (&str, &str) = ("EDFI_API_CLIENT_ID", "key");
const SECRET: (&str, &str) = ("EDFI_API_CLIENT_SECRET", "secret");

#[test]
fn every_command_takes_an_api() {
    let (server, desk) = (Server::start(api(None)), Desk::new());
    let url = server.url("/");
    for command in [
        &["order"][..],
        &["prereqs", "studentSchoolAssociations"],
        &["dependents", "schools"],
        &["why", "schools", "studentSchoolAssociations"],
        &["show", "studentSchoolAssociations"],
        &["list"],
        &["graph"],
    ] {
        // Before the command and after it.
        let before: Vec<&str> = ["-m", &url].iter().chain(command).copied().collect();
        let after: Vec<&str> = command.iter().chain(&["-m", &url]).copied().collect();
        let (out, err) = desk.said(0, &before, &[]);
        assert!(out.contains("studentSchoolAssociations"), "{command:?}\n{out}");
        assert_eq!(err.lines().next(), Some("note: left out, profiles: Readers"), "{command:?}");
        assert_eq!(desk.said(0, &after, &[]).0, out);
    }
    let (out, _) = desk.said(0, &["import", "-o", "out.yaml", &url], &[]);
    assert!(out.starts_with("out: 11 resources, 17 references, "), "{out}");
}

#[test]
fn a_second_run_asks_what_changed_and_offline_asks_nothing() {
    let (server, desk) = (Server::start(api(None)), Desk::new());
    let url = server.url("/");
    let (first, _) = desk.said(0, &["-m", &url, "order"], &[]);
    let asked = server.received().len();
    let (offline, err) = desk.said(0, &["-m", &url, "order", "--offline"], &[]);
    assert_eq!((offline, server.received().len()), (first.clone(), asked));
    assert!(err.contains("note: 4 documents from the cache, the oldest "), "{err}");
    assert_eq!(desk.said(0, &["-m", &url, "order", "--refresh"], &[]).0, first);
    assert_eq!(server.received().len(), asked * 2);
    let (_, err) = desk.said(2, &["-m", &url, "order", "--refresh", "--offline"], &[]);
    assert!(err.contains("cannot be used with"), "{err}");
    let (_, err) = Desk::new().said(2, &["-m", &url, "order", "--offline"], &[]);
    assert_eq!(err, format!("error: {url}: not in the cache. Run once without --offline to fetch it\n"));
}

fn configuration(url: &str, secret: &str) -> String {
    format!("edfi_api:\n  base_url: {url}\n  client_id: key\n  client_secret: {secret}\n")
}

#[test]
fn credentials_come_from_the_environment_or_from_lightbeam() {
    let (server, desk) = (Server::start(api(Some(TOKEN))), Desk::new());
    let url = server.url("/");
    let (_, err) = desk.said(2, &["-m", &url, "order"], &[]);
    assert_eq!(
        err,
        format!(
            "error: {}: 401, not allowed without a token. Set EDFI_API_CLIENT_ID and EDFI_API_CLIENT_SECRET, or give \
             a lightbeam.yaml with -c. Or use -m ed-fi-5.1 (bundled), which is what this API says it serves\n",
            server.url("/metadata/")
        )
    );
    let (order, _) = desk.said(0, &["-m", &url, "order"], &[KEY, SECRET]);

    desk.write("other.yaml", &configuration(&url, "${MINE}"));
    assert_eq!(desk.said(0, &["-c", "other.yaml", "order"], &[("MINE", "secret")]).0, order);
    assert_eq!(desk.said(0, &["-m", "api", "order", "-c", "other.yaml"], &[("MINE", "secret")]).0, order);
    desk.said(2, &["-c", "other.yaml", "order"], &[]);
    // What -m names is the metadata, whatever the configuration has.
    let asked = server.received().len();
    let (bundled, _) = desk.said(0, &["-m", "ed-fi-5.0", "order"], &[]);
    assert_eq!(desk.said(0, &["-m", "ed-fi-5.0", "-c", "other.yaml", "order"], &[("MINE", "secret")]).0, bundled);
    assert_eq!(server.received().len(), asked);
    // A configuration without an API is none of metadata, and leaves the API to the environment.
    desk.write("payloads.yaml", "data_dir: ./\n");
    let (_, err) = desk.said(0, &["-c", "payloads.yaml", "order", "schools"], &[]);
    assert!(err.starts_with("using ed-fi-"), "{err}");
    let base = ("EDFI_API_BASE_URL", url.as_str());
    assert_eq!(desk.said(0, &["-m", "api", "-c", "payloads.yaml", "order"], &[base, KEY, SECRET]).0, order);

    // One that merely lies there lends its credentials to the host it names, and is no source by itself.
    desk.write("lightbeam.yaml", &configuration(&url, "secret"));
    assert_eq!(desk.said(0, &["-m", &url, "order"], &[]).0, order);
    assert_eq!(desk.said(0, &["-m", "api", "order"], &[]).0, order);
    let (_, err) = desk.said(0, &["order", "schools"], &[]);
    assert!(err.starts_with("using ed-fi-"), "{err}");
    let other = Server::start(api(Some(TOKEN)));
    desk.said(2, &["-m", &other.url("/"), "order"], &[]);
    assert_eq!(other.count("/oauth/token"), 0);

    // No file of the cache holds what was used.
    for entry in std::fs::read_dir(desk.path().join("cache/edfi-plan")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(TOKEN) && !text.contains("Basic"), "{text}");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_said_where_it_was_asked_for() {
    let (server, desk) = (Server::start(api(None)), Desk::new());
    let url = server.url("/");
    desk.write("lightbeam.yaml", "data_dir: ./\nedfi_api: [\n");
    let (_, err) = desk.said(0, &["order", "schools"], &[]);
    assert!(!err.contains("lightbeam"), "{err}");
    let (_, err) = desk.said(0, &["-m", &url, "order"], &[]);
    assert!(err.starts_with("note: not used: lightbeam.yaml:"), "{err}");
    let (_, err) = desk.said(2, &["-c", "lightbeam.yaml", "order"], &[]);
    assert!(err.starts_with("error: lightbeam.yaml:"), "{err}");
    let (_, err) = desk.said(2, &["-c", "nowhere.yaml", "order"], &[]);
    assert!(err.starts_with("error: nowhere.yaml: "), "{err}");
    desk.write("lightbeam.yaml", "data_dir: ./\n");
    let (_, err) = desk.said(2, &["-m", "api", "order"], &[]);
    assert_eq!(
        err,
        "error: no API is configured. Set EDFI_API_BASE_URL, give a lightbeam.yaml with edfi_api: base_url, or \
         name its URL with -m\n"
    );
    let (_, err) = desk.said(0, &["-m", "api", "order"], &[("EDFI_API_BASE_URL", &url)]);
    assert!(err.starts_with("note: left out, profiles"), "{err}");
}

#[test]
fn an_api_without_metadata_is_answered_from_the_bundled_graph_that_fits() {
    let server = Server::start(|r| if r.path == "/metadata/" { Answer::status(404, "") } else { api(None)(r) });
    let (out, err) = Desk::new().said(0, &["-m", &server.url("/"), "order", "students"], &[]);
    assert!(out.contains("students"), "{out}");
    assert!(err.contains("using ed-fi-5.1 (bundled), which is what this API says it serves\n"), "{err}");

    // A document that should be there is missed, not made up for.
    let server = Server::start(|r| if r.path == "/d.json" { Answer::status(404, "") } else { api(None)(r) });
    let (_, err) = Desk::new().said(2, &["-m", &server.url("/"), "order", "students"], &[]);
    let expected = "/d.json: 404, nothing there. Check the address. Or use -m ed-fi-5.1 (bundled), which is what this API says it serves\n";
    assert!(err.ends_with(expected), "{err}");
}

#[test]
fn bad_options_have_their_errors() {
    let (server, desk) = (Server::start(api(None)), Desk::new());
    let url = server.url("/");
    let error = |arguments: &[&str]| desk.said(2, &[&["-m", &url, "order"], arguments].concat(), &[]).1;
    assert!(error(&["--url", "oauth"]).contains("expected NAME=VALUE"));
    assert!(error(&["--context", "=x"]).contains("expected NAME=VALUE"));
    assert!(error(&["--url", "nothing=http://127.0.0.1/"]).starts_with("error: --url nothing=…: the API has no URL"));
    let me = format!("http://me:s3cret@{}/", server.address);
    let (_, err) = desk.said(2, &["-m", &me, "order"], &[]);
    assert!(err.contains("credentials do not belong in a URL") && !err.contains("s3cret"), "{err}");
}

#[test]
fn audit_and_diff_take_an_api() {
    let (server, desk) = (Server::start(api(None)), Desk::new());
    let url = server.url("/");
    let (out, err) = desk.said(1, &["audit", &url, "-m", &url], &[]);
    assert!(out.contains("studentSchoolAssociations"), "{out}");
    assert!(!err.contains("this API says"), "{err}");
    assert_eq!(server.count("/order"), 1);
    let (_, err) = desk.said(1, &["audit", &url], &[]);
    let note = "note: this API says it serves ed-fi-5.1, not ed-fi-";
    assert!(err.contains(note) && err.contains("; compare with -m ed-fi-5.1\n"), "{err}");
    let (_, err) = desk.said(1, &["audit", &url, "-m", "ed-fi-5.1"], &[]);
    assert!(!err.contains(note), "{err}");

    assert!(desk.said(0, &["diff", &url, &url], &[]).0.ends_with("\nNothing changes.\n"));
    desk.said(1, &["diff", "ed-fi-5.1", &url], &[]);
}

#[test]
fn says_so_when_it_takes_long() {
    let server = Server::start(|r| {
        if r.path == "/r.json" {
            std::thread::sleep(Duration::from_millis(1500));
        }
        api(None)(r)
    });
    let (_, err) = Desk::new().said(0, &["-m", &server.url("/"), "order"], &[]);
    assert!(err.lines().next().is_some_and(|line| line.starts_with("fetching http://")), "{err}");
}

#[test]
fn trusts_what_the_system_is_told_to_trust() {
    let desk = Desk::new();
    let server = Server::start_tls(api(None));
    let (_, err) = desk.said(2, &["-m", &server.url("/"), "order"], &[]);
    assert!(err.contains("its certificate is not accepted"), "{err}");
    desk.write("authority.pem", &server.certificate);
    let file = desk.path().join("authority.pem");
    // The server behind it names itself without encryption, as one behind a proxy does.
    let (_, err) = desk.said(0, &["-m", &server.url("/"), "order"], &[("SSL_CERT_FILE", file.to_str().unwrap())]);
    assert!(err.contains(&format!("; asked {}", server.url("/metadata/"))), "{err}");
}

#[test]
fn goes_through_the_proxy_of_the_environment() {
    let (proxy, desk) = (Server::start(api(None)), Desk::new());
    let address = proxy.url("");
    desk.said(0, &["-m", "http://api.invalid/", "order"], &[("http_proxy", &address)]);
    assert!(proxy.received().iter().all(|r| r.path.starts_with("http://api.invalid/")));
    let (_, err) = desk.said(
        2,
        &["-m", "http://api.invalid/x", "order"],
        &[("http_proxy", &address), ("NO_PROXY", "api.invalid")],
    );
    assert!(err.ends_with("Check the address, the network and HTTPS_PROXY\n"), "{err}");
}

/// A host may publish its order in one form only, and the URL of a document is as good as that of the API.
#[test]
fn the_order_of_an_api_in_either_form() {
    let edges = r#"<graphml><node id="/ed-fi/schools"/><node id="/ed-fi/calendars"/>
        <edge source="/ed-fi/schools" target="/ed-fi/calendars"/></graphml>"#;
    let server = Server::start(move |r| match r.path.as_str() {
        "/order" if r.header("accept") != "application/graphml" => Answer::status(406, ""),
        "/order" | "/edges" => Answer::status(200, edges),
        "/rows" => {
            Answer::json(r#"[{"resource":"/ed-fi/schools","order":1},{"resource":"/ed-fi/calendars","order":2}]"#)
        }
        _ => api(None)(r),
    });
    let desk = Desk::new();
    let (out, _) = desk.said(1, &["audit", &server.url("/"), "-m", &server.url("/")], &[]);
    assert!(out.contains("students"), "{out}");
    assert_eq!(server.count("/order"), 2);

    let rows = "wave,resource,operations\n1,/ed-fi/schools,create+update\n2,/ed-fi/calendars,create+update\n";
    for path in ["/edges", "/rows"] {
        let url = server.url(path);
        assert_eq!(desk.said(0, &["-m", &url, "order", "--format", "csv"], &[]).0, rows, "{path}");
        assert_eq!(server.count(path), 1, "asked once only");
        desk.said(0, &["diff", &url, &url], &[]);
        desk.said(1, &["audit", &url, "-m", "ed-fi-5.1"], &[]);
    }
    let (out, err) = desk.said(0, &["-m", &server.url("/edges"), "prereqs", "calendars"], &[]);
    assert_eq!(out, "calendars\n└── schools\n");
    assert!(err.starts_with("note: edges come from the GraphML of an API"), "{err}");
    let (_, err) = desk.said(2, &["-m", &server.url("/rows"), "prereqs", "calendars"], &[]);
    assert!(err.contains("it serves order, audit and diff only"), "{err}");
}
