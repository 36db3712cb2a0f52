//! A live API, played by a server on loopback: how it is found, and everything it can do wrong.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use edfi_plan::api::lightbeam::Lightbeam;
use edfi_plan::api::{
    Access, Api, ApiError, Cache, Clock, Context, Credentials, DependenciesForm, FetchedDocument, Freshness, Http,
    Limits, Outside, Patience, Progress, Request, Response, Secret, Transport, TransportError,
};
use edfi_plan::graph::DependencyGraph;
use edfi_plan::source::{self, Document};

use proptest::prelude::*;

use crate::corpus;
use crate::server::{Answer, Received, Server};

const KEY: &str = "populated-key";
const SECRET: &str = "populated/s3cret+value";

/// A clock that does not wait and remembers how long it should have.
#[derive(Default)]
struct FakeClock {
    slept: Mutex<Vec<u64>>,
}

const NOW: u64 = 1_800_000_000;

impl Clock for FakeClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration.as_secs());
    }
}

/// The world outside.
struct World {
    http: Http,
    clock: FakeClock,
    cache: Option<Cache>,
    freshness: Freshness,
    limits: Limits,
}

impl World {
    /// With patience for a busy machine, and room for small documents only.
    fn new() -> Self {
        Self {
            http: Http::new(Patience::default()),
            clock: FakeClock::default(),
            cache: None,
            freshness: Freshness::Checked,
            limits: Limits { mebibytes: 1, ..Limits::default() },
        }
    }

    /// With no patience at all.
    fn hasty() -> Self {
        let patience = Patience { pause: Duration::from_millis(700), ..Patience::default() };
        let mut world = Self::new();
        world.http = Http::new(patience);
        world.limits.total = Duration::from_millis(900);
        world
    }

    /// With room for real documents.
    fn roomy() -> Self {
        Self { limits: Limits::default(), ..Self::new() }
    }

    fn api(&self, access: Access) -> Api<'_> {
        let outside = Outside {
            transport: &self.http,
            clock: &self.clock,
            cache: self.cache.as_ref(),
            freshness: self.freshness,
            limits: self.limits,
            progress: &|_| (),
        };
        Api::new(access, outside).unwrap()
    }

    fn slept(&self) -> Vec<u64> {
        self.clock.slept.lock().unwrap().clone()
    }
}

fn at(url: String) -> Access {
    Access { url, ..Access::default() }
}

fn with_credentials(url: String) -> Access {
    let credentials = Credentials { key: Secret::new(KEY), secret: Secret::new(SECRET) };
    Access { credentials: Some(credentials), ..at(url) }
}

fn map(pairs: &[(&str, String)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// The address the client asked for, without the path.
fn origin(received: &Received) -> String {
    format!("http://{}", received.header("host"))
}

/// The root document of an ODS/API up to 6.
fn ods_root(origin: &str) -> String {
    format!(
        r#"{{"version":"5.3","informationalVersion":"5.3","suite":"3","build":"5.3.1434.0","apiMode":"Sandbox",
            "dataModels":[{{"name":"Ed-Fi","version":"3.3.1-b"}},{{"name":"TPDM","version":"1.1.0"}}],
            "urls":{{"dependencies":"{origin}/metadata/data/v3/dependencies","openApiMetadata":"{origin}/metadata/",
                     "oauth":"{origin}/oauth/token","dataManagementApi":"{origin}/data/v3/"}}}}"#
    )
}

