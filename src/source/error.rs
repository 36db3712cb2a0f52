//! Why a document could not be used: what is wrong, where, and the way out.

/// A document that could not be read, or documents that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Nothing in it.
    #[error("{document}: empty. Give an OpenAPI document or a graph file")]
    Empty {
        /// The document.
        document: String,
    },
    /// Bytes that are not UTF-8.
    #[error("{document}: byte {offset} is not UTF-8. Save the document as UTF-8")]
    NotText {
        /// The document.
        document: String,
        /// The first wrong byte, from 0.
        offset: usize,
    },
    /// Not JSON, YAML or XML, or cut off.
    #[error("{document}:{line}:{column}: {message}. {advice}")]
    Syntax {
        /// The document.
        document: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
        /// The way out.
        advice: &'static str,
    },
    /// Well-formed, but not what its kind of document holds at that place.
    #[error("{document}: {path}: {message}. {advice}")]
    Content {
        /// The document.
        document: String,
        /// JSON path of the place.
        path: String,
        /// What is wrong.
        message: String,
        /// The way out.
        advice: String,
    },
    /// Two documents that contradict each other.
    #[error("{left} and {right}: {message}. {advice}")]
    Conflict {
        /// One document.
        left: String,
        /// The other.
        right: String,
        /// What they disagree about.
        message: String,
        /// The way out.
        advice: String,
    },
    /// An extension to be left out that the documents do not have.
    #[error("there is no extension '{name}' to leave out. Extensions here: {known}")]
    NoSuchExtension {
        /// What was asked for.
        name: String,
        /// The extensions there are.
        known: String,
    },
    /// A bundled graph that does not exist.
    #[error("no bundled graph is called '{name}'. There are: {known}. Write ./{name} for a file")]
    NoSuchStandard {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// How the readers of graph files say that a key is not alone.
pub(super) const TWICE: &str = "stands here twice";
const KEEP_ONE: &str = "Keep one of the two lines";

impl SourceError {
    pub(crate) fn content(
        document: &str,
        path: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Content {
            document: document.to_owned(),
            path: path.into(),
            message: message.into(),
            advice: advice.into(),
        }
    }

    pub(crate) fn json(document: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        let advice = match error.classify() {
            _ if message.ends_with(TWICE) => KEEP_ONE,
            serde_json::error::Category::Eof => "The document is cut off; fetch it again",
            serde_json::error::Category::Data => "Give the document as the API serves it",
            _ if message.contains("recursion") => "No Ed-Fi document nests this deep",
            _ => "The document is not valid JSON here; fetch it again",
        };
        Self::Syntax {
            document: document.to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
            message: message.to_owned(),
            advice,
        }
    }

    pub(crate) fn yaml(document: &str, error: &serde_yaml::Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |l| (l.line().max(1), l.column().max(1)));
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        let advice = if message.ends_with(TWICE) {
            KEEP_ONE
        } else if message.contains("repetition") {
            "No Ed-Fi document repeats aliases like this"
        } else if message.contains("recursion") {
            "No Ed-Fi document nests this deep"
        } else {
            "The document is not valid YAML of its kind here; fetch it again"
        };
        Self::Syntax { document: document.to_owned(), line, column, message: message.to_owned(), advice }
    }
}
