//! How the ODS/API makes names for its JSON out of those of its entities.
//!
//! The rules are the server's, odd ones included: `EdFi.Common.Inflection`, `ToCamelCase` and
//! `JsonNamingConvention` of its source. An ApiModel holds only the names of entities and columns.

/// Endings and what they become, the first that fits decides. An ending that stands after certain
/// letters only is listed with them.
const PLURALS: [(&[&str], &str, &str); 23] = [
    (&["move"], "", "s"),
    (&["tax", "sex"], "", "es"),
    (&["child"], "", "ren"),
    (&["man"], "an", "en"),
    (&["person"], "erson", "eople"),
    (&["quiz"], "", "zes"),
    (&["mouse", "louse"], "ouse", "ice"),
    (&["matrix", "vertix", "indix"], "ix", "ices"),
    (&["ex"], "ex", "ices"),
    (&["x", "ch", "ss", "sh"], "", "es"),
    (&["quy"], "y", "ies"),
    (&["ay", "ey", "iy", "oy", "uy", "yy"], "", "s"),
    (&["y"], "y", "ies"),
    (&["lf", "rf"], "f", "ves"),
    (&["ffe"], "", "s"),
    (&["fe"], "fe", "ves"),
    (&["sis"], "sis", "ses"),
    (&["tum", "ium"], "um", "a"),
    (&["buffalo", "tomato"], "", "es"),
    (&["bus", "alias", "status"], "", "es"),
    (&["octopus", "virus"], "us", "i"),
    (&["axis", "testis"], "is", "es"),
    (&["s"], "", ""),
];

const WITHOUT_PLURAL: [&str; 8] = ["equipment", "information", "rice", "money", "species", "series", "fish", "sheep"];

/// The plural of an entity's name, of its last word: `StudentAssessments`, `People`,
/// `CreditsOffered` for what ends in `Offered`.
pub(super) fn plural(name: &str) -> String {
    let starts: Vec<usize> = word_starts(name);
    let mut end = name.len();
    for &start in starts.iter().rev() {
        let (Some(before), Some(word), Some(after)) = (name.get(..start), name.get(start..end), name.get(end..)) else {
            break;
        };
        if !word.eq_ignore_ascii_case("offered") {
            return format!("{before}{}{after}", plural_word(word));
        }
        end = start;
    }
    name.to_owned()
}

/// The entity whose plural an endpoint's name is, as far as that can be told backwards.
pub(in crate::source) fn singular(endpoint: &str) -> String {
    let mut entity: String = endpoint.chars().take(1).flat_map(char::to_uppercase).collect();
    entity.extend(endpoint.chars().skip(1));
    let cut = |ending: &str, kept: &str| entity.strip_suffix(ending).map(|stem| format!("{stem}{kept}"));
    let candidates = [cut("ople", "rson"), cut("ies", "y"), cut("s", ""), cut("es", "")];
    candidates.into_iter().flatten().find(|candidate| plural(candidate) == entity).unwrap_or(entity)
}

/// Where the words of a name start; an initialism is of one word with what follows it.
fn word_starts(name: &str) -> Vec<usize> {
    let bytes = name.as_bytes();
    let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
    (0..bytes.len()).filter(|&at| at == 0 || upper(at) && !upper(at - 1)).collect()
}

fn plural_word(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    if WITHOUT_PLURAL.contains(&lower.as_str()) {
        return word.to_owned();
    }
    if lower == "ox" {
        return format!("{word}en");
    }
    let rule = PLURALS.iter().find(|(endings, _, _)| endings.iter().any(|ending| lower.ends_with(ending)));
    let (_, cut, added) = rule.copied().unwrap_or((&[], "", "s"));
    let kept = word.len().saturating_sub(cut.len());
    format!("{}{added}", word.get(..kept).unwrap_or(word))
}

/// `SchoolId` → `schoolId`, `IDEAEvent` → `ideaEvent`, `URIs` → `uris`.
pub(super) fn camel(name: &str) -> String {
    let leading = name.chars().take_while(char::is_ascii_uppercase).count();
    let whole = leading == name.len() || leading + 1 == name.len() && name.ends_with('s');
    let lowered = if whole { name.len() } else { leading.saturating_sub(1).max(1) };
    name.char_indices().map(|(at, c)| if at < lowered { c.to_ascii_lowercase() } else { c }).collect()
}

/// The project of an API path: `ed-fi` of `Ed-Fi`, `grand-bend` of `GrandBend`, `tpdm` of `TPDM`;
/// the abbreviation of a state stays as it is.
pub(super) fn project(logical_name: &str) -> String {
    if logical_name.len() == 2 && logical_name.bytes().all(|b| b.is_ascii_uppercase()) {
        return logical_name.to_owned();
    }
    terms(logical_name).join("-").to_ascii_lowercase()
}

