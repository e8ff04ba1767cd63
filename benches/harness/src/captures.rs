//! Headers as a RUM SDK sent them, from the repository's captures.

const BROWSER: &str = include_str!("../../../tests/data/captures/rum-browser-0.0.37.json");

/// The headers of one captured browser request, in the order of the capture.
///
/// # Panics
///
/// If there is no such case: the captures are a part of the repository.
#[must_use]
pub fn browser(case: &str) -> Vec<(String, String)> {
    let captures: serde_json::Value = serde_json::from_str(BROWSER).expect("captures are JSON");
    let captures = captures.as_array().expect("captures are a list");
    let found = captures.iter().find(|capture| capture["case"] == case);
    let headers = found.and_then(|capture| capture["headers"].as_object());
    let headers = headers.expect("the capture is there").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("headers are text").to_owned();
    headers
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}
