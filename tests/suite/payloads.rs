//! Folders of records that are consistent but for known mistakes, of any size and in tricky forms.
//!
//! Independent of the code under test: it knows a dozen resources of Data Standard 5.0 by heart and
//! keeps its own account of every mistake. The same folders, larger, are what the benchmarks read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};

/// A mistake and where it is: file, line and whatever tells it from others.
pub(crate) type Mistake = (String, u64, String);

/// What is wrong with a folder.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) records: u64,
    pub(crate) references: u64,
    /// With path.
    pub(crate) unresolved: BTreeSet<Mistake>,
    /// With `same` or `differs`.
    pub(crate) duplicates: BTreeSet<Mistake>,
    /// With path.
    pub(crate) descriptors: BTreeSet<Mistake>,
    /// With path.
    pub(crate) missing_fields: BTreeSet<Mistake>,
    /// With the field's path.
    pub(crate) conflicting: BTreeSet<Mistake>,
    /// With the code of the flaw.
    pub(crate) invalid: BTreeSet<Mistake>,
    /// Person resource.
    pub(crate) without_pathway: BTreeSet<Mistake>,
    /// Records in a circle of references to their own kind.
    pub(crate) circles: u64,
}

/// How large a folder is and how much of it is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) seed: u64,
    pub(crate) students: u64,
    /// One record in so many has a mistake; 0 for none.
    pub(crate) mistakes: u64,
    /// Records that refer to each other in a circle.
    pub(crate) circles: u64,
    /// Escapes, member order, line ends, file forms.
    pub(crate) tricky: bool,
}

/// A small generator of random numbers, the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }
}

/// Where records go.
pub(crate) trait Out {
    fn file(&mut self, name: &str, bytes: &[u8]);
}

impl Out for BTreeMap<String, Vec<u8>> {
    fn file(&mut self, name: &str, bytes: &[u8]) {
        self.entry(name.to_owned()).or_default().extend_from_slice(bytes);
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Array,
    GzipLines,
}

/// One file that is being written; large ones go out in pieces.
struct Writing<'o, O: Out> {
    out: &'o mut O,
    name: String,
    form: Form,
    line: u64,
    buffer: Vec<u8>,
    begun: bool,
    line_end: &'static str,
}

impl<O: Out> Writing<'_, O> {
    /// Writes one record and says on which line it starts.
    fn record(&mut self, text: &str) -> u64 {
        if self.form == Form::Array {
            let separator = if self.begun { "," } else { "[" };
            self.buffer.extend_from_slice(separator.as_bytes());
            self.buffer.extend_from_slice(self.line_end.as_bytes());
            self.line += 1;
        }
        self.begun = true;
        let line = self.line;
        self.buffer.extend_from_slice(text.as_bytes());
        self.line += text.matches('\n').count() as u64;
        if self.form != Form::Array {
            self.buffer.extend_from_slice(self.line_end.as_bytes());
            self.line += 1;
        }
        if self.buffer.len() > 1 << 20 && self.form != Form::GzipLines {
            self.out.file(&self.name, &self.buffer);
            self.buffer.clear();
        }
        line
    }

    fn finish(mut self) {
        match self.form {
            Form::Array => self.buffer.extend_from_slice(if self.begun { b"\n]\n" } else { b"[]" }),
            Form::Lines => {}
            Form::GzipLines => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&self.buffer).unwrap();
                self.buffer = gzip.finish().unwrap();
            }
        }
        self.out.file(&self.name, &self.buffer);
    }
}

/// Writes a folder and accounts for it.
pub(crate) fn generate(recipe: Recipe, out: &mut impl Out) -> Truth {
    Generator { recipe, random: Random::new(recipe.seed), truth: Truth::default() }.run(out)
}

struct Generator {
    recipe: Recipe,
    random: Random,
    truth: Truth,
}

/// Sections of a school: some 300 students in four sections each make thirty a section.
const SECTIONS: u64 = 40;

const GRADES: [&str; 4] = ["First grade", "Grade Ünô", "Twelfth \"grade\"", "Kindergarten"];

impl Generator {
    fn agencies(&self) -> u64 {
        self.recipe.students / 400 + 4
    }

