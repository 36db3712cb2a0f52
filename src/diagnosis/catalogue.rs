//! Every sentence that Ed-Fi servers answer failures with: by whom, in which versions, and what it means.
//!
//! In the order of precedence: words that one template has claimed are not read again. Sources are
//! the servers' own repositories at their release tags.

use std::sync::LazyLock;

use super::codes::Code;
use super::response::Server;
use super::template::Pattern;

/// One sentence of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// The code it stands for.
    pub code: Code,
    /// Whose it is; unknown where several servers word it alike.
    pub server: Server,
    /// The versions of that server.
    pub versions: &'static str,
    /// The sentence, with holes in braces; `^` stands for the start of the text, `|` for the end of
    /// a sentence.
    pub text: &'static str,
    pub(super) nuance: Nuance,
}

/// What a sentence says beyond its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nuance {
    /// Nothing.
    Plain,
    /// A person that does not exist, or is not visible: the server does not tell which.
    Either,
    /// The target exists, but as another subclass than the reference takes.
    OtherSubclass,
    /// The value is no descriptor URI at all.
    NotAUri,
    /// The client has no education organization.
    NoClaims,
    /// A value that authorization needs is absent.
    ValueAbsent,
    /// All associations of the hint are needed.
    HintAll,
    /// One association of the hint suffices.
    HintAny,
    /// Tells the server, and no more.
    Preamble,
}

impl Template {
    const fn with(mut self, nuance: Nuance) -> Self {
        self.nuance = nuance;
        self
    }

    /// Who words it like this, in words: `ODS/API 5.0 to 7.1`.
    #[must_use]
    pub fn origin(&self) -> String {
        match self.server {
            Server::Unknown => self.versions.to_owned(),
            server => format!("{server} {}", self.versions),
        }
    }
}

const fn ods(code: Code, versions: &'static str, text: &'static str) -> Template {
    Template { code, server: Server::Ods, versions, text, nuance: Nuance::Plain }
}

const fn dms(code: Code, versions: &'static str, text: &'static str) -> Template {
    Template { code, server: Server::Dms, versions, text, nuance: Nuance::Plain }
}

const fn meadowlark(code: Code, text: &'static str) -> Template {
    Template { code, server: Server::Meadowlark, versions: "", text, nuance: Nuance::Plain }
}

const fn both(code: Code, text: &'static str) -> Template {
    Template { code, server: Server::Unknown, versions: "ODS/API 7.2 on, DMS", text, nuance: Nuance::Plain }
}

const LEGACY: &str = "5.0 to 7.1";

/// All templates, in order of precedence.
#[must_use]
pub fn catalogue() -> &'static [Template] {
    CATALOGUE
}

