//! A whole HTTP response, as `curl -i` prints it, or a whole exchange, as `curl -v` does.

use super::body;
use crate::diagnosis::Failure;

/// Whether a text begins like one.
pub(super) fn is(text: &str) -> bool {
    let first = text.lines().find(|line| !line.starts_with(['*', '{', '}'])).unwrap_or_default();
    first.starts_with("HTTP/") || first.starts_with("< HTTP/") || request_line(first).is_some()
}

/// The responses of it, each with the request before it; with the line of each where there are several. What
/// only leads to the next one is none of its own: a redirect, `100 Continue`, a proxy's greeting, and a
/// refusal without a body that asks for credentials.
pub(super) fn read(text: &str) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let (mut request, mut in_headers) = (None, false);
    let mut open: Option<(u16, Failure)> = None;
    let mut rest: Vec<&str> = Vec::new();
    let verbose = text.starts_with(['*', '>', '<']);
    for (number, line) in
        text.lines().enumerate().flat_map(|(number, line)| parts(line).map(move |part| (number, part)))
    {
        let received = line.strip_prefix("< ").or_else(|| line.strip_prefix('<').filter(|l| l.trim().is_empty()));
        if let Some((method, target)) = request_line(line) {
            request = Some((method.to_owned(), target.to_owned()));
            continue;
        }
        let chatter = ["* ", "> ", "{ [", "} ["].iter().any(|sign| line.starts_with(sign)) || line.trim_end() == ">";
        if verbose && chatter {
            continue;
        }
        let head = received.unwrap_or(line);
        if let Some(status) = status_line(head) {
            failures.extend(open.take().and_then(|(status, failure)| before_another(status, failure, &rest)));
            rest.clear();
            in_headers = true;
            let mut failure = Failure::new(body(""));
            (failure.method, failure.resource) = request.clone().unzip();
            failure.status = Some(status);
            failure.place.line = Some(number + 1);
            open = Some((status, failure));
        } else if in_headers {
            in_headers = !head.trim().is_empty();
        } else if received.is_none() {
            rest.push(line);
        }
    }
    failures.extend(open.map(|(_, failure)| Failure { body: body(&rest.join("\n")), ..failure }));
    if let [only] = failures.as_mut_slice() {
        only.place.line = None;
    }
    failures
}

/// A response that another one follows, unless it only leads there.
fn before_another(status: u16, failure: Failure, rest: &[&str]) -> Option<Failure> {
    let silent = rest.iter().all(|line| line.trim().is_empty());
    let leads_on = status < 400 || (matches!(status, 401 | 407) && silent);
    (!leads_on).then(|| Failure { body: body(&rest.join("\n")), ..failure })
}

/// A line, and the response that stands behind the body it ends with: curl writes no line break after a body.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let ends_body = |at: &usize| line.get(..*at).is_some_and(|before| before.ends_with(['}', ']', '>']));
    let begins = |at: &usize| line.get(*at..).and_then(status_line).is_some();
    let behind = line.match_indices("HTTP/").map(|(at, _)| at).find(|at| ends_body(at) && begins(at));
    let (first, behind) = behind.and_then(|at| line.split_at_checked(at)).map_or((line, None), |(a, b)| (a, Some(b)));
    [first].into_iter().chain(behind)
}

/// `HTTP/1.1 409 Conflict`. Looks no further than the next word: a line may hold any number of beginnings.
fn status_line(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/")?;
    let version = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (_, rest) = rest.split_at_checked(version)?;
    let status = rest.strip_prefix([' ', '\t'])?.trim_start();
    status.split_whitespace().next()?.parse().ok()
}

/// `> POST /data/v3/ed-fi/students HTTP/1.1`.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("> ").unwrap_or(line);
    let mut words = line.split_whitespace();
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let known = matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS");
    (known && version.starts_with("HTTP/") && words.next().is_none()).then_some((method, target))
}