    fn schools(&self) -> u64 {
        self.recipe.students / 300 + 3
    }

    fn agency(i: u64) -> u64 {
        255_000 + i
    }

    fn school(i: u64) -> u64 {
        255_901_000_000 + i
    }

    fn student(&self, i: u64) -> String {
        format!("{}{i:07}", if i.is_multiple_of(5) { "stü" } else { "605" })
    }

    fn course(i: u64) -> String {
        format!("ALG/{i}")
    }

    fn session(i: u64) -> String {
        format!("Fall \u{2013} {i}")
    }

    fn section_of(&self, i: u64) -> Value {
        let school = i % self.schools();
        let mut key = self.offering_of(i % (self.schools() * 4));
        key["schoolId"] = json!(Self::school(school));
        key["sectionIdentifier"] = json!(format!("{i:04}-S"));
        key
    }

    fn sections(&self) -> u64 {
        self.schools() * SECTIONS
    }

    /// Offering i is of school i mod schools; there are four a school.
    fn offering_of(&self, i: u64) -> Value {
        let school = i % self.schools();
        json!({"localCourseCode": Self::course(i / self.schools() % 2), "schoolId": Self::school(school),
               "schoolYear": 2026, "sessionName": Self::session(i / self.schools() / 2 % 2)})
    }

    fn grade(&mut self) -> String {
        let grade = GRADES[self.random.below(4) as usize];
        let uri = format!("uri://ed-fi.org/GradeLevelDescriptor#{grade}");
        if self.recipe.tricky && self.random.one_in(6) { uri.to_uppercase() } else { uri }
    }

    fn run(mut self, out: &mut impl Out) -> Truth {
        self.descriptors(out);
        self.agencies_and_schools(out);
        self.courses_to_sections(out);
        self.people(out);
        self.enrollments(out);
        self.truth
    }

