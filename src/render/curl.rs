//! A plan of records as a script for bash and curl, which stops at the first request that is refused.
//!
//! The token goes from the shell to curl through a pipe that a builtin writes: arguments of a process can
//! be read by others. Bodies of updates are not in the script but in a file of their own, one a line.

use std::collections::BTreeSet;

use super::text::count;
use crate::plan::delete::DeleteOperation;
use crate::plan::delete::records::{DescribedRecord, SavedPlan};
use crate::records::Whereabouts;

/// What stands above the requests.
const HEAD: &str = r#"set -euo pipefail
umask 077

token=${EDFI_API_TOKEN:-}
# curl does not need it in its environment.
unset EDFI_API_TOKEN
if [ -z "$token" ]; then
  read -rsp 'Token: ' token
  echo >&2
fi
case $token in
  '' | *[!A-Za-z0-9._~+/=-]*) echo 'no token: set EDFI_API_TOKEN' >&2; exit 2 ;;
esac

# send METHOD PATH ETAG [OPTION…]
send() {
  local method=$1 path=$2 etag=$3 failed='' answer status body why
  shift 3
  if [ -n "$etag" ]; then
    set -- --header "If-Match: $etag" "$@"
  fi
  answer=$(printf 'Authorization: Bearer %s\n' "$token" |
    curl -q --silent --show-error --fail-with-body --globoff --max-time 300 --write-out '\n%{http_code}' \
      --header @- --request "$method" "$@" --url "$data/$path") || failed='failed '
  status=${answer##*$'\n'}
  body=${answer%"$status"}
  case $failed$status in
    2??) return ;;
  esac
  case $status in
    2??) why='the answer broke off, so nobody knows whether it is done' ;;
    3??) why='it is said to be elsewhere; check the address of the API' ;;
    000) why='no answer, so nobody knows whether it is done' ;;
    401) why='the token is not taken; get a new one' ;;
    403) why='these credentials may not do that' ;;
    404) why='it is not there any more; plan again' ;;
    409) why='something still refers to it; plan again' ;;
    412) why='it was written since it was planned; plan again' ;;
    *) why='the API did not do it' ;;
  esac
  # Without the line end that stands before the status.
  if [ -n "${body%$'\n'}" ]; then
    printf '%s\n' "${body%$'\n'}" >&2
  fi
  echo "stopped at $method $path: $status, $why. All requests before it are done." >&2
  exit 1
}

remove() {
  send DELETE "$1" "${2:-}"
}
"#;

/// For plans with clears.
const UPDATE: &str = r#"
# update LINE PATH [ETAG]: sends a line of the file of bodies.
update() {
  send PUT "$2" "${3:-}" --header 'Content-Type: application/json' --data-binary @<(sed -n "${1}p" "$bodies")
}
if [ ! -r "$bodies" ]; then
  echo "$bodies: the bodies of the updates are not there" >&2
  exit 2
fi
"#;

