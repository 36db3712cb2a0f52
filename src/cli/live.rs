//! `-m URL`: a live API as a source of metadata.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use edfi_plan::api::lightbeam::Lightbeam;
use edfi_plan::api::{
    Access, Api, ApiError, Cache, Context, Credentials, DependenciesForm, Freshness, Http, Limits, Note, Outside,
    Patience, Progress, Secret, SystemClock,
};
use edfi_plan::source::{self, Document};

use super::metadata;
use super::terminal::Terminal;

/// What stands for the API of the environment or of lightbeam.yaml.
pub(crate) const CONFIGURED: &str = "api";

/// The configuration that is looked for in the working directory.
const LIGHTBEAM: &str = "lightbeam.yaml";

// Options for a live API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Live API")]
pub(crate) struct LiveArgs {
    /// The tenant, on a host that has several.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    tenant: Option<String>,

    /// The school year, on a host that has it in its URLs.
    #[arg(long, value_name = "YEAR", hide_short_help = true)]
    year: Option<String>,

    /// A value for any other placeholder in the URLs of the host.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, hide_short_help = true)]
    context: Vec<(String, String)>,

    /// A URL in place of what the API says.
    ///
    /// NAME is oauth, dependencies, openApiMetadata, dataManagementApi, resources, descriptors, or an
    /// OpenAPI document by its name in the API's list.
    #[arg(long, value_name = "NAME=URL", value_parser = pair, hide_short_help = true)]
    url: Vec<(String, String)>,

    /// Use only what was fetched before.
    #[arg(long, hide_short_help = true)]
    offline: bool,

    /// Fetch everything anew.
    #[arg(long, hide_short_help = true, conflicts_with = "offline")]
    refresh: bool,