/// The list of its OpenAPI documents, with all that is no metadata of resources.
fn ods_list(origin: &str) -> String {
    let line = |name: &str, path: &str, prefix: &str| {
        format!(r#"{{"name":"{name}","endpointUri":"{origin}/metadata/{path}/swagger.json","prefix":"{prefix}"}}"#)
    };
    let lines = [
        line("Descriptors", "data/v3/descriptors", ""),
        line("Resources", "data/v3/resources", ""),
        line("TPDM", "data/v3/tpdm", "Extensions"),
        line("Test-Profile-Resource", "data/v3/profiles/test", "Profiles"),
        line("Ed-Fi-Enrollment", "composites/v1/ed-fi/enrollment", "Composites"),
        line("Identity", "identity/v2", "Other"),
        line("Change-Queries", "changeQueries/v1", "Other"),
        line("All", "data/v3", "SDKGen"),
    ];
    format!("[{}]", lines.join(","))
}

/// A document of one resource.
fn open_api(resource: &str) -> String {
    let entity = resource.trim_end_matches('s');
    format!(
        r##"{{"openapi":"3.0.1","info":{{"title":"Test","version":"3"}},
            "paths":{{"/ed-fi/{resource}":{{"post":{{"requestBody":{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/edFi_{entity}"}}}}}}}}}}}},
                      "/ed-fi/{resource}/{{id}}":{{"get":{{}}}}}},
            "components":{{"schemas":{{"edFi_{entity}":{{"type":"object","required":["name"],"properties":{{"name":{{"type":"string"}}}}}}}}}}}}"##
    )
}

/// An ODS/API that behaves.
fn ods(received: &Received) -> Answer {
    match received.path.as_str() {
        "/" => Answer::json(ods_root(&origin(received))),
        "/metadata/" => Answer::json(ods_list(&origin(received))),
        "/metadata/data/v3/resources/swagger.json" => Answer::json(open_api("schools")),
        "/metadata/data/v3/descriptors/swagger.json" => Answer::json(open_api("termDescriptors")),
        "/metadata/data/v3/tpdm/swagger.json" => Answer::json(open_api("candidates")),
        "/metadata/data/v3/dependencies" if received.header("accept") == "application/graphml" => {
            Answer::status(200, "<graphml/>")
        }
        "/metadata/data/v3/dependencies" => {
            Answer::json(r#"[{"resource":"/ed-fi/schools","order":1,"operations":["Create"]}]"#)
        }
        _ => Answer::not_found(),
    }
}

fn names(documents: &[FetchedDocument]) -> Vec<&str> {
    documents.iter().map(|document| document.name.as_str()).collect()
}

fn notes(api: &Api<'_>) -> String {
    api.notes().iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn finds_everything_from_the_root_of_an_ods() {
    let (server, world) = (Server::start(ods), World::new());
    let api = world.api(at(server.url("/")));
    let documents = api.metadata().unwrap();
    assert_eq!(names(&documents), ["Descriptors", "Resources", "TPDM"]);
    assert_eq!(documents[1].bytes, open_api("schools").into_bytes());
    assert_eq!(documents[1].url, server.url("/metadata/data/v3/resources/swagger.json"));
    let models: Vec<_> = api.data_models().unwrap().iter().map(|m| (m.name.as_str(), m.version.as_str())).collect();
    assert_eq!(models, [("Ed-Fi", "3.3.1-b"), ("TPDM", "1.1.0")]);
    assert_eq!(
        notes(&api),
        "left out, change queries: Change-Queries\nleft out, composites: Ed-Fi-Enrollment\n\
         left out, profiles: Test-Profile-Resource\nleft out, repetitions for SDKs: All\n\
         left out, the identities API: Identity\n"
    );
    assert_eq!(server.count("/"), 1, "the root document is asked for once");
    assert!(server.received().iter().all(|r| r.header("authorization").is_empty()), "metadata is anonymous");
}

#[test]
fn fetches_documents_side_by_side() {
    // Each is answered when all three are there.
    let together = AtomicUsize::new(0);
    let server = Server::start(move |received| {
        if received.path.ends_with("swagger.json") {
            together.fetch_add(1, Ordering::SeqCst);
            let started = Instant::now();
            while together.load(Ordering::SeqCst) < 3 {
                if started.elapsed() > Duration::from_secs(20) {
                    return Answer::status(500, "alone");
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        ods(received)
    });
    assert_eq!(World::new().api(at(server.url("/"))).metadata().unwrap().len(), 3);
}

#[test]
fn reads_the_order_in_both_forms() {
    let (server, world) = (Server::start(ods), World::new());
    let api = world.api(at(server.url("/")));
    assert!(api.dependencies(DependenciesForm::Json).unwrap().bytes.starts_with(b"[{"));
    assert_eq!(api.dependencies(DependenciesForm::GraphMl).unwrap().bytes, b"<graphml/>");
}

#[test]
fn says_why_an_api_publishes_no_order() {
    let message = |status: u16, body: &'static str| {
        let server = Server::start(move |r| match r.path.as_str() {
            "/" => ods(r),
            _ => Answer::status(status, body),
        });
        let error = World::new().api(at(server.url("/"))).dependencies(DependenciesForm::Json).unwrap_err();
        error.to_string().replace(&server.url(""), "")
    };
    assert_eq!(
        message(404, ""),
        "/metadata/data/v3/dependencies: 404, nothing there. The host may have switched its order off; \
         if it is elsewhere, give --url dependencies=URL"
    );
    assert_eq!(
        message(400, r#"{"message":"a cycle, students -> schools."}"#),
        "/metadata/data/v3/dependencies: 400: a cycle, students -> schools. The API finds no order itself, \
         which a cycle of its extensions causes"
    );
}

/// An ODS/API 7 with tenants and years in its routes.
fn tenants(received: &Received) -> Answer {
    let origin = origin(received);
    let inside = format!("{origin}/{{tenantIdentifier}}/{{schoolYearFromRoute}}");
    match received.path.as_str() {
        "/" => Answer::json(format!(
            r#"{{"version":"7.2","suite":"3","dataModels":[{{"name":"Ed-Fi","version":"5.1.0"}}],
                "urls":{{"dependencies":"{inside}/metadata/data/v3/dependencies","openApiMetadata":"{inside}/metadata/",
                         "oauth":"{origin}/{{tenantIdentifier}}/oauth/token","dataManagementApi":"{inside}/data/v3/"}}}}"#
        )),
        "/north/2026/metadata/" => Answer::json(format!(
            r#"[{{"name":"Resources","endpointUri":"{origin}/%7BtenantIdentifier%7D/2026/resources.json","prefix":""}}]"#
        )),
        "/north/2026/resources.json" => Answer::json(open_api("schools")),
        _ => Answer::not_found(),
    }
}

#[test]
fn fills_the_placeholders_of_a_host_with_tenants() {
    let (server, world) = (Server::start(tenants), World::new());
    let access = |tenant: Option<&str>, year: Option<&str>| Access {
        context: Context { tenant: tenant.map(str::to_owned), year: year.map(str::to_owned), ..Context::default() },
        ..at(server.url("/"))
    };
    let error = |access| world.api(access).metadata().unwrap_err().to_string();
    assert_eq!(
        error(access(None, Some("2026"))),
        "the API's openApiMetadata URL has the placeholder {tenantIdentifier}. Give --tenant VALUE"
    );
    assert_eq!(
        error(access(Some("north"), None)),
        "the API's openApiMetadata URL has the placeholder {schoolYearFromRoute}. Give --year VALUE"
    );
    let api = world.api(access(Some("north"), Some("2026")));
    assert_eq!(names(&api.metadata().unwrap()), ["Resources"]);
    assert_eq!(notes(&api), "");
}

#[test]
fn says_which_values_nothing_asked_for_and_puts_the_year_into_older_hosts() {
    let (server, world) = (Server::start(ods), World::new());
    let context = Context {
        tenant: Some("north".into()),
        year: Some("2022".into()),
        others: map(&[("instance", "one".to_owned())]),
    };
    let api = world.api(Access { context: context.clone(), ..at(server.url("/")) });
    api.dependencies(DependenciesForm::Json).unwrap();
    let expected = "--context instance: no URL of this API asks for it\n--tenant: no URL of this API asks for it\n\
                    --year: no URL of this API asks for it\n";
    assert_eq!(notes(&api), expected);

    let yearly = Server::start(|r| match r.path.as_str() {
        "/" => Answer::json(format!(
            r#"{{"apiMode":"Year Specific","dataModels":[],"urls":{{"dependencies":"{}/metadata/data/v3/2026/dependencies"}}}}"#,
            origin(r)
        )),
        "/metadata/data/v3/2022/dependencies" => Answer::json("[]"),
        _ => Answer::not_found(),
    });
    let context = Context { year: Some("2022".into()), ..Context::default() };
    let api = world.api(Access { context, ..at(yearly.url("/")) });
    api.dependencies(DependenciesForm::Json).unwrap();
    assert_eq!(notes(&api), format!("the year was put into {}\n", yearly.url("/metadata/data/v3/2022/dependencies")));
}

#[test]
fn reads_the_layout_of_a_dms_whose_tokens_come_from_elsewhere() {
    let server = Server::start(|r| match r.path.as_str() {
        "/api" => Answer::json(format!(
            r#"{{"version":"8.0.1","applicationName":"Ed-Fi API","informationalVersion":"8.0.1",
                "dataModels":[{{"name":"Ed-Fi","version":"5.2.0","informationalVersion":"x"}}],
                "urls":{{"dependencies":"{0}/api/metadata/dependencies","openApiMetadata":"{0}/api/metadata/specifications",
                         "oauth":"https://login.invalid/connect/token","dataManagementApi":"{0}/api/data",
                         "changeQueries":null}}}}"#,
            origin(r)
        )),
        "/api/metadata/specifications" => Answer::json(
            r#"[{"name":"Resources","endpointUri":"specifications/resources-spec.json","prefix":""},
                {"name":"Descriptors","endpointUri":"/api/metadata/specifications/descriptors-spec.json","prefix":""},
                {"name":"Discovery","endpointUri":"specifications/discovery-spec.json","prefix":"Other"}]"#,
        ),
        "/api/metadata/specifications/resources-spec.json" => Answer::json(open_api("schools")),
        "/api/metadata/specifications/descriptors-spec.json" => Answer::json(open_api("termDescriptors")),
        _ => Answer::not_found(),
    });
    let world = World::new();
    let api = world.api(with_credentials(server.url("/api")));
    assert_eq!(names(&api.metadata().unwrap()), ["Descriptors", "Resources"]);
    assert_eq!(notes(&api), "left out, other APIs: Discovery\n");
}

#[test]
fn corrects_the_scheme_that_a_proxy_hides() {
    let server = Server::start(|r| match r.path.as_str() {
        "/" => Answer::json(ods_root("https://127.0.0.1")),
        "/metadata/" => Answer::json(ods_list("https://127.0.0.1:8443")),
        _ => ods(r),
    });
    let world = World::new();
    let api = world.api(at(server.url("/")));
    assert_eq!(names(&api.metadata().unwrap()), ["Descriptors", "Resources", "TPDM"]);
    let expected = format!("the API names https://127.0.0.1/metadata/; asked {}\n", server.url("/metadata/"));
    assert!(notes(&api).contains(&expected), "{}", notes(&api));
}

#[test]
fn works_without_a_root_document_where_urls_are_given() {
    let (server, world) = (Server::start(|r| if r.path == "/" { Answer::not_found() } else { ods(r) }), World::new());
    let error = world.api(at(server.url("/"))).metadata().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: 404, no root document there or above. Give the API's base URL, or where its documents are: \
             --url openApiMetadata=URL",
            server.url("/")
        )
    );
    let given = |pairs: &[(&str, String)]| Access { urls: map(pairs), ..at(server.url("/")) };
    let resources = server.url("/metadata/data/v3/resources/swagger.json");
    let descriptors = server.url("/metadata/data/v3/descriptors/swagger.json");

    let api = world.api(given(&[("openapimetadata", server.url("/metadata/"))]));
    assert_eq!(names(&api.metadata().unwrap()), ["Descriptors", "Resources", "TPDM"]);
    let api = world.api(given(&[("resources", resources.clone()), ("descriptors", descriptors)]));
    assert_eq!(names(&api.metadata().unwrap()), ["Descriptors", "Resources"]);
    assert_eq!(notes(&api), "");
    let api = world.api(given(&[("resources", resources)]));
    assert_eq!(names(&api.metadata().unwrap()), ["Resources"]);
    assert!(notes(&api).starts_with("no root document, only the given URLs are used ("), "{}", notes(&api));
    let api = world.api(given(&[("dependencies", server.url("/metadata/data/v3/dependencies"))]));
    assert!(api.dependencies(DependenciesForm::Json).is_ok());
    assert!(api.data_models().is_err());
}

#[test]
fn a_given_url_takes_the_place_of_what_the_api_says() {
    let server = Server::start(|r| match r.path.as_str() {
        "/mine.json" => Answer::json(open_api("locations")),
        _ => ods(r),
    });
    let world = World::new();
    let given = |name: &str| Access { urls: map(&[(name, server.url("/mine.json"))]), ..at(server.url("/")) };
    let documents = world.api(given("tpdm")).metadata().unwrap();
    assert_eq!(names(&documents), ["Descriptors", "Resources", "tpdm"]);
    assert_eq!(documents[2].bytes, open_api("locations").into_bytes());
    let error = world.api(given("dependancies")).metadata().unwrap_err().to_string();
    assert_eq!(
        error,
        "--url dependancies=…: the API has no URL of that name. There are: All, Descriptors, Resources, TPDM, \
         dataManagementApi, dependencies, oauth, openApiMetadata"
    );
}

#[test]
fn takes_the_url_of_any_of_its_documents() {
    let (server, world) = (Server::start(ods), World::new());
    let api = world.api(at(server.url("/data/v3/ed-fi/schools?limit=1")));
    assert_eq!(names(&api.metadata().unwrap()), ["Descriptors", "Resources", "TPDM"]);
    let base =
        format!("{} is not the API's base URL; {} is\n", server.url("/data/v3/ed-fi/schools?limit=…"), server.url("/"));
    assert!(notes(&api).starts_with(&base), "{}", notes(&api));

    assert_eq!(
        names(&world.api(at(server.url("/metadata/"))).metadata().unwrap()),
        ["Descriptors", "Resources", "TPDM"]
    );
    let single = server.url("/metadata/data/v3/resources/swagger.json");
    let documents = world.api(at(single.clone())).metadata().unwrap();
    assert_eq!((documents.len(), documents[0].url.as_str()), (1, single.as_str()));
    let order = world.api(at(server.url("/metadata/data/v3/dependencies")));
    assert!(order.dependencies(DependenciesForm::Json).unwrap().bytes.starts_with(b"[{"));
}

/// An ODS/API whose documents want a token; the `good`-th token it gives out is the first that works.
fn guarded(good: usize) -> impl Fn(&Received) -> Answer + Send + Sync + 'static {
    let given = AtomicUsize::new(0);
    move |received| match received.path.as_str() {
        "/" => ods(received),
        "/oauth/token" => {
            assert_eq!((received.method.as_str(), received.body.as_str()), ("POST", "grant_type=client_credentials"));
            // populated-key:populated/s3cret+value
            assert_eq!(received.header("authorization"), "Basic cG9wdWxhdGVkLWtleTpwb3B1bGF0ZWQvczNjcmV0K3ZhbHVl");
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            Answer::json(format!(r#"{{"access_token":"token-{number}","expires_in":1800,"token_type":"bearer"}}"#))
        }
        _ => {
            let number = received.header("authorization").strip_prefix("Bearer token-").and_then(|n| n.parse().ok());
            if number.is_some_and(|number: usize| number >= good) {
                ods(received)
            } else {
                Answer::status(401, r#"{"detail":"The caller could not be authenticated."}"#)
            }
        }
    }
}

#[test]
fn gets_one_token_for_all_documents_when_the_api_wants_one() {
    let (server, world) = (Server::start(guarded(1)), World::new());
    assert_eq!(world.api(with_credentials(server.url("/"))).metadata().unwrap().len(), 3);
    assert_eq!(server.count("/oauth/token"), 1);
    let error = world.api(at(server.url("/"))).metadata().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: 401, not allowed without a token. Set EDFI_API_CLIENT_ID and EDFI_API_CLIENT_SECRET, or give a \
             lightbeam.yaml with -c",
            server.url("/metadata/")
        )
    );
}

#[test]
fn gets_a_new_token_once_where_one_is_refused() {
    let (server, world) = (Server::start(guarded(2)), World::new());
    assert_eq!(world.api(with_credentials(server.url("/"))).metadata().unwrap().len(), 3);
    assert_eq!(server.count("/oauth/token"), 2);

    let server = Server::start(guarded(usize::MAX));
    let error = world.api(with_credentials(server.url("/"))).metadata().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: 401, not allowed with these credentials: The caller could not be authenticated. Check the key's \
             claim set with the host",
            server.url("/metadata/")
        )
    );
    assert_eq!(server.count("/oauth/token"), 2);
}