/// The compiled catalogue.
pub(super) fn patterns() -> &'static [(&'static Template, Pattern)] {
    static COMPILED: LazyLock<Vec<(&'static Template, Pattern)>> =
        LazyLock::new(|| CATALOGUE.iter().filter_map(|t| Some((t, Pattern::compile(t.text)?))).collect());
    &COMPILED
}

/// Codes of problem types, by what follows `urn:ed-fi:api:`; the longest that fits counts. A type
/// that decides outweighs every sentence, one that does not only stands where no sentence is known.
pub(super) fn code_of_type(urn: &str) -> Option<(Code, bool)> {
    let suffix = urn.trim().strip_prefix("urn:ed-fi:api:")?.trim_end_matches(':');
    let fits = |prefix: &str| suffix.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let found = TYPES.iter().filter(|(prefix, ..)| fits(prefix)).max_by_key(|(prefix, ..)| prefix.len())?;
    Some((found.1, found.2))
}

static TYPES: &[(&str, Code, bool)] = &[
    ("data-conflict:unresolved-reference", Code::UnresolvedReference, true),
    ("data-conflict:dependent-item-exists", Code::DependentExists, true),
    ("data-conflict:non-unique-identity", Code::IdentityConflict, true),
    ("data-conflict:non-unique-values", Code::IdentityConflict, true),
    ("data-conflict:multi-user-conflict", Code::PreconditionFailed, true),
    ("identity-conflict", Code::IdentityConflict, true),
    ("bad-request:data-validation-failed:key-change-not-supported", Code::KeyChangeNotSupported, true),
    ("bad-request:data-policy-enforced", Code::DataPolicy, true),
    ("bad-request:data-policy", Code::DataPolicy, true),
    ("bad-request:parameter-validation-failed", Code::QueryParameter, true),
    ("bad-request", Code::DataValidation, false),
    ("key-change-not-supported", Code::KeyChangeNotSupported, true),
    ("data-policy-enforced", Code::DataPolicy, true),
    ("profile", Code::DataPolicy, true),
    ("security:data-policy", Code::DataPolicy, true),
    ("security:authorization:namespace", Code::AuthorizationOther, true),
    ("security:authorization:ownership", Code::AuthorizationOther, true),
    ("security:authorization:access-denied", Code::AuthorizationOther, true),
    ("security:authorization:custom-view", Code::AuthorizationOther, true),
    ("security:authorization:relationships", Code::RelationshipMissing, true),
    ("security:authorization", Code::AuthorizationOther, false),
    ("forbidden", Code::AuthorizationOther, false),
    ("security:authentication:too-many-tokens", Code::Throttled, true),
    ("security:authentication", Code::Authentication, true),
    ("unauthorized", Code::Authentication, true),
    ("not-found", Code::NotFound, true),
    ("system:configuration:feature-disabled", Code::NotFound, true),
    ("method-not-allowed", Code::MethodNotAllowed, true),
    ("snapshots:method-not-allowed", Code::MethodNotAllowed, true),
    ("unsupported-media-type", Code::MediaType, true),
    ("not-acceptable", Code::MediaType, true),
    ("optimistic-lock-failed", Code::PreconditionFailed, true),
    ("precondition-failed", Code::PreconditionFailed, true),
    ("too-many-requests", Code::Throttled, true),
    ("system:configuration:security", Code::SecurityConfiguration, true),
    ("system", Code::ServerError, true),
    ("bad-gateway", Code::ServerError, true),
    ("service-unavailable", Code::ServerError, true),
    ("service-configuration-error", Code::ServerError, true),
    ("database-not-provisioned", Code::ServerError, true),
];

static CATALOGUE: &[Template] = &[
    // A missing person that looks like an authorization failure.
    ods(Code::UnresolvedReference, "6.0 to 7.1", "could not be authorized because the '{person}' was not found"),
    ods(
        Code::RelationshipMissing,
        "7.1",
        "Either referenced '{person}' was not found or no relationships have been established between the caller's \
         education organization id {text} and the referenced '{word}'",
    )
    .with(Nuance::Either),
    // A reference that does not resolve.
    ods(Code::UnresolvedReference, "up to 7.0, persons only", "{person} reference could not be resolved"),
    ods(
        Code::UnresolvedReference,
        "5.0 to 7.1",
        "The value supplied for the related '{table}' resource does not exist",
    ),
    ods(Code::UnresolvedReference, "7.0 to 7.1", "The value supplied for a related resource does not exist"),
    ods(Code::UnresolvedReference, "7.2 on", "The referenced '{entity}' item does not exist"),
    ods(Code::UnresolvedReference, "7.2 on", "A referenced item does not exist"),
    dms(Code::UnresolvedReference, "0.2 to 0.7", "The referenced {entities} item(s) do not exist"),
    dms(Code::UnresolvedReference, "8 on", "The referenced {entity} item does not exist"),
    dms(Code::UnresolvedReference, "8 on", "The referenced {entity} item is not compatible with this reference")
        .with(Nuance::OtherSubclass),
    dms(Code::UnresolvedReference, "8 on", "One or more references could not be resolved"),
    meadowlark(Code::UnresolvedReference, "Reference validation failed"),
    // A blocked delete.
    ods(Code::DependentExists, LEGACY, "because it is a dependency of the '{text}' value of the '{table}' entity"),
    ods(Code::DependentExists, LEGACY, "because it is a dependency of the '{table}' entity"),
    ods(Code::DependentExists, "7.0 to 7.1, PostgreSQL", "because it is a dependency of another entity"),
    ods(
        Code::DependentExists,
        "7.3 on",
        "referenced by an existing '{child}' item contained within an '{entity}' resource item",
    ),
    ods(
        Code::DependentExists,
        "7.3 on",
        "referenced by an existing '{child}' item contained within a resource item of one of the following types: \
         {entities}",
    ),
    ods(Code::DependentExists, "7.2 on", "referenced by an existing '{entity}' item"),
    ods(Code::DependentExists, "7.2 on", "because this item is referenced by another item"),
    ods(Code::DependentExists, "7.2 before its release", "referenced by an existing '{entity}' data item"),
    ods(Code::DependentExists, "7.2 before its release", "because this data item is referenced by another data item"),
    dms(Code::DependentExists, "all; 8 on names one", "referenced by existing {entities} item(s)"),
    dms(Code::DependentExists, "8 on", "referenced by existing item(s)"),
    meadowlark(Code::DependentExists, "The resource cannot be deleted because it is a dependency of other documents"),
    // Descriptor values.
    ods(
        Code::DescriptorValueMissing,
        LEGACY,
        "Unable to resolve value '{text}' to an existing '{descriptor}' resource",
    ),
    ods(Code::DescriptorValueMissing, "up to 7.0", "{coded}DescriptorId is required|"),
    both(Code::DescriptorValueMissing, "{descriptor} value '{text}' does not exist"),
    both(Code::DescriptorValueMissing, "{descriptor} value '{text}' is not a valid value for use as a descriptor")
        .with(Nuance::NotAUri),
    dms(Code::DescriptorValueMissing, "all", "value '{text}' is not a valid {descriptor}|").with(Nuance::NotAUri),
    // Relationships.
    both(Code::RelationshipMissing, "You may need to create corresponding '{association}' and '{association}' items")
        .with(Nuance::HintAll),
    both(Code::RelationshipMissing, "You may need to create corresponding '{association}' or '{association}' items")
        .with(Nuance::HintAny),
    both(Code::RelationshipMissing, "You may need to create a corresponding '{association}' item")
        .with(Nuance::HintAll),
    Template {
        versions: "ODS/API 6.0 on, DMS",
        ..both(
            Code::RelationshipMissing,
            "No relationships have been established between the caller's education organization id {text} and one or \
             more of the following properties of the resource item: {properties}",
        )
    },
    Template {
        versions: "ODS/API 6.0 on, DMS",
        ..both(
            Code::RelationshipMissing,
            "No relationships have been established between the caller's education organization id {text} and the \
             resource item's {properties}",
        )
    },
    dms(
        Code::RelationshipMissing,
        "0.4",
        "No relationships have been established between the caller's education organization id {text} and properties \
         of the resource item",
    ),
    Template {
        versions: "ODS/API 6.0 on, DMS",
        ..both(Code::RelationshipMissing, "No relationships have been established")
    },
    Template {
        versions: "ODS/API 6.0 on, DMS",
        ..both(Code::RelationshipMissing, "and the resource item's {properties} value")
    },
    dms(
        Code::RelationshipMissing,
        "0.4",
        "could not be authorized based on the caller's EducationOrganizationIds claims",
    ),
    ods(
        Code::RelationshipMissing,
        "5.0 to 5.4",
        "The claim does not have any established relationships with the requested resource",
    ),
    dms(
        Code::RelationshipMissing,
        "0.4 to 0.7",
        "authorization strategy but the client doesn't have any education organizations assigned",
    )
    .with(Nuance::NoClaims),
    both(Code::RelationshipMissing, "The '{property}' value is required for authorization purposes")
        .with(Nuance::ValueAbsent),
    both(Code::RelationshipMissing, "The existing '{property}' value is required for authorization purposes")
        .with(Nuance::ValueAbsent),
    dms(
        Code::RelationshipMissing,
        "8 on",
        "values of one or more of the following properties are required for authorization purposes: {properties}",
    )
    .with(Nuance::ValueAbsent),
    ods(Code::RelationshipMissing, LEGACY, "because the '{property}' of the resource is empty")
        .with(Nuance::ValueAbsent),
    // Other authorization.
    both(
        Code::AuthorizationOther,
        "value of the data does not start with any of the caller's associated namespace prefixes",
    ),
    both(Code::AuthorizationOther, "'Namespace' value of the data is required"),
    Template {
        versions: "ODS/API 5.0 to 7.1, DMS up to 0.7",
        ..both(Code::AuthorizationOther, "based on the caller's NamespacePrefix claims")
    },
    both(Code::AuthorizationOther, "The item is not owned by the caller"),
    both(Code::AuthorizationOther, "has no 'CreatedByOwnershipTokenId' value assigned"),
    ods(Code::AuthorizationOther, LEGACY, "using any of the caller's ownership tokens"),
    ods(Code::AuthorizationOther, LEGACY, "because it has no owner"),
    both(
        Code::AuthorizationOther,
        "The API client's assigned claim set (currently {text}) must grant permission of the",
    ),
    both(Code::AuthorizationOther, "The API client's assigned claim set (currently {text}) must include one of the"),
    both(Code::AuthorizationOther, "The API client's assigned claim set (currently {text}) must {word} "),
    ods(Code::AuthorizationOther, LEGACY, "Access to the resource could not be authorized. Are you missing a claim"),
    ods(Code::AuthorizationOther, LEGACY, "Access to the resource could not be authorized for the requested action"),
    both(Code::AuthorizationOther, "perform the requested operation on the item based on the existing value of the"),
    both(Code::AuthorizationOther, "perform the requested operation on the item based on the proposed value of the"),
    both(Code::AuthorizationOther, "Hint: You may need a"),
    both(Code::AuthorizationOther, "Access to the requested data could not be authorized").with(Nuance::Preamble),
    dms(Code::AuthorizationOther, "up to 0.7", "Access to the resource could not be authorized.")
        .with(Nuance::Preamble),
    // Keys.
    ods(Code::KeyChangeNotSupported, "7.0 to 7.1", "Key values for this resource cannot be changed"),
    both(Code::KeyChangeNotSupported, "Identifying values for the {entity} resource cannot be changed"),
    ods(Code::KeyChangeNotSupported, "7.2 on", "Identifying values for the {entity} data cannot be changed"),
    ods(Code::KeyChangeNotSupported, "7.2 on", "Identifying values for the {entity} item cannot be changed"),
    dms(Code::KeyChangeNotSupported, "8 on", "Identity of resource '{entity}' cannot be changed"),
    meadowlark(Code::KeyChangeNotSupported, "The identity fields of the document cannot be modified"),
    ods(
        Code::IdentityConflict,
        "up to 7.1, SQL Server",
        "attempting to create a new resource '{table}' with a duplicate key. The duplicated columns and values are \
         [{key}]",
    ),
    ods(
        Code::IdentityConflict,
        "up to 7.1, SQL Server",
        "attempting to create a new resource '{table}' with a duplicate key",
    ),
    ods(
        Code::IdentityConflict,
        "up to 7.1, SQL Server",
        "when attempting to update a new resource with a duplicate key",
    ),
    ods(
        Code::IdentityConflict,
        "7.2 on",
        "A primary key conflict occurred when attempting to create or update a record in the '{table}' table. The \
         duplicate key is ({key})",
    ),
    ods(
        Code::IdentityConflict,
        "7.2 on",
        "A primary key conflict occurred when attempting to create or update a record in the '{table}' table",
    ),
    ods(Code::IdentityConflict, "all, PostgreSQL", "supplied for property '{key}' of entity '{table}' is not unique"),
    ods(
        Code::IdentityConflict,
        "all, PostgreSQL",
        "supplied for properties '{key}' of entity '{table}' are not unique",
    ),
    ods(Code::IdentityConflict, "all, PostgreSQL", "of entity '{table}' is not unique"),
    ods(Code::IdentityConflict, "all, PostgreSQL", "of entity '{table}' are not unique"),
    dms(
        Code::IdentityConflict,
        "all",
        "attempting to create a new resource {entity} with a duplicate key. The duplicate keys and values are {key}|",
    ),
    dms(
        Code::IdentityConflict,
        "all",
        "attempting to update a resource {entity} with a duplicate key. The duplicate keys and values are {key}|",
    ),
    dms(Code::IdentityConflict, "all", "resource {entity} with a duplicate key"),
    both(Code::IdentityConflict, "The identifying value(s) of the item are the same as another item"),
    both(Code::IdentityConflict, "in the item must be unique, but another item with these values already exists"),
    ods(Code::IdentityConflict, "7.2 on", "Two {child} entities with the same identifier were associated"),
    meadowlark(Code::IdentityConflict, "the identity is in use by '{entity}' which is also a(n) '{table}'"),
    meadowlark(Code::IdentityConflict, "the identity is in use by '{text}'"),
    ods(
        Code::KeyUnificationConflict,
        "up to 7.1",
        "Supplied values for unified key property '{field}' on '{word}' are not consistent",
    ),
    both(Code::KeyUnificationConflict, "All values supplied for '{field}' must match"),
    meadowlark(Code::KeyUnificationConflict, "Constraint failure: document paths {text} must have the same values"),
    ods(Code::IncompleteReference, "7.1 on", "{word}Reference is missing the following properties: {fields}"),
    // Profiles, before the sentences of validation that they borrow.
    ods(Code::DataPolicy, "all", "does not conform with the filter values defined by profile"),
    ods(Code::DataPolicy, "all", "Based on profile assignments,"),
    both(Code::DataPolicy, "profile-based content type"),
    both(Code::DataPolicy, "The format of the profile-based"),
    both(Code::DataPolicy, "The profile usage segment in the profile-based"),
    both(Code::DataPolicy, "The profile specified by the content type"),
    both(Code::DataPolicy, "profile specified by the content type"),
    both(Code::DataPolicy, "using API profile"),
    both(Code::DataPolicy, "using the profile"),
    both(Code::DataPolicy, "because a data policy has been applied"),
    both(Code::DataPolicy, "The Profile definition for"),
    ods(Code::DataPolicy, LEGACY, "The allowed methods for this resource with the '{text}' profile"),
    ods(Code::DataPolicy, LEGACY, "There is no {word} content type available to the caller for the"),
    both(Code::DataPolicy, "with respect to usage of a data policy"),
    both(Code::DataPolicy, "A data policy failure was encountered"),
    // Query parameters.
    both(Code::QueryParameter, "Parameters supplied to the request were invalid"),
    both(Code::QueryParameter, "{word} must be omitted or set to a"),
    both(Code::QueryParameter, "Offset must be"),
    both(Code::QueryParameter, "Limit must be"),
    both(Code::QueryParameter, "TotalCount must be"),
    both(Code::QueryParameter, "{word} is required when {word} is specified"),
    both(Code::QueryParameter, "parameters were provided, but they"),
    both(Code::QueryParameter, "The {word} parameter was incorrect"),
    ods(Code::QueryParameter, LEGACY, "The property '{word}' does not exist or is not available"),
    ods(Code::QueryParameter, "7.2 on", "The supplied data identifier is invalid"),
    ods(Code::QueryParameter, "7.2 on", "Filter value for '{word}' is not a valid value"),
    ods(Code::QueryParameter, "7.2 on", "Invalid query string parameter value"),
    dms(Code::QueryParameter, "0.4 on", "The value '{text}' is not valid for {word}"),
    meadowlark(Code::QueryParameter, "Must be set to a numeric value"),
    // Bodies that cannot be read.
    both(Code::MalformedBody, "is an invalid start of"),
    both(Code::MalformedBody, "is invalid after a"),
    both(Code::MalformedBody, "LineNumber: {word} | BytePositionInLine: {word}"),
    both(Code::MalformedBody, "Unexpected character encountered while parsing"),
    both(Code::MalformedBody, "After parsing a value an unexpected character was encountered"),
    both(Code::MalformedBody, "Unexpected end when"),
    both(Code::MalformedBody, "Unexpected end of"),
    both(Code::MalformedBody, "Unterminated string"),
    both(Code::MalformedBody, "Invalid property identifier character"),
    both(Code::MalformedBody, "Invalid character after parsing property name"),
    both(Code::MalformedBody, "Request body id must match the id in the url"),
    meadowlark(Code::MalformedBody, "Malformed body"),
    // Required fields.
    both(Code::RequiredFieldMissing, "A non-empty request body is required|"),
    both(Code::RequiredFieldMissing, "{field} is required and should not be left empty"),
    meadowlark(Code::RequiredFieldMissing, "must have required property '{field}'"),
    ods(Code::RequiredFieldMissing, LEGACY, "The {field} field is required"),
    ods(Code::RequiredFieldMissing, LEGACY, "{field} ({word}) is required|"),
    ods(Code::RequiredFieldMissing, LEGACY, "Required value not explicitly assigned"),
    ods(Code::RequiredFieldMissing, "7.1", "^Required|"),
    Template { versions: "all", ..both(Code::RequiredFieldMissing, "{field} is required|") },
    // Items that stand twice.
    both(Code::DuplicateItem, "has the same identifying values as another item earlier in the list"),
    ods(Code::DuplicateItem, LEGACY, "item of the {word} collection is a duplicate"),
    // Other values.
    both(Code::DataValidation, "Resource identifiers cannot be assigned by the client"),
    both(Code::DataValidation, "must have at least one item"),
    ods(Code::DataValidation, LEGACY, "requires at least one object in the collection"),
    both(Code::DataValidation, "The supplied value is invalid"),
    ods(Code::DataValidation, LEGACY, "was not recognized as a valid"),
    ods(Code::DataValidation, LEGACY, "The field {word} must be"),
    both(Code::DataValidation, "cannot contain leading or trailing spaces"),
    both(Code::DataValidation, "Value should be at"),
    both(Code::DataValidation, "must be between"),
    both(Code::DataValidation, "must be at most"),
    both(Code::DataValidation, "must be at least"),
    both(Code::DataValidation, "value must be different than"),
    both(Code::DataValidation, "Error converting value"),
    both(Code::DataValidation, "Unexpected value for"),
    both(Code::DataValidation, "but should be"),
    both(Code::DataValidation, "contains a value that could be dangerous"),
    both(Code::DataValidation, "An item with the same key has already been added"),
    both(Code::DataValidation, "The value '{text}' is not valid"),
    ods(Code::DataValidation, LEGACY, "Invalid value for snapshot identifier"),
    ods(Code::DataValidation, LEGACY, "Validation of '{word}' failed").with(Nuance::Preamble),
    ods(Code::DataValidation, LEGACY, "^The request is invalid|").with(Nuance::Preamble),
    both(Code::DataValidation, "^Data validation failed|").with(Nuance::Preamble),
    meadowlark(Code::DataValidation, "must NOT have fewer than"),
    meadowlark(Code::DataValidation, "must match format"),
    meadowlark(Code::DataValidation, "property is not expected to be here"),
    // The rest.
    ods(Code::SecurityConfiguration, "5.0 to 5.4", "there is no authorization support for associating"),
    both(Code::SecurityConfiguration, "A security configuration problem was detected"),
    both(Code::Authentication, "The caller could not be authenticated"),
    ods(Code::Authentication, LEGACY, "No API key information was available for authorization"),
    Template { versions: "all, token endpoint", ..both(Code::Authentication, "invalid_client") },
    Template { versions: "all, token endpoint", ..both(Code::Authentication, "invalid_token") },
    both(Code::NotFound, "The specified data could not be found"),
    both(Code::NotFound, "The specified item could not be found"),
    both(Code::NotFound, "Path '{route}' does not exist"),
    both(Code::NotFound, "does not exist. Check the resource name"),
    both(Code::NotFound, "Resource to update was not found"),
    both(Code::NotFound, "Resource to delete was not found"),
    both(Code::NotFound, "Snapshot not found"),
    both(Code::MethodNotAllowed, "The endpoint of the request does not support the"),
    both(Code::MethodNotAllowed, "Resource collections cannot be"),
    both(Code::MethodNotAllowed, "An attempt was made to modify data in a Snapshot"),
    ods(Code::MethodNotAllowed, LEGACY, "Snapshots are read-only"),
    both(Code::MediaType, "header is not supported by this host"),
    both(Code::PreconditionFailed, "The item has been modified by another user"),
    ods(Code::PreconditionFailed, LEGACY, "Resource was modified by another consumer"),
    both(Code::PreconditionFailed, "multiple users"),
    meadowlark(Code::PreconditionFailed, "Write conflict due to concurrent access"),
    both(Code::ServerError, "An unexpected problem has occurred"),
    ods(Code::ServerError, LEGACY, "An unexpected error occurred on the server"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles() {
        for template in CATALOGUE {
            assert!(Pattern::compile(template.text).is_some(), "{}", template.text);
        }
    }

    #[test]
    fn the_longest_type_decides() {
        assert_eq!(
            code_of_type("urn:ed-fi:api:bad-request:data-validation-failed:key-change-not-supported"),
            Some((Code::KeyChangeNotSupported, true))
        );
        assert_eq!(
            code_of_type("urn:ed-fi:api:bad-request:data-validation-failed"),
            Some((Code::DataValidation, false))
        );
        // DMS up to 0.7 ends the type in a colon.
        assert_eq!(code_of_type("urn:ed-fi:api:security:authorization:"), Some((Code::AuthorizationOther, false)));
        assert_eq!(code_of_type("urn:ed-fi:api:bad-requests"), None);
        assert_eq!(code_of_type("https://tools.ietf.org/html/rfc9110"), None);
    }
}