    /// The configuration of lightbeam, for its API, credentials and payloads.
    ///
    /// Without it a lightbeam.yaml in the working directory is used, for an API on the host that it
    /// names and for the folder of payloads where none is given. Named here, its API goes before that of
    /// EDFI_API_BASE_URL, and the metadata is that of its API where there is no -m; with -m it is only what
    /// -m says. Credentials come from EDFI_API_CLIENT_ID and EDFI_API_CLIENT_SECRET or from here, and are
    /// used only where the API asks for them.
    #[arg(short, long, value_name = "FILE", hide_short_help = true)]
    config: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Whether a source is a live API.
pub(crate) fn is_api(name: &str) -> bool {
    let starts = |scheme: &str| name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    name == CONFIGURED || starts("http://") || starts("https://")
}

impl LiveArgs {
    /// These and others that stand behind them; of what can be given once, the later counts.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            tenant: later.tenant.or(self.tenant),
            year: later.year.or(self.year),
            context: [self.context, later.context].concat(),
            url: [self.url, later.url].concat(),
            offline: self.offline || later.offline,
            refresh: self.refresh || later.refresh,
            config: later.config.or(self.config),
        }
    }

    /// Whether the configuration that was named on the command line names an API. One that cannot be read is
    /// taken to, so that it is said what is wrong with it.
    pub(crate) fn names_api(&self) -> bool {
        let Some(named) = &self.config else { return false };
        lightbeam(named).and_then(|configured| Ok(configured.access()?)).map_or(true, |access| access.is_some())
    }

    /// The metadata of an API.
    pub(crate) fn documents(&self, name: &str, terminal: &Terminal) -> anyhow::Result<Vec<Document>> {
        self.ask(name, terminal, |api| match api.metadata() {
            Ok(documents) => {
                Ok(documents.into_iter().map(|d| Document { name: d.url, bytes: d.bytes }).collect::<Vec<_>>())
            }
            Err(error) => instead(api, error, terminal),
        })
    }

    /// The order that an API publishes, as JSON, or as GraphML where it has no JSON. Says so where it is for
    /// another graph than the bundled one `in_use`.
    pub(crate) fn published(&self, name: &str, in_use: Option<&str>, terminal: &Terminal) -> anyhow::Result<Document> {
        self.ask(name, terminal, |api| {
            let order = api.dependencies(DependenciesForm::Json).or_else(|error| match error {
                // An API that cannot be reached, or asked, cannot be asked for another form either.
                ApiError::NotFound { .. } | ApiError::Status { .. } | ApiError::WebPage { .. } => {
                    api.dependencies(DependenciesForm::GraphMl).map_err(|_| error)
                }
                error => Err(error),
            })?;
            if let Some((in_use, fitting)) = other_than(api, in_use) {
                terminal
                    .say(&format!("note: this API says it serves {fitting}, not {in_use}; compare with -m {fitting}"));
            }
            Ok(Document { name: order.url, bytes: order.bytes })
        })
    }

    /// Does something with the records of an API: of the one that is named, or of the one that is configured.
    /// Says so where that serves another standard than the bundled graph `in_use`.
    pub(crate) fn with_records<T>(
        &self,
        name: Option<&str>,
        in_use: Option<&str>,
        terminal: &Terminal,
        work: impl FnOnce(&Api<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.ask(name.unwrap_or(CONFIGURED), terminal, |api| {
            if let Some((in_use, fitting)) = other_than(api, in_use) {
                terminal.say(&format!(
                    "note: this API says it serves {fitting}, not {in_use}; records of what {in_use} does not have \
                     are not found. Use -m {fitting}, or the API's own metadata"
                ));
            }
            work(api)
        })
    }

    /// Does something with an API, says what there is to say about how it went, and shows that it goes on
    /// where it takes long.
    fn ask<T>(
        &self,
        name: &str,
        terminal: &Terminal,
        work: impl FnOnce(&Api<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let access = self.access(name, terminal)?;
        let http = Http::new(Patience::default());
        let cache = etcetera::choose_base_strategy().ok().map(|base| {
            use etcetera::BaseStrategy as _;
            Cache::new(base.cache_dir().join("edfi-plan"))
        });
        if cache.is_none() && self.offline {
            bail!("--offline: this system has no folder for caches. Set HOME or XDG_CACHE_HOME");
        }
        let freshness = match (self.offline, self.refresh) {
            (true, true) => bail!("--offline and --refresh exclude each other"),
            (true, _) => Freshness::Offline,
            (_, true) => Freshness::Refresh,
            _ => Freshness::Checked,
        };
        while_saying_so(terminal, |progress| {
            let outside = Outside {
                transport: &http,
                clock: &SystemClock,
                cache: cache.as_ref(),
                freshness,
                limits: Limits::default(),
                progress,
            };
            let api = Api::new(access, outside)?;
            let result = work(&api);
            for note in api.notes().into_iter().filter(|note| self.concerns(note)) {
                terminal.say(&format!("note: {note}"));
            }
            result
        })
    }

    /// Whether a note is about something that was asked for: lightbeam.yaml names a year for every host.
    fn concerns(&self, note: &Note) -> bool {
        match note {
            Note::Unused { option } if option == "--year" => self.year.is_some(),
            Note::Unused { option } if option.starts_with("--context") => !self.context.is_empty(),
            _ => true,
        }
    }

    /// How to reach the API that a source names.
    fn access(&self, name: &str, terminal: &Terminal) -> anyhow::Result<Access> {
        let configuration = self.configuration(terminal)?;
        let configured = match &configuration {
            Some(lightbeam) => lightbeam.access()?,
            None => None,
        };
        let url = if name != CONFIGURED {
            name.to_owned()
        } else if let Some(access) = configured.as_ref().filter(|_| self.config.is_some()) {
            access.url.clone()
        } else if let Some(url) = variable("EDFI_API_BASE_URL") {
            url
        } else if let Some(access) = &configured {
            access.url.clone()
        } else {
            bail!(
                "no API is configured. Set EDFI_API_BASE_URL, give a lightbeam.yaml with edfi_api: base_url, or name \
                 its URL with -m"
            );
        };
        // What is configured for one host, credentials above all, is for no other.
        let mut access = configured.filter(|access| access.is_for(&url)).unwrap_or_default();
        access.url = url;
        for (name, url) in &self.url {
            access.replace_url(name, url);
        }
        access.context = Context {
            tenant: self.tenant.clone().or(access.context.tenant),
            year: self.year.clone().or(access.context.year),
            others: access.context.others.into_iter().chain(self.context.iter().cloned()).collect(),
        };
        access.credentials = credentials().or(access.credentials);
        Ok(access)
    }

    /// The configuration that was named, or that lies in the working directory.
    pub(crate) fn configuration(&self, terminal: &Terminal) -> anyhow::Result<Option<Lightbeam>> {
        let Some(named) = &self.config else {
            let found = Path::new(LIGHTBEAM);
            if !found.is_file() {
                return Ok(None);
            }
            // Nobody has asked for it, so it is in nobody's way.
            return Ok(lightbeam(found).inspect_err(|error| terminal.say(&format!("note: not used: {error:#}"))).ok());
        };
        lightbeam(named).map(Some)
    }
}

/// The bundled graph that is used and the one that fits what an API says it serves, where they differ.
fn other_than<'u>(api: &Api<'_>, in_use: Option<&'u str>) -> Option<(&'u str, String)> {
    let in_use = in_use?;
    let fitting = api.data_models().ok().and_then(source::fitting)?;
    (!in_use.eq_ignore_ascii_case(&fitting)).then_some((in_use, fitting))
}

