//! `lightbeam.yaml`, the configuration of the usual loader, read as it is.
//!
//! ```yaml
//! data_dir: ./output
//! namespace: ed-fi
//! edfi_api:
//!   base_url: https://api.district.org/v7.1/api
//!   client_id: ${EDFI_API_CLIENT_ID}
//!   client_secret: ${EDFI_API_CLIENT_SECRET}
//! ```
//!
//! Variables are put into values after the file was read, as lightbeam does it; a variable that is not
//! set is an error only where its value is asked for. Members that are not about the API or the payloads
//! are ignored.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_yaml::Value;

use super::{Access, Context, Credentials, Secret};

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}. {advice}")]
pub struct LightbeamError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong; never the value itself.
    pub message: String,
    /// The way out.
    pub advice: String,
}

/// A configuration of lightbeam.
pub struct Lightbeam {
    file: String,
    text: String,
    variables: BTreeMap<String, String>,
    content: Content,
}

impl fmt::Debug for Lightbeam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its text and the variables hold the secret.
        f.debug_struct("Lightbeam").field("file", &self.file).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Content {
    data_dir: Option<Scalar>,
    namespace: Option<Scalar>,
    namespace_overrides: Option<BTreeMap<String, OneOrMany>>,
    edfi_api: Option<Section>,
}

#[derive(Deserialize)]
struct Section {
    base_url: Option<Scalar>,
    oauth_url: Option<Scalar>,
    dependencies_url: Option<Scalar>,
    open_api_metadata_url: Option<Scalar>,
    resources_swagger_url: Option<Scalar>,
    descriptors_swagger_url: Option<Scalar>,
    version: Option<Scalar>,
    mode: Option<Scalar>,
    year: Option<Scalar>,
    instance_code: Option<Scalar>,
    client_id: Option<Scalar>,
    client_secret: Option<Scalar>,
}

/// A value that YAML may take for something else than text: `year: 2026`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Scalar(String);

impl TryFrom<Value> for Scalar {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Null => Ok(Self(String::new())),
            Value::Bool(truth) => Ok(Self(truth.to_string())),
            Value::Number(number) => Ok(Self(number.to_string())),
            Value::String(text) => Ok(Self(text)),
            Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => Err("one value is expected here"),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Scalar>),
    One(Scalar),
}

