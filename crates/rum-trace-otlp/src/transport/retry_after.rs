//! The pause that an HTTP answer asks for.

use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName};

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. `None` if
/// there is none that can be read.
pub(super) fn pause(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    seconds(value).or_else(|| {
        // By the clock that the date was made with, if the answer tells it:
        // ours may be wrong.
        let now = text(headers, DATE).and_then(date);
        Some(until(date(value)?, now.unwrap_or_else(SystemTime::now)))
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Digits alone: `parse` would take a sign as well.
fn seconds(value: &str) -> Option<Duration> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| value.parse().ok()).flatten();
    seconds.map(Duration::from_secs)
}

/// Any of the three forms that a recipient must take (RFC 9110, section 5.6.7).
fn date(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value).ok()
}

/// A date that has passed asks for no pause.
fn until(date: SystemTime, now: SystemTime) -> Duration {
    date.duration_since(now).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn headers(retry_after: &'static str, date: Option<&'static str>) -> HeaderMap {
        let date = date.map(|date| (DATE, HeaderValue::from_static(date)));
        let retry_after = (RETRY_AFTER, HeaderValue::from_static(retry_after));
        std::iter::once(retry_after).chain(date).collect()
    }

    #[test]
    fn seconds_and_dates_are_heard() {
        for (value, wanted) in [
            ("7", Some(7)),
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:38 GMT", Some(1)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400)),
            // Now, and long ago.
            (NOW, Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            // The obsolete forms.
            ("Sunday, 06-Nov-94 09:49:37 GMT", Some(3_600)),
            ("Sun Nov  6 09:49:37 1994", Some(3_600)),
            // Far away, and kept whole all the same.
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(252_618_189_022)),
            // Not of either form.
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999999", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Sun, 06 Nov 10000 08:49:37 GMT", None),
            ("1994-11-06T08:49:37Z", None),
        ] {
            let wanted = wanted.map(Duration::from_secs);
            assert_eq!(pause(&headers(value, Some(NOW))), wanted, "{value:?}");
        }
    }

    #[test]
    fn without_the_answers_date_the_clock_serves() {
        for date in [None, Some("yesterday")] {
            let long_ago = headers("Sun, 06 Nov 1994 08:49:37 GMT", date);
            assert_eq!(pause(&long_ago), Some(Duration::ZERO));
            // By a clock that stands before the year 9000.
            let far = pause(&headers("Fri, 31 Dec 9999 23:59:59 GMT", date));
            assert!(far.unwrap() > Duration::from_secs(999 * 365 * 86_400));
        }
    }

    #[test]
    fn text_that_is_no_ascii_is_not_heard() {
        let mut headers = HeaderMap::new();
        assert_eq!(pause(&headers), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(b"\xff7").unwrap());
        assert_eq!(pause(&headers), None);
    }
}
