"""The references that `check` looks up, as SQL anti-joins, and its duplicate keys, as a GROUP BY; without those in
collections and without descriptors, which spares DuckDB some work.

Usage: python3 duckdb_anti_join.py DIR, a folder of `payloads generate`.

"""

import os
import sys

import duckdb

folder = sys.argv[1]
db = duckdb.connect()

# Resource: its natural key, and each reference with its target, by JSON path.
SECTION = ["localCourseCode", "schoolId", "schoolYear", "sectionIdentifier", "sessionName"]
OFFERING = ["localCourseCode", "schoolId", "schoolYear", "sessionName"]


def within(reference, members):
    return [f"{reference}.{member}" for member in members]


KEYS = {
    "localEducationAgencies": ["localEducationAgencyId"],
    "schools": ["schoolId"],
    "courses": ["courseCode", "educationOrganizationReference.educationOrganizationId"],
    "sessions": ["schoolReference.schoolId", "schoolYearTypeReference.schoolYear", "sessionName"],
    "classPeriods": ["classPeriodName", "schoolReference.schoolId"],
    "courseOfferings": ["localCourseCode", "schoolReference.schoolId", *within("sessionReference", ["schoolYear", "sessionName"])],
    "sections": [*within("courseOfferingReference", ["localCourseCode", "schoolId", "schoolYear"]), "sectionIdentifier", "courseOfferingReference.sessionName"],
    "students": ["studentUniqueId"],
    "staffs": ["staffUniqueId"],
    "staffEducationOrganizationAssignmentAssociations": [
        "beginDate", "educationOrganizationReference.educationOrganizationId", "staffClassificationDescriptor", "staffReference.staffUniqueId"
    ],
    "studentSchoolAssociations": ["entryDate", "schoolReference.schoolId", "studentReference.studentUniqueId"],
    "studentSectionAssociations": ["beginDate", *within("sectionReference", SECTION), "studentReference.studentUniqueId"],
}
REFERENCES = [
    ("localEducationAgencies", ["parentLocalEducationAgencyReference.localEducationAgencyId"], ["localEducationAgencies"]),
    ("schools", ["localEducationAgencyReference.localEducationAgencyId"], ["localEducationAgencies"]),
    ("courses", ["educationOrganizationReference.educationOrganizationId"], ["schools", "localEducationAgencies"]),
    ("sessions", ["schoolReference.schoolId"], ["schools"]),
    ("classPeriods", ["schoolReference.schoolId"], ["schools"]),
    ("courseOfferings", ["schoolReference.schoolId"], ["schools"]),
    ("courseOfferings", within("sessionReference", ["schoolId", "schoolYear", "sessionName"]), ["sessions"]),
    ("courseOfferings", within("courseReference", ["courseCode", "educationOrganizationId"]), ["courses"]),
    ("sections", within("courseOfferingReference", OFFERING), ["courseOfferings"]),
    ("staffEducationOrganizationAssignmentAssociations", ["staffReference.staffUniqueId"], ["staffs"]),
    ("staffEducationOrganizationAssignmentAssociations", ["educationOrganizationReference.educationOrganizationId"], ["schools", "localEducationAgencies"]),
    ("studentSchoolAssociations", ["studentReference.studentUniqueId"], ["students"]),
    ("studentSchoolAssociations", ["schoolReference.schoolId"], ["schools"]),
    ("studentSectionAssociations", ["studentReference.studentUniqueId"], ["students"]),
    ("studentSectionAssociations", within("sectionReference", SECTION), ["sections"]),
]


def value(path):
    return f"json_extract_string(json, '$.{path}')"


# One pass over each file: keys and references as columns.
for resource, key in KEYS.items():
    paths = {f"k{at}": path for at, path in enumerate(key)}
    for number, (of, reference, _) in enumerate(REFERENCES):
        if of == resource:
            paths.update({f"r{number}_{at}": path for at, path in enumerate(reference)})
    columns = ", ".join(f"{value(path)} AS {name}" for name, path in paths.items())
    file = os.path.join(folder, f"{resource}.jsonl")
    db.execute(f"CREATE TABLE {resource} AS SELECT {columns} FROM read_ndjson_objects('{file}')")

findings = 0
for number, (resource, reference, targets) in enumerate(REFERENCES):
    width = range(len(reference))
    columns = ", ".join(f"k{at}" for at in width)
    target = " UNION ALL ".join(f"SELECT {columns} FROM {name}" for name in targets)
    on = " AND ".join(f"t.k{at} = r.r{number}_{at}" for at in width)
    query = f"SELECT count(*) FROM {resource} r ANTI JOIN ({target}) t ON {on} WHERE r.r{number}_0 IS NOT NULL"
    findings += db.execute(query).fetchone()[0]
for resource, key in KEYS.items():
    columns = ", ".join(f"k{at}" for at in range(len(key)))
    query = f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) n FROM {resource} GROUP BY {columns} HAVING n > 1)"
    findings += int(db.execute(query).fetchone()[0])
print(findings)