impl Lightbeam {
    /// Reads a configuration. `variables` are those that `${NAME}` and `$NAME` may stand for.
    ///
    /// # Errors
    ///
    /// Bytes that are not YAML of this form.
    pub fn read(file: &str, bytes: &[u8], variables: BTreeMap<String, String>) -> Result<Self, LightbeamError> {
        let failed = |line: usize, message: String, advice: &str| LightbeamError {
            file: file.to_owned(),
            line,
            message,
            advice: advice.to_owned(),
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count();
            failed(line, "not UTF-8".to_owned(), "Save the file as UTF-8")
        })?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(failed(1, "empty".to_owned(), "Give a lightbeam.yaml with edfi_api: base_url: …"));
        }
        let content: Content = serde_yaml::from_str(text).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line().max(1));
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or(&said);
            failed(line, without_values(said), "Write it as lightbeam's documentation has it")
        })?;
        Ok(Self { file: file.to_owned(), text: text.to_owned(), variables, content })
    }

    /// The folder of the payloads, as it stands there.
    ///
    /// # Errors
    ///
    /// A variable that is not set.
    pub fn data_dir(&self) -> Result<Option<String>, LightbeamError> {
        self.value(self.content.data_dir.as_ref())
    }

    /// The project that bare endpoint names belong to.
    ///
    /// # Errors
    ///
    /// A variable that is not set.
    pub fn namespace(&self) -> Result<Option<String>, LightbeamError> {
        self.value(self.content.namespace.as_ref())
    }

    /// Endpoint to project, for those of another one. Both ways of writing it are read: endpoint to
    /// project, and project to endpoints.
    ///
    /// # Errors
    ///
    /// A variable that is not set.
    pub fn namespace_overrides(&self) -> Result<BTreeMap<String, String>, LightbeamError> {
        let mut overrides = BTreeMap::new();
        for (key, value) in self.content.namespace_overrides.iter().flatten() {
            match value {
                OneOrMany::One(project) => {
                    if let Some(project) = self.value(Some(project))? {
                        overrides.insert(key.clone(), project);
                    }
                }
                OneOrMany::Many(endpoints) => {
                    for endpoint in endpoints {
                        if let Some(endpoint) = self.value(Some(endpoint))? {
                            overrides.insert(endpoint, key.clone());
                        }
                    }
                }
            }
        }
        Ok(overrides)
    }

    /// How to reach the API; `None` where the file names none.
    ///
    /// Credentials are left out where their variables are not set: most metadata is to be had without.
    ///
    /// # Errors
    ///
    /// A variable that is not set, and a version of the API that has no metadata.
    pub fn access(&self) -> Result<Option<Access>, LightbeamError> {
        let Some(api) = &self.content.edfi_api else { return Ok(None) };
        let mut urls = BTreeMap::new();
        for (name, url) in [
            ("oauth", &api.oauth_url),
            ("dependencies", &api.dependencies_url),
            ("openApiMetadata", &api.open_api_metadata_url),
            ("Resources", &api.resources_swagger_url),
            ("Descriptors", &api.descriptors_swagger_url),
        ] {
            if let Some(url) = self.value(url.as_ref())? {
                urls.insert(name.to_owned(), url);
            }
        }
        if self.value(api.version.as_ref())?.is_some_and(|version| version.starts_with('2')) {
            return Err(LightbeamError {
                file: self.file.clone(),
                line: self.line_of("version:"),
                message: "version 2 of the API has no metadata of this kind".to_owned(),
                advice: "Use version 3, which is Suite 3, ODS/API 3 and later".to_owned(),
            });
        }
        let Some(url) = self.value(api.base_url.as_ref())? else { return Ok(None) };
        let others = self.value(api.instance_code.as_ref())?.map(|code| ("instance".to_owned(), code));
        Ok(Some(Access {
            url,
            urls,
            context: Context {
                tenant: None,
                // Without a mode that asks for it the year is not part of any URL.
                year: if self.asks_for_year(api)? { self.value(api.year.as_ref())? } else { None },
                others: others.into_iter().collect(),
            },
            credentials: self.credentials(),
        }))
    }

    /// The credentials, where both are there and their variables are set.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let api = self.content.edfi_api.as_ref()?;
        let secret = |scalar: &Option<Scalar>| self.value(scalar.as_ref()).ok().flatten().map(Secret::new);
        Some(Credentials { key: secret(&api.client_id)?, secret: secret(&api.client_secret)? })
    }

    fn asks_for_year(&self, api: &Section) -> Result<bool, LightbeamError> {
        Ok(self.value(api.mode.as_ref())?.is_none_or(|mode| mode.to_lowercase().contains("year")))
    }

    /// A value with its variables put in; `None` where it is absent or empty.
    fn value(&self, scalar: Option<&Scalar>) -> Result<Option<String>, LightbeamError> {
        let Some(Scalar(raw)) = scalar else { return Ok(None) };
        let mut filled = String::with_capacity(raw.len());
        let mut rest = raw.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            rest = after;
            if let Some((name, after)) = rest.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
                let Some(value) = self.variables.get(name) else { return Err(self.unset(name)) };
                filled.push_str(value);
                rest = after;
                continue;
            }
            // A dollar in a password is no variable; lightbeam leaves what it does not know as it is.
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            match self.variables.get(name) {
                Some(value) => {
                    filled.push_str(value);
                    rest = after;
                }
                None => filled.push('$'),
            }
        }
        filled.push_str(rest);
        let filled = filled.trim();
        Ok((!filled.is_empty()).then(|| filled.to_owned()))
    }

    fn unset(&self, name: &str) -> LightbeamError {
        LightbeamError {
            file: self.file.clone(),
            line: self.line_of(&format!("${{{name}}}")),
            message: format!("the variable {name} is not set"),
            advice: format!("Set {name} in the environment, or write its value here"),
        }
    }

    /// The first line that has a text outside comments.
    fn line_of(&self, wanted: &str) -> usize {
        let has = |line: &str| line.find(wanted).is_some_and(|at| line.find(" #").is_none_or(|comment| at < comment));
        self.text.lines().position(|line| !line.trim_start().starts_with('#') && has(line)).map_or(1, |line| line + 1)
    }
}

