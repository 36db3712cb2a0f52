//! How the references of the records that failed stand on an API.

use anyhow::bail;
use edfi_plan::diagnosis::cascade::Sent;
use edfi_plan::diagnosis::{Diagnoser, Failure};
use edfi_plan::graph::Authorization;
use edfi_plan::records::{Checklist, Following, Need, ReadOptions, Standing, Unknown};

use super::told::Told;
use super::with_record;
use crate::cli::Context;
use crate::cli::asked::Asked;

/// The most records that the payloads may refer to: each is a question to the API.
const LOOKED_UP: usize = 1000;

/// What the API has of the records that the payloads refer to, and of those that these need in turn: each is
/// asked for once, however many failures wait for it.
pub(super) struct OnServer<'g> {
    list: Checklist<'g, 'g, 'g>,
    /// Of each failure the place of its payload in the list.
    of_each: Vec<Option<usize>>,
}

impl<'g> OnServer<'g> {
    /// Asks for everything in one session, and says what the API does not tell; `quoting` its own words.
    pub(super) fn asked(
        failures: Told<'_>,
        diagnoser: &Diagnoser<'g>,
        records: Option<&Sent<'_, '_>>,
        quoting: bool,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let graph = diagnoser.graph();
        let mut list = Checklist::new(graph, None, Following::default());
        let mut of_each = Vec::new();
        for failure in failures {
            let failure = failure?;
            let failure: &Failure = &with_record(&failure, diagnoser, records);
            let resource = failure.resource.as_deref().and_then(|text| diagnoser.resource(text));
            let added = resource.zip(failure.payload.as_ref()).is_some_and(|(resource, payload)| {
                serde_json::to_vec(payload).is_ok_and(|record| list.add(resource, 0, &record).is_ok())
            });
            of_each.push(added.then(|| list.payloads() - 1));
            if list.records() > LOOKED_UP {
                bail!(
                    "--api: the payloads refer to more than {LOOKED_UP} records, and no more are looked up. Give fewer failures"
                );
            }
        }
        if list.records() == 0 {
            let note = "note: --api: no payload whose references could be looked up; give --payload or --data";
            context.terminal.say(note);
            return Ok(Self { list, of_each });
        }
        let authorization = Authorization::relationships(graph, &[])?;
        context.sources.with_records(&context.terminal, |api| {
            let mut asked = Asked::new(api, graph, &authorization);
            list.follow(&ReadOptions::default(), |needs| asked.look_up(needs))?;
            asked.say(quoting, context);
            Ok(())
        })?;
        let left = list.not_followed();
        if left > 0 {
            let what = if left == 1 { "reference" } else { "references" };
            context.terminal.say(&format!(
                "note: --api: {left} {what} of missing records not looked up: so much was derived from keys"
            ));
        }
        Ok(Self { list, of_each })
    }

    /// Of a failure by its number. What its record lacks is no matter of the server.
    pub(super) fn of(&self, number: usize) -> Vec<Need> {
        let needs = self.of_each.get(number).copied().flatten().map(|payload| self.list.needs_of(payload));
        let of_server = |need: &Need| {
            !matches!(need.standing, Standing::Absent | Standing::Malformed) && need.why != Some(Unknown::NotInKey)
        };
        needs.into_iter().flatten().filter(of_server).collect()
    }
}