    fn open<'o, O: Out>(&mut self, out: &'o mut O, spellings: &[&str]) -> Writing<'o, O> {
        let tricky = self.recipe.tricky;
        let spelling =
            if tricky { spellings[self.random.below(spellings.len() as u64) as usize] } else { spellings[0] };
        let form = match if tricky { self.random.below(4) } else { 0 } {
            0 | 1 => Form::Lines,
            2 => Form::Array,
            _ => Form::GzipLines,
        };
        let ending = match form {
            Form::Lines if tricky && self.random.one_in(3) => "ndjson",
            Form::Lines => "jsonl",
            Form::Array => "json",
            Form::GzipLines => "jsonl.gz",
        };
        let line_end = if tricky && self.random.one_in(3) { "\r\n" } else { "\n" };
        let name = format!("{spelling}.{ending}");
        Writing { out, name, form, line: 1, buffer: Vec::new(), begun: false, line_end }
    }

    /// Writes a record in whatever form the dice say.
    fn put<O: Out>(&mut self, file: &mut Writing<'_, O>, record: &Value) -> (String, u64) {
        if self.recipe.tricky && file.form != Form::Array && self.random.one_in(9) {
            // A blank line is no record.
            file.buffer.extend_from_slice(b"  ");
            file.buffer.extend_from_slice(file.line_end.as_bytes());
            file.line += 1;
        }
        let mut text = String::new();
        let pretty = file.form == Form::Array && self.random.one_in(2);
        write_json(&mut text, record, &mut self.random, self.recipe.tricky, pretty);
        self.truth.records += 1;
        let line = file.record(&text);
        (file.name.clone(), line)
    }

    /// Writes something that is no record, or a record that no server reads twice the same way.
    fn put_garbage<O: Out>(&mut self, file: &mut Writing<'_, O>) {
        let kinds: [(&str, &str, bool); 9] = [
            ("not json", "not-json", false),
            ("{\"studentUniqueId\":\"x", "cut-off", false),
            ("[1,2]", "not-an-object", false),
            ("\"text\"", "not-an-object", false),
            ("{\"a\":1,}", "not-json", false),
            ("{\"a\":\"\u{0}\"}", "control-character", false),
            ("{\"a\":\"tab\there\"}", "control-character", false),
            ("{\"a\":01}", "not-json", false),
            ("{'a':1}", "not-json", false),
        ];
        let (text, code, _) = kinds[self.random.below(9) as usize];
        if file.form == Form::Array {
            return;
        }
        let line = file.record(text);
        self.truth.invalid.insert((file.name.clone(), line, code.to_owned()));
    }

    fn mistaken(&mut self) -> bool {
        self.random.one_in(self.recipe.mistakes)
    }

    fn descriptors(&mut self, out: &mut impl Out) {
        let mut file =
            self.open(out, &["gradeLevelDescriptors", "descriptors/GradeLevelDescriptor", "edfi.GradeLevelDescriptor"]);
        for grade in GRADES {
            let record = json!({"namespace": "uri://ed-fi.org/GradeLevelDescriptor", "codeValue": grade, "shortDescription": grade});
            self.put(&mut file, &record);
        }
        file.finish();
    }

    fn agencies_and_schools(&mut self, out: &mut impl Out) {
        let mut file =
            self.open(out, &["localEducationAgencies", "ed-fi/localEducationAgencies", "LocalEducationAgency"]);
        let agencies = self.agencies();
        for i in 0..agencies {
            let mut record = json!({"localEducationAgencyId": Self::agency(i), "nameOfInstitution": format!("Agency {i}"),
                "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
                "categories": [{"educationOrganizationCategoryDescriptor": "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#Local Education Agency"}]});
            // A chain whose parents stand behind their children.
            if i + 1 < agencies {
                let parent = if self.recipe.tricky && self.random.one_in(2) {
                    json!(Self::agency(i + 1).to_string())
                } else {
                    json!(Self::agency(i + 1))
                };
                record["parentLocalEducationAgencyReference"] =
                    json!({"localEducationAgencyId": parent, "link": {"rel": "x", "href": "/y"}});
                self.truth.references += 1;
            }
            let broken = i + 1 < agencies && self.mistaken();
            if broken {
                record["parentLocalEducationAgencyReference"]["localEducationAgencyId"] = json!(9_000_000 + i);
            }
            let (name, line) = self.put(&mut file, &record);
            if broken {
                self.truth.unresolved.insert((name, line, "$.parentLocalEducationAgencyReference".into()));
            }
        }
        for circle in 0..self.recipe.circles {
            let length = 1 + self.random.below(4);
            for i in 0..length {
                let id = 800_000 + circle * 10 + i;
                let parent = 800_000 + circle * 10 + (i + 1) % length;
                let record = json!({"localEducationAgencyId": id, "nameOfInstitution": "Round", "categories": [],
                    "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
                    "parentLocalEducationAgencyReference": {"localEducationAgencyId": parent}});
                self.put(&mut file, &record);
                self.truth.references += 1;
            }
            self.truth.circles += 1;
        }
        file.finish();

        let mut file = self.open(out, &["schools", "schools/part-01", "Schools", "edFi_school"]);
        for i in 0..self.schools() {
            let mut record = json!({"schoolId": Self::school(i), "nameOfInstitution": format!("Schule {i} \u{1F3EB}"),
                "educationOrganizationCategories": [{"educationOrganizationCategoryDescriptor": "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"}],
                "gradeLevels": [{"gradeLevelDescriptor": self.grade()}, {"gradeLevelDescriptor": self.grade()}],
                "localEducationAgencyReference": {"localEducationAgencyId": Self::agency(i % agencies)}});
            self.truth.references += 1;
            let (broken, unknown) = (self.mistaken(), self.mistaken());
            if broken {
                record["localEducationAgencyReference"]["localEducationAgencyId"] = json!(9_100_000 + i);
            }
            if unknown {
                record["gradeLevels"][1]["gradeLevelDescriptor"] =
                    json!("uri://ed-fi.org/GradeLevelDescriptor#Grade 99");
            }
            let (name, line) = self.put(&mut file, &record);
            if broken {
                self.truth.unresolved.insert((name.clone(), line, "$.localEducationAgencyReference".into()));
            }
            if unknown {
                self.truth.descriptors.insert((name, line, "$.gradeLevels[1].gradeLevelDescriptor".into()));
            }
        }
        file.finish();
    }

    fn courses_to_sections(&mut self, out: &mut impl Out) {
        let schools = self.schools();
        let mut file = self.open(out, &["courses", "Course", "ed-fi/courses/all"]);
        for i in 0..schools * 2 {
            // Agencies and schools alike satisfy a reference to an education organization.
            let school = i % schools;
            let record = json!({"courseCode": Self::course(i / schools), "courseTitle": "Algebra", "numberOfParts": 1,
                "identificationCodes": [], "educationOrganizationReference": {"educationOrganizationId": Self::school(school)}});
            self.truth.references += 1;
            self.put(&mut file, &record);
        }
        file.finish();
        let mut file = self.open(out, &["sessions", "edfi.Session"]);
        for i in 0..schools * 2 {
            let record = json!({"sessionName": Self::session(i / schools), "schoolReference": {"schoolId": Self::school(i % schools)},
                "schoolYearTypeReference": {"schoolYear": if self.recipe.tricky { json!("2026") } else { json!(2026) }},
                "beginDate": "2025-08-20", "endDate": "2025-12-20", "termDescriptor": "uri://ed-fi.org/TermDescriptor#Fall",
                "totalInstructionalDays": 80});
            self.truth.references += 2;
            self.put(&mut file, &record);
        }
        file.finish();
        let mut file = self.open(out, &["classPeriods", "ClassPeriod"]);
        for i in 0..schools * 3 {
            let record = json!({"classPeriodName": format!("P{}", i / schools), "schoolReference": {"schoolId": Self::school(i % schools)}});
            self.truth.references += 1;
            self.put(&mut file, &record);
        }
        file.finish();
        let mut file = self.open(out, &["courseOfferings", "edFi_courseOffering"]);
        for i in 0..schools * 4 {
            let key = self.offering_of(i);
            let mut record = json!({"localCourseCode": key["localCourseCode"], "schoolReference": {"schoolId": key["schoolId"]},
                "sessionReference": {"schoolId": key["schoolId"], "schoolYear": 2026, "sessionName": key["sessionName"]},
                "courseReference": {"courseCode": key["localCourseCode"], "educationOrganizationId": key["schoolId"]}});
            self.truth.references += 3;
            let broken = self.mistaken();
            if broken {
                record["courseReference"]["courseCode"] = json!(format!("none-{i}"));
            }
            let (name, line) = self.put(&mut file, &record);
            if broken {
                self.truth.unresolved.insert((name, line, "$.courseReference".into()));
            }
            if self.mistaken() {
                // Both references hold, but do not name the same school.
                let mut conflict = record.clone();
                conflict["localCourseCode"] = json!(format!("conflict-{i}"));
                conflict["courseReference"] =
                    json!({"courseCode": Self::course(0), "educationOrganizationId": Self::school(0)});
                conflict["schoolReference"]["schoolId"] = json!(Self::school((i + 1) % schools));
                self.truth.references += 3;
                let (name, line) = self.put(&mut file, &conflict);
                self.truth.conflicting.insert((
                    name,
                    line,
                    "$.schoolReference.schoolId $.sessionReference.schoolId".into(),
                ));
            }
        }
        file.finish();
        let mut file = self.open(out, &["sections", "Section", "ed-fi/Sections"]);
        for i in 0..self.sections() {
            let mut offering = self.section_of(i);
            let identifier = offering["sectionIdentifier"].take();
            offering.as_object_mut().unwrap().remove("sectionIdentifier");
            let school = offering["schoolId"].clone();
            let mut record = json!({"sectionIdentifier": identifier, "courseOfferingReference": offering,
                "classPeriods": [{"classPeriodReference": {"classPeriodName": "P0", "schoolId": school}},
                                 {"classPeriodReference": {"classPeriodName": "P2", "schoolId": school}}],
                "offeredGradeLevels": [{"gradeLevelDescriptor": self.grade()}], "officialAttendancePeriod": true,
                "availableCredits": 1.0, "sequenceOfCourse": 1, "mediumOfInstructionDescriptor":
                    "uri://ed-fi.org/MediumOfInstructionDescriptor#Face-to-face instruction"});
            self.truth.references += 3;
            let broken = self.mistaken();
            if broken {
                record["classPeriods"][1]["classPeriodReference"]["classPeriodName"] = json!("P9");
            }
            let (name, line) = self.put(&mut file, &record);
            if broken {
                self.truth.unresolved.insert((name, line, "$.classPeriods[1].classPeriodReference".into()));
            }
        }
        file.finish();
    }

    fn people(&mut self, out: &mut impl Out) {
        let mut file = self.open(out, &["students", "Student", "ed-fi/students/a", "edfi.Student"]);
        for i in 0..self.recipe.students {
            let mut record = json!({"studentUniqueId": self.student(i), "firstName": "Zoë", "lastSurname": "O\u{2019}Neil \\ \"Z\"",
                "birthDate": "2012-02-29", "birthCity": "Grand Bend", "middleName": "Maria", "generationCodeSuffix": "Jr.",
                "birthSexDescriptor": "uri://ed-fi.org/SexDescriptor#Female", "multipleBirthStatus": false,
                "birthStateAbbreviationDescriptor": "uri://ed-fi.org/StateAbbreviationDescriptor#TX", "extra": {"nested": [1, 2.5e3, null, true, {"studentUniqueId": "no"}]}});
            let wrong = self.mistaken();
            let missing = self.mistaken();
            if wrong {
                record["birthDate"] = json!("29.02.2012");
            }
            if missing {
                record["lastSurname"] = Value::Null;
            }
            let (name, line) = self.put(&mut file, &record);
            if wrong {
                self.truth.missing_fields.insert((name.clone(), line, "$.birthDate".into()));
            }
            if missing {
                self.truth.missing_fields.insert((name.clone(), line, "$.lastSurname".into()));
            }
            if self.mistaken() {
                self.put_garbage(&mut file);
            }
            if self.mistaken() {
                // Never enrolled.
                let record = json!({"studentUniqueId": format!("lonely-{i}"), "firstName": "A", "lastSurname": "B", "birthDate": "2012-01-01"});
                let (name, line) = self.put(&mut file, &record);
                self.truth.without_pathway.insert((name, line, "/ed-fi/students".into()));
            }
        }
        file.finish();
        let staffs = self.recipe.students / 20 + 1;
        let mut file = self.open(out, &["staffs", "Staff"]);
        for i in 0..staffs {
            let record = json!({"staffUniqueId": format!("T{i}"), "firstName": "S", "lastSurname": "T"});
            self.put(&mut file, &record);
        }
        file.finish();
        let mut file = self.open(out, &["staffEducationOrganizationAssignmentAssociations"]);
        for i in 0..staffs {
            let organization =
                if i.is_multiple_of(2) { Self::agency(i % self.agencies()) } else { Self::school(i % self.schools()) };
            let record = json!({"staffReference": {"staffUniqueId": format!("T{i}")},
                "educationOrganizationReference": {"educationOrganizationId": organization},
                "staffClassificationDescriptor": "uri://ed-fi.org/StaffClassificationDescriptor#Teacher", "beginDate": "2025-08-01"});
            self.truth.references += 2;
            self.put(&mut file, &record);
        }
        file.finish();
    }

    fn enrollments(&mut self, out: &mut impl Out) {
        let mut file = self.open(out, &["studentSchoolAssociations", "ed-fi/studentSchoolAssociation"]);
        for i in 0..self.recipe.students {
            let mut record = json!({"studentReference": {"studentUniqueId": self.student(i)},
                "schoolReference": {"schoolId": Self::school(i % self.schools())}, "entryDate": "2025-08-20",
                "entryGradeLevelDescriptor": self.grade(), "primarySchool": true, "repeatGradeIndicator": false,
                "entryTypeDescriptor": "uri://ed-fi.org/EntryTypeDescriptor#Transfer from a public school",
                "residencyStatusDescriptor": "uri://ed-fi.org/ResidencyStatusDescriptor#Resident of the district",
                "fullTimeEquivalency": 1.0});
            self.truth.references += 2;
            let unknown = self.mistaken();
            if unknown {
                record["entryGradeLevelDescriptor"] = json!("uri://elsewhere.org/GradeLevelDescriptor#First grade");
            }
            let (name, line) = self.put(&mut file, &record);
            if unknown {
                self.truth.descriptors.insert((name, line, "$.entryGradeLevelDescriptor".into()));
            }
            if self.mistaken() {
                self.truth.references += 2;
                let differs = self.random.one_in(2);
                if differs {
                    record["exitWithdrawDate"] = json!("2026-01-01");
                }
                let spelled = if self.recipe.tricky { "2025-08-20T00:00:00" } else { "2025-08-20" };
                if differs {
                    record["entryDate"] = json!(spelled);
                }
                let (name, line) = self.put(&mut file, &record);
                let how = if differs { "differs" } else { "same" };
                self.truth.duplicates.insert((name.clone(), line, how.into()));
                if unknown {
                    self.truth.descriptors.insert((name, line, "$.entryGradeLevelDescriptor".into()));
                }
            }
        }
        file.finish();
        let mut file = self.open(out, &["studentSectionAssociations", "StudentSectionAssociation"]);
        for i in 0..self.recipe.students * 4 {
            let student = i / 4;
            // Section s is of school s mod schools; a student has four of the school enrolled in.
            let nth = (student / self.schools() * 4 + i % 4) % SECTIONS;
            let section = student % self.schools() + self.schools() * nth;
            let mut record = json!({"studentReference": {"studentUniqueId": self.student(student), "link": {"rel": "Student",
                    "href": format!("/ed-fi/students/{:016x}{student:016x}", student.wrapping_mul(0x9e37_79b9_7f4a_7c15))}},
                "sectionReference": self.section_of(section), "beginDate": format!("2025-08-{:02}", 10 + i % 4),
                "endDate": "2025-12-20",
                "homeroomIndicator": i % 3 == 0, "teacherStudentDataLinkExclusion": false,
                "repeatIdentifierDescriptor": "uri://ed-fi.org/RepeatIdentifierDescriptor#Not repeated",
                "programs": []});
            self.truth.references += 2;
            let (no_student, no_section) = (self.mistaken(), self.mistaken());
            if no_student {
                record["studentReference"]["studentUniqueId"] = json!(format!("missing-{}", i / 40));
            }
            if no_section {
                record["sectionReference"]["sectionIdentifier"] = json!(format!("missing-{i}"));
            }
            let (name, line) = self.put(&mut file, &record);
            if no_student {
                self.truth.unresolved.insert((name.clone(), line, "$.studentReference".into()));
            }
            if no_section {
                self.truth.unresolved.insert((name, line, "$.sectionReference".into()));
            }
        }
        file.finish();
    }
}