fn lightbeam(path: &Path) -> anyhow::Result<Lightbeam> {
    let document = metadata::file(path)?;
    Ok(Lightbeam::read(&document.name, &document.bytes, variables())?)
}

fn variable(name: &str) -> Option<String> {
    // Values out of files come with the end of their line.
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The environment, but for what is not text.
fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn credentials() -> Option<Credentials> {
    Some(Credentials {
        key: Secret::new(variable("EDFI_API_CLIENT_ID")?),
        secret: Secret::new(variable("EDFI_API_CLIENT_SECRET")?),
    })
}

/// A bundled graph for an API that says what it serves but publishes no metadata; where there may yet be
/// metadata, the error and the graph that would do.
fn instead(api: &Api<'_>, error: ApiError, terminal: &Terminal) -> anyhow::Result<Vec<Document>> {
    let Some(fitting) = api.data_models().ok().and_then(source::fitting) else { return Err(error.into()) };
    match &error {
        ApiError::NoMetadata { .. } => {
            terminal.say(&format!("note: {error}"));
            terminal.say(&format!("using {fitting} (bundled), which is what this API says it serves"));
            Ok(vec![metadata::bundled(&fitting).context(error)?])
        }
        // What was given is wrong, and no graph mends it.
        ApiError::Placeholder { .. } | ApiError::UnknownUrlName { .. } => Err(error.into()),
        _ => bail!("{error}. Or use -m {fitting} (bundled), which is what this API says it serves"),
    }
}

/// How far the work has come.
#[derive(Default)]
struct State {
    last: String,
    finished: bool,
}

/// Says what is being fetched where that takes more than a second, and how long a busy API makes us wait.
fn while_saying_so<T>(terminal: &Terminal, work: impl FnOnce(&(dyn Fn(Progress<'_>) + Sync)) -> T) -> T {
    let state = Mutex::new(State::default());
    let finished = Condvar::new();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let second = Duration::from_secs(1);
            let waited = finished.wait_timeout_while(lock(), second, |state| !state.finished);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if !state.finished {
                terminal.say(&format!("fetching {} …", state.last));
            }
        });
        let result = work(&|progress| match progress {
            Progress::Asked { url } => url.clone_into(&mut lock().last),
            Progress::Waiting { url, status, pause } => {
                terminal.say(&format!("{url} answers {status}; waiting {} s", pause.as_secs()));
            }
            _ => {}
        });
        lock().finished = true;
        finished.notify_all();
        result
    })
}