/// The name of a schema as classes carry it: `EdFi` of `Ed-Fi`, `TPDM` of `TPDM`.
pub(super) fn proper(logical_name: &str) -> String {
    let capital = |term: &String| {
        let mut chars = term.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    terms(logical_name).iter().map(capital).collect()
}

/// The words of a logical name, at punctuation and at changes of case; an initialism is a word.
fn terms(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut terms: Vec<String> = Vec::new();
    let mut open = false;
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            open = false;
            continue;
        }
        let previous = at.checked_sub(1).and_then(|p| chars.get(p));
        let after_small = previous.is_some_and(|p| !p.is_ascii_uppercase());
        let before_small = chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let starts = c.is_ascii_uppercase() && (after_small || before_small);
        match terms.last_mut().filter(|_| open && !starts) {
            Some(term) => term.push(c),
            None => terms.push(c.to_string()),
        }
        open = true;
    }
    terms
}

/// The JSON name of a member unless it clashes: without the name of the entity that holds it, but
/// identifiers keep theirs.
pub(super) fn without_parent<'m>(parent: &str, member: &'m str) -> &'m str {
    let parent = parent.strip_suffix("Extension").unwrap_or(parent);
    match member.strip_prefix(parent) {
        Some(rest) if !rest.is_empty() && !member.ends_with("Id") && !member.ends_with("USI") => rest,
        _ => member,
    }
}

/// The property of the API for a column: a descriptor's surrogate stands for its URI, a person's for
/// the unique id.
pub(super) fn property(column: &str, descriptor: bool) -> String {
    if let Some(base) = column.strip_suffix("Id").filter(|_| descriptor) {
        return base.to_owned();
    }
    match column.strip_suffix("USI") {
        Some(base) => format!("{base}UniqueId"),
        None => column.to_owned(),
    }
}

/// The role that a reference plays: what stands before the name of a key column in the column that
/// takes it (`CharterApproval` for `SchoolYear` → `CharterApprovalSchoolYear`). The first column that
/// was renamed decides.
pub(super) fn role<'c>(columns: impl Iterator<Item = (&'c str, &'c str)>) -> Option<&'c str> {
    for (key, column) in columns.filter(|(key, column)| key != column) {
        let core = key.strip_suffix("Id").unwrap_or(key);
        let Some(at) = column.rfind(core) else { continue };
        let (role, qualifier) = (column.get(..at)?, column.get(at + core.len()..)?);
        return (!role.is_empty() || !qualifier.is_empty() && qualifier != "Id").then_some(role);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_of_the_last_word() {
        for (name, many) in [
            ("School", "Schools"),
            ("Person", "People"),
            ("LocalEducationAgency", "LocalEducationAgencies"),
            ("Survey", "Surveys"),
            ("BellSchedule", "BellSchedules"),
            ("StudentAssessment", "StudentAssessments"),
            ("ClassStatus", "ClassStatuses"),
            ("Analysis", "Analyses"),
            ("Staff", "Staffs"),
            ("Child", "Children"),
            ("Sex", "Sexes"),
            ("Index", "Indices"),
            ("Business", "Businesses"),
            ("CourseLevelCharacteristic", "CourseLevelCharacteristics"),
            ("CreditOffered", "CreditsOffered"),
            ("AidEquipment", "AidEquipment"),
            ("MembershipFTE", "MembershipFTEs"),
            ("EmployeeBenefits", "EmployeeBenefits"),
            ("Offered", "Offered"),
            ("", ""),
        ] {
            assert_eq!(plural(name), many);
        }
    }

    #[test]
    fn camel_case_takes_a_leading_initialism_whole() {
        for (name, json) in [
            ("School", "school"),
            ("IDEAEvents", "ideaEvents"),
            ("CTEProgramServiceDescriptors", "cteProgramServiceDescriptors"),
            ("USI", "usi"),
            ("URIs", "uris"),
            ("A", "a"),
            ("ASmallStep", "aSmallStep"),
            ("", ""),
        ] {
            assert_eq!(camel(name), json);
        }
    }

    #[test]
    fn projects() {
        for (name, segment, class) in [
            ("Ed-Fi", "ed-fi", "EdFi"),
            ("TPDM", "tpdm", "TPDM"),
            ("GrandBend", "grand-bend", "GrandBend"),
            ("AZ", "AZ", "AZ"),
            ("Ne", "ne", "Ne"),
            ("My Extension2", "my-extension2", "MyExtension2"),
            ("TXState", "tx-state", "TXState"),
        ] {
            assert_eq!((project(name).as_str(), proper(name).as_str()), (segment, class));
        }
    }

    #[test]
    fn members_lose_the_name_of_their_parent() {
        assert_eq!(without_parent("School", "SchoolGradeLevels"), "GradeLevels");
        assert_eq!(without_parent("School", "SchoolId"), "SchoolId");
        assert_eq!(without_parent("StaffExtension", "StaffSalary"), "Salary");
        assert_eq!(without_parent("Staff", "Staff"), "Staff");
    }

    #[test]
    fn roles() {
        let role = |pairs: &[(&'static str, &'static str)]| super::role(pairs.iter().copied());
        assert_eq!(role(&[("SchoolYear", "CharterApprovalSchoolYear")]), Some("CharterApproval"));
        assert_eq!(role(&[("ClassroomIdentificationCode", "LocationClassroomIdentificationCode")]), Some("Location"));
        assert_eq!(role(&[("SchoolId", "SchoolId")]), None);
        assert_eq!(role(&[("EducationOrganizationId", "SchoolId")]), None);
        assert_eq!(role(&[("A", "A"), ("StudentUSI", "PeerStudentUSI")]), Some("Peer"));
    }
}
