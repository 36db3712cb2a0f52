//! A whole HTTP response, as `curl -i` prints it, or a whole exchange, as `curl -v` does.

use super::body;
use crate::diagnosis::Failure;

/// Whether a text begins like one.
pub(super) fn is(text: &str) -> bool {
    let first = text.lines().find(|line| !line.starts_with(['*', '{', '}'])).unwrap_or_default();
    first.starts_with("HTTP/") || first.starts_with("< HTTP/") || request_line(first).is_some()
}

/// The last response of it: an earlier one is a redirect, a proxy's greeting or `100 Continue`.
pub(super) fn read(text: &str) -> Option<Failure> {
    let mut failure = Failure::new(body(""));
    let (mut status, mut in_headers) = (None, false);
    let mut rest: Vec<&str> = Vec::new();
    let verbose = text.starts_with(['*', '>', '<']);
    for line in text.lines() {
        let received = line.strip_prefix("< ").or_else(|| line.strip_prefix('<').filter(|l| l.trim().is_empty()));
        if let Some((method, target)) = request_line(line) {
            failure.method = Some(method.to_owned());
            failure.resource = Some(target.to_owned());
            continue;
        }
        let chatter = ["* ", "> ", "{ [", "} ["].iter().any(|sign| line.starts_with(sign)) || line.trim_end() == ">";
        if verbose && chatter {
            continue;
        }
        let head = received.unwrap_or(line);
        if let Some(found) = status_line(head) {
            (status, in_headers) = (Some(found), true);
            rest.clear();
        } else if in_headers {
            in_headers = !head.trim().is_empty();
        } else if received.is_none() {
            rest.push(line);
        }
    }
    failure.status = status;
    failure.body = body(&rest.join("\n"));
    status.map(|_| failure)
}

/// `HTTP/1.1 409 Conflict`.
fn status_line(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/")?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// `> POST /data/v3/ed-fi/students HTTP/1.1`.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("> ").unwrap_or(line);
    let mut words = line.split_whitespace();
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let known = matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS");
    (known && version.starts_with("HTTP/") && words.next().is_none()).then_some((method, target))
}