/// What the parser says without the text it quotes, which may be a secret.
fn without_values(said: &str) -> String {
    let quoted = said.split_once('"').and_then(|(before, rest)| Some((before, rest.rsplit_once('"')?.1)));
    quoted.map_or_else(|| said.to_owned(), |(before, after)| format!("{before}\"…\"{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
state_dir: ~/.lightbeam/
data_dir: ${DATA_DIR}/out
namespace: ed-fi
namespace_overrides:
  tpdm: [candidates, $ENDPOINT]
  surveys: sample
edfi_api:
  # base_url: ${OLD}
  base_url: https://api.district.org/v5.3/api/
  oauth_url: \"https://login.district.org/token\"
  dependencies_url:
  version: 3
  mode: year_specific
  year: 2026
  client_id: ${ID}
  client_secret: pa$$w0rd#${SECRET}
connection: {pool_size: 8, verify_ssl: True}
";

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read(text: &str, pairs: &[(&str, &str)]) -> Result<Lightbeam, LightbeamError> {
        Lightbeam::read("lightbeam.yaml", text.as_bytes(), variables(pairs))
    }

    #[test]
    fn reads_what_lightbeam_reads() {
        let set = [("DATA_DIR", "/data"), ("ENDPOINT", "people"), ("ID", "me"), ("SECRET", "S: {x}")];
        let read = read(WHOLE, &set).unwrap();
        assert_eq!(read.data_dir().unwrap().unwrap(), "/data/out");
        assert_eq!(read.namespace().unwrap().unwrap(), "ed-fi");
        let overrides: Vec<_> = read.namespace_overrides().unwrap().into_iter().collect();
        let expected = [("candidates", "tpdm"), ("people", "tpdm"), ("surveys", "sample")];
        assert_eq!(overrides, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let access = read.access().unwrap().unwrap();
        assert_eq!(access.url, "https://api.district.org/v5.3/api/");
        assert_eq!(access.urls, variables(&[("oauth", "https://login.district.org/token")]));
        assert_eq!(access.context, Context { year: Some("2026".into()), ..Context::default() });
        let credentials = access.credentials.clone().unwrap();
        assert_eq!((credentials.key.expose(), credentials.secret.expose()), ("me", "pa$$w0rd#S: {x}"));
        for shown in [format!("{access:?}"), format!("{read:?}")] {
            assert!(!shown.contains("w0rd") && !shown.contains("\"me\""), "{shown}");
        }
    }

    #[test]
    fn an_unset_variable_matters_where_it_is_asked_for() {
        let read = read(WHOLE, &[]).unwrap();
        assert_eq!(
            read.data_dir().unwrap_err().to_string(),
            "lightbeam.yaml:2: the variable DATA_DIR is not set. Set DATA_DIR in the environment, or write its value here"
        );
        assert_eq!(read.access().unwrap().unwrap().credentials, None);
    }

    #[test]
    fn says_which_line_is_wrong() {
        let message = |text| read(text, &[]).unwrap_err().to_string();
        assert!(message("data_dir: [a\nb: c\n").starts_with("lightbeam.yaml:"), "{}", message("data_dir: [a\nb: c\n"));
        let nested = message("data_dir: x\nedfi_api:\n  year:\n    - 1\n");
        assert!(nested.contains("one value is expected here"), "{nested}");
        assert!(message("edfi_api: s3cret\n").starts_with("lightbeam.yaml:1: "), "{}", message("edfi_api: s3cret\n"));
        assert!(!message("edfi_api: s3cret\n").contains("s3cret"));
        assert_eq!(message(" \n"), "lightbeam.yaml:1: empty. Give a lightbeam.yaml with edfi_api: base_url: …");
        let bytes = Lightbeam::read("l.yaml", b"a: b\nc: \xff", BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(bytes, "l.yaml:2: not UTF-8. Save the file as UTF-8");
        let old = read("edfi_api:\n  base_url: https://h\n  version: 2\n", &[]).unwrap().access().unwrap_err();
        assert_eq!(old.line, 3);
    }

    #[test]
    fn without_an_api_there_is_no_access() {
        assert_eq!(read("data_dir: ./\n", &[]).unwrap().access().unwrap(), None);
        assert_eq!(read("edfi_api:\n  base_url:\n", &[]).unwrap().access().unwrap(), None);
    }
}