/// Writes JSON with members in random order, escapes of all kinds and useless blanks.
fn write_json(out: &mut String, value: &Value, random: &mut Random, tricky: bool, pretty: bool) {
    let blank = |out: &mut String, random: &mut Random| {
        if pretty && random.one_in(2) {
            out.push_str("\n  ");
        } else if tricky && random.one_in(4) {
            out.push(' ');
        }
    };
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            if tricky {
                for i in (1..members.len()).rev() {
                    members.swap(i, random.below(i as u64 + 1) as usize);
                }
            }
            out.push('{');
            for (i, (name, value)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                blank(out, random);
                write_text(out, name, random, tricky);
                blank(out, random);
                out.push(':');
                blank(out, random);
                write_json(out, value, random, tricky, pretty);
            }
            blank(out, random);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                blank(out, random);
                write_json(out, item, random, tricky, pretty);
            }
            out.push(']');
        }
        Value::String(text) => write_text(out, text, random, tricky),
        other => write!(out, "{other}").unwrap(),
    }
}

fn write_text(out: &mut String, text: &str, random: &mut Random, tricky: bool) {
    let escape_all = tricky && random.one_in(12);
    out.push('"');
    for c in text.chars() {
        let escape = escape_all || (tricky && !c.is_ascii() && random.one_in(2));
        if escape && c != '"' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                if random.one_in(2) {
                    write!(out, "\\u{unit:04x}").unwrap()
                } else {
                    write!(out, "\\u{unit:04X}").unwrap()
                }
            }
            continue;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' if tricky && random.one_in(2) => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
}