#[test]
fn credentials_that_are_refused_are_not_tried_again() {
    let server = Server::start(|r| match r.path.as_str() {
        "/" | "/metadata/" => ods(r),
        _ => Answer::status(401, ""),
    });
    let error = World::new().api(with_credentials(server.url("/"))).metadata().unwrap_err().to_string();
    assert!(error.contains("401, the credentials are refused"), "{error}");
    assert_eq!(server.count("/oauth/token"), 1);
}

#[test]
fn says_why_there_is_no_token() {
    let message = |answer: Answer| {
        let server = Server::start(move |r| match r.path.as_str() {
            "/" => ods(r),
            "/oauth/token" => answer.clone(),
            _ => Answer::status(401, ""),
        });
        let error = World::new().api(with_credentials(server.url("/"))).metadata().unwrap_err();
        error.to_string().replace(&server.url("/oauth/token"), "TOKEN")
    };
    assert_eq!(
        message(Answer::status(400, r#"{"error":"invalid_client","error_description":"Unknown key."}"#)),
        "TOKEN: no token: 400, the credentials are refused: Unknown key. Check the key and the secret"
    );
    assert_eq!(
        message(Answer::not_found()),
        "TOKEN: no token: 404, no token endpoint there. Give the right one with --url oauth=URL"
    );
    assert_eq!(
        message(Answer::json("{}")),
        "TOKEN: no token: its answer has no usable access_token. Check the address of the token endpoint: --url oauth=URL"
    );
    assert!(message(Answer::json(r#"{"access_token":"a\r\nX-Evil: 1"}"#)).contains("no usable access_token"));
    assert!(message(Answer::json("<!DOCTYPE html><title>Hi</title>")).contains("an HTML page ('Hi')"));
    assert!(
        message(Answer::redirect("http://elsewhere.invalid/")).contains("a redirect, and credentials are not sent on")
    );
}

#[test]
fn a_token_endpoint_is_looked_at_when_it_is_needed() {
    let said = |oauth: &'static str, guarded: bool| {
        let network = move |request: &Request<'_>| match (request.url.as_str(), request.authorization) {
            ("https://host/", _) => {
                ok(&format!(r#"{{"urls":{{"openApiMetadata":"https://host/list","oauth":"{oauth}"}}}}"#))
            }
            ("https://login.invalid/token", _) => ok(r#"{"access_token":"t"}"#),
            ("https://host/list", None) if guarded => Ok((401, "", String::new())),
            ("https://host/list", _) => ok(r#"[{"name":"Resources","endpointUri":"r","prefix":""}]"#),
            ("https://host/r", _) => ok("{}"),
            (other, _) => panic!("asked {other}"),
        };
        let (result, notes) = canned(network, "https://host/");
        result.map_or_else(|error| error, |documents| format!("{} {notes}", documents.len()))
    };
    let elsewhere = "https://login.invalid/token";
    assert_eq!(said(elsewhere, false), "1 ");
    assert_eq!(said(elsewhere, true), "1 the API's oauth URL leads to another host, login.invalid\n");
    let of_tenants = "https://host/{tenantIdentifier}/token";
    assert_eq!(said(of_tenants, false), "1 ");
    let error = "the API's oauth URL has the placeholder {tenantIdentifier}. Give --tenant VALUE";
    assert_eq!(said(of_tenants, true), error);
}

#[test]
fn tokens_go_to_no_other_host() {
    let foreign = Server::start(|_| Answer::status(401, ""));
    let elsewhere = format!("http://localhost:{}/list", foreign.address.port());
    let there = elsewhere.clone();
    let server = Server::start(move |r| match r.path.as_str() {
        "/" => {
            Answer::json(format!(r#"{{"urls":{{"openApiMetadata":"{there}","oauth":"{}/oauth/token"}}}}"#, origin(r)))
        }
        _ => Answer::json(r#"{"access_token":"token-1"}"#),
    });
    let world = World::new();
    let error = world.api(with_credentials(server.url("/"))).metadata().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{elsewhere}: 401, and a token is not sent to this host. If the host is right, give this address with --url"
        )
    );
    assert_eq!(server.count("/oauth/token"), 0);
    assert!(foreign.received().iter().all(|r| r.header("authorization").is_empty()));
}

/// Answers with each of some answers in turn where the resources are, then behaves.
fn stumbling(answers: Vec<Answer>) -> impl Fn(&Received) -> Answer + Send + Sync + 'static {
    let next = AtomicUsize::new(0);
    move |received| {
        if !received.path.contains("/resources/") {
            return ods(received);
        }
        answers.get(next.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or_else(|| ods(received))
    }
}

#[test]
fn waits_for_a_busy_api_as_it_asks() {
    let date = "Fri, 15 Jan 2027 08:00:42 GMT";
    let server = Server::start(stumbling(vec![
        Answer::status(429, "").with("Retry-After", "7"),
        Answer::status(503, "").with("Retry-After", date),
        Answer::status(502, ""),
        Answer::status(504, ""),
    ]));
    let world = World::new();
    assert_eq!(world.api(at(server.url("/"))).metadata().unwrap().len(), 3);
    assert_eq!(world.slept(), [7, 42, 4, 8]);
}

#[test]
fn gives_up_on_an_api_that_stays_busy() {
    let message = |answer: Answer| {
        let server = Server::start(stumbling(vec![answer; 20]));
        let world = World::new();
        let error = world.api(at(server.url("/"))).metadata().unwrap_err().to_string();
        (error.replace(&server.url("/metadata/data/v3/resources/swagger.json"), "DOC"), world.slept())
    };
    assert_eq!(
        message(Answer::status(503, "")),
        ("DOC: 503, too busy, asked 5 times. Try again later".into(), vec![1, 2, 4, 8])
    );
    assert_eq!(
        message(Answer::status(429, "").with("Retry-After", "86400")),
        ("DOC: 429, too busy, and asks to wait 86400 seconds. Try again later".into(), vec![])
    );
}

#[test]
fn each_status_has_its_error() {
    let message = |answer: Answer| {
        let server = Server::start(stumbling(vec![answer; 3]));
        let error = World::new().api(at(server.url("/"))).metadata().unwrap_err().to_string();
        error.replace(&server.url("/metadata/data/v3/resources/swagger.json"), "DOC")
    };
    assert_eq!(message(Answer::not_found()), "DOC: 404, nothing there. Check the address");
    assert_eq!(
        message(Answer::status(500, r#"{"message":"An unexpected error\u001b[31m\noccurred."}"#)),
        "DOC: 500: An unexpected error [31m occurred. The API has failed; tell its host"
    );
    assert_eq!(message(Answer::status(418, "teapot")), "DOC: 418. Check that the address is right");
    assert!(message(Answer::status(403, "")).starts_with("DOC: 403, not allowed without a token. "));
    assert!(message(Answer::status(304, "")).starts_with("DOC: 304. "));
}

#[test]
fn reads_compressed_documents_and_limits_what_they_unpack_to() {
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        Answer::json(encoder.finish().unwrap()).with("Content-Encoding", "gzip")
    };
    let server = Server::start(stumbling(vec![packed(open_api("schools").as_bytes())]));
    let documents = World::new().api(at(server.url("/"))).metadata().unwrap();
    assert_eq!(documents[1].bytes, open_api("schools").into_bytes());
    assert!(server.received().iter().all(|r| r.header("accept-encoding").contains("gzip")));

    let bomb = Server::start(stumbling(vec![packed(&vec![b' '; 8 << 20])]));
    let error = World::new().api(at(bomb.url("/"))).metadata().unwrap_err().to_string();
    assert!(
        error.ends_with(": more than 1 MiB, which no document of this kind has. Check that the address is right"),
        "{error}"
    );

    let Answer::Whole { body, .. } = packed(open_api("schools").as_bytes()) else { unreachable!() };
    let broken = Answer::json(body[..body.len() / 2].to_vec()).with("Content-Encoding", "gzip");
    let broken = Server::start(stumbling(vec![broken; 3]));
    let error = World::new().api(at(broken.url("/"))).metadata().unwrap_err();
    assert!(matches!(error, ApiError::BrokenOff { .. }), "{error}");
}

#[test]
fn follows_redirects_on_the_same_host_only() {
    let server = Server::start(|r| match r.path.as_str() {
        "/api" => Answer::redirect("/moved/"),
        "/moved/" => Answer::status(308, "").with("Location", "../"),
        _ => ods(r),
    });
    assert_eq!(World::new().api(at(server.url("/api"))).metadata().unwrap().len(), 3);

    let message = |to: &'static str| {
        let server = Server::start(move |r| match r.path.as_str() {
            "/login" => Answer::status(200, "<html><head><title> Sign\n in </title>").with("Content-Type", "text/html"),
            path if to == "MORE" => Answer::redirect(format!("{path}x")),
            _ if to.is_empty() => Answer::status(302, ""),
            _ => Answer::redirect(to),
        });
        let error = World::new().api(at(server.url("/"))).metadata().unwrap_err().to_string();
        error.replace(&server.url(""), "")
    };
    assert_eq!(
        message("https://sso.invalid/login?code=s3cret"),
        "/: redirects to https://sso.invalid/login?code=…, another host or port (a login page?). If that is the API, give its address"
    );
    // What answers at another port of the host is somebody else's.
    assert!(message("http://127.0.0.1:9/").contains("another host or port"));
    assert_eq!(message("/"), "/: redirects to /, in a circle. Check that the address is right");
    assert!(message("MORE").ends_with("on and on. Check that the address is right"));
    assert_eq!(
        message("javascript:alert(1)"),
        "/: redirects to javascript:alert(1), which is no web address. Check that the address is right"
    );
    assert_eq!(message(""), "/: redirects to nowhere, which cannot be followed. Check that the address is right");
    assert_eq!(
        message("/login"),
        "/login: an HTML page ('Sign in'), not metadata (a login page?). Give the API's base URL, not that of its documentation"
    );
}

#[test]
fn has_an_end_where_the_server_has_none() {
    let message = |answer: Answer| {
        let server = Server::start(stumbling(vec![answer; 3]));
        let started = Instant::now();
        let error = World::hasty().api(at(server.url("/"))).metadata().unwrap_err().to_string();
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        error.replace(&server.url("/metadata/data/v3/resources/swagger.json"), "DOC")
    };
    assert_eq!(message(Answer::Silent), "DOC: no answer in 0.7 seconds. Try again later, or check HTTPS_PROXY");
    let drip = message(Answer::Drip(Duration::from_millis(50)));
    assert!(drip.starts_with("DOC: only ") && drip.ends_with(" bytes in 0 seconds. Try again later"), "{drip}");
    assert!(message(Answer::Drip(Duration::from_secs(5))).starts_with("DOC: the answer stopped after 1 bytes"));
    assert!(message(Answer::Endless).starts_with("DOC: more than 1 MiB"));
    let cut = message(Answer::Cut(open_api("schools").into_bytes()));
    assert!(cut.starts_with("DOC: the answer broke off: "), "{cut}");
}

#[test]
fn asks_again_where_a_connection_broke_once() {
    let server = Server::start(stumbling(vec![Answer::Cut(b"{".to_vec())]));
    assert_eq!(World::new().api(at(server.url("/"))).metadata().unwrap().len(), 3);
}

#[test]
fn refuses_a_certificate_that_nobody_signed() {
    let server = Server::start_tls(ods);
    let error = World::new().api(with_credentials(server.url("/"))).metadata().unwrap_err();
    assert!(matches!(error, ApiError::Certificate { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{}: its certificate is not accepted: ", server.url("/"))), "{text}");
    assert!(text.ends_with("or name its file in SSL_CERT_FILE"), "{text}");
    assert!(server.received().is_empty());
}

#[test]
fn says_that_nobody_is_there() {
    let url = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", gone.local_addr().unwrap())
    };
    let error = World::new().api(at(url.clone())).metadata().unwrap_err().to_string();
    assert!(error.starts_with(&format!("{url}: Connection refused")), "{error}");
    assert!(error.ends_with("Check the address, the network and HTTPS_PROXY"), "{error}");
}

#[test]
fn refuses_what_is_no_api() {
    let message = |body: &'static str| {
        let server = Server::start(move |r| if r.path == "/" { Answer::json(body) } else { ods(r) });
        let world = World::new();
        let api = world.api(at(server.url("/")));
        let count = api.metadata().map(|documents| documents.len());
        count.map_err(|error| error.to_string().replace(&server.url("/"), "ROOT"))
    };
    assert_eq!(message("").unwrap_err(), "ROOT: $: empty. Check that the address is right");
    assert_eq!(
        message(r#"{"urls":{}}"#).unwrap_err(),
        "ROOT: the root document names no openApiMetadata URL: the API publishes no metadata. If it does elsewhere, \
         give --url openApiMetadata=URL"
    );
    let list = message(r#"{"urls":[]}"#).unwrap_err();
    assert!(list.starts_with("ROOT: line 1, column ") && list.contains("invalid type: sequence"), "{list}");
    assert!(message(r#"{"urls":{"openApiMetadata":"ftp://h/"}}"#).unwrap_err().contains("is no URL that can be asked"));
    // Whatever else it is, the reader of documents says so.
    assert_eq!(message(r#"{"hello":"world"}"#), Ok(1));
    assert_eq!(message(r#"{"urls":{"open"#), Ok(1));
    let nested: &'static str = Box::leak(format!("{}{}", r#"{"urls":"#, "[".repeat(200_000)).into_boxed_str());
    assert_eq!(message(nested), Ok(1));
    let long: &'static str =
        Box::leak(format!("[{}]", vec![r#"{"endpointUri":"/x"}"#; 501].join(",")).into_boxed_str());
    assert!(message(long).unwrap_err().contains("a list of 501 documents"));
}

/// An ODS/API with ETags.
fn tagged(received: &Received) -> Answer {
    let Answer::Whole { status: 200, body, headers } = ods(received) else { return Answer::not_found() };
    let tag = format!("\"{}\"", body.len());
    if received.header("if-none-match") == tag {
        return Answer::status(304, "").with("ETag", tag);
    }
    Answer::Whole { status: 200, headers, body }.with("ETag", tag)
}

#[test]
fn asks_only_what_changed_and_works_offline_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(tagged);
    let mut world = World::new();
    world.cache = Some(Cache::new(folder.path()));
    let fetch = |world: &World| world.api(at(server.url("/"))).metadata();
    let statuses = |since: usize| {
        server.received().iter().skip(since).map(|r| !r.header("if-none-match").is_empty()).collect::<Vec<_>>()
    };

    let first = fetch(&world).unwrap();
    assert_eq!(statuses(0), [false; 5]);
    assert_eq!(fetch(&world).unwrap(), first);
    assert_eq!(statuses(5), [true; 5]);
    world.freshness = Freshness::Refresh;
    assert_eq!(fetch(&world).unwrap(), first);
    assert_eq!(statuses(10), [false; 5]);

    world.freshness = Freshness::Offline;
    let api = world.api(at(server.url("/")));
    assert_eq!(api.metadata().unwrap(), first);
    assert!(notes(&api).contains("5 documents from the cache, the oldest 0 seconds old"), "{}", notes(&api));
    assert_eq!(server.received().len(), 15, "offline sends nothing");
    let error = api.dependencies(DependenciesForm::Json).unwrap_err().to_string();
    let url = server.url("/metadata/data/v3/dependencies");
    assert_eq!(error, format!("{url}: not in the cache. Run once without --offline to fetch it"));
}

#[test]
fn a_document_that_cannot_be_fetched_any_more_is_offered_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |r| match calls.fetch_add(1, Ordering::SeqCst) {
        0..5 => tagged(r),
        _ => Answer::status(503, ""),
    });
    let mut world = World::new();
    world.cache = Some(Cache::new(folder.path()));
    world.api(at(server.url("/"))).metadata().unwrap();
    let error = world.api(at(server.url("/"))).metadata().unwrap_err().to_string();
    assert!(error.ends_with("Try again later; --offline uses the copy in the cache"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_written_is_said_and_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let server = Server::start(tagged);
    let mut world = World::new();
    world.cache = Some(Cache::new(file.join("below")));
    let api = world.api(at(server.url("/")));
    assert_eq!(api.metadata().unwrap().len(), 3);
    assert!(notes(&api).contains("the cache cannot be written: "), "{}", notes(&api));
}

/// Every form in which a secret of these tests could show.
const NEVER_SHOWN: [&str; 6] =
    [KEY, SECRET, "cG9wdWxhdGVkLWtleTpwb3B1bGF0ZWQvczNjcmV0K3ZhbHVl", "token-1", "token-2", "q-s3cret"];

#[test]
fn secrets_are_in_no_message_and_no_file() {
    // A server that repeats everything it was sent.
    let echo = |status: u16| {
        let sent = Mutex::new(String::new());
        Server::start(move |r| {
            let mut sent = sent.lock().unwrap();
            sent.push_str(&format!("{} {} {} ", r.path, r.header("authorization"), r.body));
            let said = format!(r#"{{"detail":"you sent {sent} {SECRET} {KEY}"}}"#);
            match (r.path.as_str(), r.header("authorization").starts_with("Bearer")) {
                ("/?key=q-s3cret", _) => Answer::json(ods_root(&origin(r))),
                ("/oauth/token", _) if status == 400 => Answer::status(400, said),
                ("/oauth/token", _) => {
                    Answer::json(format!(r#"{{"access_token":"token-{}"}}"#, sent.matches("oauth").count()))
                }
                (_, false) => Answer::status(401, said),
                ("/metadata/", true) if status == 302 => {
                    Answer::redirect(format!("http://q-s3cret:x@elsewhere.invalid/?t={SECRET}"))
                }
                ("/metadata/", true) if status == 600 => {
                    Answer::status(200, format!("<!doctype html><title>{SECRET} token-1</title>"))
                }
                ("/metadata/", true) if status != 200 => Answer::status(status, said),
                _ => tagged(r),
            }
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let mut shown = String::new();
    for status in [200, 302, 400, 401, 403, 418, 500, 503, 600] {
        let server = echo(status);
        let mut world = World::new();
        world.cache = Some(Cache::new(folder.path()));
        let progress = Mutex::new(String::new());
        let outside = Outside {
            transport: &world.http,
            clock: &world.clock,
            cache: world.cache.as_ref(),
            freshness: world.freshness,
            limits: world.limits,
            progress: &|event: Progress<'_>| progress.lock().unwrap().push_str(&format!("{event:?}\n")),
        };
        let access = with_credentials(server.url("/?key=q-s3cret"));
        shown += &format!("{access:?} {outside:?}");
        let api = Api::new(access, outside).unwrap();
        let result = api.metadata();
        assert_eq!(result.is_ok(), status == 200, "{status}: {result:?}");
        if let Err(error) = result {
            shown += &format!("{error}\n{error:?}\n");
        }
        shown += &format!("{api:?} {} {}", notes(&api), progress.lock().unwrap());
    }
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        shown += &format!("{} {}", file.display(), String::from_utf8_lossy(&std::fs::read(&file).unwrap()));
    }
    for secret in NEVER_SHOWN {
        let at = shown.find(secret);
        assert_eq!(at, None, "{secret} in …{}", &shown[at.unwrap_or(0).saturating_sub(200)..]);
    }
}

/// A status, a `Location` and a body.
type Said = Result<(u16, &'static str, String), TransportError>;

/// A network in which every address answers as a function says.
struct Canned<F>(F);

impl<F: Fn(&Request<'_>) -> Said + Sync> Transport for Canned<F> {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let (status, location, body) = (self.0)(&request)?;
        Ok(Response {
            status,
            location: Some(location.to_owned()),
            retry_after: None,
            etag: None,
            total_count: None,
            content_type: None,
            length: None,
            body: Box::new(std::io::Cursor::new(body)),
        })
    }
}

fn ok(body: &str) -> Said {
    Ok((200, "", body.to_owned()))
}

/// What becomes of an API with credentials in such a network, and what is said about it.
fn canned(network: impl Fn(&Request<'_>) -> Said + Sync, url: &str) -> (Result<Vec<FetchedDocument>, String>, String) {
    let network = Canned(network);
    let outside = Outside {
        transport: &network,
        clock: &FakeClock::default(),
        cache: None,
        freshness: Freshness::Checked,
        limits: Limits::default(),
        progress: &|_| (),
    };
    let api = Api::new(with_credentials(url.to_owned()), outside).unwrap();
    (api.metadata().map_err(|error| error.to_string()), notes(&api))
}

#[test]
fn encryption_is_never_left() {
    assert_eq!(
        canned(|_| Ok((302, "http://host/", String::new())), "https://host/").0.unwrap_err(),
        "https://host/: redirects to http://host/, out of encryption, which is not followed. Tell the API's host"
    );

    // A host behind a proxy names itself without encryption: it is asked with it.
    let proxied = |request: &Request<'_>| match request.url.as_str() {
        "https://host/" => ok(r#"{"urls":{"openApiMetadata":"http://host:5000/list"}}"#),
        "https://host/list" => ok(r#"[{"name":"Resources","endpointUri":"http://host:5000/r","prefix":""}]"#),
        "https://host/r" => ok("{}"),
        other => panic!("asked {other}"),
    };
    assert_eq!(canned(proxied, "https://host/").0.unwrap().len(), 1);

    // A token endpoint elsewhere without encryption gets no credentials.
    let open = |request: &Request<'_>| match request.url.as_str() {
        "https://host/" => {
            ok(r#"{"urls":{"openApiMetadata":"https://host/list","oauth":"http://login.invalid/token"}}"#)
        }
        "https://host/list" => Ok((401, "", String::new())),
        other => panic!("asked {other}"),
    };
    assert_eq!(
        canned(open, "https://host/").0.unwrap_err(),
        "http://login.invalid/token: no token: the address is not encrypted, the API's is. Give its https address \
         with --url oauth=URL"
    );

    // Where nothing is encrypted, that is said.
    let clear = |request: &Request<'_>| match (request.url.as_str(), request.authorization) {
        ("http://host/", _) => ok(r#"{"urls":{"openApiMetadata":"http://host/list","oauth":"http://host/token"}}"#),
        ("http://host/token", Some(_)) => ok(r#"{"access_token":"t"}"#),
        ("http://host/list", Some(_)) => ok(r#"[{"name":"Resources","endpointUri":"r","prefix":""}]"#),
        ("http://host/r", Some(_)) => ok("{}"),
        _ => Ok((401, "", String::new())),
    };
    let (result, notes) = canned(clear, "http://host/");
    assert_eq!(result.unwrap().len(), 1);
    assert_eq!(notes, "the credentials went to host unencrypted; use https if it can\n");
}

#[test]
fn a_lost_connection_is_tried_again_and_a_refused_one_is_not() {
    let first = |error: TransportError| {
        let asked = AtomicUsize::new(0);
        move |_: &Request<'_>| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Err(error.clone()),
            _ => ok("{}"),
        }
    };
    assert_eq!(canned(first(TransportError::Lost("reset".into())), "https://host/").0.unwrap().len(), 1);
    let error = canned(first(TransportError::Connect("no route".into())), "https://host/").0.unwrap_err();
    assert_eq!(error, "https://host/: no route. Check the address, the network and HTTPS_PROXY");
    let error = canned(|_| Err(TransportError::Lost("reset".into())), "https://host/").0.unwrap_err();
    assert_eq!(error, "https://host/: reset. Check the address, the network and HTTPS_PROXY");
}

proptest! {
    #[test]
    fn whatever_a_root_document_holds_has_an_answer(
        text in r#"[\[\]{}",:a-z]{0,40}|\{"urls":\{"openApiMetadata":"[^"]{0,40}"\}\}"#
    ) {
        if let Err(error) = canned(|_| ok(&text), "https://host/").0 {
            prop_assert!(!error.contains('\n'), "{}", error);
        }
    }

    #[test]
    fn whatever_a_configuration_holds_has_an_answer(text in r"(edfi_api|data_dir|namespace_overrides|[ :\-\[\]{}\n$a-z]){0,30}") {
        if let Ok(lightbeam) = Lightbeam::read("l.yaml", text.as_bytes(), BTreeMap::new()) {
            let _ = (lightbeam.access(), lightbeam.data_dir(), lightbeam.namespace(), lightbeam.namespace_overrides());
        }
    }
}

#[test]
fn credentials_in_a_url_are_refused() {
    let world = World::new();
    let outside = Outside {
        transport: &world.http,
        clock: &world.clock,
        cache: None,
        freshness: Freshness::Checked,
        limits: world.limits,
        progress: &|_| (),
    };
    let error = Api::new(at("https://me:s3cret@host/api".to_owned()), outside).unwrap_err().to_string();
    assert!(
        error.starts_with("https://…@host/api: credentials do not belong in a URL") && !error.contains("s3cret"),
        "{error}"
    );
    let error = Api::new(at("host/api".to_owned()), outside).unwrap_err().to_string();
    assert_eq!(
        error,
        "'host/api' is no address of an API: relative URL without a base. Give its base URL, such as https://host/api"
    );
}

#[test]
fn the_graph_of_an_api_is_the_graph_of_its_documents() {
    let files = ["openapi/resources-ds-5.1-core.json", "openapi/descriptors-ds-5.1-core.json"];
    let (Some(resources), Some(descriptors)) =
        (corpus::document(&format!("metadata/{}", files[0])), corpus::document(&format!("metadata/{}", files[1])))
    else {
        return;
    };
    let server = Server::start(move |r| match r.path.as_str() {
        "/metadata/" => {
            Answer::json(ods_list(&origin(r)).replace(r#""prefix":"Extensions""#, r#""prefix":"Profiles""#))
        }
        "/metadata/data/v3/resources/swagger.json" => Answer::json(resources.bytes.clone()),
        "/metadata/data/v3/descriptors/swagger.json" => Answer::json(descriptors.bytes.clone()),
        _ => ods(r),
    });
    let world = World::roomy();
    let fetched = world.api(at(server.url("/"))).metadata().unwrap();
    let documents: Vec<Document> =
        fetched.into_iter().map(|document| Document { name: document.url, bytes: document.bytes }).collect();
    let ours = DependencyGraph::build(source::read(&documents, &[]).unwrap()).unwrap();
    let theirs = corpus::graph(&files, &[]).unwrap();
    assert_eq!(ours.metadata().fingerprint, theirs.metadata().fingerprint);
}
