//! How long to wait for a busy API, and how often.

use std::time::{Duration, SystemTime};

/// Statuses that pass: too many requests, and a gateway without a server behind it.
pub(super) fn passes(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// How long to wait before the next try, `tries` having failed: what the server asks for, in seconds or
/// as a date (RFC 9110, section 10.2.3), else 1, 2, 4, 8, … seconds.
pub(super) fn pause(tries: u32, retry_after: Option<&str>, now: SystemTime) -> Duration {
    let asked = retry_after.map(str::trim).and_then(|text| {
        let seconds = text.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or(Duration::ZERO))
        })
    });
    asked.unwrap_or_else(|| Duration::from_secs(1 << tries.saturating_sub(1).min(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honours_what_the_server_asks() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
        let seconds = |tries, header| pause(tries, header, now).as_secs();
        assert_eq!(seconds(1, Some("17")), 17);
        assert_eq!(seconds(1, Some(" Wed, 21 Oct 2026 07:28:30 GMT ")), 30);
        assert_eq!(seconds(1, Some("Wed, 21 Oct 2026 07:00:00 GMT")), 0);
        assert_eq!(seconds(3, Some("soon")), 4);
        assert_eq!([1, 2, 3, 4, 99].map(|tries| seconds(tries, None)), [1, 2, 4, 8, 64]);
        assert_eq!(seconds(1, Some("99999999999999999999999")), 1);
    }
}
