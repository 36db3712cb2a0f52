//! Which resources are subclasses of an abstract one.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ED_FI, ResourceName};
use crate::source::draft::{DraftAbstract, DraftResource, SchemaKey};

use super::ALWAYS_ABSTRACT;

/// The subclasses of the standard's own abstract resources, for documents that do not tell (old
/// Swagger 2, MetaEd's inlined form). Read off the database of Data Standards 3 to 5: the tables
/// that inherit from `edfi.EducationOrganization` and `edfi.GeneralStudentProgramAssociation`.
const KNOWN: [(&str, &[&str]); 2] = [
    (
        "edfi_educationorganization",
        &[
            "communityOrganizations",
            "communityProviders",
            "educationOrganizationNetworks",
            "educationServiceCenters",
            "localEducationAgencies",
            "organizationDepartments",
            "postSecondaryInstitutions",
            "schools",
            "stateEducationAgencies",
        ],
    ),
    (
        "edfi_generalstudentprogramassociation",
        &[
            "studentCTEProgramAssociations",
            "studentHomelessProgramAssociations",
            "studentLanguageInstructionProgramAssociations",
            "studentMigrantEducationProgramAssociations",
            "studentNeglectedOrDelinquentProgramAssociations",
            "studentProgramAssociations",
            "studentSchoolFoodServiceProgramAssociations",
            "studentSection504ProgramAssociations",
            "studentSpecialEducationProgramAssociations",
            "studentTitleIPartAProgramAssociations",
        ],
    ),
];

/// The abstract resource of each subclass.
///
/// A document that names superclasses is believed; then a resource that uses child schemas of an
/// abstract resource inherits from it; where no resource does, the table above applies.
pub(super) fn of(
    resources: &BTreeMap<ResourceName, DraftResource>,
    abstracts: &BTreeMap<SchemaKey, DraftAbstract>,
) -> BTreeMap<ResourceName, SchemaKey> {
    let mut superclasses = BTreeMap::new();
    let owners: BTreeSet<SchemaKey> =
        resources.values().map(|r| r.schema.clone()).chain(abstracts.keys().cloned()).collect();
    for (name, resource) in resources {
        let stated = resource.superclass.as_ref().filter(|s| abstracts.contains_key(*s));
        let stated =
            stated.or_else(|| abstracts.iter().find(|(_, a)| a.subclasses.contains(&resource.schema)).map(|(s, _)| s));
        let inherited = || {
            let owners = resource.children.iter().filter_map(|child| owner(child, &owners));
            owners.filter(|owner| *owner != &resource.schema).find(|owner| abstracts.contains_key(*owner))
        };
        if let Some(superclass) = stated.or_else(inherited) {
            superclasses.insert(name.clone(), superclass.clone());
        }
    }
    for (index, schema) in ALWAYS_ABSTRACT.iter().enumerate() {
        let told = superclasses.values().any(|s| s.as_str() == *schema);
        let known = KNOWN.get(index).filter(|_| !told && abstracts.contains_key(&SchemaKey::new(schema)));
        for endpoint in known.map_or(&[][..], |(_, endpoints)| endpoints) {
            let is = |name: &&ResourceName| name.project() == ED_FI && name.endpoint().eq_ignore_ascii_case(endpoint);
            if let Some(name) = resources.keys().find(is) {
                superclasses.insert(name.clone(), SchemaKey::new(schema));
            }
        }
    }
    superclasses
}

/// The resource that a child schema belongs to: the longest that it starts with at a word boundary.
fn owner<'o>(child: &str, owners: &'o BTreeSet<SchemaKey>) -> Option<&'o SchemaKey> {
    let boundary = |&(i, c): &(usize, char)| {
        c.is_ascii_uppercase() || c == '_' || child.get(..i).is_some_and(|p| p.ends_with('_'))
    };
    let mut ends: Vec<usize> = child.char_indices().filter(boundary).map(|(i, _)| i).collect();
    ends.push(child.len());
    ends.iter().rev().filter_map(|&end| owners.get(&SchemaKey::new(child.get(..end)?))).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_longest_prefix_at_a_word_boundary() {
        let owners: BTreeSet<SchemaKey> =
            ["edFi_educationOrganization", "edFi_educationOrganizationNetwork", "edFi_school"]
                .map(SchemaKey::new)
                .into();
        let owner = |child| owner(child, &owners).map(SchemaKey::as_str);
        assert_eq!(owner("edFi_educationOrganizationAddress"), Some("edfi_educationorganization"));
        assert_eq!(owner("edFi_educationOrganizationNetworkAddress"), Some("edfi_educationorganizationnetwork"));
        assert_eq!(owner("edFi_schoolGradeLevel"), Some("edfi_school"));
        assert_eq!(owner("EdFi_EducationOrganization_Address"), Some("edfi_educationorganization"));
        assert_eq!(owner("edFi_schooling"), None);
    }
}