/// The script of a plan. Line *n* of `bodies` is the body of the *n*th clear; without clears there are none.
///
/// Nothing in a plan can become anything but data of the script: a saved plan was checked when it was read,
/// and what is not checked stands in quotes.
#[must_use]
pub fn curl(saved: &SavedPlan, bodies: Option<&str>) -> String {
    let records = &saved.plan.records;
    let waves = records.last().map_or(0, |record| record.wave);
    let clears = records.iter().filter(|record| record.operation == DeleteOperation::Clear).count();
    let mut script = String::from("#!/usr/bin/env bash\n");
    let mut comment = |text: &str| {
        script.push_str("# ");
        script.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        script.push('\n');
    };
    let (requests, waves_in_all) = (count(records.len(), "request", "requests"), count(waves, "wave", "waves"));
    comment(&format!("{requests} in {waves_in_all}. Deletes what edfi-plan has planned to delete, and"));
    comment("stops at the first request that is refused. Needs bash and curl 7.76 or later.");
    comment("The token is taken from EDFI_API_TOKEN, or asked for.");
    comment(&format!("Planned with {} ({}).", saved.metadata.name, saved.metadata.fingerprint));
    if !saved.plan.complete {
        comment("The plan is not complete: a request may be refused because of records it does not have.");
    }
    if clears > 0 {
        let bodies = count(clears, "whole record", "whole records");
        comment(&format!("The file of bodies holds {bodies}, data of students: remove it afterwards."));
    }
    script.push_str(HEAD);
    script.push_str(&format!("data={}\n", quoted(saved.api.trim_end_matches('/'))));
    if clears > 0 {
        script.push_str(&format!("bodies={}\n", quoted(bodies.unwrap_or_default())));
        script.push_str(UPDATE);
    }
    let mut line = 0;
    let mut wave = 0;
    let mut cleared: BTreeSet<&DescribedPlace<'_>> = BTreeSet::new();
    let places: Vec<Option<DescribedPlace<'_>>> = records.iter().map(place).collect();
    for (record, place) in records.iter().zip(&places) {
        let Some(at @ (_, id, etag)) = place else { continue };
        if record.wave != wave {
            wave = record.wave;
            script.push_str(&format!("\necho 'wave {wave} of {waves}' >&2\n"));
        }
        let path = quoted(&format!("{}/{id}", record.resource.as_str().trim_start_matches('/')));
        let tag = etag.map(|etag| format!(" {}", quoted(etag))).unwrap_or_default();
        match record.operation {
            DeleteOperation::Clear => {
                line += 1;
                cleared.insert(at);
                script.push_str(&format!("update {line} {path}{tag}\n"));
            }
            // The clear has made another version of it.
            DeleteOperation::Delete if cleared.contains(at) => script.push_str(&format!("remove {path}\n")),
            DeleteOperation::Delete => script.push_str(&format!("remove {path}{tag}\n")),
        }
    }
    script.push_str("\necho 'done' >&2\n");
    script
}

/// Resource, id and version of a record.
type DescribedPlace<'r> = (&'r str, &'r str, Option<&'r str>);

fn place(record: &DescribedRecord) -> Option<DescribedPlace<'_>> {
    match &record.at {
        Whereabouts::Server { id, etag } => Some((record.resource.as_str(), id, etag.as_deref())),
        Whereabouts::File(_) | Whereabouts::Outside { .. } => None,
    }
}

/// A word of a shell that means itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_means_itself() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("'; rm -rf ~; '"), r"''\''; rm -rf ~; '\'''");
        assert_eq!(quoted("$(x)`y`\\\n"), "'$(x)`y`\\\n'");
    }

    #[test]
    fn what_the_plan_changes_itself_is_deleted_whatever_its_version() {
        let record = |wave: usize, operation: &str, id: &str| {
            serde_json::json!({"wave": wave, "resource": "/ed-fi/credentials", "operation": operation, "key": {},
                "id": id, "etag": "7", "reason": []})
        };
        let plan = serde_json::json!({"schema": "edfi-plan/delete-records/1", "api": "https://h/data/v3/",
            "metadata": {"name": "a\nb", "fingerprint": "f"}, "optional": "clear", "complete": true, "counts": [],
            "notInStore": [], "warnings": [],
            "records": [record(1, "clear", "a"), record(1, "clear", "b"), record(2, "delete", "b"), record(2, "delete", "c")]});
        let saved = SavedPlan::read(plan.to_string().as_bytes()).unwrap();
        let script = curl(&saved, Some("it's here"));
        let requests: Vec<&str> =
            script.lines().filter(|line| line.starts_with("update ") || line.starts_with("remove ")).collect();
        assert_eq!(
            requests,
            [
                "update 1 'ed-fi/credentials/a' '7'",
                "update 2 'ed-fi/credentials/b' '7'",
                "remove 'ed-fi/credentials/b'",
                "remove 'ed-fi/credentials/c' '7'",
            ]
        );
        assert!(script.contains("bodies='it'\\''s here'\n") && script.contains("# Planned with a b (f).\n"));
    }
}
